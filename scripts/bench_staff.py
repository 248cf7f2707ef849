"""Time the staff console on many stored conversations: `.venv/bin/python scripts/bench_staff.py [CONVERSATIONS] [FOLDER]`.

Seeds a SQLite database and a PostgreSQL of its own, where that is installed (or the one of DATABASE_URL alone), with made-up
conversations of 1 to 7 turns over 30 days, a tenth of them marked for review. Then asks the lists and figures of the console, each
twenty times in the process, and prints the median, the worst and the median of the time that this process worked for it, in
milliseconds. Ends with 1 if a median is over the goal.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "staff"), str(ROOT / "tests" / "storage")]
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")

import storage_postgres  # noqa: E402
from sqlalchemy import func, insert, select  # noqa: E402
from staff_turns import Said  # noqa: E402

from milia.staff.conversation_list import ConversationList, Filter  # noqa: E402
from milia.staff.jobs import Jobs  # noqa: E402
from milia.staff.knowledge import load_knowledge  # noqa: E402
from milia.staff.reviews import ACCEPTED, OPEN, NewReview, Reviews  # noqa: E402
from milia.staff.statistics import Statistics  # noqa: E402
from milia.staff.turn_index import TurnIndex  # noqa: E402
from milia.staff.unanswered import Unanswered  # noqa: E402
from milia.storage.database import Database  # noqa: E402
from milia.storage.encryption import TextCipher  # noqa: E402
from milia.storage.tables import conversation, event, turn  # noqa: E402

DAYS, TIMES, BATCH = 30, 20, 200
# What a list or a figure may take, in milliseconds.
GOAL = 300.0
WORDS = "how long do milia last on my face and are they harmless for a baby or can i use a cream near the eye".split()


def said(chance: random.Random, topics: list[str], signs: dict[str, str], themes: list[str]) -> Said:
    text = " ".join(chance.choices(WORDS, k=chance.randint(3, 14)))
    channel = chance.choice(("web", "web", "web", "whatsapp", "sms"))
    helpful = chance.choice((None,) * 18 + (True, False))  # one turn in ten
    confidence = chance.random() ** 0.3
    kind = chance.random()
    if kind < 0.06:
        sign = chance.choice(list(signs))
        return Said(text, (), (), (sign,), signs[sign], confidence, channel=channel, helpful=helpful)
    if kind < 0.2:
        return Said(text, ("no_answer",), (), confidence=confidence, theme=chance.choice(themes), channel=channel, helpful=helpful)
    if kind < 0.25:
        return Said(text, (), (), confidence=confidence, channel=channel, helpful=helpful)
    found = tuple(chance.sample(topics, chance.choice((1, 1, 2))))
    return Said(text, found, (f"{found[0]}.1",), confidence=confidence, channel=channel, helpful=helpful)


def seed(database: Database, count: int) -> int:
    chance, known = random.Random(7), load_knowledge(ROOT)
    signs = {one.id: one.level.id for one in known.catalog.signs.values()}
    topics, themes = list(known.content.topics), list(known.content.unanswered.themes)
    turns, now = 0, time.time()
    for start in range(0, count, BATCH):

        def work(connection: Any, start: int = start) -> int:
            """Write rows as `milia.storage.ledger` would, many at a time."""
            first = (connection.execute(select(func.max(conversation.c.id))).scalar() or 0) + 1
            talks, events, rows = [], [], []
            for number in range(min(BATCH, count - start)):
                at, position, length = now - chance.random() * DAYS * 86_400, 0, chance.randint(1, 7)
                for place in range(length):
                    one = said(chance, topics, signs, themes)
                    made = one.events(at, f"m-{place:06}")
                    mine = {"conversation": first + number, "stored_at": at}
                    events += [
                        {**mine, "position": position + i, "type": event_["event"], "data": database.cipher.encrypt(json.dumps(event_))}
                        for i, event_ in enumerate(made)
                    ]
                    ends = {"first_position": position, "end_position": position + len(made)}
                    rows.append({**mine, **ends, "number": place, "message_id": f"m-{place:06}", "helpful": one.helpful})
                    position += len(made)
                talks.append(
                    {
                        "id": first + number, "conversation_id": f"seed-{uuid.uuid4().hex}", "created_at": at, "updated_at": at,
                        "next_position": position, "next_turn": length, "window_start": 0, "base": "null", "last_save": "",
                    }
                )  # fmt: skip
            for table, values in ((conversation, talks), (event, events), (turn, rows)):
                connection.execute(insert(table), values)
            return len(rows)

        turns += database.run_now(work, write=True)
    return turns


async def mark(database: Database, count: int) -> None:
    """Mark the first turn of some conversations, and accept every other one."""
    reviews = Reviews(database)
    query = select(conversation.c.conversation_id).order_by(conversation.c.id).limit(count)
    names = await database.run(lambda connection: connection.execute(query).scalars().all())
    for number, name in enumerate(names):
        made = await reviews.add(NewReview({"topics": ["duration"]}, {}, None, name, 0), "bench")
        if number % 2:
            change = {"kind": "training", "file": "data/nlu/ask_duration.yml", "sentence": "how long", "patch": "+ how long"}
            await reviews.change(int(made["id"]), 1, "bench", state=ACCEPTED, made=change)


async def timed(name: str, work: Callable[[], Awaitable[Any]], medians: dict[str, float]) -> None:
    times, computing, result = [], [], None
    for _ in range(TIMES):
        start, spent = time.perf_counter(), time.process_time()
        result = await work()
        times.append((time.perf_counter() - start) * 1000)
        computing.append((time.process_time() - spent) * 1000)
    medians[name] = statistics.median(times)
    size = len(getattr(result, "rows", None) or ()) or len(json.dumps(result, default=str)) if result is not None else 0
    print(f"{name:44} {medians[name]:8.1f} {max(times):8.1f} {statistics.median(computing):8.1f}   {size}")


async def measure(database: Database) -> dict[str, float]:
    """Time everything; returns the medians by name."""
    medians: dict[str, float] = {}

    async def ask(name: str, work: Callable[[], Awaitable[Any]]) -> None:
        await timed(name, work, medians)

    known = load_knowledge(ROOT)
    index, listed = TurnIndex(database, known.content.topics), ConversationList(database)
    start = time.perf_counter()
    while not await index.catch_up(pause=0):
        pass
    print(f"summaries made in {time.perf_counter() - start:.1f} s")
    print(f"{'':44} {'median':>8} {'worst':>8} {'CPU':>8}   rows or bytes")
    since = time.time() - DAYS * 86_400
    await ask("nothing new to summarise", lambda: index.catch_up(pause=0))
    first = await listed.find(Filter(), "", 50)
    for name, wanted in {
        "list, all": Filter(),
        "list, topic": Filter(topic="duration"),
        "list, level": Filter(level="emergency_now"),
        "list, a sign": Filter(sign="ws.breathing_trouble"),
        "list, low confidence": Filter(low_confidence=True),
        "list, not helpful": Filter(not_helpful=True),
        "list, fallback": Filter(fallback=True),
        "list, warning": Filter(warning=True),
        "list, channel and topic and not helpful": Filter(channel="sms", topic="duration", not_helpful=True),
        "list, a topic that is not there": Filter(topic="nothing"),
        "list, search for what is there": Filter(text="harmless baby"),
        "list, search for what is not there": Filter(text="zebra"),
        "list, one day": Filter(since=time.time() - 86_400),
    }.items():
        await ask(name, lambda wanted=wanted: listed.find(wanted, "", 50))
    await ask("list, second page", lambda: listed.find(Filter(), first.next or "", 50))
    await ask("one conversation", lambda: listed.read(first.rows[0]["id"], 0, 50))
    figures = Statistics(database)
    await ask("figures, 30 days", lambda: figures.figures(since, time.time(), "", known))
    await ask("figures, one channel", lambda: figures.figures(since, time.time(), "sms", known))
    await ask("topics asked", lambda: figures.topics(since, time.time()))
    await ask("unanswered, ranked", lambda: Unanswered(database).ranked(since, time.time(), known))
    reviews = Reviews(database)
    await ask("reviews, open", lambda: reviews.page(OPEN, None, 51))
    await ask("reviews, accepted, for a training", lambda: reviews.accepted(200))
    await ask("runs", Jobs(database, ROOT).latest)
    return medians


def bench(url: str, count: int) -> list[str]:
    """Seed and measure one database; returns what took longer than the goal."""
    database = Database.open(url, TextCipher.from_environment())
    try:
        start = time.perf_counter()
        turns = seed(database, count)
        asyncio.run(mark(database, count // 10))
        print(f"\n{database.dialect}: {count} conversations, {turns} turns, seeded in {time.perf_counter() - start:.0f} s")
        medians = asyncio.run(measure(database))
    finally:
        database.close()
    return [f"{database.dialect}: {name}: {median:.0f} ms" for name, median in medians.items() if median > GOAL]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    given = os.environ.get("DATABASE_URL", "")
    if given:
        slow = bench(given, count)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            slow = bench(f"sqlite:///{Path(sys.argv[2] if len(sys.argv) > 2 else scratch)}/bench.db", count)
        programs = storage_postgres.programs()
        if programs is None:
            print("\nPostgreSQL is not installed, so it was not measured: apt-get install postgresql")
        else:
            server = storage_postgres.Postgres(programs)
            try:
                server.start()
                slow += bench(server.new_database(), count)
            finally:
                server.remove()
    print(f"\nOver {GOAL:.0f} ms: {'; '.join(slow) or 'nothing'}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
