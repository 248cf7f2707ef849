"""Login, logout, one's own password; and for admins: users and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, StrictBool, StrictStr

from milia.channels.web_limits import SlidingWindow
from milia.staff.api import Handler, set_cookie
from milia.staff.audit import Audit
from milia.staff.calls import Body, Call, Reply
from milia.staff.passwords import PasswordError
from milia.staff.problems import Problem
from milia.staff.sessions import Login, Sessions
from milia.staff.settings import StaffSettings
from milia.staff.times import iso
from milia.staff.users import NAME, LastAdmin, Locked, Role, User, UserError, Users, UserTaken

# Tries of one address, whatever names it gives: 20 in five minutes.
_TRIES, _SECONDS = 20, 300


class LoginForm(Body):
    """Who wants in."""

    name: StrictStr = Field(max_length=64)
    password: StrictStr = Field(max_length=1024)


class PasswordForm(Body):
    """The old password and the new one."""

    old: StrictStr = Field(max_length=1024)
    new: StrictStr = Field(max_length=1024)


class UserForm(Body):
    """A new user."""

    name: StrictStr = Field(max_length=64)
    role: StrictStr
    password: StrictStr = Field(max_length=1024)


class UserChange(Body):
    """What to change of a user."""

    role: StrictStr | None = None
    password: StrictStr | None = Field(None, max_length=1024)
    unlock: StrictBool = False


class LoginApi:
    """The handlers.

    Args:
        settings: how long a login holds.
        users, sessions, audit: the stores.
    """

    def __init__(self, settings: StaffSettings, users: Users, sessions: Sessions, audit: Audit) -> None:
        self._settings, self._users, self._sessions, self._audit = settings, users, sessions, audit
        self._tries = SlidingWindow(_TRIES, _SECONDS)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {
            "login": self.login,
            "session": self.session,
            "logout": self.logout,
            "changePassword": self.change_password,
            "listUsers": self.list_users,
            "addUser": self.add_user,
            "changeUser": self.change_user,
            "removeUser": self.remove_user,
            "listAudit": self.list_audit,
        }

    async def login(self, call: Call) -> Reply:
        """Log in."""
        form = await call.form(LoginForm)
        user = await self._checked(call, form.name, form.password)
        token, login = await self._sessions.begin(user.name, user.role)
        await self._audit.note(user.name, "login", "", call.address)
        return Reply(self._session(login), headers={"Set-Cookie": set_cookie(token, call.secure)})

    async def session(self, call: Call) -> Reply:
        """Say who is logged in."""
        assert call.login is not None
        return Reply(self._session(call.login))

    async def logout(self, call: Call) -> Reply:
        """Log out."""
        assert call.login is not None
        await self._sessions.end(call.login)
        await self._audit.note(call.user, "logout", "", call.address)
        return Reply(status=204, headers={"Set-Cookie": set_cookie("", call.secure)})

    async def change_password(self, call: Call) -> Reply:
        """Change one's own password; the old one is asked for, and wrong ones count towards the lockout."""
        assert call.login is not None
        form = await call.form(PasswordForm)
        await self._checked(call, call.user, form.old)
        with _refusals():
            await self._users.change(call.user, password=form.new)
        # That ended every login; this one goes on under a new cookie's token.
        token, login = await self._sessions.begin(call.user, call.login.role)
        await self._audit.note(call.user, "password", "", call.address)
        headers = {"Set-Cookie": set_cookie(token, call.secure), "X-CSRF-Token": login.csrf}
        return Reply(status=204, headers=headers)

    async def list_users(self, call: Call) -> Reply:
        """List the users."""
        return Reply({"users": [_user(user) for user in await self._users.all()]})

    async def add_user(self, call: Call) -> Reply:
        """Add a user."""
        form = await call.form(UserForm)
        with _refusals():
            user = await self._users.add(form.name, Role.from_id(form.role), form.password)
        await self._audit.note(call.user, "user.add", f"{user.name} as {user.role.id}", call.address)
        return Reply(_user(user), 201)

    async def change_user(self, call: Call) -> Reply:
        """Change a user."""
        form, name = await call.form(UserChange), call.names["name"]
        with _refusals():
            role = Role.from_id(form.role) if form.role is not None else None
            user = await self._users.change(name, role, form.password, form.unlock)
        what = [f"role {form.role}"] * bool(form.role) + ["password"] * bool(form.password) + ["unlock"] * form.unlock
        await self._audit.note(call.user, "user.change", f"{name}: {', '.join(what)}", call.address)
        return Reply(_user(user))

    async def remove_user(self, call: Call) -> Reply:
        """Remove a user."""
        name = call.names["name"]
        with _refusals():
            await self._users.remove(name)
        await self._audit.note(call.user, "user.remove", name, call.address)
        return Reply(status=204)

    async def list_audit(self, call: Call) -> Reply:
        """List who did what."""
        limit = call.number("limit", 50, 100)
        before = call.number("cursor", 0, 10**9) or None
        rows = await self._audit.rows(call.text("user"), call.text("what"), before, limit + 1)
        more = len(rows) > limit
        return Reply({"rows": rows[:limit], "next": str(rows[limit - 1]["id"]) if more else None})

    async def _checked(self, call: Call, name: str, password: str) -> User:
        """Return the user whom name and password fit.

        Raises:
            Problem: They fit nobody, or there were too many tries.
        """
        # Some type their password where the name goes: only what can be a name is written down.
        noted = name if NAME.fullmatch(name) else "?"
        wait = self._tries.wait(call.address)
        if wait:
            raise Problem("locked", retry_after=wait)
        try:
            user = await self._users.login(name, password)
        except Locked as locked:
            await self._audit.note(noted, "login.locked", "", call.address)
            raise Problem("locked", retry_after=locked.seconds) from None
        if user is None:
            await self._audit.note(noted, "login.failed", "", call.address)
            raise Problem("login-failed")
        return user

    def _session(self, login: Login) -> dict[str, Any]:
        return {
            "user": {"name": login.user, "role": login.role.id},
            "csrf": login.csrf,
            "idle_seconds": self._settings.idle_seconds,
            "expires_at": iso(login.expires_at),
        }


class _refusals:
    """Turns what the users' store refuses into problems."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyError):
            raise Problem("not-found") from None
        if isinstance(error, (UserTaken, LastAdmin)):
            raise Problem("not-allowed-here", reason=str(error)) from None
        if isinstance(error, (UserError, PasswordError)):
            raise Problem("malformed", faults=[str(error)]) from None


def _user(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "role": user.role.id,
        "created_at": iso(user.created_at),
        "last_seen_at": iso(user.last_seen_at),
        "locked_until": iso(user.locked_until),
    }
