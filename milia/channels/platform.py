"""What all platform channels have in common: a door that only the platform opens, and an answer that gets to the person.

A request is verified, its messages are stored, and it is acknowledged; then the messages are dealt with (`platform_lanes`,
`platform_answers`), and replies are sent (`platform_delivery`). A channel of its own class says how its platform signs,
what its requests mean, how a reply looks, and how it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.keys import Keys
from milia.channels.notices import Notices, load_notices
from milia.channels.platform_answers import Answers, Operator, Stored, Surface
from milia.channels.platform_arrivals import ARRIVALS
from milia.channels.platform_delivery import Backoff, Sender, send_now
from milia.channels.platform_health import ChannelHealth, health_of
from milia.channels.platform_http import Caller, NeverDelivered, TryLater
from milia.channels.platform_inbox import Inbox, Item
from milia.channels.platform_lanes import Lanes
from milia.channels.platform_message import MOST_BODY, PRESS, TEXT, Hook, Incoming, Malformed, Refused
from milia.channels.platform_settings import BOT_NAME, CONTACT, DEFAULT_BOT_NAME, platform, problems_of, value
from milia.channels.rendering import Bubble, Labels, bubbles_of
from milia.channels.warning_text import WarningText, load_warning_text
from milia.channels.web_deletion import Deletion
from milia.channels.web_texts import load_texts
from milia.storage.conversations import Conversations
from milia.storage.database import Database, shared_database
from milia.storage.errors import StorageError
from milia.storage.outbox import Delivery, Outbox
from milia.storage.settings import retention_days
from milia.warning_signs import load_signs
from milia.wording import load_phrases

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
# A stop takes twice this at most, and a little: less than `milia run` gives its servers.
STOP_SECONDS = 2.5
# Calls that only please (typing, the wheel on a button): short, never repeated, and not too many.
PLEASING_SECONDS = 3.0
MOST_PLEASING = 50
# More waiting messages than this, and the platform is asked to come back.
MOST_WAITING = 1_000
RETRY_SECONDS = 5
_DEFAULT_CONTACT = "ask the people who run this service."


@dataclass
class Running:
    """The parts of a channel while its server runs."""

    inbox: Inbox
    lanes: Lanes
    sender: Sender
    answers: Answers
    tasks: list[asyncio.Task[None]]


class PlatformChannel(InputChannel, ABC):
    """A messaging platform.

    Args:
        environ: where the keys are.
        keys: the installation's keys.
        database: opens the store.
        backoff: pauses between tries to deliver.

    Raises:
        ValueError: a key is missing or malformed; the message names it.
        SecretError: `MILIA_SECRET_KEY` is missing or of no use.
    """

    channel: ClassVar[str]

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        keys: Keys | None = None,
        database: Callable[[], Database] = shared_database,
        backoff: Backoff | None = None,
    ) -> None:
        self.environ = os.environ if environ is None else environ
        needs = platform(self.channel)
        problems = problems_of(needs, self.environ)
        if problems:
            raise ValueError("; ".join(map(str, problems)))
        self.title = needs.title
        self._keys = keys or Keys.from_environment()
        self._database, self._backoff = database, backoff or Backoff()
        self.notices: Notices = load_notices()
        self.labels = Labels(self.notices.said["choose"], self.notices.said["part"])
        self.warnings: WarningText = load_warning_text()
        self.health: ChannelHealth = health_of(self.channel)
        self.caller = self.make_caller()
        self.running: Running | None = None
        self._pleasing: set[asyncio.Task[None]] = set()
        self._closing = False

    @classmethod
    def name(cls) -> str:
        """Return the channel's name, as addresses, conversations and metrics have it."""
        return cls.channel

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, Any] | None) -> PlatformChannel:
        """Create the channel; its keys come from the environment.

        Raises:
            ValueError: credentials.yml has settings for it, or a key is not in order.
        """
        if credentials:
            raise ValueError(f"the channel {cls.channel} is set by the environment (.env.example), not by credentials.yml")
        return cls()

    def setting(self, variable: str, default: str = "") -> str:
        """Return a setting."""
        return value(self.environ, variable, default)

    # ------------------------------------------------------------------------------------------- what each platform says
    @abstractmethod
    def make_caller(self) -> Caller:
        """Return what calls the platform."""

    @abstractmethod
    def surface(self) -> Surface:
        """Return what answers need to know of the platform."""

    @abstractmethod
    def verify(self, hook: Hook) -> None:
        """Accept a request of the platform.

        Raises:
            Refused: it is not one, or not of late.
        """

    def handshake(self, hook: Hook) -> HTTPResponse | None:
        """Return the answer to a request that only tries the address; None for any other. It is verified."""
        return None

    @abstractmethod
    def read(self, hook: Hook) -> list[Incoming]:
        """Return what people did, from a verified request.

        Raises:
            Malformed: it is not of the documented form.
        """

    def acknowledged(self) -> HTTPResponse:
        """Return what the platform gets once its messages are stored."""
        return response.empty(status=200)

    def unstored(self, messages: Sequence[Incoming]) -> HTTPResponse:
        """Return what the platform gets when its messages could not be stored: it comes again later."""
        return response.text("busy", status=503, headers={"Retry-After": str(RETRY_SECONDS)})

    @abstractmethod
    def render(self, bubbles: Sequence[Bubble]) -> list[Any]:
        """Return the payloads of the platform's API, without the recipient."""

    @abstractmethod
    async def send(self, target: Mapping[str, str], payload: Any) -> None:
        """Send one payload.

        Raises:
            TryLater: the platform could not take it now.
            NeverDelivered: it will not take it.
        """

    async def typing(self, message: Incoming) -> None:
        """Show that an answer is being written, where a platform can."""

    async def pressed(self, message: Incoming) -> None:
        """Show that a press has arrived, and what was chosen."""

    # ------------------------------------------------------------------------------------------------------------- the door
    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes, at Rasa's usual addresses."""
        blueprint = Blueprint(f"platform_{self.channel}")

        @blueprint.route("/", methods=["GET"])
        async def state(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @blueprint.route("/webhook", methods=["GET", "POST"])
        async def webhook(request: Request) -> HTTPResponse:
            return await self.receive(hook_of(request, "webhook"))

        @blueprint.listener("after_server_start")
        async def start(app: Sanic, _: Any) -> None:
            await self.start(on_new_message, _lock_of(app))

        @blueprint.listener("before_server_stop")
        async def stop(app: Sanic, _: Any) -> None:
            # All at once: one after the other, five platforms that hang would take longer than a stop may.
            channels = [one for one in getattr(app.ctx, "input_channels", ()) if isinstance(one, PlatformChannel)]
            await asyncio.gather(*(one.stop() for one in {self, *channels}))

        return blueprint

    async def receive(self, hook: Hook) -> HTTPResponse:
        """Take a request: 401 unless the platform sent it, 200 once its messages are stored."""
        if len(hook.body) > MOST_BODY:
            self.health.note_received("refused")
            return response.text("too large", status=413)
        try:
            self.verify(hook)
        except Refused as error:
            # Not its body: whoever sends forged requests would write our log.
            logger.warning("%s: a request was refused: %s", self.channel, error)
            self.health.note_received("refused")
            return response.text("unauthorized", status=401)
        try:
            answer = self.handshake(hook)
            if answer is not None:
                return answer
            messages = self.read(hook)
        except Malformed as error:
            logger.warning("%s: a signed request could not be read: %s", self.channel, error)
            self.health.note_received("malformed")
            return response.text("malformed", status=400)
        if not messages:
            self.health.note_received("ignored")
            return self.acknowledged()
        with ARRIVALS.one():
            return await self._take(messages)

    async def _take(self, messages: Sequence[Incoming]) -> HTTPResponse:
        running = self.running
        if running is None or self._closing or running.lanes.waiting >= MOST_WAITING:
            self.health.note_received("unstored")
            return self.unstored(messages)
        for message in messages:
            try:
                item = await running.inbox.add(message)
            except StorageError as error:
                logger.error("%s: a message could not be stored: %s", self.channel, error)
                self.health.note_received("unstored")
                return self.unstored(messages)
            self.health.note_received("repeated" if item is None else "taken")
            if message.kind == PRESS:
                self.please(self.pressed(message))
            if item is not None:
                running.lanes.put(item)
                if message.kind == TEXT:
                    self.please(self.typing(message))
        return self.acknowledged()

    def please(self, call: Coroutine[Any, Any, None]) -> None:
        """Make a call that nothing depends on, beside the work."""
        if len(self._pleasing) >= MOST_PLEASING or self.running is None:
            call.close()
            return
        task = asyncio.get_running_loop().create_task(_quietly(call))
        self._pleasing.add(task)
        task.add_done_callback(self._pleasing.discard)

    # ------------------------------------------------------------------------------------------------------------- the work
    async def start(self, on_new_message: Callable[[UserMessage], Awaitable[Any]], lock: Callable[[str], Any]) -> None:
        """Begin to work."""
        database = await asyncio.get_running_loop().run_in_executor(None, self._database)
        days = retention_days(self.environ)
        inbox = Inbox(database, self.channel, self._keys)
        texts = load_texts(retention_days=days)
        place = load_signs(ROOT / "data" / "content" / "warning_signs.yml").region(self.setting("MILIA_REGION"))
        operator = Operator(
            self.setting(BOT_NAME, DEFAULT_BOT_NAME), self.setting(CONTACT, _DEFAULT_CONTACT), days, place.emergency_number
        )
        stored: Stored = Conversations(database)
        answers = Answers(
            self.surface(), operator, on_new_message, stored, inbox, lock,
            Deletion(self._keys, texts.deletion), self.notices, load_phrases(ROOT / "data" / "content" / "replies.yml"),
        )  # fmt: skip
        stopped = inbox.stopped if answers.carrier else None
        sender = Sender(self.channel, self, Outbox(database), self._composed, stopped, self.health, self._backoff)
        lanes = Lanes(self.channel, inbox, self._deal, self._give_up)
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(sender.run()), loop.create_task(lanes.run()), loop.create_task(self._forget(inbox))]
        self.running = Running(inbox, lanes, sender, answers, tasks)

    async def stop(self) -> None:
        """Finish what is in hand; the rest is stored, for the next process."""
        running, self._closing = self.running, True
        if running is None:
            return
        await running.lanes.stop(STOP_SECONDS)
        await running.sender.drain(STOP_SECONDS / 2)
        tasks = {*running.tasks, *self._pleasing}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_SECONDS / 4)
        await self.close()
        self.running = None

    async def close(self) -> None:
        """Let go of connections."""
        await self.caller.close()

    async def _deal(self, item: Item) -> None:
        running = self.running
        if running is None:
            raise RuntimeError("the channel has stopped")
        async with running.lanes.slot():
            await ARRIVALS.settled()
            bubbles = await running.answers.to(item)
        running.sender.wake()
        if bubbles:
            await send_now(self.channel, self, item.message.target, bubbles, self.health, self._backoff)

    async def _give_up(self, item: Item) -> None:
        if self.running is not None:
            bubbles = self.running.answers.unavailable()
            await send_now(self.channel, self, item.message.target, bubbles, self.health, self._backoff)

    def _composed(self, delivery: Delivery, leads: Sequence[str]) -> list[Bubble]:
        assert self.running is not None
        return composed(delivery, leads, self.running.answers)

    async def _forget(self, inbox: Inbox) -> None:
        """Once a day, forget the ids of messages from long ago."""
        while True:
            await asyncio.sleep(24 * 3600)
            with contextlib.suppress(StorageError):
                await inbox.forget()


