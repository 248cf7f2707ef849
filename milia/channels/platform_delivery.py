"""Sends what is in the outbox to one platform: in order for each person, again after a failure, never lost in silence.

A platform that is down holds up its own people only: each channel has its own sender, each conversation its own order.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from milia.channels.platform_health import ChannelHealth
from milia.channels.platform_http import NeverDelivered, TryLater
from milia.channels.rendering import Bubble
from milia.storage.errors import StorageError
from milia.storage.outbox import Delivery

logger = logging.getLogger(__name__)

AT_ONCE = 20
# A delivery is cut off before another server may take it (milia.storage.outbox.LEASE_SECONDS).
WHOLE_SECONDS = 45.0
# WhatsApp and Messenger take answers for a day after the person's last message.
GIVE_UP_SECONDS = 24 * 3600.0
# A notice is no use later: it is no answer to a question.
GIVE_UP_NOTICE_SECONDS = 3600.0
# Rows that this process did not write itself (another server's, one from before a crash) are looked for this often.
LOOK_SECONDS = 10.0

Target = Mapping[str, str]


class Platform(Protocol):
    """What a sender needs of a channel."""

    def render(self, bubbles: Sequence[Bubble]) -> list[Any]:
        """Return the payloads of the platform's API, without the recipient."""

    async def send(self, target: Target, payload: Any) -> None:
        """Send one payload; raises `TryLater` or `NeverDelivered`."""


class Waiting(Protocol):
    """What a sender needs of `milia.storage.outbox.Outbox`."""

    async def due(self, now: float | None = None, channel: str | None = None, limit: int = 20) -> list[Delivery]:
        """Take replies that are to be sent."""

    async def delivered(self, delivery: int) -> None:
        """Note that a reply was sent."""

    async def failed(self, delivery: int, retry_at: float | None) -> None:
        """Note that a reply could not be sent, and when to try again."""


@dataclass(frozen=True)
class Backoff:
    """Pauses between tries: doubled each time, a little by chance, as long as the platform asks for.

    Attributes:
        first: seconds after the first failure.
        longest: seconds at most, if the platform asks for no longer one.
    """

    first: float = 1.0
    longest: float = 300.0

    def pause(self, attempts: int, asked: float | None = None) -> float:
        """Return the seconds to wait after a number of earlier failures."""
        own: float = min(self.longest, self.first * 2 ** min(attempts, 16)) * random.uniform(0.8, 1.2)
        return max(own, asked or 0.0)


