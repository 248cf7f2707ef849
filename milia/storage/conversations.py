"""Stored conversations as channels, staff and commands see them: read, erase, export, purge."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import and_, delete, desc, select
from sqlalchemy.engine import Connection

from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.ledger import as_reply, read_events, replies_of
from milia.storage.tables import OF_A_CONVERSATION, conversation, event, outbox, turn

PURGE_BATCH = 200


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


@dataclass(frozen=True)
class Receipt:
    """What an erasure removed.

    Attributes:
        conversation_id: whose.
        time: when, in seconds since 1970.
        counts: rows removed, by table; empty when nothing was stored.
    """

    conversation_id: str
    time: float
    counts: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt as JSON values, the time in ISO 8601."""
        return {"conversation_id": self.conversation_id, "erased_at": _iso(self.time), "rows": self.counts}


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
        receipt = await self._database.run(lambda connection: _erase(connection, conversation_id), write=True)
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
        while await self._database.run(lambda connection: _purge(connection, older_than, counts), write=True):
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


def _erase(connection: Connection, conversation_id: str) -> Receipt:
    # The lock makes a turn in progress wait, and then find the conversation gone.
    query = select(conversation.c.id).where(conversation.c.conversation_id == conversation_id).with_for_update()
    number = connection.execute(query).scalar()
    counts = {} if number is None else _remove(connection, [number])
    return Receipt(conversation_id, time.time(), counts)


def _remove(connection: Connection, numbers: list[int]) -> dict[str, int]:
    counts = {
        table.name: connection.execute(delete(table).where(table.c.conversation.in_(numbers))).rowcount
        for table in reversed(OF_A_CONVERSATION)
    }
    counts["conversation"] = connection.execute(delete(conversation).where(conversation.c.id.in_(numbers))).rowcount
    return counts


def _purge(connection: Connection, older_than: float, counts: dict[str, int]) -> bool:
    """Remove one batch; returns whether there may be more."""
    ended = select(conversation.c.id).where(conversation.c.updated_at < older_than).limit(PURGE_BATCH)
    numbers = list(connection.execute(ended.with_for_update(skip_locked=True)).scalars())
    if numbers:
        _add(counts, _remove(connection, numbers))
        return len(numbers) == PURGE_BATCH
    # Of those that go on: what is old, and before the window that the dialogue still reads.
    old = (
        select(turn.c.conversation, turn.c.number, turn.c.message_id, turn.c.first_position, turn.c.end_position)
        .join(conversation, conversation.c.id == turn.c.conversation)
        .where(and_(turn.c.stored_at < older_than, turn.c.end_position <= conversation.c.window_start))
        .limit(PURGE_BATCH)
    )
    rows = connection.execute(old).all()
    for row in rows:
        mine = and_(event.c.conversation == row.conversation, event.c.position < row.end_position)
        _add(counts, {"event": connection.execute(delete(event).where(mine)).rowcount})
        sent = and_(outbox.c.conversation == row.conversation, outbox.c.message_id == row.message_id)
        _add(counts, {"outbox": connection.execute(delete(outbox).where(sent)).rowcount})
        gone = and_(turn.c.conversation == row.conversation, turn.c.number == row.number)
        _add(counts, {"turn": connection.execute(delete(turn).where(gone)).rowcount})
    return len(rows) == PURGE_BATCH


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        if count:
            counts[name] = counts.get(name, 0) + count
