"""An action server that does not answer is asked no more for a while: people learn at once that the answer could not be fetched."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from rasa.core.actions.action import RemoteAction
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from milia import action_calls
from milia.action_calls import FAILURES, ActionServerAway, breaker_of, failure_kind, guard_calls


class Endpoint(EndpointConfig):
    """An action server with a fault, which counts its calls."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.fault: BaseException | None = None
        self.calls = 0

    async def request(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        if self.fault is not None:
            raise self.fault
        return {"events": [], "responses": []}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.setattr(RemoteAction, "run", RemoteAction.run)  # undone after the test
    monkeypatch.setattr(RemoteAction, "_action_call_format", lambda *_: {})
    guard_calls()
    guard_calls()
    return Endpoint()


@pytest.fixture
def clock(endpoint: Endpoint) -> Clock:
    clock = Clock()
    breaker_of(endpoint)._clock = clock
    return clock


def call(endpoint: Endpoint) -> Any:
    tracker: Any = SimpleNamespace()
    return asyncio.run(RemoteAction("action_answer", endpoint).run(None, None, tracker, None))


TIMEOUT, REFUSED = asyncio.TimeoutError(), aiohttp.ClientConnectionError("refused")


@pytest.mark.parametrize("fault", [TIMEOUT, REFUSED, ClientResponseError(503, "", ""), ClientResponseError(502, "", "")])
def test_after_some_failures_in_a_row_no_call_is_made_until_one_tries(endpoint: Endpoint, clock: Clock, fault: Exception) -> None:
    endpoint.fault = fault
    for _ in range(FAILURES):
        with pytest.raises((RasaException, asyncio.TimeoutError)):
            call(endpoint)
    for _ in range(10):
        with pytest.raises(ActionServerAway) as held:
            call(endpoint)
        assert failure_kind(held.value) == "held"
    assert endpoint.calls == FAILURES
    clock.now += action_calls.PAUSE_SECONDS + 0.1
    with pytest.raises((RasaException, asyncio.TimeoutError)):
        call(endpoint)
    with pytest.raises(ActionServerAway):
        call(endpoint)
    assert endpoint.calls == FAILURES + 1
    endpoint.fault = None
    clock.now += action_calls.PAUSE_SECONDS + 0.1
    assert call(endpoint) == [] and call(endpoint) == []
    assert endpoint.calls == FAILURES + 3


@pytest.mark.parametrize("fault", [ClientResponseError(500, "", ""), ValueError("an answer of no use")])
def test_an_action_with_a_defect_does_not_stop_the_others(endpoint: Endpoint, clock: Clock, fault: Exception) -> None:
    endpoint.fault = fault
    for _ in range(FAILURES * 3):
        with pytest.raises((RasaException, ValueError)):
            call(endpoint)
    assert endpoint.calls == FAILURES * 3


def test_a_success_in_between_counts_from_the_start(endpoint: Endpoint, clock: Clock) -> None:
    for _ in range(5):
        endpoint.fault = REFUSED
        for _ in range(FAILURES - 1):
            with pytest.raises(RasaException):
                call(endpoint)
        endpoint.fault = None
        call(endpoint)
    assert endpoint.calls == 5 * FAILURES


def test_the_pause_is_short_enough_to_be_back_within_three_seconds() -> None:
    assert 1 <= action_calls.PAUSE_SECONDS < 3


def test_guarding_twice_guards_once(endpoint: Endpoint) -> None:
    once = RemoteAction.run
    guard_calls()
    assert RemoteAction.run is once
