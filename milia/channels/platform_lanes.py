"""Works off what is in the inbox: each conversation in its order, a few at a time, again after a failure.

Few at a time because understanding a message holds the event loop: a long queue of turns would make platforms wait for
the acknowledgement of the next message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from milia.channels.platform_answers import Unanswered
from milia.channels.platform_inbox import LEASE_SECONDS, Item
from milia.storage.errors import StorageError

logger = logging.getLogger(__name__)

AT_ONCE = 3
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
# A message that could not be answered for so long is told so.
PATIENCE_SECONDS = 3600.0
LOOK_SECONDS = 15.0


class Waiting(Protocol):
    """What lanes need of `milia.channels.platform_inbox.Inbox`."""

    async def hold(self, items: Iterable[Item]) -> None:
        """Go on holding messages."""

    async def let_go(self, items: Iterable[Item]) -> None:
        """Let another server, or the next process, have messages now."""

    async def done(self, item: Item) -> None:
        """Note that a message is dealt with."""

    async def left(self, limit: int = 50) -> list[Item]:
        """Take messages that no server deals with."""


class Lanes:
    """One lane a conversation, in which its messages are dealt with one after the other.

    Args:
        name: of the channel.
        inbox: the stored messages.
        deal: deals with a message; raises if it is to be tried again.
        give_up: says that a message could not be answered.
    """

    def __init__(
        self, name: str, inbox: Waiting, deal: Callable[[Item], Awaitable[None]], give_up: Callable[[Item], Awaitable[None]]
    ) -> None:
        self._name, self._inbox, self._deal, self._give_up = name, inbox, deal, give_up
        self._lanes: dict[str, deque[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[int, Item] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._stopping = False

    @property
    def waiting(self) -> int:
        """How many messages this process has not dealt with yet."""
        return len(self._held)

    def put(self, item: Item) -> None:
        """Take a message; it is dealt with after those of its conversation that were put before."""
        if item.id in self._held or self._stopping:
            return
        self._held[item.id] = item
        if item.conversation_id in self._lanes:
            self._lanes[item.conversation_id].append(item)
            return
        self._lanes[item.conversation_id] = deque([item])
        task = asyncio.get_running_loop().create_task(self._work(item.conversation_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Keep what is held, and take what other processes left, until `stop` or until cancelled."""
        while not self._stopping:
            try:
                for item in await self._inbox.left():
                    self.put(item)
                if self._held:
                    await self._inbox.hold(list(self._held.values()))
            except Exception as error:
                logger.error("%s: the inbox cannot be read: %s", self._name, error)
            await asyncio.sleep(min(LOOK_SECONDS, LEASE_SECONDS / 3))

    async def stop(self, seconds: float) -> None:
        """Let messages in hand finish, and leave the others to the next process."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=seconds)
        for task in list(self._tasks):
            task.cancel()
        if self._held:
            try:
                await self._inbox.let_go(list(self._held.values()))
            except Exception as error:
                logger.error("%s: waiting messages could not be let go: %s", self._name, error)

    async def _work(self, conversation: str) -> None:
        lane = self._lanes[conversation]
        while lane and not self._stopping:
            item = lane[0]
            await self._one(item)
            lane.popleft()
            self._held.pop(item.id, None)
        del self._lanes[conversation]

    async def _one(self, item: Item) -> None:
        began, tries = time.monotonic(), 0
        while True:
            try:
                await self._deal(item)
                break
            except Exception as error:
                # Other errors may quote the message; their kind has to do.
                said = error if isinstance(error, (StorageError, Unanswered)) else type(error).__name__
                logger.error("%s: message %d could not be dealt with: %s", self._name, item.id, said)
            if time.monotonic() - began > PATIENCE_SECONDS:
                await self._give_up(item)
                break
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1
        try:
            await self._inbox.done(item)
        except Exception as error:  # it is found again, and known by its turn
            logger.error("%s: message %d is dealt with, but that could not be stored: %s", self._name, item.id, error)

    def slot(self) -> asyncio.Semaphore:
        """Return what a message that is being understood holds."""
        return self._slots
