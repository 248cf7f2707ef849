"""The event broker: `type: milia.storage.event_broker.StoredEvents` in endpoints.yml, on if `RABBITMQ_URL` is set.

What was stored is published too, for programs that count or learn: each event as it is stored, so without personal data, and
encrypted if `MILIA_DATA_KEY` is set (`opened` undoes it). The database is the record; this is a copy of it.

Rasa's own broker holds up the start of the server until RabbitMQ answers, publishes each event in a task of its own (in any
order), keeps whatever it could not send, without end, and quotes it in the log. Here a turn only puts its events into a list of
bounded length, and one task sends them in order, however long that takes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any

import aio_pika
from rasa.core.brokers.broker import EventBroker

from milia.storage.encryption import TextCipher
from milia.storage.errors import StorageError
from milia.storage.settings import retention_days

logger = logging.getLogger(__name__)

RABBITMQ_URL = "RABBITMQ_URL"
EXCHANGE, QUEUE = "milia", "milia_events"
CONNECT_SECONDS, SEND_SECONDS, RETRY_SECONDS, CLOSE_SECONDS = 3.0, 3.0, 1.0, 2.0
# Some ten events a turn, a kilobyte each.
MOST_WAITING = 20_000
# Events that wait for their confirmation together: one by one each would wait for the disk of RabbitMQ.
AT_ONCE = 50
# What stays readable of an encrypted event.
_OPEN = ("sender_id", "event", "timestamp")


class StoredEvents(EventBroker):
    """Publishes stored events to RabbitMQ: a durable exchange, and one durable queue on it.

    Args:
        url: RabbitMQ.
        cipher: encrypts events; that of `MILIA_DATA_KEY` if None.
        days: after which RabbitMQ drops what nobody fetched; `MILIA_RETENTION_DAYS` if None.

    Raises:
        StorageError: The address is of no use.

    Attributes:
        dropped: events that were never sent, because too many waited.
        connected: whether RabbitMQ takes events now.
    """

    def __init__(self, url: str, cipher: TextCipher | None = None, days: int | None = None) -> None:
        if not url.startswith(("amqp://", "amqps://")):
            raise StorageError(f"{RABBITMQ_URL} is no address of a RabbitMQ: write amqp://user:password@host:5672/vhost, or amqps:// for TLS")
        self._url = url
        self._cipher = cipher or TextCipher.from_environment()
        self._kept = timedelta(days=retention_days() if days is None else days)
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self.dropped = 0
        self.connected = False

    @classmethod
    async def from_endpoint_config(cls, broker_config: Any, event_loop: Any = None) -> StoredEvents | None:
        """Return a broker that connects in the background; None if no RabbitMQ is set."""
        url = os.environ.get(RABBITMQ_URL, "").strip()
        if not url:
            return None
        broker = cls(url)
        broker.start()
        return broker

    @property
    def waiting(self) -> int:
        """How many events are not sent yet."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to send, in the running event loop."""
        self._sender = asyncio.get_running_loop().create_task(self._send_for_ever())

    def publish(self, event: Mapping[str, Any]) -> None:
        """Take an event; never waits, and never fails.

        Args:
            event: as it is stored, with its `sender_id`.
        """
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            if self.dropped % 1000 == 1:
                logger.error("RabbitMQ has been away for long: %d events will not be published", self.dropped)
            return
        self._waiting.append(event)
        self._wake.set()

    def is_ready(self) -> bool:
        """Say yes: a server without RabbitMQ serves all the same."""
        return True

    async def close(self) -> None:
        """Send what waits, if that goes fast, and disconnect."""
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS
        while self.connected and self._waiting and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        if self._sender is not None:
            self._sender.cancel()
            with suppress(asyncio.CancelledError):
                await self._sender

    async def _send_for_ever(self) -> None:
        told = False
        while True:
            try:
                connection = await aio_pika.connect(self._url, timeout=CONNECT_SECONDS)
                try:
                    exchange = await asyncio.wait_for(_declared(connection), CONNECT_SECONDS)
                    self.connected, told = True, False
                    await self._send_over(exchange)
                finally:
                    self.connected = False
                    with suppress(Exception):
                        await asyncio.wait_for(connection.close(), CONNECT_SECONDS)
            except Exception as error:  # whatever it is: events wait, turns do not
                if not told:  # its text may name the address with the password
                    logger.warning("RabbitMQ does not take events (%s): they wait", type(error).__name__)
                told = True
            await asyncio.sleep(RETRY_SECONDS)

    async def _send_over(self, exchange: aio_pika.abc.AbstractExchange) -> None:
        while True:
            while self._waiting:
                batch = list(islice(self._waiting, AT_ONCE))
                sends = (exchange.publish(self._message(event), "") for event in batch)
                await asyncio.wait_for(asyncio.gather(*sends), SEND_SECONDS)
                # Only now: what was not confirmed is sent again, so a consumer may see it twice and never misses it.
                for _ in batch:
                    self._waiting.popleft()
            self._wake.clear()
            await self._wake.wait()

    def _message(self, event: Mapping[str, Any]) -> aio_pika.Message:
        body = json.dumps(event)
        if self._cipher.encrypts:
            body = json.dumps({name: event.get(name) for name in _OPEN} | {"encrypted": self._cipher.encrypt(body)})
        return aio_pika.Message(
            body.encode(),
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            expiration=self._kept,
            app_id="milia",
        )


def opened(body: bytes, cipher: TextCipher) -> dict[str, Any]:
    """Return the event in a message's body, for programs that consume them.

    Raises:
        DataKeyError: It is encrypted with another key.
    """
    event: dict[str, Any] = json.loads(body)
    token = event.get("encrypted")
    return dict(json.loads(cipher.decrypt(token))) if isinstance(token, str) else event


async def _declared(connection: aio_pika.abc.AbstractConnection) -> aio_pika.abc.AbstractExchange:
    channel = await connection.channel(publisher_confirms=True)
    exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.FANOUT, durable=True)
    queue = await channel.declare_queue(QUEUE, durable=True)
    await queue.bind(exchange)
    return exchange
