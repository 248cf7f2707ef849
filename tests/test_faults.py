"""The user gets a sensible reply when the action server does not answer, and a warning in any case."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rasa.shared.core.events import UserUttered
from rasa.utils.endpoints import EndpointConfig

from milia.evaluation.bot import Bot
from milia.evaluation.replay import find_model

ROOT = Path(__file__).resolve().parents[1]


class Endpoint(EndpointConfig):
    """An action server that is down, slow, or answers nonsense."""

    def __init__(self, fault: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self.fault = fault

    async def request(self, method: str = "post", **kwargs: Any) -> Any:
        if self.fault == "down":
            raise aiohttp.ClientConnectionError("refused")
        if self.fault == "slow":
            await asyncio.sleep(kwargs["timeout"])
            raise asyncio.TimeoutError
        return {"events": "none"}


@pytest.fixture(scope="module")
def bot() -> Bot:
    model = find_model(ROOT)
    assert model is not None, "no trained model: run `make train`"
    bot = Bot(model, ROOT, actions=Endpoint("down"))
    bot.turn(bot.conversation("first"), "hello")  # the first message loads what later ones find
    return bot


@pytest.mark.model
@pytest.mark.parametrize("fault", ["down", "slow", "broken"])
def test_an_answer_that_could_not_be_fetched_is_told(bot, fault):
    """Within 4 s, with whom to ask, and the turn is kept."""
    bot.agent.action_endpoint.fault = fault
    conversation = bot.conversation(f"fault {fault}")
    began = time.monotonic()
    turn = bot.turn(conversation, "how long do milia last?")
    assert time.monotonic() - began < 4
    assert "could not fetch" in turn["text"] and "dermatology provider" in turn["text"] and "emergency" in turn["text"]
    tracker = bot._loop.run_until_complete(bot.agent.tracker_store.retrieve(conversation.id))
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["how long do milia last?"]


@pytest.mark.model
@pytest.mark.parametrize("fault", ["down", "slow", "broken"])
@pytest.mark.parametrize(
    ("message", "level", "first"),
    [
        ("my newborn has a temperature of 38.5", "emergency_now", "Please get emergency help now"),
        ("the bump is red, hot, swollen and full of pus", "urgent_same_day", "Please have this looked at today"),
    ],
)
def test_a_warning_comes_in_any_case(bot, fault, message, level, first):
    """Replies of levels 3 and 4 do not need the action server."""
    bot.agent.action_endpoint.fault = fault
    turn = bot.turn(bot.conversation(f"{fault} {message}"), message)
    assert turn["level"] == level
    assert turn["text"].startswith(first) and "dermatology provider" in turn["text"].splitlines()[-1]
    assert turn["signs"] and turn["topics"] == []
