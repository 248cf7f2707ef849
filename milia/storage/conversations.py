"""Stored conversations as channels, staff and commands see them: read, erase, export, purge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import and_, desc, select
from sqlalchemy.engine import Connection

from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.ledger import as_reply, read_events, replies_of
from milia.storage.removal import Receipt, erase, purge_batch
from milia.storage.tables import conversation, event, outbox, turn

__all__ = ["Conversations", "Receipt", "StoredTurn"]


@dataclass(frozen=True)
class StoredTurn:
    """One message of a person and what the bot said to it.

    Attributes:
        message_id: as the channel gave it, or None.
        time: when it was stored, in seconds since 1970.
        text: what was written, without personal data.
        replies: dicts with `text`, `buttons` and `milia`.
    """

    message_id: str | None
    time: float
    text: str
    replies: list[dict[str, Any]]


class Conversations:
    """All stored conversations.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cipher: TextCipher = database.cipher

    async def exists(self, conversation_id: str) -> bool:
        """Tell whether anything of the conversation is stored."""
        return await self._database.run(lambda connection: _number(connection, conversation_id) is not None)

    async def ids(self) -> list[str]:
        """Return the ids of all conversations, the one with the latest turn first."""
        query = select(conversation.c.conversation_id).order_by(desc(conversation.c.updated_at))
        return await self._database.run(lambda connection: list(connection.execute(query).scalars()))

    async def reply_to(self, conversation_id: str, message_id: str) -> list[dict[str, Any]] | None:
        """Return what the bot said to a message; None if it has no turn (yet)."""

        def read(connection: Connection) -> list[dict[str, Any]] | None:
            found = connection.execute(
                select(turn)
                .join(conversation, conversation.c.id == turn.c.conversation)
                .where(and_(conversation.c.conversation_id == conversation_id, turn.c.message_id == message_id))
            ).first()
            if found is None:
                return None
            return replies_of(connection, found.conversation, found.first_position, found.end_position, self._cipher)

        return await self._database.run(read)

    async def turns(self, conversation_id: str, limit: int = 50) -> list[StoredTurn]:
        """Return the last turns, oldest first.

        Args:
            conversation_id: whose.
            limit: how many at most, 1 or more.
        """
        return await self._database.run(lambda connection: self._turns(connection, conversation_id, limit))

    async def erase(self, conversation_id: str) -> Receipt:
        """Remove everything that is stored of a conversation."""
        receipt = await self._database.run(lambda connection: erase(connection, conversation_id), write=True)
        await self._database.forget_journal()
        return receipt

    async def export(self, conversation_id: str) -> dict[str, Any]:
        """Return everything that is stored of a conversation, readable for its owner, as JSON values.

        Raises:
            KeyError: Nothing is stored.
        """
        return await self._database.run(lambda connection: self._export(connection, conversation_id))

    async def purge(self, older_than: float) -> dict[str, int]:
        """Remove what was stored before a time.

        A conversation that has gone on since keeps what the dialogue needs now.

        Args:
            older_than: seconds since 1970.

        Returns:
            Rows removed, by table.
        """
        counts: dict[str, int] = {}
        while await self._database.run(lambda connection: purge_batch(connection, older_than, counts), write=True):
            pass
        if counts:
            await self._database.forget_journal()
        return counts

    def _turns(self, connection: Connection, conversation_id: str, limit: int | None) -> list[StoredTurn]:
        query = (
            select(turn)
            .join(conversation, conversation.c.id == turn.c.conversation)
            .where(conversation.c.conversation_id == conversation_id)
            .order_by(desc(turn.c.number))
            .limit(limit)
        )
        rows = list(reversed(connection.execute(query).all()))
        if not rows:
            return []
        number, first, end = rows[0].conversation, rows[0].first_position, rows[-1].end_position
        query = (
            select(event.c.position, event.c.data)
            .where(and_(event.c.conversation == number, event.c.position >= first, event.c.position < end))
            .where(event.c.type.in_(("user", "bot")))
        )
        stored = {row.position: _json(self._cipher, row.data) for row in connection.execute(query)}
        turns = []
        for row in rows:
            events = [stored[at] for at in range(row.first_position, row.end_position) if at in stored]
            text = next((str(one.get("text") or "") for one in events if one.get("event") == "user"), "")
            replies = [reply for reply in map(as_reply, events) if reply is not None]
            turns.append(StoredTurn(row.message_id, row.stored_at, text, replies))
        return turns

    def _export(self, connection: Connection, conversation_id: str) -> dict[str, Any]:
        row = connection.execute(select(conversation).where(conversation.c.conversation_id == conversation_id)).first()
        if row is None:
            raise KeyError(f"nothing is stored of the conversation {conversation_id!r}")
        deliveries = connection.execute(select(outbox).where(outbox.c.conversation == row.id).order_by(outbox.c.id))
        return {
            "conversation_id": conversation_id,
            "started_at": _iso(row.created_at),
            "last_stored_at": _iso(row.updated_at),
            "turns": [
                {"time": _iso(one.time), "message_id": one.message_id, "you_wrote": one.text, "the_bot_said": one.replies}
                for one in self._turns(connection, conversation_id, None)
            ],
            "messages_to_platforms": [
                {"channel": one.channel, "message_id": one.message_id, "state": one.state, "stored_at": _iso(one.created_at)}
                for one in deliveries
            ],
            "record": [one for _, one in read_events(connection, row.id, 0, row.next_position, self._cipher)],
        }


def _json(cipher: TextCipher, data: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(cipher.decrypt(data))
    return value


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _number(connection: Connection, conversation_id: str) -> int | None:
    query = select(conversation.c.id).where(conversation.c.conversation_id == conversation_id)
    found: int | None = connection.execute(query).scalar()
    return found
