"""The one door of the console: every request passes here, is known by its login, and allowed by the route table."""

from __future__ import annotations

import hmac
import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.web_limits import client_address, is_trusted
from milia.staff.calls import Call, Reply
from milia.staff.problems import Problem
from milia.staff.routes import ROUTES, at
from milia.staff.sessions import Login, Sessions
from milia.staff.settings import StaffSettings
from milia.staff.texts import texts
from milia.staff.users import Users
from milia.storage.errors import StorageError

logger = logging.getLogger(__name__)

COOKIE, CSRF_HEADER = "milia_staff", "x-csrf-token"
RETRY_SECONDS = 2
# For how long it is believed that there is a staff user.
_ON_SECONDS = 2.0
Handler = Callable[[Call], Awaitable[Reply]]


class Api:
    """Serves the routes.

    Args:
        settings: limits.
        users: tells whether there is anybody.
        sessions: the logins.
        handlers: by the names of the route table.

    Raises:
        ValueError: A route has no handler, or a handler no route.
    """

    def __init__(
        self, settings: StaffSettings, users: Users, sessions: Sessions, handlers: Mapping[str, Handler]
    ) -> None:
        names = {route.handler for route in ROUTES}
        if names != set(handlers):
            raise ValueError(f"routes and handlers differ: {sorted(names ^ set(handlers))}")
        self._settings, self._users, self._sessions, self._handlers = settings, users, sessions, handlers
        self._on_until = 0.0
        self.used_at = 0.0  # of the last request of staff, monotonic

    async def serve(self, request: Request) -> HTTPResponse:
        """Answer a request; whatever goes wrong is a `Problem` with a sentence."""
        if request.stream is not None:
            request.stream.request_max_size = max(self._settings.upload_bytes, 65_536)  # what is left unread is dropped
        try:
            return _answer(await self._serve(request))
        except Problem as problem:
            return problem.response(texts()["problems"])
        except StorageError as error:
            logger.error("A staff request failed: %s", error)
        except Exception as error:  # the one boundary: a person gets a sentence, never a trace
            logger.error("A staff request failed: %s at %s", type(error).__name__, _place(error))
        return Problem("unavailable", retry_after=RETRY_SECONDS).response(texts()["problems"])

    async def is_on(self) -> bool:
        """Tell whether somebody may log in at all."""
        if time.monotonic() > self._on_until and await self._users.any():
            self._on_until = time.monotonic() + _ON_SECONDS
        return time.monotonic() <= self._on_until

    async def _serve(self, request: Request) -> Reply:
        self._require_own_origin(request)
        if not await self.is_on():
            raise Problem("console-off")
        found = {route.method: (route, names) for route, names in at(unquote(request.path))}
        if not found:
            raise Problem("not-found")
        if request.method not in found:
            problem = Problem("method")
            problem.headers["Allow"] = ", ".join(found)
            raise problem
        route, names = found[request.method]
        call = Call(request, names, self._address(request), self._secure(request), route.body_bytes)
        if route.role is not None:
            call.login = await self._login(request)
            if call.login.role < route.role:
                raise Problem("role", needs=route.role.id)
            if route.method != "GET" and not _same(request.headers.get(CSRF_HEADER), call.login.csrf):
                raise Problem("csrf")
            self.used_at = time.monotonic()
        return await self._handlers[route.handler](call)

    async def _login(self, request: Request) -> Login:
        login = await self._sessions.read(cookie(request))
        if login is None:
            raise Problem("login-needed")
        return login

    def _require_own_origin(self, request: Request) -> None:
        """Refuse what a page of another site sends: beside the cookie's SameSite, and on the way to a login too."""
        origin = request.headers.get("origin")
        if origin is not None and (not origin or urlsplit(origin).netloc.lower() != self._own_host(request)):
            raise Problem("origin")
        if request.method != "GET" and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise Problem("origin")

    def _own_host(self, request: Request) -> str:
        if is_trusted(request.ip or "", self._settings.trusted_proxies) and request.headers.get("x-forwarded-host"):
            return str(request.headers["x-forwarded-host"]).lower()
        return str(request.headers.get("host") or "").lower()

    def _address(self, request: Request) -> str:
        forwarded = request.headers.get("x-forwarded-for") or ""
        return client_address(request.ip or "", forwarded, self._settings.trusted_proxies)

    def _secure(self, request: Request) -> bool:
        if self._settings.tls or request.scheme == "https":
            return True
        trusted = is_trusted(request.ip or "", self._settings.trusted_proxies)
        return trusted and request.headers.get("x-forwarded-proto", "").lower() == "https"


def cookie(request: Request) -> str:
    """Return the value of the login's cookie, empty if there is none."""
    try:
        jar = SimpleCookie(request.headers.get("cookie") or "")
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


def set_cookie(value: str, secure: bool) -> str:
    """Return the header that sets the login's cookie; an empty value takes it away. It ends with the browser."""
    gone = "" if value else "; Max-Age=0"
    return f"{COOKIE}={value}; Path=/staff; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}{gone}"


def _answer(reply: Reply) -> HTTPResponse:
    if reply.body is None:
        return HTTPResponse(None, reply.status, dict(reply.headers))
    is_text = isinstance(reply.body, (str, bytes))
    body = reply.body if is_text else json.dumps(reply.body, ensure_ascii=False, separators=(",", ":"))
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    return HTTPResponse(body, reply.status, dict(reply.headers), reply.content_type)


def _same(sent: str | None, expected: str) -> bool:
    return sent is not None and hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), expected.encode())


def _place(error: BaseException) -> str:
    """Say where an error happened, without its text, which may quote what somebody wrote."""
    return " < ".join(f"{Path(at.filename).name}:{at.lineno}" for at in reversed(traceback.extract_tb(error.__traceback__)))
