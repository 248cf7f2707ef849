"""The whole bot in one process: model, policies and the real action code, without any network."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.utils.endpoints import EndpointConfig, read_endpoint_config
from rasa.utils.log_utils import configure_structlog
from rasa_sdk.executor import ActionExecutor

from milia.reading import as_typed

# What `milia replay` reports of a turn, and the bot keeps with its last message.
RECORD_KEYS = ("topics", "facts", "signs", "level", "outcome", "check_question", "intent")


class PressError(ValueError):
    """A button that the turn before did not offer."""


class InProcessActions(EndpointConfig):
    """An action endpoint that runs the action code here instead of calling a server."""

    def __init__(self, package: str = "actions") -> None:
        super().__init__("in-process")
        self._executor = ActionExecutor()
        self._executor.register_package(package)

    async def request(self, method: str = "post", **kwargs: Any) -> Any:  # type: ignore[override]
        """Run the action that the call names; the shape is that of the action server."""
        result = await self._executor.run(kwargs["json"])
        return result if isinstance(result, dict) or result is None else result.model_dump()


@dataclass
class Conversation:
    """One conversation in progress."""

    id: str
    buttons: list[dict[str, str]] = field(default_factory=list)


class Bot:
    """A trained model that answers conversations.

    Args:
        model: path of the model archive.
        root: the project folder, where the model's components find content and word lists.
    """

    def __init__(self, model: Path, root: Path, actions: EndpointConfig | None = None) -> None:
        # Rasa's debug lines hold what people write, and building them takes longer than an answer.
        configure_structlog(logging.ERROR)
        logging.getLogger().setLevel(logging.ERROR)
        self._loop = asyncio.new_event_loop()
        endpoint = read_endpoint_config(str(root / "endpoints.yml"), "nlg")
        self.agent = Agent.load(str(model), action_endpoint=actions or InProcessActions())
        assert self.agent.domain is not None
        self.agent.nlg = NaturalLanguageGenerator.create(endpoint, self.agent.domain)
        self.agent.tracker_store = InMemoryTrackerStore(self.agent.domain)
        if self.agent.processor is not None:
            self.agent.processor.nlg = self.agent.nlg
            self.agent.processor.tracker_store = self.agent.tracker_store

    def conversation(self, name: str) -> Conversation:
        """Start a conversation; the same name gives the same wordings."""
        conversation = Conversation("replay-" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16])
        self.agent.tracker_store.store.pop(conversation.id, None)
        return conversation

    def turn(self, conversation: Conversation, user: str | Mapping[str, str]) -> dict[str, Any]:
        """Take one turn.

        Args:
            conversation: from `conversation`.
            user: what is typed, or `{"press": title}`.

        Returns:
            The turn as `milia replay` writes it.

        Raises:
            PressError: no button of that title was offered.
        """
        text = as_typed(user) if isinstance(user, str) else _payload(conversation.buttons, user["press"])
        start = time.perf_counter()
        messages = self._loop.run_until_complete(
            self.agent.handle_message(UserMessage(text, CollectingOutputChannel(), conversation.id))
        )
        spent = (time.perf_counter() - start) * 1000
        tracker = self._loop.run_until_complete(self.agent.tracker_store.retrieve(conversation.id))
        assert tracker is not None
        record = _last_record(tracker.events)
        conversation.buttons = [dict(one) for message in messages or () for one in message.get("buttons") or ()]
        buttons = [{"title": one["title"], "payload": one["payload"]} for one in conversation.buttons]
        said = "\n".join(str(message["text"]) for message in messages or () if message.get("text"))
        return {"user": user, "text": said, "buttons": buttons, **record, "ms": round(spent, 2)}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the bot's own loop, in which its agent was loaded."""
        return self._loop.run_until_complete(work)

    def parse(self, text: str) -> dict[str, Any]:
        """Return what the NLU pipeline makes of a text."""
        return dict(self._loop.run_until_complete(self.agent.parse_message(as_typed(text))))


def _payload(buttons: Sequence[Mapping[str, str]], title: str) -> str:
    for button in buttons:
        if button["title"] == title:
            return button["payload"]
    offered = ", ".join(repr(button["title"]) for button in buttons) or "none"
    raise PressError(f"no button {title!r} was offered in the turn before; offered: {offered}")


def _last_record(events: Sequence[Any]) -> dict[str, Any]:
    """Return the record of the turn: that of the bot's last message since the user's."""
    for event in reversed(events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, BotUttered) and "milia" in (event.metadata or {}):
            record = event.metadata["milia"]
            return {key: record[key] for key in RECORD_KEYS}
    raise RuntimeError("the bot said nothing that carries a record")
