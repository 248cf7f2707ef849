"""Logins: a random token in a cookie, of which only a hash is stored; so a login can be ended from anywhere at once."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.engine import Connection

from milia.staff.settings import StaffSettings
from milia.staff.users import Role
from milia.storage.database import Database
from milia.storage.tables import staff_session, staff_user

# The time of the last request is written at most so often.
_NOTE_SECONDS = 30


@dataclass(frozen=True)
class Login:
    """A login in force.

    Attributes:
        user, role: whose.
        csrf: the token that requests which change something must carry.
        expires_at: seconds since 1970.
        key: the stored hash of the cookie's token.
    """

    user: str
    role: Role
    csrf: str
    expires_at: float
    key: str


class Sessions:
    """All logins.

    Args:
        database: where they are.
        settings: how long one holds.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, settings: StaffSettings, clock: Callable[[], float] = time.time) -> None:
        self._database, self._settings, self._clock = database, settings, clock

    async def begin(self, user: str, role: Role) -> tuple[str, Login]:
        """Log a user in; returns the cookie's value and the login. Expired logins of everybody are removed on the way."""
        token, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._clock()
        key = _key(token)
        row = {"token": key, "user": user, "csrf": csrf, "created_at": now, "seen_at": now}

        def write(connection: Connection) -> None:
            old = or_(
                staff_session.c.seen_at < now - self._settings.idle_seconds,
                staff_session.c.created_at < now - self._settings.longest_seconds,
            )
            connection.execute(delete(staff_session).where(old))
            connection.execute(insert(staff_session).values(**row))

        await self._database.run(write, write=True)
        return token, Login(user, role, csrf, self._end(now, now), key)

    async def read(self, token: str) -> Login | None:
        """Return the login of a cookie, and note that it is in use; None if it is over."""
        if not token or len(token) > 100 or not token.isascii():
            return None
        now, key = self._clock(), _key(token)
        query = (
            select(staff_session, staff_user.c.role)
            .join(staff_user, staff_user.c.name == staff_session.c.user)
            .where(staff_session.c.token == key)
        )
        row = await self._database.run(lambda connection: connection.execute(query).first())
        if row is None or now > self._end(row.created_at, row.seen_at):
            return None
        if now - row.seen_at > min(_NOTE_SECONDS, self._settings.idle_seconds / 4):
            mine = staff_session.c.token == key
            await self._database.run(
                lambda connection: connection.execute(update(staff_session).where(mine).values(seen_at=now)), write=True
            )
        return Login(row.user, Role.from_id(row.role), row.csrf, self._end(row.created_at, now), key)

    async def end(self, login: Login) -> None:
        """Log out."""
        await self._database.run(
            lambda c: c.execute(delete(staff_session).where(staff_session.c.token == login.key)), write=True
        )

    def _end(self, created: float, seen: float) -> float:
        return min(seen + self._settings.idle_seconds, created + self._settings.longest_seconds)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
