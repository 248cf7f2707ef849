"""Calls to a platform's API: with a time-out, and with the answer sorted into sent, later, and never.

No text of a message and no key is in an error or a log line: addresses hold tokens on some platforms.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

CALL_SECONDS = 10.0
CONNECT_SECONDS = 3.0
# A platform that asks for a longer pause is asked again after this.
LONGEST_PAUSE = 3_600.0
_MOST_ANSWER = 100_000


class TryLater(Exception):
    """The platform could not take a message now.

    Args:
        reason: for logs: a status, an error code of the platform.
        after: seconds that it asks to wait, or None.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class NeverDelivered(Exception):
    """The platform will not take the message, however often it is sent.

    Args:
        reason: for logs.
        ours: the fault is the operator's (a key that is no longer valid), not the person's (the bot is blocked).
    """

    def __init__(self, reason: str, ours: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.ours = reason, ours


@dataclass(frozen=True)
class Answer:
    """A platform's answer: status, its body if that is a JSON object, its headers by lower-case name."""

    status: int
    body: Mapping[str, Any]
    after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Caller:
    """Posts to one platform.

    Args:
        base: start of the addresses, without a slash at the end.
        headers: sent with each call.
        seconds: for a whole call.
    """

    def __init__(self, base: str, headers: Mapping[str, str] | None = None, seconds: float = CALL_SECONDS) -> None:
        self._base, self._headers = base.rstrip("/"), dict(headers or {})
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, *, auth: tuple[str, str] | None = None, seconds: float | None = None, **body: Any) -> Answer:
        """Post a form (`data`) or JSON (`json`).

        Raises:
            TryLater: no answer, too many requests, or a fault of the platform's own.
        """
        return await self._call("POST", path, auth, seconds, body)

    async def get(self, path: str, *, auth: tuple[str, str] | None = None) -> Answer:
        """Fetch an address.

        Raises:
            TryLater: as `post`.
        """
        return await self._call("GET", path, auth, None, {})

    async def _call(
        self, method: str, path: str, auth: tuple[str, str] | None, seconds: float | None, body: Mapping[str, Any]
    ) -> Answer:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers=self._headers, trust_env=True)
        timeout = self._timeout if seconds is None else aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._session.request(
                method, self._base + path, auth=aiohttp.BasicAuth(*auth) if auth else None, timeout=timeout,
                allow_redirects=False, **body,
            ) as response:  # fmt: skip
                text = await response.content.read(_MOST_ANSWER)
                after = retry_after(response.headers.get("Retry-After", ""))
                status = response.status
                headers = {name.lower(): one for name, one in response.headers.items()}
        except asyncio.TimeoutError:
            raise TryLater("time-out") from None
        except (aiohttp.ClientError, OSError) as error:
            # Not the error's own words: they hold the address.
            raise TryLater(f"no connection ({type(error).__name__})") from None
        answer = Answer(status, _object(text), after, headers)
        if status == 429:
            raise TryLater("429 too many requests", after if after is not None else _retry_after_of(answer.body))
        if status >= 500:
            raise TryLater(f"status {status}", after)
        return answer

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()


def retry_after(value: str) -> float | None:
    """Return the seconds that a Retry-After header asks for: it is a number or a date; None for anything else."""
    value = value.strip()
    try:
        seconds = float(value) if value[:1].isdigit() else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def _retry_after_of(body: Mapping[str, Any]) -> float | None:
    """Return the pause that Telegram writes into the body."""
    parameters = body.get("parameters")
    value = parameters.get("retry_after") if isinstance(parameters, Mapping) else None
    return min(max(float(value), 0.0), LONGEST_PAUSE) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
