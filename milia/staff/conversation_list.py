"""Stored conversations: found by what happened in them, and one of them turn by turn. Every query has an end."""

from __future__ import annotations

import base64
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, desc, distinct, func, or_, select, true
from sqlalchemy.engine import Connection, Row

from milia.channels.web_replies import title_of
from milia.sign_catalog import Level
from milia.staff.problems import Problem
from milia.staff.times import iso
from milia.staff.turn_index import FALLBACK, split
from milia.staff.xray import LOW_CONFIDENCE
from milia.storage.database import Database
from milia.storage.ledger import as_reply, read_events
from milia.storage.tables import conversation, event, review, review_turn, turn, turn_summary

# Encrypted texts have to be read to be searched: so many turns, or so long, at a time.
_SEARCHED_TURNS, _SEARCH_SECONDS = 4_000, 0.2
_MOST_SUMMARIES, _MOST_SLOTS = 5_000, 3_000


@dataclass(frozen=True)
class Filter:
    """Which conversations: all that is set must hold, what is of a turn within one turn."""

    topic: str = ""
    level: str = ""
    low_confidence: bool = False
    not_helpful: bool = False
    fallback: bool = False
    warning: bool = False
    sign: str = ""
    channel: str = ""
    since: float | None = None
    until: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Page:
    """Rows, the cursor of the next page, and how far encrypted texts were searched."""

    rows: list[dict[str, Any]]
    next: str | None
    complete: bool = True
    searched_to: float | None = None


@dataclass(frozen=True)
class StoredEvents:
    """One stored turn: its row, its events, the slots before it and the title of a pressed button."""

    row: Row
    events: list[dict[str, Any]]
    slots: dict[str, Any]
    title: str
    reviews: list[dict[str, Any]]


