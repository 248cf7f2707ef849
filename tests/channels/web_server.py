"""A channel on a real HTTP server with Rasa's own wiring (root route, CORS) and a stand-in for the model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.core.lock_store import InMemoryLockStore
from served_app import Answer, ServedApp, rasa_app

from milia.storage.conversations import Receipt, StoredTurn
from milia.storage.errors import StorageUnavailable, TurnAlreadyStored

GREETING = "Hello. I'm a chatbot, not a doctor. A dermatology provider can tell what your bumps are."
RECORD = {
    "topics": ["duration"], "facts": ["duration.1"], "signs": [], "level": "provider_routine", "outcome": None,
    "check_question": False, "intent": {"name": "ask_duration", "confidence": 0.9},
}  # fmt: skip


@dataclass
class FakeStored:
    """Conversations in memory, with the methods that channels use."""

    of: dict[str, list[StoredTurn]] = field(default_factory=dict)
    down: bool = False

    def _check(self) -> None:
        if self.down:
            raise StorageUnavailable("the database does not answer")

    async def exists(self, conversation_id: str) -> bool:
        self._check()
        return conversation_id in self.of

    async def reply_to(self, conversation_id: str, message_id: str) -> list[dict[str, Any]] | None:
        self._check()
        return next((turn.replies for turn in self.of.get(conversation_id, ()) if turn.message_id == message_id), None)

    async def turns(self, conversation_id: str, limit: int = 50) -> list[StoredTurn]:
        self._check()
        return self.of.get(conversation_id, [])[-limit:]

    async def erase(self, conversation_id: str) -> Receipt:
        self._check()
        turns = self.of.pop(conversation_id, [])
        return Receipt(conversation_id, time.time(), {"turn": len(turns)} if turns else {})


class FakeAgent:
    """Answers each message, and stores the turn as the real bot does before it returns.

    Attributes:
        seen: the messages that reached the bot.
        delay: seconds a turn takes.
        error: what `handle_message` raises.
        buttons: of each reply.
        record: the record `milia` of each reply.
        silent: nothing is said, as without a model.
    """

    def __init__(self, stored: FakeStored) -> None:
        self.stored = stored
        self.lock_store = InMemoryLockStore()
        self.domain = SimpleNamespace(responses={"utter_greet": [{"text": GREETING}]})
        self.reset()

    def reset(self) -> None:
        self.seen: list[UserMessage] = []
        self.delay = 0.0
        self.error: Exception | None = None
        self.buttons: list[dict[str, str]] = []
        self.record: dict[str, Any] = RECORD
        self.silent = False
        self.running = self.most_running = 0

    async def handle_message(self, message: UserMessage) -> None:
        async with self.lock_store.lock(message.sender_id):
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            try:
                await self._answer(message)
            finally:
                self.running -= 1

    async def _answer(self, message: UserMessage) -> None:
        self.seen.append(message)
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        turns = self.stored.of.setdefault(message.sender_id, [])
        known = next((turn for turn in turns if turn.message_id == message.message_id), None)
        if known:
            raise TurnAlreadyStored(known.replies)
        text = f"Reply {len(self.seen)}.\nPlease see a dermatology provider."
        reply = {"text": text, "buttons": list(self.buttons), "milia": dict(self.record)}
        replies = [] if self.silent else [reply]
        for one in replies:
            extra = {"assistant_id": "a", "model_id": "m", "timestamp": 1.0, "utter_action": "x"}
            await message.output_channel.send_response(message.sender_id, {**one, **extra})
        self.stored._check()
        turns.append(StoredTurn(message.message_id, time.time(), message.text or "", replies))


class Server(ServedApp):
    """Serves one channel until `stop`."""

    def __init__(self, channel: InputChannel, agent: FakeAgent) -> None:
        self.agent = agent
        self.channel = channel
        super().__init__(rasa_app("web", [channel], agent))

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 20,
    ) -> Answer:
        """Send one request; a body that is not bytes goes as JSON."""
        shown = {} if token is None else {"Authorization": f"Bearer {token}"}
        return super().request(method, path, body, {**(headers or {}), **shown}, timeout)
