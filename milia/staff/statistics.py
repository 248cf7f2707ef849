"""Figures over stored turns, by day, channel, topic and sign. Days are UTC days."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import BigInteger, and_, case, cast, desc, func, literal_column, select
from sqlalchemy.engine import Connection

from milia.sign_catalog import Level
from milia.staff.knowledge import Knowledge
from milia.staff.problems import Problem
from milia.staff.times import iso
from milia.staff.turn_index import split
from milia.staff.xray import LOW_CONFIDENCE
from milia.storage.database import Database
from milia.storage.settings import SECONDS_A_DAY
from milia.storage.tables import turn, turn_summary

MOST_DAYS, DEFAULT_DAYS = 366, 30
# Response times are those of the latest turns: so many are enough for a percentile.
_TIMED_TURNS, _MOST_GROUPS = 5_000, 20_000
_KINDS = ("answered", "no_answer", "out_of_scope", "fallback")


def span(since: float | None, until: float | None) -> tuple[float, float]:
    """Return the time that figures are about.

    Raises:
        Problem: It is longer than is counted, or ends before it begins.
    """
    end = time.time() if until is None else until
    start = end - DEFAULT_DAYS * SECONDS_A_DAY if since is None else since
    if not 0 <= end - start <= MOST_DAYS * SECONDS_A_DAY:
        raise Problem("malformed", faults=[f"from, to: allowed are {MOST_DAYS} days at most, and from before to"])
    return start, end


class Statistics:
    """Counts.

    Args:
        database: where the summaries are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(self, since: float, until: float, channel: str, known: Knowledge) -> dict[str, Any]:
        """Return the figures as the contract describes them."""
        return await self._database.run(lambda connection: _figures(connection, since, until, channel, known))

    async def topics(self, since: float, until: float) -> tuple[Counter[str], Counter[str]]:
        """Return how often each topic was asked, and how often the answer was called not helpful."""
        within = _within(since, until, "")

        def read(connection: Connection) -> tuple[Counter[str], Counter[str]]:
            bad = Counter[str]()
            for _, _, topics, helpful, count in _feedback(connection, since, until, within):
                bad.update(dict.fromkeys(split(topics), 0 if helpful else count))
            return _asked(connection, within), bad

        return await self._database.run(read)


def _within(since: float, until: float, channel: str) -> Any:
    mine = and_(turn_summary.c.stored_at >= since, turn_summary.c.stored_at <= until)
    return and_(mine, turn_summary.c.channel == channel) if channel else mine


def _day() -> Any:
    # Whole numbers divide to a whole number in both databases. The literal keeps the text the same in SELECT and GROUP BY.
    return cast(turn_summary.c.stored_at, BigInteger) / literal_column(str(SECONDS_A_DAY), BigInteger)


def _figures(connection: Connection, since: float, until: float, channel: str, known: Knowledge) -> dict[str, Any]:
    within = _within(since, until, channel)
    table = turn_summary.c
    unsure = case((table.confidence < LOW_CONFIDENCE, 1), else_=0)
    days: dict[tuple[int, str], dict[str, Any]] = defaultdict(_empty)
    low = 0
    query = select(_day(), table.channel, table.answered, func.count(), func.sum(unsure)).where(within)
    for day, name, kind, count, doubtful in connection.execute(query.group_by(_day(), table.channel, table.answered)):
        row = days[day, name]
        row["turns"] += count
        low += int(doubtful or 0)
        if kind in _KINDS:
            row[kind] += count
    query = select(_day(), table.channel, func.count(func.distinct(table.conversation))).where(within)
    for day, name, count in connection.execute(query.group_by(_day(), table.channel)):
        days[day, name]["conversations"] += count
    told = Counter[str]()
    query = select(_day(), table.channel, table.signs, func.count()).where(and_(within, table.signs != ""))
    for day, name, signs, count in connection.execute(query.group_by(_day(), table.channel, table.signs).limit(_MOST_GROUPS)):
        noticed = [one for one in split(signs) if one in known.catalog.signs]
        days[day, name]["warnings"][known.catalog.level(frozenset(noticed)).id] += count
        told.update(dict.fromkeys(noticed, count))
    asked = _asked(connection, within)
    good, bad = Counter[str](), Counter[str]()
    for day, name, topics, helpful, count in _feedback(connection, since, until, within):
        days[day, name]["helpful" if helpful else "not_helpful"] += count
        (good if helpful else bad).update(dict.fromkeys(split(topics), count))
    rows = [{"day": _date(day), "channel": name, **row} for (day, name), row in sorted(days.items())]
    return {
        "from": iso(since),
        "to": iso(until),
        "channels": sorted({name for _, name in days}),
        "totals": {**_totals(connection, days.values(), within), "low_confidence": low},
        "days": rows,
        "topics": [
            {"id": t, "title": known.label(t), "turns": n, "helpful": good[t], "not_helpful": bad[t]}
            for t, n in asked.most_common(100)
        ],
        "signs": [
            {"id": s, "title": known.sign(s), "level": known.catalog[s].level.id, "turns": n}
            for s, n in told.most_common(100)
            if s in known.catalog.signs
        ],
        "response_ms": _times(connection, within),
    }


def _empty() -> dict[str, Any]:
    counts: dict[str, Any] = dict.fromkeys(("conversations", "turns", *_KINDS, "helpful", "not_helpful"), 0)
    return {**counts, "warnings": dict.fromkeys((level.id for level in Level), 0)}


def _totals(connection: Connection, rows: Iterable[Mapping[str, Any]], within: Any) -> dict[str, Any]:
    total = _empty()
    for row in rows:
        for name, value in row.items():
            if name == "warnings":
                for level, count in value.items():
                    total["warnings"][level] += count
            else:
                total[name] += value
    # One conversation may reach over several days.
    query = select(func.count(func.distinct(turn_summary.c.conversation))).where(within)
    total["conversations"] = int(connection.execute(query).scalar() or 0)
    return total


def _asked(connection: Connection, within: Any) -> Counter[str]:
    """Return how often each topic was asked."""
    asked = Counter[str]()
    column = turn_summary.c.topics
    query = select(column, func.count()).where(and_(within, column != "")).group_by(column).limit(_MOST_GROUPS)
    for joined, count in connection.execute(query):
        asked.update(dict.fromkeys(split(joined), count))
    return asked


def _feedback(connection: Connection, since: float, until: float, within: Any) -> list[Any]:
    """Return day, channel, topics, what was said of the reply, and how often; from the few turns of which anything was."""
    same = and_(turn.c.conversation == turn_summary.c.conversation, turn.c.number == turn_summary.c.number)
    of = (_day(), turn_summary.c.channel, turn_summary.c.topics, turn.c.helpful)
    query = select(*of, func.count()).select_from(turn.join(turn_summary, same))
    said = and_(turn.c.helpful.in_((True, False)), turn.c.stored_at >= since, turn.c.stored_at <= until)
    return list(connection.execute(query.where(and_(said, within)).group_by(*of).limit(_MOST_GROUPS)).all())


def _times(connection: Connection, within: Any) -> list[dict[str, Any]]:
    table = turn_summary.c
    query = select(table.channel, table.milliseconds).where(and_(within, table.milliseconds.is_not(None)))
    of: dict[str, list[float]] = defaultdict(list)
    for name, value in connection.execute(query.order_by(desc(table.stored_at)).limit(_TIMED_TURNS)):
        of[name].append(value)
    return [
        {"channel": name, "p50": _percentile(values, 0.5), "p95": _percentile(values, 0.95), "turns": len(values)}
        for name, values in sorted(of.items())
    ]


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(days=day)).date().isoformat()
