"""Rasa's REST channel for local work and for staff's programs, closed to everybody else.

There a client chooses whose conversation it takes part in. So it is off when `MILIA_ENV=production`, unless
`MILIA_REST_KEY` is set; with a key, requests need `Authorization: Bearer <key>`. Pages of other origins are never served.
Named in credentials.yml as `milia.channels.web_rest.StaffRest:`.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.channels.rest import RestInput
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

from milia.channels.web_settings import SettingError, in_production

KEY = "MILIA_REST_KEY"
MIN_KEY_LENGTH = 24


class StaffRest(RestInput):
    """The REST channel behind a key, or off.

    Args:
        key: what clients have to show; empty: nothing, on a machine that serves nobody else.
        on: serve at all.

    Raises:
        SettingError: The key is too short to be one.
    """

    def __init__(self, key: str = "", on: bool = True) -> None:
        if 0 < len(key) < MIN_KEY_LENGTH:
            raise SettingError(f"{KEY} has {len(key)} characters, it needs {MIN_KEY_LENGTH}: make one with `openssl rand -hex 24`")
        self._key = key.encode()
        self._on = on

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, Any] | None) -> StaffRest:
        """Create the channel as the environment says."""
        key = os.environ.get(KEY, "").strip()
        return cls(key, on=bool(key) or not in_production())

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return Rasa's routes behind the guard; none if the channel is off."""
        if not self._on:
            return Blueprint("milia_rest_off")
        blueprint: Blueprint = super().blueprint(on_new_message)

        @blueprint.middleware("request")
        async def guard(request: Request) -> HTTPResponse | None:
            origin = request.headers.get("origin")
            if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
                return json({"detail": "Pages of other origins cannot use this address."}, 403)
            shown = (request.headers.get("authorization") or "").removeprefix("Bearer ").strip()
            if self._key and not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), self._key):
                return json({"detail": f"This address needs the key of {KEY}."}, 401, {"WWW-Authenticate": "Bearer"})
            if request.path.endswith("/webhook") and not isinstance(_body(request), dict):
                return json({"detail": "A JSON object is needed, with sender and message."}, 422)
            return None

        return blueprint


def _body(request: Request) -> Any:
    try:
        return request.json
    except Exception:  # whatever a parser says of bytes that are no JSON
        return None
