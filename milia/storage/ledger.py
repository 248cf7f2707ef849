"""The one place that writes turns: what a save appends to a conversation, in one transaction.

Knows nothing of Rasa: events are JSON texts here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row

from milia.storage.encryption import TextCipher
from milia.storage.errors import ConversationChanged, TurnAlreadyStored
from milia.storage.tables import MAX_ID_LENGTH, conversation, event, outbox, turn

WAITING = "waiting"


@dataclass(frozen=True)
class NewEvent:
    """An event to append, as it is stored; `starts_turn` at a user's message, which may have an id."""

    type: str
    data: str
    starts_turn: bool = False
    message_id: str | None = None


@dataclass(frozen=True)
class NewDelivery:
    """A platform message to send for the turn; the recipient is encrypted already."""

    message_id: str
    channel: str
    recipient: str


@dataclass(frozen=True)
class Append:
    """One save.

    Attributes:
        conversation_id: whose.
        known: the conversation's row number as it was loaded, None for a new one.
        position: of the first new event; the save is refused if others were stored there meanwhile.
        events: to append, in order.
        window_start: position from which the dialogue needs events.
        base: what the events before the window left, as it is stored.
        delivery: stored with the turn, or None.
        token: names this save, so that a repeated try knows that the first one was stored after all.
    """

    conversation_id: str
    known: int | None
    position: int
    events: Sequence[NewEvent]
    window_start: int
    base: str
    delivery: NewDelivery | None
    token: str


def append(connection: Connection, save: Append, cipher: TextCipher) -> int:
    """Store a save; returns the conversation's row number.

    Raises:
        TurnAlreadyStored: A message of it has its turn already.
        ConversationChanged: Others were stored, or the conversation was erased, since it was loaded.
    """
    now = time.time()
    row = _locked(connection, save, now)
    if row.last_save == save.token:
        return int(row.id)
    _refuse_known_messages(connection, row.id, save.events, cipher)
    if row.next_position != save.position or (save.known is not None and row.id != save.known):
        raise ConversationChanged("another turn of this conversation was stored, or it was erased, meanwhile")
    starts = [index for index, one in enumerate(save.events) if one.starts_turn]
    # What led to the first message, as the start of a session, belongs to its turn. Where the bot spoke unasked, that is
    # a turn too; where nobody said anything, there is none.
    said = bool(starts) or any(one.type == "bot" for one in save.events)
    starts = [0, *starts[1:]] if said else []
    ends = [*starts[1:], len(save.events)] if said else []
    turns = [
        {
            "conversation": row.id,
            "number": row.next_turn + number,
            "message_id": next((one.message_id for one in save.events[start:end] if one.starts_turn), None),
            "first_position": save.position + start,
            "end_position": save.position + end,
            "stored_at": now,
        }
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    if save.events:
        connection.execute(
            insert(event),
            [
                {
                    "conversation": row.id,
                    "position": save.position + index,
                    "type": one.type,
                    "stored_at": now,
                    "data": one.data,
                }
                for index, one in enumerate(save.events)
            ],
        )
    if turns:
        connection.execute(insert(turn), turns)
    if save.delivery:
        connection.execute(
            insert(outbox),
            {
                "conversation": row.id,
                "message_id": save.delivery.message_id,
                "channel": save.delivery.channel,
                "recipient": save.delivery.recipient,
                "state": WAITING,
                "attempts": 0,
                "due_at": now,
                "created_at": now,
            },
        )
    connection.execute(
        update(conversation)
        .where(conversation.c.id == row.id)
        .values(
            updated_at=now,
            next_position=save.position + len(save.events),
            next_turn=row.next_turn + len(turns),
            window_start=save.window_start,
            base=save.base,
            last_save=save.token,
        )
    )
    return int(row.id)


def replies_of(connection: Connection, number: int, first: int, end: int, cipher: TextCipher) -> list[dict[str, Any]]:
    """Return what the bot said in the positions from `first` to before `end`."""
    events = (stored for _, stored in read_events(connection, number, first, end, cipher))
    return [reply for reply in map(as_reply, events) if reply is not None]


def read_events(
    connection: Connection, number: int, first: int, end: int, cipher: TextCipher
) -> list[tuple[int, dict[str, Any]]]:
    """Return the stored events in the positions from `first` to before `end`, in order, each with its position."""
    rows = connection.execute(
        select(event.c.position, event.c.data)
        .where(and_(event.c.conversation == number, event.c.position >= first, event.c.position < end))
        .order_by(event.c.position)
    )
    return [(row.position, json.loads(cipher.decrypt(row.data))) for row in rows]


def as_reply(stored: dict[str, Any]) -> dict[str, Any] | None:
    """Return a bot event as channels send it; None for another event."""
    if stored.get("event") != "bot":
        return None
    data, metadata = stored.get("data") or {}, stored.get("metadata") or {}
    buttons = data.get("buttons") or []
    return {"text": stored.get("text") or "", "buttons": buttons, "milia": metadata.get("milia") or {}}


def check_id(name: str, value: str) -> str:
    """Return an id that every database can hold.

    Raises:
        ValueError: It is empty, too long, or has characters that no id has.
    """
    if not 0 < len(value) <= MAX_ID_LENGTH or not value.isprintable():
        raise ValueError(f"{name} of {len(value)} characters: allowed are 1 to {MAX_ID_LENGTH} printable ones")
    return value


def _locked(connection: Connection, save: Append, now: float) -> Row:
    """Return the conversation's row, made if it is new, locked until the end of the transaction."""
    query = select(conversation).where(conversation.c.conversation_id == save.conversation_id).with_for_update()
    row = connection.execute(query).first()
    if row is None and save.known is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        new = dialect.insert(conversation).values(
            conversation_id=save.conversation_id, created_at=now, updated_at=now,
            next_position=0, next_turn=0, window_start=0, base="null", last_save="",
        )  # fmt: skip
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(query).first()
    if row is None:
        raise ConversationChanged("the conversation was erased meanwhile")
    return row


def _refuse_known_messages(
    connection: Connection, number: int, events: Iterable[NewEvent], cipher: TextCipher
) -> None:
    ids = [one.message_id for one in events if one.message_id]
    if not ids:
        return
    found = connection.execute(select(turn).where(and_(turn.c.conversation == number, turn.c.message_id.in_(ids)))).first()
    if found is not None:
        raise TurnAlreadyStored(replies_of(connection, number, found.first_position, found.end_position, cipher))