class ConversationList:
    """Finds and reads conversations.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database, self._cipher = database, database.cipher

    async def find(self, wanted: Filter, cursor: str, limit: int) -> Page:
        """Return a page of conversations, the latest first.

        Raises:
            Problem: The cursor is none.
        """
        before = _cursor(cursor)
        if wanted.text and self._cipher.encrypts:
            return await self._database.run(lambda connection: self._search(connection, wanted, before, limit))
        return await self._database.run(lambda connection: self._page(connection, wanted, before, limit))

    async def channels(self) -> list[str]:
        """Return the channels that conversations came by."""
        query = select(distinct(turn_summary.c.channel)).order_by(turn_summary.c.channel).limit(50)
        return await self._database.run(lambda connection: list(connection.execute(query).scalars()))

    async def read(self, conversation_id: str, first: int, limit: int) -> tuple[Row, int, list[StoredEvents]]:
        """Return a conversation's row, the number of its turns, and some turns from a number on.

        Raises:
            Problem: Nothing is stored of it.
        """
        return await self._database.run(lambda connection: self._read(connection, conversation_id, first, limit))

    def _page(self, connection: Connection, wanted: Filter, before: tuple[float, int] | None, limit: int) -> Page:
        rows = connection.execute(_query(wanted, before, limit + 1)).all()
        return Page(self._rows(connection, rows[:limit]), _next(rows, limit))

    def _search(self, connection: Connection, wanted: Filter, before: tuple[float, int] | None, limit: int) -> Page:
        """Look through encrypted texts, page by page, until there are enough or the time is up."""
        start, looked = time.monotonic(), 0
        found: list[Row] = []
        word, without = wanted.text.lower(), replace(wanted, text="")
        while True:
            rows = connection.execute(_query(without, before, 100)).all()
            if not rows:
                return Page(self._rows(connection, found), None)
            texts = self._texts(connection, [row.id for row in rows])
            for row in rows:
                before = (row.updated_at, row.id)
                looked += len(texts[row.id])
                if any(word in text.lower() for text in texts[row.id]):
                    found.append(row)
                    if len(found) == limit:
                        return Page(self._rows(connection, found), _next([*found, row], limit))
            if looked >= _SEARCHED_TURNS or time.monotonic() - start > _SEARCH_SECONDS:
                assert before is not None
                last = [*found, rows[-1]]
                return Page(self._rows(connection, found), _next(last, len(last) - 1, rows[-1]), False, before[0])

    def _texts(self, connection: Connection, numbers: Sequence[int]) -> dict[int, list[str]]:
        query = select(turn_summary.c.conversation, turn_summary.c.text).where(turn_summary.c.conversation.in_(numbers))
        found: dict[int, list[str]] = defaultdict(list)
        for row in connection.execute(query.limit(_MOST_SUMMARIES)):
            found[row.conversation].append(self._cipher.decrypt(row.text))
        return found

    def _rows(self, connection: Connection, rows: Sequence[Row]) -> list[dict[str, Any]]:
        numbers = [row.id for row in rows]
        query = (
            select(turn_summary, turn.c.helpful)
            .join(turn, and_(turn.c.conversation == turn_summary.c.conversation, turn.c.number == turn_summary.c.number))
            .where(turn_summary.c.conversation.in_(numbers))
            .order_by(turn_summary.c.conversation, turn_summary.c.number)
            .limit(_MOST_SUMMARIES)
        )
        of: dict[int, list[Row]] = defaultdict(list)
        for one in connection.execute(query):
            of[one.conversation].append(one)
        marked = select(review_turn.c.conversation, func.count()).where(review_turn.c.conversation.in_(numbers))
        reviews: dict[int, int] = dict(connection.execute(marked.group_by(review_turn.c.conversation)).all())
        return [self._row(row, of[row.id], reviews.get(row.id, 0)) for row in rows]

    def _row(self, row: Row, turns: Sequence[Row], reviews: int) -> dict[str, Any]:
        confidences = [one.confidence for one in turns if one.confidence is not None]
        return {
            "id": row.conversation_id,
            "started_at": iso(row.created_at),
            "last_at": iso(row.updated_at),
            "channel": turns[0].channel if turns else "unknown",
            "turns": row.next_turn,
            "level": Level(max((one.level for one in turns), default=1)).id,
            "topics": list(dict.fromkeys(topic for one in turns for topic in split(one.topics))),
            "signs": list(dict.fromkeys(sign for one in turns for sign in split(one.signs))),
            "first_text": self._cipher.decrypt(turns[0].text)[:200] if turns else "",
            "lowest_confidence": min(confidences, default=None),
            "not_helpful": any(one.helpful is False for one in turns),
            "fallback": any(one.answered == FALLBACK for one in turns),
            "reviews": reviews,
        }

    def _read(
        self, connection: Connection, conversation_id: str, first: int, limit: int
    ) -> tuple[Row, int, list[StoredEvents]]:
        found = connection.execute(select(conversation).where(conversation.c.conversation_id == conversation_id)).first()
        if found is None:
            raise Problem("not-found")
        mine = turn.c.conversation == found.id
        total = int(connection.execute(select(func.count()).select_from(turn).where(mine)).scalar() or 0)
        # One turn more on either side: the one before has the button that was pressed, the one after tells that there are more.
        query = select(turn).where(and_(mine, turn.c.number >= first - 1)).order_by(turn.c.number).limit(limit + 2)
        rows = connection.execute(query).all()
        if not rows:
            return found, total, []
        start, end = rows[0].first_position, rows[-1].end_position
        stored = dict(read_events(connection, found.id, start, end, self._cipher))
        slots = self._slots_before(connection, found.id, start)
        marks = self._reviews(connection, found.id)
        made: list[StoredEvents] = []
        replies: list[dict[str, Any]] = []
        for row in rows:
            events = [stored[at] for at in range(row.first_position, row.end_position) if at in stored]
            text = next((str(one.get("text") or "") for one in events if one.get("event") == "user"), "")
            title = title_of(text, replies) if text.startswith("/") else ""
            if row.number >= first:
                made.append(StoredEvents(row, events, dict(slots), title, marks.get(row.number, [])))
            replies = [reply for reply in map(as_reply, events) if reply is not None]
            slots |= {str(one.get("name")): one.get("value") for one in events if one.get("event") == "slot"}
        return found, total, made

    def _slots_before(self, connection: Connection, number: int, position: int) -> dict[str, Any]:
        mine = and_(event.c.conversation == number, event.c.position < position, event.c.type == "slot")
        query = select(event.c.data).where(mine).order_by(desc(event.c.position)).limit(_MOST_SLOTS)
        slots: dict[str, Any] = {}
        for data in connection.execute(query).scalars():
            stored = json.loads(self._cipher.decrypt(data))
            slots.setdefault(str(stored.get("name")), stored.get("value"))
        return slots

    def _reviews(self, connection: Connection, number: int) -> dict[int, list[dict[str, Any]]]:
        query = (
            select(review_turn.c.number, review.c.id, review.c.state)
            .join(review, review.c.id == review_turn.c.review)
            .where(review_turn.c.conversation == number)
            .order_by(review.c.id)
            .limit(500)
        )
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in connection.execute(query):
            found[row.number].append({"id": str(row.id), "state": row.state})
        return found


def _query(wanted: Filter, before: tuple[float, int] | None, limit: int) -> Any:
    query = select(conversation).where(conversation.c.next_turn > 0)
    if before is not None:
        at, number = before
        earlier = and_(conversation.c.updated_at == at, conversation.c.id < number)
        query = query.where(or_(conversation.c.updated_at < at, earlier))
    if wanted.since is not None:
        query = query.where(conversation.c.updated_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(conversation.c.created_at <= wanted.until)
    of_turn = list(_turn_conditions(wanted))
    if of_turn:
        mine = turn_summary.c.conversation == conversation.c.id
        query = query.where(select(turn_summary.c.number).where(and_(mine, *of_turn)).exists())
    return query.order_by(desc(conversation.c.updated_at), desc(conversation.c.id)).limit(limit)


def _turn_conditions(wanted: Filter) -> Iterator[Any]:
    table = turn_summary.c
    if wanted.topic:
        yield table.topics.contains(f",{wanted.topic},", autoescape=True)
    if wanted.sign:
        yield table.signs.contains(f",{wanted.sign},", autoescape=True)
    if wanted.warning:
        yield table.signs != ""
    if wanted.level:
        yield table.level >= int(Level.from_id(wanted.level))
    if wanted.low_confidence:
        yield table.confidence < LOW_CONFIDENCE
    if wanted.fallback:
        yield table.answered == FALLBACK
    if wanted.channel:
        yield table.channel == wanted.channel
    if wanted.text:
        yield func.lower(table.text).contains(wanted.text.lower(), autoescape=True)
    if wanted.not_helpful:
        same = and_(turn.c.conversation == table.conversation, turn.c.number == table.number)
        yield select(true()).where(and_(same, turn.c.helpful.is_(False))).exists()


def _next(rows: Sequence[Row], limit: int, last: Row | None = None) -> str | None:
    if len(rows) <= limit:
        return None
    row = last or rows[limit - 1]
    return base64.urlsafe_b64encode(f"{row.updated_at!r},{row.id}".encode()).decode().rstrip("=")


def _cursor(cursor: str) -> tuple[float, int] | None:
    if not cursor:
        return None
    try:
        at, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(",")
        return float(at), int(number)
    except ValueError:
        raise Problem("malformed", faults=["cursor: not one that this server gave out"]) from None
