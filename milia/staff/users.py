"""Who staff are: names, roles, passwords and lockouts. Each method is one transaction of the shared database."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from milia.staff import passwords
from milia.storage.database import Database
from milia.storage.tables import staff_session, staff_user

# After this many wrong passwords a name is locked, each time for longer.
FAILURES = 5
LOCK_SECONDS = (60, 300, 900, 3600)
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Role(IntEnum):
    """What somebody may do; each role may do what the ones before it may."""

    VIEWER = 1
    EDITOR = 2
    ADMIN = 3

    @property
    def id(self) -> str:
        """The role as tables and pages write it."""
        return self.name.lower()

    @classmethod
    def from_id(cls, role: str) -> Role:
        """Return the role with an id such as `editor`.

        Raises:
            UserError: There is none.
        """
        known = {member.id: member for member in cls}
        if role not in known:
            raise UserError(f"unknown role {role!r}; allowed: {', '.join(known)}")
        return known[role]


class UserError(ValueError):
    """What was asked about a user cannot be done; the message says why and what is allowed."""


class UserTaken(UserError):
    """There is a user of that name."""


class LastAdmin(UserError):
    """Somebody has to be left who may add users."""


@dataclass(frozen=True)
class User:
    """Somebody of the staff; times are seconds since 1970."""

    name: str
    role: Role
    created_at: float
    last_seen_at: float | None = None
    locked_until: float | None = None


class Locked(Exception):
    """Too many wrong passwords.

    Attributes:
        seconds: until the next try.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"locked for {seconds} s")
        self.seconds = seconds


class Users:
    """All users.

    Args:
        database: where they are.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    async def any(self) -> bool:
        """Tell whether there is a user at all."""
        return await self._database.run(lambda c: c.execute(select(staff_user.c.name).limit(1)).first() is not None)

    async def all(self) -> list[User]:
        """Return the users by name."""
        rows = await self._database.run(lambda c: c.execute(select(staff_user).order_by(staff_user.c.name)).all())
        return [_user(row) for row in rows]

    async def add(self, name: str, role: Role, password: str) -> User:
        """Add a user.

        Raises:
            UserTaken: The name is taken.
            UserError: The name is not allowed.
            PasswordError: The password is not.
        """
        if not NAME.fullmatch(name):
            raise UserError(f"name {name!r} is not allowed: 1 to 64 of a-z, 0-9, '.', '_', '@', '-', not starting with a sign")
        passwords.check(password, name)
        stored = await asyncio.get_running_loop().run_in_executor(None, passwords.hashed, password)
        now = self._clock()

        def write(connection: Connection) -> bool:
            if connection.execute(select(staff_user.c.name).where(staff_user.c.name == name)).first():
                return False
            connection.execute(
                insert(staff_user).values(name=name, role=role.id, password=stored, created_at=now, failures=0)
            )
            return True

        if not await self._database.run(write, write=True):
            raise UserTaken(f"there is a user {name!r} already")
        return User(name, role, now)

    async def change(self, name: str, role: Role | None = None, password: str | None = None, unlock: bool = False) -> User:
        """Change a role, set a password (which ends the user's logins), or end a lockout.

        Raises:
            KeyError: There is no such user.
            LastAdmin: Nobody would be left who may add users.
            PasswordError: The password is not allowed.
        """
        values: dict[str, object] = {}
        if password is not None:
            passwords.check(password, name)
            values["password"] = await asyncio.get_running_loop().run_in_executor(None, passwords.hashed, password)
        if role is not None:
            values["role"] = role.id
        if unlock or password is not None:
            values |= {"failures": 0, "locked_until": None}

        def write(connection: Connection) -> User:
            row = _row(connection, name)
            if role is not None and role != Role.ADMIN:
                _keep_an_admin(connection, row)
            if values:
                connection.execute(update(staff_user).where(staff_user.c.name == name).values(**values))
            if password is not None:
                connection.execute(delete(staff_session).where(staff_session.c.user == name))
            return _user(_row(connection, name))

        return await self._database.run(write, write=True)

    async def remove(self, name: str) -> None:
        """Remove a user with all logins.

        Raises:
            KeyError: There is no such user.
            LastAdmin: Nobody would be left who may add users.
        """

        def write(connection: Connection) -> None:
            _keep_an_admin(connection, _row(connection, name))
            connection.execute(delete(staff_session).where(staff_session.c.user == name))
            connection.execute(delete(staff_user).where(staff_user.c.name == name))

        await self._database.run(write, write=True)

    async def login(self, name: str, password: str) -> User | None:
        """Return the user whom name and password fit; None if they fit nobody.

        Raises:
            Locked: There were too many wrong tries; the password was not looked at.
        """
        found = await self._database.run(lambda c: c.execute(select(staff_user).where(staff_user.c.name == name)).first())
        now = self._clock()
        if found is not None and found.locked_until is not None and found.locked_until > now:
            raise Locked(max(1, round(found.locked_until - now)))
        stored = passwords.nobodys() if found is None else found.password
        right = await asyncio.get_running_loop().run_in_executor(None, passwords.fits, stored, password)
        if found is None:
            return None
        await self._database.run(lambda c: _note(c, name, right, now), write=True)
        return _user(found) if right else None


def _note(connection: Connection, name: str, right: bool, now: float) -> None:
    """Count a wrong try in the transaction that reads the count: tries at the same moment must not hide each other."""
    mine = staff_user.c.name == name
    if right:
        connection.execute(update(staff_user).where(mine).values(failures=0, locked_until=None, last_seen_at=now))
        return
    row = connection.execute(select(staff_user.c.failures).where(mine).with_for_update()).first()
    failures = (row.failures if row else 0) + 1
    values: dict[str, object] = {"failures": failures}
    if failures % FAILURES == 0:
        values["locked_until"] = now + LOCK_SECONDS[min(failures // FAILURES, len(LOCK_SECONDS)) - 1]
    connection.execute(update(staff_user).where(mine).values(**values))


def _row(connection: Connection, name: str) -> Row:
    row = connection.execute(select(staff_user).where(staff_user.c.name == name).with_for_update()).first()
    if row is None:
        raise KeyError(name)
    return row


def _keep_an_admin(connection: Connection, row: Row) -> None:
    admins = select(func.count()).select_from(staff_user).where(staff_user.c.role == Role.ADMIN.id)
    if row.role == Role.ADMIN.id and connection.execute(admins).scalar() == 1:
        raise LastAdmin(f"{row.name} is the last admin; make another user admin first")


def _user(row: Row) -> User:
    return User(row.name, Role.from_id(row.role), row.created_at, row.last_seen_at, row.locked_until)
