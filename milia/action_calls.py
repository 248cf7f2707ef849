"""Calls of the action server: none takes long, and none is made while the server is known to be away.

After some calls in a row that got no answer the next ones fail at once, so that people learn without waiting that the answer could
not be fetched; one call at a time tries whether the server is back.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import aiohttp
from rasa.core.actions.action import RemoteAction
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError

from milia.breaker import Breaker

FAILURES = 3
PAUSE_SECONDS = 2.0
# What a proxy answers for an action server that is not there.
_AWAY = (502, 503, 504)
_BREAKER, _MARK = "_milia_breaker", "_milia_guarded"


class ActionServerAway(RasaException):
    """No call was made: the action server did not answer the last ones."""


def failure_kind(error: BaseException | None) -> str:
    """Return how a call failed, one of `metrics.FAILURE_KINDS`; Rasa wraps the error, so its causes are looked at."""
    while error is not None:
        if isinstance(error, ActionServerAway):
            return "held"
        if isinstance(error, asyncio.TimeoutError):
            return "timeout"
        if isinstance(error, ClientResponseError):
            return "status"
        if isinstance(error, aiohttp.ClientConnectionError):
            return "connection"
        if type(error).__name__ == "ValidationError":
            return "invalid"
        error = error.__cause__ or error.__context__
    return "other"


def breaker_of(endpoint: Any) -> Breaker:
    """Return the breaker of an action server's endpoint."""
    breaker = getattr(endpoint, _BREAKER, None)
    if breaker is None:
        breaker = Breaker(FAILURES, PAUSE_SECONDS)
        setattr(endpoint, _BREAKER, breaker)
    return breaker


def guard_calls() -> None:
    """Put a breaker before the calls of this process; calling it again does nothing."""
    run = RemoteAction.run
    if getattr(run, _MARK, False):
        return

    @functools.wraps(run)
    async def guarded(action: RemoteAction, *arguments: Any, **named: Any) -> Any:
        breaker = breaker_of(action.action_endpoint)
        if not breaker.allows():
            raise ActionServerAway("the action server is away; it is tried again every few seconds")
        try:
            result = await run(action, *arguments, **named)
        except Exception as error:
            breaker.note(not _is_away(error))
            raise
        breaker.note(True)
        return result

    setattr(guarded, _MARK, True)
    RemoteAction.run = guarded


def _is_away(error: BaseException | None) -> bool:
    """Tell an action server that does not answer from one whose answer was an error: that is a defect of one action."""
    if failure_kind(error) in ("timeout", "connection"):
        return True
    while error is not None:
        if isinstance(error, ClientResponseError):
            return error.status in _AWAY
        error = error.__cause__ or error.__context__
    return False