class Sender:
    """Delivers the replies of one channel.

    Args:
        name: of the channel.
        platform: renders and sends.
        outbox: the stored replies.
        compose: makes the bubbles of a delivery, from its leads and replies.
        stopped: tells whether a person wants no more messages.
        health: counts.
        backoff: pauses after failures.
    """

    def __init__(
        self,
        name: str,
        platform: Platform,
        outbox: Waiting,
        compose: Callable[[Delivery, Sequence[str]], list[Bubble]],
        stopped: Callable[[str], Awaitable[bool]] | None,
        health: ChannelHealth,
        backoff: Backoff,
    ) -> None:
        self._name, self._platform, self._outbox, self._compose = name, platform, outbox, compose
        self._stopped, self._health, self._backoff = stopped, health, backoff
        self._sent: dict[int, int] = {}  # payloads of a delivery that are out already
        self._running: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._retry_at: dict[int, float] = {}
        self._draining = False
        self._ended = asyncio.Event()

    def wake(self) -> None:
        """Look for replies now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until `drain`, or until cancelled.

        Not until cancelled alone: in Python 3.10 `wait_for`, which the store uses, can lose a cancellation.
        """
        while not self._draining:
            self._wake.clear()
            free = AT_ONCE - len(self._running)
            if free > 0:
                for delivery in await self._take(free):
                    self._retry_at.pop(delivery.id, None)
                    task = asyncio.get_running_loop().create_task(self._deliver(delivery))
                    self._running[delivery.id] = task
                    task.add_done_callback(functools.partial(self._done, delivery.id))
            pause = max(0.01, min([LOOK_SECONDS, *(at - time.time() for at in self._retry_at.values())]))
            woken = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait({woken}, timeout=pause if free > 0 else None)
            finally:
                woken.cancel()
        self._ended.set()

    async def drain(self, seconds: float) -> None:
        """Let deliveries in flight finish; what does not is sent by the next process. Nothing more is taken."""
        self._draining = True
        self._wake.set()
        # What is being taken is delivered, too: left alone, it would be nobody's until its lease ends.
        ended = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait({ended}, timeout=seconds)
        ended.cancel()
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=seconds)
        for task in running:
            task.cancel()

    async def _take(self, free: int) -> list[Delivery]:
        try:
            taken = await self._outbox.due(channel=self._name, limit=free)
        except StorageError as error:
            logger.error("%s: the outbox cannot be read: %s", self._name, error)
            return []
        except Exception as error:
            logger.error("%s: the outbox cannot be read: %s", self._name, type(error).__name__)
            return []
        return [one for one in taken if one.id not in self._running]

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        self._running.pop(number, None)
        self._wake.set()  # the next reply of the same conversation may go now

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            reason, after = await asyncio.wait_for(self._send_all(delivery), WHOLE_SECONDS)
        except asyncio.TimeoutError:
            reason, after = "time-out", None
        except NeverDelivered as error:
            logger.error("%s: reply %d cannot be delivered: %s", self._name, delivery.id, error.reason)
            self._health.note_sent("misconfigured" if error.ours else "undeliverable", error.reason)
            # A key that is put right lets it through after all.
            if error.ours:
                await self._fail(delivery, error.reason, None)
            else:
                await self._settle(self._outbox.failed(delivery.id, None), delivery.id)
            return
        except Exception as error:
            logger.exception("%s: reply %d could not be made ready", self._name, delivery.id)
            reason, after = type(error).__name__, None
        if reason:
            await self._fail(delivery, reason, after)
            return
        await self._settle(self._outbox.delivered(delivery.id), delivery.id)

    async def _send_all(self, delivery: Delivery) -> tuple[str, float | None]:
        """Send what is not sent yet; returns why it stopped, or an empty reason."""
        address = json.loads(delivery.recipient)
        if self._stopped is not None and await self._stopped(address["sender"]):
            self._health.note_sent("stopped")
            return "", None
        payloads = self._platform.render(self._compose(delivery, address["lead"]))
        for place in range(self._sent.get(delivery.id, 0), len(payloads)):
            try:
                await self._platform.send(address["to"], payloads[place])
            except TryLater as error:
                return error.reason, error.after
            self._sent[delivery.id] = place + 1
            self._health.note_sent("sent")
        return "", None

    async def _fail(self, delivery: Delivery, reason: str, after: float | None) -> None:
        if time.time() - delivery.created_at > GIVE_UP_SECONDS:
            logger.error("%s: reply %d is given up after a day: %s", self._name, delivery.id, reason)
            self._health.note_sent("expired", reason)
            await self._settle(self._outbox.failed(delivery.id, None), delivery.id)
            return
        pause = self._backoff.pause(delivery.attempts, after)
        logger.warning("%s: reply %d is tried again in %.1f s: %s", self._name, delivery.id, pause, reason)
        self._health.note_sent("retried", reason)
        self._retry_at[delivery.id] = time.time() + pause
        await self._settle(self._outbox.failed(delivery.id, self._retry_at[delivery.id]))

    async def _settle(self, change: Awaitable[None], finished: int | None = None) -> None:
        """Note the outcome; while the database is down, the reply stays taken, and is sent again when that ends."""
        try:
            await change
        except StorageError as error:
            logger.error("%s: the outcome of a delivery could not be stored: %s", self._name, error)
            return
        if finished is not None:
            self._sent.pop(finished, None)


async def send_now(name: str, platform: Platform, target: Target, bubbles: Sequence[Bubble], health: ChannelHealth, backoff: Backoff) -> bool:
    """Send a notice, with further tries for an hour; returns whether it went out.

    It is not in the outbox: the message that it answers stays in the inbox meanwhile.
    """
    payloads, began, attempts = platform.render(bubbles), time.monotonic(), 0
    while payloads:
        try:
            await platform.send(target, payloads[0])
        except NeverDelivered as error:
            logger.error("%s: a notice cannot be delivered: %s", name, error.reason)
            health.note_sent("misconfigured" if error.ours else "undeliverable", error.reason)
            return False
        except TryLater as error:
            if time.monotonic() - began > GIVE_UP_NOTICE_SECONDS:
                logger.error("%s: a notice is given up after an hour: %s", name, error.reason)
                health.note_sent("expired", error.reason)
                return False
            health.note_sent("retried", error.reason)
            await asyncio.sleep(backoff.pause(attempts, error.after))
            attempts += 1
        else:
            health.note_sent("sent")
            payloads = payloads[1:]
    return True
