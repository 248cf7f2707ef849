"""One request as a handler sees it: who asks, the path's names, checked query and body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, Extra, ValidationError
from sanic.request import Request

from milia.channels.request_body import BodyTooLarge, read_body
from milia.staff.problems import Problem
from milia.staff.sessions import Login
from milia.staff.times import seconds_of


class Body(BaseModel):
    """The form of a request's body: exactly its members, of exactly their types."""

    class Config:
        """No other members, no guessing of types."""

        extra = Extra.forbid
        smart_union = True


Form = TypeVar("Form", bound=Body)


@dataclass(frozen=True)
class Reply:
    """What a handler answers: JSON, or a text of another type."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass
class Call:
    """A request that may be served.

    Attributes:
        request: Sanic's.
        names: what the path names.
        address: of the client.
        secure: it came over TLS.
        limit: bytes that its body may have.
        login: who asks; None on the way to a login.
    """

    request: Request
    names: Mapping[str, str]
    address: str
    secure: bool
    limit: int
    login: Login | None = None

    @property
    def user(self) -> str:
        """Name of who asks."""
        assert self.login is not None
        return self.login.user

    async def bytes(self, limit: int | None = None) -> bytes:
        """Return the body.

        Raises:
            Problem: It is larger than allowed; one that says its size is refused before it is read.
        """
        limit = self.limit if limit is None else limit
        said = self.request.headers.get("content-length")
        if said is not None and said.isascii() and said.isdigit() and int(said) > limit:
            raise Problem("body-too-large", limit=limit, length=int(said))
        if self.request.stream is not None:
            self.request.stream.request_max_size = limit
        try:
            return await read_body(self.request, limit)
        except BodyTooLarge as error:
            raise Problem("body-too-large", limit=limit) from error

    async def form(self, kind: type[Form]) -> Form:
        """Return the body, which must have a form.

        Raises:
            Problem: It has another one; `faults` say where.
        """
        return read_form(await self.bytes(), kind)

    def text(self, name: str, most: int = 200) -> str:
        """Return a parameter of the query, empty if it is not there.

        Raises:
            Problem: It is there twice, or too long.
        """
        values = self.request.args.getlist(name) or [""]
        if len(values) > 1 or len(values[0]) > most:
            raise Problem("malformed", faults=[f"{name}: allowed once, with {most} characters at most"])
        return str(values[0]).strip()

    def one_of(self, name: str, allowed: Any) -> str:
        """Return a parameter that must be one of some values, or empty.

        Raises:
            Problem: It is another one.
        """
        value = self.text(name)
        if value and value not in allowed:
            raise Problem("malformed", faults=[f"{name}: unknown value {value!r}; allowed: {', '.join(sorted(allowed))}"])
        return value

    def flag(self, name: str) -> bool:
        """Return a parameter that is true or false (left out).

        Raises:
            Problem: It is something else.
        """
        return self.one_of(name, ("true", "false", "1", "0")) in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 1.

        Raises:
            Problem: It is none, or too large.
        """
        value = self.text(name)
        if not value:
            return default
        if not value.isascii() or not value.isdigit() or len(value) > 9 or not 1 <= int(value) <= most:
            raise Problem("malformed", faults=[f"{name}: {value!r}; allowed: a whole number from 1 to {most}"])
        return int(value)

    def time(self, name: str) -> float | None:
        """Return a time in seconds since 1970, None if it is not there.

        Raises:
            Problem: It is no time.
        """
        value = self.text(name)
        return seconds_of(value, name) if value else None

    def identifier(self, name: str) -> int:
        """Return a part of the path that is a number.

        Raises:
            Problem: It is none, so nothing is there.
        """
        value = self.names[name]
        if not value.isascii() or not value.isdigit() or len(value) > 15:
            raise Problem("not-found")
        return int(value)


def read_form(body: bytes, kind: type[Form]) -> Form:
    """Read a body as JSON of a form.

    Raises:
        Problem: It is something else; `faults` say where and what is allowed.
    """
    try:
        value = json.loads(body.decode("utf-8") or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Problem("malformed", faults=["the body is no JSON"]) from None
    if not isinstance(value, dict):
        raise Problem("malformed", faults=["the body is no JSON object"])
    try:
        return kind.parse_obj(value)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()][:20]
        raise Problem("malformed", faults=faults) from None
    except RecursionError:
        raise Problem("malformed", faults=["the body is nested too deeply"]) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
