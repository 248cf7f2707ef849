"""What is done with a message from a platform: which are turns of the conversation, and what is said to the others.

A turn goes to Rasa, is stored with the address of its reply, and the outbox sends it. All else (photos, joins, STOP, the
deletion of the conversation) is answered here with a notice, and leaves no trace in the conversation.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from rasa.core.channels.channel import UserMessage

from milia.channels.choices import Choice, choices_of, read_reference, typed_choice
from milia.channels.collecting import CollectingOutputChannel
from milia.channels.notices import KINDS, WITH_WORDS, Notices
from milia.channels.platform_inbox import Item
from milia.channels.platform_message import MOST_TEXT, PRESS, TEXT, cleaned
from milia.channels.rendering import Bubble, Option, is_urgent
from milia.channels.web_deletion import Deletion
from milia.channels.web_limits import SlidingWindow
from milia.reading import as_typed
from milia.sign_catalog import Level
from milia.storage.conversations import StoredTurn
from milia.storage.errors import TurnAlreadyStored
from milia.storage.outbox import PendingDelivery, pending_delivery
from milia.wording import Phrases

logger = logging.getLogger(__name__)

DELETE, KEEP = "d.yes", "d.no"
PROVIDER = "a dermatology provider"
# How far back a pressed button is looked for.
_TURNS_BACK = 20
# Messages a minute of one conversation; a person types fewer.
_MOST_A_MINUTE = 30
_MOST_REMEMBERED = 10_000


class Stored(Protocol):
    """What is needed of `milia.storage.conversations.Conversations`."""

    async def exists(self, conversation_id: str) -> bool:
        """Tell whether anything is stored of a conversation."""

    async def reply_to(self, conversation_id: str, message_id: str) -> list[dict[str, Any]] | None:
        """Return what the bot said to a message; None if it has no turn."""

    async def turns(self, conversation_id: str, limit: int = 50) -> list[StoredTurn]:
        """Return the last turns, oldest first."""

    async def erase(self, conversation_id: str) -> Any:
        """Remove everything that is stored of a conversation."""


class Stops(Protocol):
    """Who wants no more text messages; see `milia.channels.platform_inbox.Inbox`."""

    async def stopped(self, sender: str) -> bool:
        """Tell whether a person wants no more messages."""

    async def stop(self, sender: str) -> None:
        """Send a person no more messages."""

    async def start(self, sender: str) -> None:
        """Send a person messages again."""


@dataclass(frozen=True)
class Surface:
    """What answers need to know of a channel.

    Attributes:
        name: of the channel.
        platform: as people call it.
        numbered: tells whether choices are shown as a numbered list, so that a typed number is a choice.
        carrier: text messages, with their STOP, START and HELP.
        welcome: which welcome is said.
    """

    name: str
    platform: str
    numbered: Callable[[Sequence[Any]], bool]
    carrier: bool = False
    welcome: str = "any"


@dataclass(frozen=True)
class Operator:
    """What notices say of the installation.

    Attributes:
        name: of the bot.
        contact: how to reach people.
        days: for how many conversations are kept.
        emergency_number: whom to call, in the words of the region.
    """

    name: str
    contact: str
    days: int
    emergency_number: str


class Unanswered(Exception):
    """Rasa took the message and stored no turn: it may be tried again."""


class Answers:
    """Deals with the messages of one channel.

    Args:
        surface: the channel.
        operator: the installation.
        handle: hands a message to Rasa; returns once the turn is stored.
        stored: the stored conversations.
        stops: who wants no more text messages.
        lock: the lock of a conversation that all servers share.
        deletion: notices the wish to have the conversation deleted.
        notices: what is said beside answers.
        phrases: the lines that keep the conversation's level.
    """

    def __init__(
        self,
        surface: Surface,
        operator: Operator,
        handle: Callable[[UserMessage], Awaitable[Any]],
        stored: Stored,
        stops: Stops,
        lock: Callable[[str], AbstractAsyncContextManager[Any]],
        deletion: Deletion,
        notices: Notices,
        phrases: Phrases,
    ) -> None:
        self._surface, self._operator, self._handle, self._stored, self._stops = surface, operator, handle, stored, stops
        self._lock, self._deletion, self._notices, self._phrases = lock, deletion, notices, phrases
        self._welcomed: OrderedDict[str, None] = OrderedDict()
        self._rate, self._told = SlidingWindow(_MOST_A_MINUTE, 60), SlidingWindow(1, 60)

    async def to(self, item: Item) -> list[Bubble]:
        """Deal with a message.

        Returns:
            What is to be said at once; nothing if the reply is in the outbox, or none is due.

        Raises:
            StorageError: The database does not answer.
            Unanswered: Rasa stored no turn.
        """
        message, conversation = item.message, item.conversation_id
        if self._surface.carrier:
            said = await self._carrier(item)
            if said is not None:
                return said
        if message.kind == "join":
            return self._say(self._notices.kinds["join"])
        if await self._stored.reply_to(conversation, item.message_id) is not None:
            return []  # a server stored the turn, and crashed before it noted that
        if self._rate.wait(conversation):
            logger.warning("%s: a sender writes more than %d messages a minute; one was left out", self._surface.name, _MOST_A_MINUTE)
            return [] if self._told.wait(conversation) else self._say(self._notices.said["too_many"])
        if message.kind == PRESS:
            return await self._pressed(item)
        words = cleaned(message.text)
        if message.kind in KINDS and not (words and message.kind in WITH_WORDS):
            return await self._notice(item, self._notices.kinds[message.kind])
        if message.kind not in (TEXT, *KINDS) or not words:
            return await self._notice(item, self._notices.kinds["other"])
        leads = ["with_words"] if message.kind in WITH_WORDS else []
        return await self._words(item, words, leads)

    @property
    def carrier(self) -> bool:
        """Tell whether people can stop the messages by a word."""
        return self._surface.carrier

    def unavailable(self) -> list[Bubble]:
        """Return what is said when a message could not be answered."""
        return self._say(self._notices.said["unavailable"])

    def lead(self, name: str) -> str:
        """Return a text that comes with an answer, by the name under which it was noted with the delivery."""
        return self._text(self._notices.welcome[self._surface.welcome] if name == "welcome" else self._notices.said[name])

    def deletion_question(self) -> Bubble:
        """Return the question whether to delete the conversation."""
        options = () if self._surface.numbered([]) else (Option("Yes", DELETE), Option("No", KEEP))
        return Bubble(self._text(self._notices.erase["ask"]), options)

    def asks_to_delete(self, conversation: str, reply: Mapping[str, Any]) -> bool:
        """Tell whether the bot's reply gives way to the question whether to delete, and remember that it is asked."""
        asked = self._deletion.asks_for(reply)
        if asked:
            self._deletion.question(conversation)
        return asked

    # ----------------------------------------------------------------------------------------------------- words, presses
    async def _words(self, item: Item, words: str, leads: list[str]) -> list[Bubble]:
        conversation = item.conversation_id
        words = self._notices.commands.get(words.removeprefix("/").split("@")[0].casefold(), words) if words.startswith("/") else words
        answer = self._deletion.answer(conversation, words)
        if answer:
            return await self._erase(item)
        if answer is False:
            return await self._notice(item, self._notices.erase["kept"])
        if self._deletion.wished(words):
            return await self._ask_to_delete(item)
        if len(words) > MOST_TEXT:
            words, leads = words[:MOST_TEXT], [*leads, "too_long"]
        latest = await self._stored.turns(conversation, limit=1)
        offered = choices_of(latest[-1].replies) if latest else []
        chosen = typed_choice(words, offered) if offered and self._surface.numbered(offered) else None
        return await self._turn(item, chosen.payload if chosen else as_typed(words), leads, new=not latest)

    async def _pressed(self, item: Item) -> list[Bubble]:
        if item.message.press in (DELETE, KEEP):
            self._deletion.answer(item.conversation_id, "yes")  # asked and answered
            if item.message.press == DELETE:
                return await self._erase(item)
            return await self._notice(item, self._notices.erase["kept"])
        found = read_reference(item.message.press)
        turns = await self._stored.turns(item.conversation_id, limit=_TURNS_BACK)
        if found is not None:
            for turn in reversed(turns):
                offered = choices_of(turn.replies)
                if turn.message_id and turn.message_id.startswith(found[0]) and found[1] < len(offered):
                    choice = offered[found[1]]
                    if turn is turns[-1]:
                        return await self._turn(item, choice.payload, [])
                    if _means_the_same(choice):
                        return await self._turn(item, as_typed(choice.title), [])
        if item.message.extra.get("group"):
            return []  # somebody pressed a button that was offered to somebody else
        return await self._notice(item, self._notices.said["stale"])

    async def _turn(self, item: Item, text: str, leads: list[str], new: bool | None = None) -> list[Bubble]:
        """Run a turn; its reply goes out by the outbox."""
        conversation = item.conversation_id
        if new is None:
            new = not await self._stored.exists(conversation)
        if new and conversation not in self._welcomed:
            leads = ["welcome", *leads]
        recipient = json.dumps({"to": dict(item.message.target), "lead": leads, "sender": item.message.sender})
        token = pending_delivery.set(PendingDelivery(self._surface.name, recipient, item.message_id))
        try:
            output = CollectingOutputChannel(self._surface.name)
            await self._handle(
                UserMessage(text, output, conversation, input_channel=self._surface.name, message_id=item.message_id)
            )
        except TurnAlreadyStored:
            return []
        finally:
            pending_delivery.reset(token)
        if await self._stored.reply_to(conversation, item.message_id) is None:
            raise Unanswered("Rasa stored no turn: is its model loaded?")
        self._remember(conversation)
        return []

    # ------------------------------------------------------------------------------------------------------------ notices
    async def _notice(self, item: Item, text: str) -> list[Bubble]:
        """Answer with a notice: after the welcome, and never in a tone below the conversation's level."""
        lines = [text]
        latest = await self._stored.turns(item.conversation_id, limit=1)
        record = (latest[-1].replies[-1].get("milia") or {}) if latest and latest[-1].replies else {}
        level = Level.from_id(record["level"]) if record.get("level") else Level.PROVIDER_ROUTINE
        if level >= Level.URGENT_SAME_DAY:
            lines.insert(0, self._phrases["urgent_reminder"][0])
        elif level == Level.PROVIDER_SOON:
            lines.append(self._phrases["soon"][0])
        if record.get("check_question"):
            lines.append(self._notices.said["check_open"])
        said = self._say("\n".join(lines), urgent=is_urgent({"milia": record}))
        if not latest and item.conversation_id not in self._welcomed:
            self._remember(item.conversation_id)
            return [*self._say(self.lead("welcome")), *said]
        return said

    async def _ask_to_delete(self, item: Item) -> list[Bubble]:
        if not await self._stored.exists(item.conversation_id):
            return self._say(self._notices.erase["none"])
        self._deletion.question(item.conversation_id)  # remembers that it was asked, for a typed yes
        return [self.deletion_question()]

    async def _erase(self, item: Item) -> list[Bubble]:
        try:
            async with self._lock(item.conversation_id):
                await self._stored.erase(item.conversation_id)
        except BaseException:
            self._deletion.question(item.conversation_id)  # the answer counts again when this is tried again
            raise
        self._welcomed.pop(item.conversation_id, None)
        return self._say(self._notices.erase["done"])

    # ------------------------------------------------------------------------------------------------------ text messages
    async def _carrier(self, item: Item) -> list[Bubble] | None:
        """Answer STOP, START and HELP, and keep silent to those who wrote STOP; None for any other message."""
        sender, words = item.message.sender, self._notices.carrier_words
        word = " ".join(cleaned(item.message.text).rstrip(".!").casefold().split()) if item.message.kind == TEXT else ""
        # The carrier's or Twilio's own service has taken the word, and answered.
        served = item.message.extra.get("opt_out", "")
        stopped = await self._stops.stopped(sender)
        if served == "STOP" or word in words["stop_words"] or (word in words["check_words"] and not await self._in_check(item)):
            await self._stops.stop(sender)
            return [] if served or stopped else self._say(self._notices.carrier["stop"])
        if served == "START" or word in words["start_words"] or (stopped and word in words["start_words_if_stopped"]):
            await self._stops.start(sender)
            return [] if served else self._say(self._notices.carrier["start"])
        if served == "HELP" or word in words["help_words"]:
            return [] if served else self._say(self._notices.carrier["help"])
        return [] if stopped else None

    async def _in_check(self, item: Item) -> bool:
        latest = await self._stored.turns(item.conversation_id, limit=1)
        return any((reply.get("milia") or {}).get("check_question") for turn in latest for reply in turn.replies)

    # ------------------------------------------------------------------------------------------------------------- saying
    def _say(self, text: str, urgent: bool = False) -> list[Bubble]:
        return [Bubble(self._text(text), urgent=urgent)]

    def _text(self, text: str) -> str:
        operator = self._operator
        values = {"days": operator.days, "name": operator.name, "contact": operator.contact, "emergency_number": operator.emergency_number}
        for name, value in {**values, "platform": self._surface.platform, "provider": PROVIDER}.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def _remember(self, conversation: str) -> None:
        self._welcomed[conversation] = None
        while len(self._welcomed) > _MOST_REMEMBERED:
            self._welcomed.popitem(last=False)


def _means_the_same(choice: Choice) -> bool:
    """Tell whether a button's title, typed now, means what the button meant: a question or a warning sign does."""
    return choice.payload.startswith(("/ask_", "/start_check")) or '"sign=' in choice.payload
