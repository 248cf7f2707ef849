"""A Rasa server answers a message of its own before it listens; if it cannot, it starts all the same and says so."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
import rasa.core.run

from milia import warm_up
from milia.storage.tracker_store import WARM_UP


class Processor:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.seen: list[Any] = []

    async def handle_message(self, message: Any) -> None:
        self.seen.append(message)
        if self.error is not None:
            raise self.error


def agent(processor: Processor, ready: bool = True) -> Any:
    return SimpleNamespace(processor=processor, is_ready=lambda: ready)


def test_it_answers_after_the_model_is_loaded_and_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    processor = Processor()

    async def load(*_: Any, **__: Any) -> Any:
        assert processor.seen == []
        return agent(processor)

    monkeypatch.setattr(rasa.core.run, "load_agent_on_start", load)
    warm_up.warm_up_before_serving()
    warm_up.warm_up_before_serving()
    asyncio.run(rasa.core.run.load_agent_on_start("model", None, None, None, None))
    assert [message.text for message in processor.seen] == list(warm_up.MESSAGES), "each once"
    assert all(message.sender_id.startswith(WARM_UP) for message in processor.seen), "it is nobody's conversation"


def test_a_message_that_fails_stops_no_start_and_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    processor = Processor(RuntimeError("words of somebody"))
    with caplog.at_level(logging.WARNING):
        asyncio.run(warm_up.answer(agent(processor)))
    assert len(processor.seen) == len(warm_up.MESSAGES)
    assert "RuntimeError" in caplog.text and "words of somebody" not in caplog.text


def test_a_server_without_a_model_is_left_alone() -> None:
    processor = Processor()
    asyncio.run(warm_up.answer(agent(processor, ready=False)))
    assert processor.seen == []
