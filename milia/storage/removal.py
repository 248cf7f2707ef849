"""Removing conversations: one for its owner, all old ones by retention. Each function works in a caller's transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import and_, delete, select
from sqlalchemy.engine import Connection

from milia.storage.tables import OF_A_CONVERSATION, conversation, event, outbox, turn

BATCH = 200


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
        when = datetime.fromtimestamp(self.time, timezone.utc).isoformat(timespec="seconds")
        return {"conversation_id": self.conversation_id, "erased_at": when, "rows": self.counts}


def erase(connection: Connection, conversation_id: str) -> Receipt:
    """Remove everything that is stored of a conversation."""
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
    return {name: count for name, count in counts.items() if count}


def purge_batch(connection: Connection, older_than: float, counts: dict[str, int]) -> bool:
    """Remove a batch of what was stored before a time.

    A conversation that has gone on since keeps what the dialogue needs now.

    Args:
        connection: in a transaction that writes.
        older_than: seconds since 1970.
        counts: gets the rows removed, by table.

    Returns:
        Whether there may be more.
    """
    ended = select(conversation.c.id).where(conversation.c.updated_at < older_than).limit(BATCH)
    numbers = list(connection.execute(ended.with_for_update(skip_locked=True)).scalars())
    if numbers:
        _add(counts, _remove(connection, numbers))
        return len(numbers) == BATCH
    # Of those that go on: what is old, and before the window that the dialogue still reads.
    old = (
        select(turn.c.conversation, turn.c.number, turn.c.message_id, turn.c.first_position, turn.c.end_position)
        .join(conversation, conversation.c.id == turn.c.conversation)
        .where(and_(turn.c.stored_at < older_than, turn.c.end_position <= conversation.c.window_start))
        .limit(BATCH)
    )
    rows = connection.execute(old).all()
    for row in rows:
        mine = and_(event.c.conversation == row.conversation, event.c.position < row.end_position)
        _add(counts, {"event": connection.execute(delete(event).where(mine)).rowcount})
        sent = and_(outbox.c.conversation == row.conversation, outbox.c.message_id == row.message_id)
        _add(counts, {"outbox": connection.execute(delete(outbox).where(sent)).rowcount})
        gone = and_(turn.c.conversation == row.conversation, turn.c.number == row.number)
        _add(counts, {"turn": connection.execute(delete(turn).where(gone)).rowcount})
    return len(rows) == BATCH


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        if count:
            counts[name] = counts.get(name, 0) + count
