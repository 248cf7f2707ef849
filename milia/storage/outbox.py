"""Replies that a platform has to be sent: stored with their turn, so that a crash between storing and sending loses none.

A channel sets `pending_delivery` around `on_new_message`; the store writes the row in the turn's transaction. Whoever
sends takes rows from `Outbox.due`. A reply may be sent twice when a sender dies between sending and `delivered`.
"""

from __future__ import annotations

import contextvars
import time
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import and_, exists, func, select, update
from sqlalchemy.engine import Connection

from milia.channels.keys import RECIPIENT, SECRET, Keys
from milia.storage.database import Database
from milia.storage.errors import DataKeyError
from milia.storage.ledger import WAITING, NewDelivery, replies_of
from milia.storage.tables import conversation, outbox, turn

DELIVERED, GIVEN_UP = "delivered", "given up"
# A sender that took a row has this long; then another may take it.
LEASE_SECONDS = 60.0


@dataclass(frozen=True)
class PendingDelivery:
    """Whom the reply of the turn in progress has to be sent to.

    Attributes:
        channel: the channel's name, by which it finds its rows again.
        recipient: the platform's address of the person: kept encrypted, until sent.
        message_id: as handed to Rasa with the message.
    """

    channel: str
    recipient: str
    message_id: str


pending_delivery: contextvars.ContextVar[PendingDelivery | None] = contextvars.ContextVar("pending_delivery", default=None)


@dataclass(frozen=True)
class Delivery:
    """A stored reply that is to be sent now.

    Attributes:
        id: for `Outbox.delivered` and `Outbox.failed`.
        replies: what the bot said: dicts with `text`, `buttons` and `milia`.
        attempts: how often it was taken before.
        created_at: when the turn was stored, in seconds since 1970.
    """

    id: int
    channel: str
    recipient: str
    conversation_id: str
    message_id: str
    replies: list[dict[str, Any]]
    attempts: int
    created_at: float


def sealed(pending: PendingDelivery) -> NewDelivery:
    """Return the delivery as it is stored, its recipient encrypted with a key made of `MILIA_SECRET_KEY`."""
    token = Keys.from_environment().fernet(RECIPIENT).encrypt(pending.recipient.encode()).decode("ascii")
    return NewDelivery(pending.message_id, pending.channel, token)


class Outbox:
    """The stored replies of all platform channels.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: float | None = None, channel: str | None = None, limit: int = 20) -> list[Delivery]:
        """Take replies that are to be sent; no other sender gets them for a minute.

        Of a conversation only the oldest is given out, so that replies keep their order.

        Args:
            now: seconds since 1970; the present time if None.
            channel: only those of this channel.
            limit: how many at most.

        Raises:
            DataKeyError: A recipient was encrypted with another `MILIA_SECRET_KEY`.
        """
        moment = time.time() if now is None else now
        return await self._database.run(lambda connection: self._take(connection, moment, channel, limit), write=True)

    async def delivered(self, delivery: int) -> None:
        """Note that a reply was sent; its recipient is dropped."""
        await self._settle(delivery, state=DELIVERED, recipient=None)

    async def failed(self, delivery: int, retry_at: float | None) -> None:
        """Note that a reply could not be sent.

        Args:
            delivery: the id.
            retry_at: when to try again, in seconds since 1970; None gives up, and drops the recipient.
        """
        if retry_at is None:
            await self._settle(delivery, state=GIVEN_UP, recipient=None)
        else:
            await self._settle(delivery, due_at=retry_at)

    async def waiting(self) -> int:
        """Return how many replies are still to be sent."""
        query = select(func.count()).select_from(outbox).where(outbox.c.state == WAITING)
        return await self._database.run(lambda connection: int(connection.execute(query).scalar_one()))

    async def _settle(self, delivery: int, **values: Any) -> None:
        change = update(outbox).where(and_(outbox.c.id == delivery, outbox.c.state == WAITING)).values(**values)
        await self._database.run(lambda connection: connection.execute(change), write=True)

    def _take(self, connection: Connection, now: float, channel: str | None, limit: int) -> list[Delivery]:
        earlier = outbox.alias("earlier")
        blocked = exists().where(
            and_(earlier.c.conversation == outbox.c.conversation, earlier.c.state == WAITING, earlier.c.id < outbox.c.id)
        )
        query = (
            select(outbox, conversation.c.conversation_id, turn.c.first_position, turn.c.end_position)
            .join(conversation, conversation.c.id == outbox.c.conversation)
            .join(turn, and_(turn.c.conversation == outbox.c.conversation, turn.c.message_id == outbox.c.message_id))
            .where(and_(outbox.c.state == WAITING, outbox.c.due_at <= now, ~blocked))
            .order_by(outbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=outbox)
        )
        rows = connection.execute(query if channel is None else query.where(outbox.c.channel == channel)).all()
        if not rows:
            return []
        taken = update(outbox).where(outbox.c.id.in_([row.id for row in rows]))
        connection.execute(taken.values(due_at=now + LEASE_SECONDS, attempts=outbox.c.attempts + 1))
        cipher = Keys.from_environment().fernet(RECIPIENT)
        try:
            recipients = [cipher.decrypt(row.recipient.encode("ascii")).decode() for row in rows]
        except InvalidToken as error:
            raise DataKeyError(f"a recipient was stored with another {SECRET}: set that one again to send it") from error
        return [
            Delivery(
                row.id, row.channel, recipient, row.conversation_id, row.message_id,
                replies_of(connection, row.conversation, row.first_position, row.end_position, self._database.cipher),
                row.attempts, row.created_at,
            )  # fmt: skip
            for row, recipient in zip(rows, recipients, strict=True)
        ]
