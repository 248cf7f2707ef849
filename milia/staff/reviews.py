"""Marks of what a reply should have been: a queue that two people can work on at once without losing anything.

Every change names the version that it was made from; one that is no longer there is refused (`Changed`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, desc, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from milia.staff.times import iso
from milia.staff.xray import record_of
from milia.storage.database import Database
from milia.storage.ledger import read_events
from milia.storage.tables import conversation, review, review_turn, turn

OPEN, ACCEPTED, REJECTED = STATES = ("open", "accepted", "rejected")


class Changed(Exception):
    """Somebody was first.

    Attributes:
        version: of the review as it stands.
        by: who changed it.
    """

    def __init__(self, version: int, by: str) -> None:
        super().__init__(f"version {version} by {by}")
        self.version, self.by = version, by


@dataclass(frozen=True)
class NewReview:
    """What is marked.

    Attributes:
        should: topics, signs, wording, note; without personal data.
        was: topics, signs, level of the reply.
        tried: text and reply of a tried turn, without personal data; None for a stored one.
        conversation_id, number: the stored turn; None for a tried one.
    """

    should: Mapping[str, Any]
    was: Mapping[str, Any]
    tried: Mapping[str, str] | None = None
    conversation_id: str | None = None
    number: int | None = None


class Reviews:
    """All reviews.

    Args:
        database: where they are.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._cipher, self._clock = database, database.cipher, clock

    async def add(self, new: NewReview, user: str) -> dict[str, Any]:
        """Add a mark.

        Raises:
            KeyError: There is no such stored turn.
        """
        values = {
            "state": OPEN, "version": 1, "made_by": user, "made_at": self._clock(), "was": json.dumps(new.was),
            "should": self._cipher.encrypt(json.dumps(new.should)),
            "tried": self._cipher.encrypt(json.dumps(new.tried)) if new.tried else None,
        }  # fmt: skip

        def write(connection: Connection) -> dict[str, Any]:
            number = None
            if new.conversation_id is not None:
                number = _turn(connection, new.conversation_id, new.number)
            identifier = int(connection.execute(insert(review).values(**values)).inserted_primary_key[0])
            if number is not None:
                link = {"review": identifier, "conversation": number, "number": new.number}
                connection.execute(insert(review_turn).values(**link))
            return self._get(connection, identifier)

        return await self._database.run(write, write=True)

    async def get(self, identifier: int) -> dict[str, Any]:
        """Return a review as the contract describes it.

        Raises:
            KeyError: There is none.
        """
        return await self._database.run(lambda connection: self._get(connection, identifier))

    async def patch(self, identifier: int) -> str | None:
        """Return the patch that accepting made.

        Raises:
            KeyError: There is no such review.
        """
        query = select(review.c.id, review.c.made).where(review.c.id == identifier)
        row = await self._database.run(lambda connection: connection.execute(query).first())
        if row is None:
            raise KeyError(identifier)
        return str(json.loads(row.made).get("patch") or "") if row.made else None

    async def page(self, state: str, before: int | None, limit: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Return reviews, the newest first, and how many there are in each state."""

        def read(connection: Connection) -> tuple[list[dict[str, Any]], dict[str, int]]:
            query = select(review).order_by(desc(review.c.id)).limit(limit)
            wanted = [review.c.state == state] if state else []
            wanted += [review.c.id < before] if before is not None else []
            rows = connection.execute(query.where(and_(True, *wanted))).all()
            counts = dict(connection.execute(select(review.c.state, func.count()).group_by(review.c.state)).all())
            return [self._dict(connection, row) for row in rows], {name: counts.get(name, 0) for name in STATES}

        return await self._database.run(read)

    async def accepted(self, limit: int) -> list[dict[str, Any]]:
        """Return what accepting made, of the latest accepted reviews: with its patch, by whom and when."""
        query = select(review.c.id, review.c.made, review.c.decided_by, review.c.decided_at)
        query = query.where(review.c.state == ACCEPTED).order_by(desc(review.c.id)).limit(limit)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [
            {"review": str(row.id), "by": row.decided_by, "at": iso(row.decided_at), **json.loads(row.made)}
            for row in rows
            if row.made
        ]

    async def change(self, identifier: int, version: int, user: str, **values: Any) -> dict[str, Any]:
        """Change a review from a version that somebody has seen.

        Args:
            identifier: which.
            version: the one that was seen.
            user: who changes it.
            **values: `state`, `should`, `reason`, `made`; what is decided notes by whom and when.

        Raises:
            KeyError: There is none.
            Changed: It has another version by now.
        """
        now = self._clock()
        stored: dict[str, Any] = {"version": version + 1, "decided_by": user, "decided_at": now}
        for name, value in values.items():
            text = json.dumps(value) if name in ("should", "made") and value is not None else value
            stored[name] = self._cipher.encrypt(text) if name == "should" else text

        def write(connection: Connection) -> dict[str, Any]:
            mine = and_(review.c.id == identifier, review.c.version == version)
            if not connection.execute(update(review).where(mine).values(**stored)).rowcount:
                row = connection.execute(select(review).where(review.c.id == identifier)).first()
                if row is None:
                    raise KeyError(identifier)
                raise Changed(row.version, row.decided_by or row.made_by)
            return self._get(connection, identifier)

        return await self._database.run(write, write=True)

    def _get(self, connection: Connection, identifier: int) -> dict[str, Any]:
        row = connection.execute(select(review).where(review.c.id == identifier)).first()
        if row is None:
            raise KeyError(identifier)
        return self._dict(connection, row)

    def _dict(self, connection: Connection, row: Row) -> dict[str, Any]:
        text, reply, where, number = self._turn_of(connection, row)
        made = json.loads(row.made) if row.made else None
        if made is not None:
            address = f"/staff/api/reviews/{row.id}/patch" if made.get("patch") else None
            made = {"sentence": None, "branch": None, "commit": None, **made, "patch": address}
        return {
            "id": str(row.id), "state": row.state, "version": row.version, "made_by": row.made_by, "made_at": iso(row.made_at),
            "decided_by": row.decided_by, "decided_at": iso(row.decided_at), "reason": row.reason,
            "should": json.loads(self._cipher.decrypt(row.should)),
            "was": {**json.loads(row.was), "text": text, "reply": reply},
            "conversation": where, "turn": number, "made": made,
        }  # fmt: skip

    def _turn_of(self, connection: Connection, row: Row) -> tuple[str | None, str | None, str | None, int | None]:
        if row.tried:
            tried = json.loads(self._cipher.decrypt(row.tried))
            return tried["text"], tried["reply"], None, None
        query = (
            select(turn, conversation.c.conversation_id)
            .join(review_turn, and_(review_turn.c.conversation == turn.c.conversation, review_turn.c.number == turn.c.number))
            .join(conversation, conversation.c.id == turn.c.conversation)
            .where(review_turn.c.review == row.id)
        )
        found = connection.execute(query).first()
        if found is None:  # erased with its conversation
            return None, None, None, None
        events = read_events(connection, found.conversation, found.first_position, found.end_position, self._cipher)
        text, reply = words_of([one for _, one in events])
        return text, reply, found.conversation_id, found.number


async def stored_turn(database: Database, conversation_id: str, number: int) -> list[dict[str, Any]]:
    """Return the events of a stored turn.

    Raises:
        KeyError: There is none.
    """

    def read(connection: Connection) -> list[dict[str, Any]]:
        owner = _turn(connection, conversation_id, number)
        mine = and_(turn.c.conversation == owner, turn.c.number == number)
        row = connection.execute(select(turn).where(mine)).one()
        return [one for _, one in read_events(connection, owner, row.first_position, row.end_position, database.cipher)]

    return await database.run(read)


def words_of(events: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return what was written in a turn, and what was said to it."""
    text = next((str(one.get("text") or "") for one in events if one.get("event") == "user"), "")
    return text, "\n".join(str(one.get("text") or "") for one in events if one.get("event") == "bot")


def was_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a review keeps of the reply."""
    record = record_of(events)
    return {name: record[name] for name in ("topics", "signs", "level")}


def _turn(connection: Connection, conversation_id: str, number: int | None) -> int:
    query = (
        select(turn.c.conversation)
        .join(conversation, conversation.c.id == turn.c.conversation)
        .where(and_(conversation.c.conversation_id == conversation_id, turn.c.number == number))
    )
    found = connection.execute(query).scalar()
    if found is None:
        raise KeyError(number)
    return int(found)
