"""What PostgreSQL holds after a test: each acknowledged turn once, whole, and in the order in which it was sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cluster_load import Person
from sqlalchemy import create_engine, select

from milia.storage import tables


@dataclass(frozen=True)
class Found:
    """What became of acknowledged turns.

    Attributes:
        acknowledged: how many were acknowledged.
        lost: ids of those that are not stored.
        doubled: ids that are stored more than once.
        changed: ids whose stored reply is another than the one that was sent.
        broken: conversations with a gap, a half turn, or turns in another order.
        stored: turns in the database.
        events: events in the database.
    """

    acknowledged: int
    lost: list[str]
    doubled: list[str]
    changed: list[str]
    broken: list[str]
    stored: int
    events: int

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.changed or self.broken)


def check(url: str, people: Sequence[Person], prefix: str) -> Found:
    """Compare what people were told with what is stored of the conversations whose messages' ids begin with `prefix`."""
    engine = create_engine(url, future=True)
    try:
        with engine.connect() as connection:
            turns = connection.execute(select(tables.turn).order_by(tables.turn.c.conversation, tables.turn.c.number)).all()
            events = connection.execute(
                select(tables.event.c.conversation, tables.event.c.position, tables.event.c.data)
                .order_by(tables.event.c.conversation, tables.event.c.position)
            ).all()
            ends = {row.id: row.next_position for row in connection.execute(select(tables.conversation)).all()}
    finally:
        engine.dispose()
    ours = {turn.conversation for turn in turns if str(turn.message_id).startswith(prefix)}
    turns = [turn for turn in turns if turn.conversation in ours]
    events = [event for event in events if event.conversation in ours]
    ends = {number: end for number, end in ends.items() if number in ours}
    said = {(event.conversation, event.position): json.loads(event.data) for event in events}
    replies: dict[str, list[str]] = {}
    broken = []
    for number, end in ends.items():
        mine = [turn for turn in turns if turn.conversation == number]
        positions = [event.position for event in events if event.conversation == number]
        starts = [turn.first_position for turn in mine]
        ids = [turn.message_id for turn in mine]
        fine = positions == list(range(end)) and starts == [0, *(turn.end_position for turn in mine[:-1])]
        fine = fine and mine[-1].end_position == end and [turn.number for turn in mine] == list(range(len(mine)))
        fine = fine and ids == [f"{ids[0].rpartition('-')[0]}-{at:06d}" for at in range(len(ids))]
        if not fine:
            broken.append(f"{ids[0] if ids else number}: {len(mine)} turns")
        for turn in mine:
            range_ = range(turn.first_position, turn.end_position)
            replies[turn.message_id] = [e["text"] for at in range_ if (e := said.get((number, at), {})).get("event") == "bot"]
    counted = Counter(turn.message_id for turn in turns)
    acknowledged = [turn for person in people for turn in person.turns]
    return Found(
        acknowledged=len(acknowledged),
        lost=[turn.message_id for turn in acknowledged if turn.message_id not in counted],
        doubled=[name for name, count in counted.items() if count > 1],
        changed=[turn.message_id for turn in acknowledged if turn.message_id in replies and replies[turn.message_id] != turn.texts],
        broken=broken,
        stored=len(turns),
        events=len(events),
    )
