"""Stored conversations: found by what happened in them, read turn by turn, counted; all of it with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from staff_turns import Said, store

from milia.staff.conversation_list import ConversationList, Filter
from milia.staff.turn_index import TurnIndex
from milia.storage.conversations import Conversations
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.tables import turn_summary

if TYPE_CHECKING:
    from staff_server import Person

DAY = 86_400.0


def ids(person: Person, query: str = "") -> list[str]:
    answer = person.get(f"/conversations{query}")
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.json["conversations"]]


@pytest.fixture
def some(database: Database) -> None:
    """Conversations that differ in one thing each, an hour apart, the first one the latest."""
    now = time.time()
    plain = Said("how long do milia last")
    for hours, (name, turns) in enumerate(
        {
            "plain": [plain],
            "harmless": [Said("are they harmless", topics=("harmless",))],
            "urgent": [Said("fever", (), (), ("ws.infant_u3m_temp",), "emergency_now", reply="Please get help.")],
            "soon": [plain, Said("it bleeds", ("triage",), (), ("ws.bleeding_nonhealing",), "provider_soon")],
            "unsure": [Said("hmm that thing", confidence=0.2)],
            "unhelpful": [Said("how long", helpful=False)],
            "helpful": [Said("how long", helpful=True)],
            "fallback": [Said("asdf", (), ())],
            "unanswered": [Said("do they itch at night", ("no_answer",), (), theme="unanswered.13")],
            "sms": [Said("how long by text", channel="sms")],
        }.items()
    ):
        store(database, name, turns, now - hours * 3600)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?topic=harmless", ["harmless"]),
        ("?topic=no_answer", ["unanswered"]),
        ("?level=provider_soon", ["urgent", "soon"]),
        ("?level=emergency_now", ["urgent"]),
        ("?warning=true", ["urgent", "soon"]),
        ("?sign=ws.bleeding_nonhealing", ["soon"]),
        ("?low_confidence=true", ["unsure"]),
        ("?not_helpful=true", ["unhelpful"]),
        ("?fallback=true", ["fallback"]),
        ("?channel=sms", ["sms"]),
        ("?q=ITCH", ["unanswered"]),
        ("?q=how%20long&channel=sms", ["sms"]),
        ("?q=100%25", []),
        ("?topic=duration&not_helpful=true", ["unhelpful"]),
        ("?topic=nothing", []),
    ],
)
def test_conversations_are_found_by_what_happened_in_them(
    staff: Callable[[str], Person], some: None, query: str, expected: list[str]
) -> None:
    assert ids(staff("viewer"), query) == expected


def test_all_are_listed_the_latest_first_page_by_page(staff: Callable[[str], Person], some: None) -> None:
    person = staff("viewer")
    everything = ids(person)
    assert len(everything) == 10 and everything[:2] == ["plain", "harmless"]
    pages, cursor = [], ""
    for _ in range(10):
        answer = person.get(f"/conversations?limit=3{cursor}").json
        pages += [row["id"] for row in answer["conversations"]]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert pages == everything
    assert person.get("/conversations?cursor=nonsense").status == 422
    assert person.get("/conversations?limit=101").status == 422
    assert person.get("/conversations?level=high").status == 422


def test_conversations_with_the_same_time_are_all_on_one_page_or_the_next(
    staff: Callable[[str], Person], database: Database
) -> None:
    for number in range(7):
        store(database, f"c{number}", [Said("hi")], 1_700_000_000.0)
    person = staff("viewer")
    first = person.get("/conversations?limit=4").json
    second = person.get(f"/conversations?limit=4&cursor={first['next']}").json
    found = [row["id"] for row in (*first["conversations"], *second["conversations"])]
    assert sorted(found) == [f"c{n}" for n in range(7)] and second["next"] is None


def test_a_row_tells_what_is_needed_to_choose(staff: Callable[[str], Person], some: None) -> None:
    rows = {row["id"]: row for row in staff("viewer").get("/conversations").json["conversations"]}
    soon = rows["soon"]
    assert (soon["turns"], soon["level"], soon["channel"], soon["first_text"]) == (2, "provider_soon", "web", "how long do milia last")
    assert soon["topics"] == ["duration", "triage"] and soon["signs"] == ["ws.bleeding_nonhealing"]
    assert rows["unsure"]["lowest_confidence"] == 0.2
    assert [rows[name]["not_helpful"] for name in ("unhelpful", "helpful", "plain")] == [True, False, False]
    assert rows["fallback"]["fallback"] and not rows["plain"]["fallback"]


def test_one_is_read_turn_by_turn_with_what_was_kept(staff: Callable[[str], Person], database: Database) -> None:
    buttons = [{"title": "Are they harmless?", "payload": "/ask_harmless"}]
    turns = [Said("how long", buttons=buttons), Said("/ask_harmless", topics=("harmless",), helpful=False), Said("thanks", ("chitchat",), ())]
    store(database, "talk", turns)
    person = staff("viewer")
    found = person.get("/conversations/talk?limit=2").json
    assert (found["total"], found["next"], found["channel"]) == (3, "2", "web")
    first, second = found["turns"]
    assert first["user"] == {"text": "how long", "pressed": False, "payload": None}
    assert second["user"] == {"text": "Are they harmless?", "pressed": True, "payload": "/ask_harmless"}
    assert second["helpful"] is False and second["id"] == "1" and not second["complete"]
    assert first["replies"][0]["sentences"][0]["facts"][0]["id"] == "duration.1"
    assert first["why"] and first["actions"][0]["policy"] == "SafetyPolicy"
    (last,) = person.get("/conversations/talk?cursor=2").json["turns"]
    assert last["user"]["text"] == "thanks"
    (level,) = (slot for slot in last["slots"] if slot["name"] == "level")
    assert (level["before"], level["after"], level["changed"]) == ("provider_routine", "provider_routine", False)
    assert person.get("/conversations/nobody").code == "not-found"


def test_figures_add_up(staff: Callable[[str], Person], some: None) -> None:
    found = staff("viewer").get("/statistics").json
    totals = found["totals"]
    assert (totals["conversations"], totals["turns"]) == (10, 11)
    assert (totals["answered"], totals["no_answer"], totals["fallback"]) == (7, 1, 1)
    assert (totals["helpful"], totals["not_helpful"], totals["low_confidence"]) == (1, 1, 1)
    assert totals["warnings"]["emergency_now"] == 1 and totals["warnings"]["provider_soon"] == 1
    assert sum(day["turns"] for day in found["days"]) == 11
    assert found["channels"] == ["sms", "web"]
    assert found["topics"][0]["id"] == "duration" and found["topics"][0]["not_helpful"] == 1
    assert {one["id"] for one in found["signs"]} == {"ws.infant_u3m_temp", "ws.bleeding_nonhealing"}
    assert all(19 < one["p50"] < 21 for one in found["response_ms"])


def test_figures_of_a_channel_and_a_time(staff: Callable[[str], Person], database: Database) -> None:
    store(database, "old", [Said("how long")], time.time() - 40 * DAY)
    store(database, "new", [Said("how long", channel="sms")])
    person = staff("viewer")
    assert person.get("/statistics").json["totals"]["turns"] == 1
    assert person.get("/statistics?channel=web").json["totals"]["turns"] == 0
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 50 * DAY))
    assert person.get(f"/statistics?from={since}").json["totals"]["turns"] == 2
    assert person.get("/statistics?from=2020-01-01").status == 422
    assert "no time" in person.get("/statistics?from=yesterday").json["faults"][0]


def test_what_is_not_answered_is_ranked(staff: Callable[[str], Person], database: Database) -> None:
    itch = Said("do they itch", ("no_answer",), (), theme="unanswered.13")
    for number in range(3):
        store(database, f"a{number}", [itch])
    store(database, "b", [Said("is it catching", ("no_answer",), (), theme="unanswered.1"), Said("how long")])
    found = staff("viewer").get("/content/unanswered").json
    assert [(row["id"], row["turns"], row["conversations"]) for row in found["rows"]] == [("unanswered.13", 3, 3), ("unanswered.1", 1, 1)]
    assert found["rows"][0]["examples"] == ["do they itch"] * 3 and found["turns"] == 4
    assert found["rows"][0]["title"] not in ("", "-")


def test_a_theme_that_was_set_in_an_earlier_turn_still_counts(staff: Callable[[str], Person], database: Database) -> None:
    """Rasa keeps an event of a slot only when its value changes."""
    store(database, "a", [Said("do they itch", ("no_answer",), (), theme="unanswered.13")] * 2)
    assert staff("viewer").get("/content/unanswered").json["rows"][0]["turns"] == 2


def test_empty_and_single(staff: Callable[[str], Person], database: Database) -> None:
    person = staff("viewer")
    assert person.get("/conversations").json["conversations"] == []
    assert person.get("/statistics").json["totals"]["turns"] == 0
    assert person.get("/content/unanswered").json["rows"] == []
    assert person.get("/content/topics").status == 200
    store(database, "one", [Said("hi", ("chitchat",), ())])
    time.sleep(1.1)  # nothing new is looked for more often than each second
    assert ids(person) == ["one"]


def test_erasing_a_conversation_leaves_no_summary(database: Database) -> None:
    store(database, "a", [Said("how long")] * 3)

    async def work() -> int:
        await TurnIndex(database, ["duration"]).catch_up()
        assert await _summaries(database) == 3
        await Conversations(database).erase("a")
        return await _summaries(database)

    assert asyncio.run(work()) == 0


def test_purging_old_turns_of_a_conversation_that_goes_on_purges_their_summaries(database: Database) -> None:
    store(database, "a", [Said("how long")] * 3, time.time() - 10 * DAY)

    async def work() -> None:
        await TurnIndex(database, ["duration"]).catch_up()
        await Conversations(database).purge(time.time() - DAY)
        assert await _summaries(database) == 0

    asyncio.run(work())


async def _summaries(database: Database) -> int:
    query = select(func.count()).select_from(turn_summary)
    return int(await database.run(lambda connection: connection.execute(query).scalar() or 0))


def test_with_a_key_texts_are_encrypted_and_still_found(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/key.db", TextCipher((Fernet.generate_key().decode(),)))
    try:
        for number in range(250):
            store(database, f"c{number:03}", [Said(f"question {number:03} of many")], 1_700_000_000.0 + number)

        async def work() -> tuple[Any, Any]:
            index = TurnIndex(database, ["duration"])
            while not await index.catch_up(pause=0):
                pass
            found = ConversationList(database)
            return await found.find(Filter(text="QUESTION 007"), "", 10), await found.find(Filter(text="many"), "", 100)

        one, many = asyncio.run(work())
        assert [row["id"] for row in one.rows] == ["c007"] and one.complete and one.next is None
        assert len(many.rows) == 100 and many.next
        stored = database.run_now(lambda c: c.execute(select(turn_summary.c.text)).scalars().all())
        assert not any("question" in text for text in stored)
    finally:
        database.close()
