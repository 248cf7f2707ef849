"""What platforms sent and is still to be answered: stored before it is acknowledged, so that a crash loses no message.

The same message (by the platform's id) gets in once, on whichever server and after whichever restart. What was written is
encrypted, and dropped as soon as the message is dealt with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.fernet import InvalidToken
from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ColumnElement

from milia.channels.keys import PLATFORM_ID, SECRET, Keys
from milia.channels.platform_message import Incoming
from milia.storage.database import Database
from milia.storage.errors import DataKeyError
from milia.storage.tables import platform_message, platform_stop

BODY = "platform-body"  # purpose of the key that encrypts what is waiting
WAITING, DONE = "waiting", "done"
# A server that took a message has this long to deal with it or to say that it still does; then another may.
LEASE_SECONDS = 30.0
# A message's key is known for so long: platforms repeat for hours, an eavesdropper whenever he likes.
KEPT_SECONDS = 365 * 24 * 3600.0


@dataclass(frozen=True)
class Item:
    """A message that is to be dealt with.

    Attributes:
        id: its number, by which earlier ones come first.
        message_id: names its turn in the conversation: a keyed hash, hexadecimal.
        conversation_id: the conversation it belongs to, by keyed hash.
        message: what came.
        attempts: how often it was taken before.
        received_at: seconds since 1970.
    """

    id: int
    message_id: str
    conversation_id: str
    message: Incoming
    attempts: int
    received_at: float


class Inbox:
    """The waiting messages of one channel.

    Args:
        database: where they are.
        channel: the channel's name.
        keys: the installation's keys.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, channel: str, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self._database, self._channel, self._keys, self._clock = database, channel, keys, clock
        self._cipher = keys.fernet(BODY)

    def conversation_id(self, sender: str) -> str:
        """Return the id of a sender's conversation."""
        return f"{self._channel}-{self._hash('sender', sender)[:40]}"

    async def add(self, message: Incoming) -> Item | None:
        """Store a message, taken by this server; None if it came before.

        Raises:
            StorageUnavailable: It was not stored: the platform must not be told that it was.
        """
        key, now = self._hash("message", message.id), self._clock()
        values = {
            "channel": self._channel, "key": key, "state": WAITING, "attempts": 0, "due_at": now + LEASE_SECONDS,
            "received_at": now, "body": self._cipher.encrypt(message.to_json().encode()).decode("ascii"),
        }  # fmt: skip

        def write(connection: Connection) -> int | None:
            known = select(platform_message.c.id).where(
                and_(platform_message.c.channel == self._channel, platform_message.c.key == key)
            )
            if connection.execute(known).first() is not None:
                return None
            try:
                with connection.begin_nested():
                    return int(connection.execute(insert(platform_message).values(values)).inserted_primary_key[0])
            except IntegrityError:  # another server stored it meanwhile
                return None

        number = await self._database.run(write, write=True)
        return None if number is None else Item(number, key, self.conversation_id(message.sender), message, 0, now)

    async def hold(self, items: Iterable[Item]) -> None:
        """Go on holding messages that take long."""
        await self._due_at(items, self._clock() + LEASE_SECONDS)

    async def let_go(self, items: Iterable[Item]) -> None:
        """Let another server, or the next process, have messages now."""
        await self._due_at(items, self._clock())

    async def _due_at(self, items: Iterable[Item], when: float) -> None:
        mine = and_(platform_message.c.id.in_([item.id for item in items]), platform_message.c.state == WAITING)
        change = update(platform_message).where(mine).values(due_at=when)
        await self._database.run(lambda connection: connection.execute(change), write=True)

    async def done(self, item: Item) -> None:
        """Note that a message is dealt with; what was written is dropped."""
        change = update(platform_message).where(platform_message.c.id == item.id).values(state=DONE, body=None)
        await self._database.run(lambda connection: connection.execute(change), write=True)

    async def left(self, limit: int = 50) -> list[Item]:
        """Take messages that no server deals with: those of one that crashed. Oldest first.

        Raises:
            DataKeyError: One was stored with another `MILIA_SECRET_KEY`.
        """
        now = self._clock()
        query = (
            select(platform_message)
            .where(
                and_(
                    platform_message.c.channel == self._channel,
                    platform_message.c.state == WAITING,
                    platform_message.c.due_at <= now,
                )
            )
            .order_by(platform_message.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

        def take(connection: Connection) -> list[Item]:
            rows = connection.execute(query).all()
            if not rows:
                return []
            taken = update(platform_message).where(platform_message.c.id.in_([row.id for row in rows]))
            connection.execute(taken.values(due_at=now + LEASE_SECONDS, attempts=platform_message.c.attempts + 1))
            items = []
            for row in rows:
                try:
                    message = Incoming.from_json(self._cipher.decrypt(row.body.encode("ascii")).decode())
                except InvalidToken as error:
                    raise DataKeyError(f"a message was stored with another {SECRET}: set that one again to answer it") from error
                conversation = self.conversation_id(message.sender)
                items.append(Item(row.id, row.key, conversation, message, row.attempts, row.received_at))
            return items

        return await self._database.run(take, write=True)

    async def waiting(self) -> int:
        """Return how many messages are not dealt with yet."""
        mine = and_(platform_message.c.channel == self._channel, platform_message.c.state == WAITING)
        query = select(func.count()).select_from(platform_message).where(mine)
        return await self._database.run(lambda connection: int(connection.execute(query).scalar_one()))

    async def forget(self) -> int:
        """Remove the keys of messages from long ago; returns how many."""
        old = and_(platform_message.c.channel == self._channel, platform_message.c.received_at < self._clock() - KEPT_SECONDS)
        return await self._database.run(lambda connection: connection.execute(delete(platform_message).where(old)).rowcount, write=True)

    # ------------------------------------------------------------------------------------------------- who wrote STOP
    async def stopped(self, sender: str) -> bool:
        """Tell whether a person wants no more messages."""
        query = select(platform_stop.c.since).where(self._is(sender))
        return await self._database.run(lambda connection: connection.execute(query).first() is not None)

    async def stop(self, sender: str) -> None:
        """Send a person no more messages."""
        values = {"channel": self._channel, "sender": self._hash("stop", sender), "since": self._clock()}

        def write(connection: Connection) -> None:
            connection.execute(delete(platform_stop).where(self._is(sender)))
            connection.execute(insert(platform_stop).values(values))

        await self._database.run(write, write=True)

    async def start(self, sender: str) -> None:
        """Send a person messages again."""
        await self._database.run(lambda connection: connection.execute(delete(platform_stop).where(self._is(sender))), write=True)

    def _is(self, sender: str) -> ColumnElement:
        return and_(platform_stop.c.channel == self._channel, platform_stop.c.sender == self._hash("stop", sender))

    def _hash(self, what: str, value: str) -> str:
        return self._keys.keyed_hash(PLATFORM_ID, f"{self._channel}\n{what}\n{value}")
