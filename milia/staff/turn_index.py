"""Summaries of stored turns, by which conversations are found and counted; made from the events after they were stored.

So a patient's turn costs nothing more, and what is summarised can be made anew. Only a console in use asks for it.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, desc, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Row

from milia.labels import NO_ANSWER, OUT_OF_SCOPE
from milia.sign_catalog import Level
from milia.staff.reasons import UNAVAILABLE
from milia.staff.xray import record_of
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.ledger import read_events
from milia.storage.tables import event, turn, turn_summary

BATCH = 200
# Servers' clocks may differ by this much: turns are looked for so far back again.
_MARGIN_SECONDS = 600.0
_MOST_SLOTS = 200
ANSWERED, FALLBACK, OTHER = "answered", "fallback", "other"


class TurnIndex:
    """Keeps the summaries up to date.

    Args:
        database: where turns and summaries are.
        topics: ids of the topics that the article answers.
    """

    def __init__(self, database: Database, topics: Iterable[str]) -> None:
        self._database, self._topics = database, frozenset(topics)
        self._since = 0.0
        self._checked = 0.0

    async def catch_up(self, seconds: float = 0.15, pause: float = 1.0) -> bool:
        """Summarise what is new, for so many seconds at most; returns whether nothing is left.

        Args:
            seconds: to spend.
            pause: nothing is looked for again within so many seconds.
        """
        start = time.monotonic()
        if start - self._checked < pause:
            return True
        while True:
            began = time.time()
            count = await self._database.run(self._batch, write=True)
            if count < BATCH:
                self._since, self._checked = began - _MARGIN_SECONDS, time.monotonic()
                return True
            if time.monotonic() - start > seconds:
                return False

    def _batch(self, connection: Connection) -> int:
        # The newest first: they are looked at first.
        known = select(turn_summary.c.number).where(
            and_(turn_summary.c.conversation == turn.c.conversation, turn_summary.c.number == turn.c.number)
        )
        query = (
            select(turn)
            .where(and_(turn.c.stored_at >= self._since, ~known.exists()))
            .order_by(desc(turn.c.stored_at))
            .limit(BATCH)
        )
        rows = connection.execute(query).all()
        if not rows:
            return 0
        of: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            of[row.conversation].append(row)
        made = [
            summary for number, turns in of.items() for summary in self._summaries(connection, number, turns)
        ]
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(turn_summary).on_conflict_do_nothing(), made)
        return len(rows)

    def _summaries(self, connection: Connection, number: int, turns: Sequence[Row]) -> list[dict[str, Any]]:
        cipher = self._database.cipher
        first, end = min(row.first_position for row in turns), max(row.end_position for row in turns)
        stored = dict(read_events(connection, number, first, end, cipher))
        made = []
        for row in turns:
            events = [stored[at] for at in range(row.first_position, row.end_position) if at in stored]
            summary = summarise(events, self._topics)
            if NO_ANSWER in summary["topics"] and not summary["theme"]:
                summary["theme"] = _slot(connection, number, row.end_position, "theme", cipher) or ""
            if summary["level"] is None:
                level = _slot(connection, number, row.end_position, "level", cipher)
                summary["level"] = int(Level.from_id(level)) if level else int(Level.PROVIDER_ROUTINE)
            text = cipher.encrypt(summary["text"])
            made.append(
                {
                    **summary, "text": text, "conversation": number, "number": row.number, "stored_at": row.stored_at,
                    "theme": str(summary["theme"])[:64],
                }
            )  # fmt: skip
        return made


def summarise(events: Sequence[Mapping[str, Any]], topics: frozenset[str]) -> dict[str, Any]:
    """Return the summary of a turn from its events; `level` is None where they do not tell it."""
    user = next((one for one in events if one.get("event") == "user"), {})
    text = str(user.get("text") or "")
    record = record_of(events)
    slots = {str(one.get("name")): one.get("value") for one in events if one.get("event") == "slot"}
    level = record["level"] or slots.get("level")
    intent = (user.get("parse_data") or {}).get("intent") or {}
    return {
        "channel": str(user.get("input_channel") or "unknown")[:64],
        "level": int(Level.from_id(str(level))) if level else None,
        "topics": _joined(record["topics"]),
        "signs": _joined(record["signs"]),
        "theme": slots.get("theme") or "",
        "answered": _answered(record, events, topics),
        "confidence": None if text.startswith("/") else intent.get("confidence"),
        "milliseconds": _milliseconds(user, events),
        "text": text,
    }


def _answered(record: Mapping[str, Any], events: Sequence[Mapping[str, Any]], topics: frozenset[str]) -> str:
    named = set(record["topics"])
    if any(one.get("event") == "action" and one.get("name") == UNAVAILABLE for one in events):
        return FALLBACK
    for kind in (NO_ANSWER, OUT_OF_SCOPE):
        if kind in named:
            return kind
    if named & topics:
        return ANSWERED
    warned = record["level"] in (Level.URGENT_SAME_DAY.id, Level.EMERGENCY_NOW.id)
    silent = not named and not record["signs"] and not record["check_question"] and not record["outcome"]
    return FALLBACK if silent and not warned else OTHER


def _milliseconds(user: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the time from the message to the reply: from its arrival where the channel noted it, else from its parse."""
    start = ((user.get("metadata") or {}).get("milia") or {}).get("received_at") or user.get("timestamp")
    end = max((float(one.get("timestamp") or 0) for one in events if one.get("event") == "bot"), default=0.0)
    if not start or not end or end < float(start):
        return None
    return round((end - float(start)) * 1000, 2)


def _slot(connection: Connection, number: int, end: int, name: str, cipher: TextCipher) -> Any:
    """Return a slot's value before a position, as far back as is looked."""
    mine = and_(event.c.conversation == number, event.c.position < end, event.c.type == "slot")
    rows = connection.execute(select(event.c.data).where(mine).order_by(desc(event.c.position)).limit(_MOST_SLOTS))
    for data in rows.scalars():
        stored = json.loads(cipher.decrypt(data))
        if stored.get("name") == name:
            return stored.get("value")
    return None


def _joined(values: Iterable[str]) -> str:
    every = list(values)
    return f",{','.join(every)}," if every else ""


def split(joined: str) -> list[str]:
    """Return the values of a joined column."""
    return [one for one in joined.split(",") if one]
