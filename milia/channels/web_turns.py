"""Turns of web conversations: each runs once, in order, stored before it is answered, and not too many at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import LockError

from milia.channels.collecting import CollectingOutputChannel
from milia.channels.web_deletion import Deletion
from milia.channels.web_messages import Message
from milia.channels.web_problems import Problem
from milia.channels.web_replies import title_of
from milia.channels.web_texts import DeletionTexts
from milia.reading import as_typed
from milia.storage.conversations import StoredTurn
from milia.storage.errors import StorageError, TurnAlreadyStored

logger = logging.getLogger(__name__)

CHANNEL = "web"
# Seconds that a request waits for its turn. The turn goes on after them, and a retry gets its reply.
PATIENCE_SECONDS = 15.0
# Messages of one conversation that may wait or be answered at a time: a person types one after the other.
MOST_OF_ONE = 4
RETRY_SECONDS = 2
# An ended conversation is remembered for as long as a token may name it; the oldest are forgotten beyond this many.
MOST_ENDED = 100_000


class Stored(Protocol):
    """What a channel needs of `milia.storage.conversations.Conversations`."""

    async def reply_to(self, conversation_id: str, message_id: str) -> list[dict[str, Any]] | None:
        """Return what the bot said to a message; None if it has no turn."""

    async def turns(self, conversation_id: str, limit: int = 50) -> list[StoredTurn]:
        """Return the last turns, oldest first."""

    async def erase(self, conversation_id: str) -> Any:
        """Remove everything that is stored of a conversation."""


@dataclass(frozen=True)
class Answer:
    """What a message led to.

    Attributes:
        text: what is shown as the user's words.
        replies: the bot's messages, as stored.
        ended: the conversation was deleted.
    """

    text: str
    replies: Sequence[Mapping[str, Any]]
    ended: bool = False


class Turns:
    """Runs turns.

    Args:
        handle: hands a message to Rasa and returns once the turn is stored; raises if it could not be.
        stored: the stored conversations.
        lock: the lock of a conversation that all servers share (Rasa's lock store).
        deletion: notices the wish to have the conversation deleted.
        texts: what is said then.
        most: turns in progress or waiting, of all conversations.
    """

    def __init__(
        self,
        handle: Callable[[UserMessage], Awaitable[Any]],
        stored: Callable[[], Stored],
        lock: Callable[[str], Any],
        deletion: Deletion,
        texts: DeletionTexts,
        most: int,
    ) -> None:
        self._handle, self._stored, self._lock = handle, stored, lock
        self._deletion, self._texts, self._most = deletion, texts, most
        self._running: dict[tuple[str, str], tuple[Message, asyncio.Task[Answer]]] = {}
        self._of_one: Counter[str] = Counter()
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._ended: dict[str, float] = {}

    async def answer(self, conversation: str, message: Message) -> Answer:
        """Return the answer to a message: that of its first run, if it was sent before.

        Raises:
            Problem: The message cannot be taken, or its turn could not be stored.
        """
        key = (conversation, message.id)
        running = self._running.get(key)
        if running is not None:
            if running[0] != message:
                raise Problem("id-taken")
            return await self._wait(running[1])
        if len(self._running) >= self._most:
            raise Problem("busy", retry_after=RETRY_SECONDS)
        if self._of_one[conversation] >= MOST_OF_ONE:
            raise Problem("too-many-messages", retry_after=RETRY_SECONDS)
        # A task of its own: a client that hangs up must not stop a turn half-way.
        task = asyncio.get_running_loop().create_task(self._in_order(conversation, message))
        self._running[key] = message, task
        self._of_one[conversation] += 1
        task.add_done_callback(lambda done: self._done(key, done))
        return await self._wait(task)

    async def delete(self, conversation: str) -> Any:
        """Erase a conversation once its turns in progress are over; returns the store's receipt.

        Raises:
            Problem: It could not be erased.
        """
        async with self._turn_of(conversation):
            return await self._erase(conversation)

    def require_open(self, conversation: str) -> None:
        """Accept a conversation that was not deleted.

        Raises:
            Problem: It was.
        """
        if conversation in self._ended:
            raise Problem("conversation-ended")

    @property
    def in_progress(self) -> int:
        """How many turns run or wait."""
        return len(self._running)

    async def _wait(self, task: asyncio.Task[Answer]) -> Answer:
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        if not done:
            raise Problem("unavailable", retry_after=RETRY_SECONDS)
        return task.result()

    def _done(self, key: tuple[str, str], task: asyncio.Task[Answer]) -> None:
        self._running.pop(key, None)
        self._of_one[key[0]] -= 1
        if not self._of_one[key[0]]:
            del self._of_one[key[0]]
        if not task.cancelled():
            task.exception()  # seen by whoever waited; nobody may have

    @asynccontextmanager
    async def _turn_of(self, conversation: str) -> AsyncIterator[None]:
        """Wait for one's turn: first come, first served, also for deletions."""
        queue = self._queues.get(conversation)
        if queue is None:
            queue = self._queues[conversation] = asyncio.Lock()  # kept as long as somebody waits for it
        async with queue:
            yield

    async def _in_order(self, conversation: str, message: Message) -> Answer:
        async with self._turn_of(conversation):
            self.require_open(conversation)
            try:
                return await self._run(conversation, message)
            except StorageError as error:
                logger.error("A web turn could not be stored: %s", error)
                raise Problem("unavailable", retry_after=RETRY_SECONDS) from error

    async def _run(self, conversation: str, message: Message) -> Answer:
        stored = self._stored()
        before = await stored.reply_to(conversation, message.id)
        if before is not None:
            return await self._again(stored, conversation, message, before)
        special = await self._deletion_of(stored, conversation, message)
        if special is not None:
            return special
        text = as_typed(message.text)
        shown = message.text
        if message.payload:
            latest = await stored.turns(conversation, limit=1)
            shown = title_of(message.payload, latest[-1].replies) if latest else ""
            if not shown:
                raise Problem("not-offered")
            text = message.payload
        collected = CollectingOutputChannel(CHANNEL)
        try:
            await self._handle(
                UserMessage(text, collected, conversation, input_channel=CHANNEL, message_id=message.id)
            )
        except TurnAlreadyStored as error:  # by another server, which got the same message
            return Answer(shown, error.replies)
        except StorageError:
            raise
        except LockError as error:  # another server has been busy with this conversation for long
            raise Problem("busy", retry_after=RETRY_SECONDS) from error
        except Exception as error:
            # Its text may quote the message; the kind has to do.
            logger.error("A web turn failed: %s", type(error).__name__)
            raise Problem("unavailable", retry_after=RETRY_SECONDS) from error
        return Answer(shown, _something(collected.messages))

    async def _again(self, stored: Stored, conversation: str, message: Message, replies: list[dict[str, Any]]) -> Answer:
        shown = message.text
        if message.payload:
            turns = await stored.turns(conversation, limit=50)
            place = next((at for at, turn in enumerate(turns) if turn.message_id == message.id), 0)
            shown = title_of(message.payload, turns[place - 1].replies) if place else ""
        return Answer(shown, _something(replies))

    async def _deletion_of(self, stored: Stored, conversation: str, message: Message) -> Answer | None:
        """Take a message that is about the deletion of the conversation."""
        answer = self._deletion.answer(conversation, message.text, message.payload)
        if answer:
            await self._erase(conversation)
            shown = message.text or self._texts.yes_button
            return Answer(shown, [{"text": self._texts.done, "buttons": [], "milia": {}}], ended=True)
        if answer is False:
            latest = await stored.turns(conversation, limit=1)
            buttons = [one for reply in (latest[-1].replies if latest else ()) for one in reply.get("buttons") or ()]
            shown = message.text or self._texts.no_button
            return Answer(shown, [{"text": self._texts.kept, "buttons": buttons, "milia": {}}])
        if message.text and self._deletion.wished(message.text):
            return Answer(message.text, [self._deletion.question(conversation)])
        return None

    async def _erase(self, conversation: str) -> Any:
        try:
            async with self._lock(conversation):
                receipt = await self._stored().erase(conversation)
        except Exception as error:  # the store's, or the lock's
            reason = error if isinstance(error, StorageError) else type(error).__name__
            logger.error("A web conversation could not be erased: %s", reason)
            raise Problem("unavailable", retry_after=RETRY_SECONDS) from error
        self._ended[conversation] = time.time()
        while len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]
        return receipt


def _something(replies: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Refuse silence: a bot whose model did not load says nothing."""
    if not replies:
        raise Problem("unavailable", retry_after=RETRY_SECONDS)
    return replies
