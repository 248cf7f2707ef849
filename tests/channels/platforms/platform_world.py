"""A channel at work: the real class, a real database, a stand-in for the platform, and a bot of the real dialogue.

The bot has the real dialogue core and storage; only the understanding of free text is a table of a few sentences, so that
a conversation takes milliseconds. `test_platform_e2e.py` holds conversations with the trained bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from rasa.shared.utils.common import class_from_module_path
from sanic.response import HTTPResponse

from milia.channels.keys import Keys
from milia.channels.platform import PlatformChannel
from milia.channels.platform_delivery import Backoff
from milia.channels.platform_message import Hook
from milia.conversation import State
from milia.dialogue import load_dialogue
from milia.evaluation.platform_people import KEYS, PATHS, PEOPLE, Person, api_settings, stand_in
from milia.evaluation.platform_standins import StandIn
from milia.reading import Reading
from milia.sign_messages import escalation
from milia.storage.conversations import Conversations
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.outbox import Outbox
from milia.storage.tracker_store import ConversationStore
from milia.warning_signs import Level

ROOT = Path(__file__).resolve().parents[3]
SECRET = "platform-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
# What the fake bot understands beside presses and answers to the check.
LABELS = {
    "hello": "greet", "how long do milia last?": "duration", "what are milia?": "definition", "can i pop them?": "removal_self",
    "delete my data for good": "delete_conversation", "thanks": "thank",
}  # fmt: skip
SIGNS = {"my face is swelling up and i can't breathe": ("ws.breathing_trouble", "ws.face_swelling")}


class FakeBot:
    """Answers with the real dialogue; stores with the real store."""

    def __init__(self, database: Database) -> None:
        self.store = ConversationStore(Domain.empty(), database=database, redact=lambda text: text)
        self.dialogue = load_dialogue(ROOT)
        self.states: dict[str, State] = {}
        self.seen: list[UserMessage] = []
        self.busy = 0.0  # seconds for which a turn holds the event loop
        self.failures: list[BaseException] = []
        self.silent = False
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, conversation: str) -> asyncio.Lock:
        return self._locks[conversation]

    async def handle(self, message: UserMessage) -> None:
        async with self._locks[message.sender_id]:
            if self.failures:
                raise self.failures.pop(0)
            if self.silent:
                return
            self.seen.append(message)
            tracker = await self.store.get_or_create_tracker(message.sender_id, append_action_listen=False)  # as Rasa's processor
            if not tracker.events:
                self.states.pop(message.sender_id, None)
            if self.busy:
                time.sleep(self.busy)
            text, buttons, record = self._answer(message)
            tracker.update(UserUttered(message.text, input_channel=message.input_channel, message_id=message.message_id))
            tracker.update(BotUttered(text, {"buttons": buttons}, {"milia": record}))
            tracker.update(ActionExecuted("action_listen"))
            await self.store.save(tracker)

    def _answer(self, message: UserMessage) -> tuple[str, list[dict[str, str]], dict[str, Any]]:
        state = self.states.get(message.sender_id, State())
        text = message.text
        intent: dict[str, Any] = {"name": None, "confidence": 0.0}
        signs = SIGNS.get(text.lower())
        if signs:
            state = replace(state, sign=signs, sign_now=signs, level=Level.EMERGENCY_NOW.id, check=None)
            self.states[message.sender_id] = state
            said = escalation(signs, self.dialogue.catalog).text
            return said, [], {"level": state.level, "topics": [], "signs": list(signs), "intent": intent}
        if text in state.option:
            entities = [{"entity": "choice", "value": text.split('"')[3]}] if '"choice"' in text else []
            intent["name"] = text.split("{")[0].removeprefix("/")
            reading = Reading.from_parse({"text": text, "intent": intent, "entities": entities}, state.option)
        else:
            label = LABELS.get(text.lower())
            intent["name"] = label
            reading = Reading(text, intent, (label,) if label else ())
        turn = self.dialogue.respond(reading, state, message.sender_id)
        self.states[message.sender_id] = turn.state
        said = turn.text or self._responses[turn.response][0]["text"]
        if turn.escalate:
            said = escalation([s for s in turn.state.sign if self.dialogue.catalog[s].level >= 3], self.dialogue.catalog).text
        return said, [{"title": b.title, "payload": b.payload} for b in turn.buttons], turn.record(intent)

    @property
    def _responses(self) -> dict[str, Any]:
        import yaml

        if not hasattr(self, "_domain"):
            self._domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))["responses"]
        return self._domain


@dataclass
class World:
    """A channel and all around it."""

    channel: PlatformChannel
    platform: StandIn
    bot: FakeBot
    database: Database
    environ: Mapping[str, str]
    _people: dict[int, Person] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.channel.channel

    def person(self, number: int = 1) -> Any:
        if number not in self._people:
            self._people[number] = PEOPLE[self.name](self.platform, number)
        return self._people[number]

    @property
    def conversations(self) -> Conversations:
        return Conversations(self.database)

    async def send(self, hook: Hook) -> HTTPResponse:
        return await self.channel.receive(hook)

    async def settle(self, seconds: float = 10.0) -> None:
        """Wait until all that came in is answered, and all answers are out."""
        deadline = time.monotonic() + seconds
        outbox = Outbox(self.database)
        while time.monotonic() < deadline:
            running = self.channel.running
            if running is not None and not running.lanes.waiting and not await outbox.waiting() and not await running.inbox.waiting():
                await asyncio.sleep(0)
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.name} is not settled after {seconds} s")

    async def settle_people(self, numbers: Iterable[int], messages: int, seconds: float = 10.0) -> None:
        """Wait until some people have got some messages."""
        deadline = time.monotonic() + seconds
        waiting = set(numbers)
        while waiting:
            waiting = {number for number in waiting if len(self.person(number).heard()) < messages}
            assert time.monotonic() < deadline, f"{self.name}: nothing for {sorted(waiting)}"
            await asyncio.sleep(0.01)

    async def talk(self, *hooks: Hook) -> None:
        for hook in hooks:
            answer = await self.send(hook)
            assert answer.status == 200, answer.status
            await self.settle()

    async def restart(self) -> None:
        """Stop the channel, and start it anew on the same database."""
        await self.channel.stop()
        self.channel = make_channel(self.name, self.environ, self.database)
        await self.channel.start(self.bot.handle, self.bot.lock)


def make_channel(name: str, environ: Mapping[str, str], database: Database) -> PlatformChannel:
    made = class_from_module_path(PATHS[name])(environ, Keys(SECRET.encode()), lambda: database, Backoff(0.05, 0.2))
    assert isinstance(made, PlatformChannel)
    return made


@contextlib.asynccontextmanager
async def world(name: str, folder: Path, database: Database | None = None, **settings: str) -> AsyncIterator[World]:
    """Start a channel with its platform; a given database is shared."""
    platform = stand_in(name)
    await platform.start()
    own = database or Database.open(f"sqlite:///{folder}/milia.db", TextCipher())
    environ = {**KEYS, **api_settings(name, platform.url), **settings}
    bot = FakeBot(own)
    channel = make_channel(name, environ, own)
    await channel.start(bot.handle, bot.lock)
    made = World(channel, platform, bot, own, environ)
    try:
        yield made
    finally:
        await made.channel.stop()
        await platform.stop()
        if database is None:
            own.close()


def assert_no_faults(*worlds: World) -> None:
    """The platform took all that it was sent."""
    broken: Sequence[str] = [fault for one in worlds for fault in one.platform.broken]
    assert not broken, broken