def composed(delivery: Delivery, leads: Sequence[str], answers: Answers) -> list[Bubble]:
    """Return what is sent for a stored turn: its messages, with the texts that come with them.

    The welcome is a message of its own. Nothing stands before a warning: there all leads follow it.
    """
    replies = [reply for reply in delivery.replies if not answers.asks_to_delete(delivery.conversation_id, reply)]
    bubbles = bubbles_of(replies, delivery.message_id)
    if len(replies) < len(delivery.replies):
        bubbles.append(answers.deletion_question())
    if not bubbles:
        bubbles = answers.unavailable()
    welcome = [Bubble(answers.lead(name)) for name in leads if name == "welcome"]
    others = [answers.lead(name) for name in leads if name != "welcome"]
    if any(bubble.urgent for bubble in bubbles):
        return [*bubbles, *(Bubble(text) for text in others), *welcome]
    if others:
        first = bubbles[0]
        bubbles[0] = Bubble("\n".join([*others, first.text]), first.options, first.urgent)
    return [*welcome, *bubbles]


def hook_of(request: Request, path: str) -> Hook:
    """Return a request as a hook."""
    headers: dict[str, str] = {}
    for name, text in request.headers.items():
        headers.setdefault(name.lower(), text)
    query = dict(parse_qsl(request.query_string, keep_blank_values=True))
    return Hook(request.method, path, headers, query, request.body or b"", request.query_string)


async def _quietly(call: Coroutine[Any, Any, None]) -> None:
    try:
        await ARRIVALS.settled()
        with contextlib.suppress(TryLater, NeverDelivered, asyncio.TimeoutError):
            await asyncio.wait_for(call, PLEASING_SECONDS)
    finally:
        call.close()


def _lock_of(app: Sanic) -> Callable[[str], Any]:
    def lock(conversation: str) -> Any:
        agent = getattr(app.ctx, "agent", None)
        return agent.lock_store.lock(conversation) if agent is not None else contextlib.AsyncExitStack()

    return lock
