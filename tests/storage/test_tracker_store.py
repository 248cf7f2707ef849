"""The tracker store: what Rasa gets back is what the dialogue needs, and what is stored is whole, once and in order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore, InMemoryTrackerStore
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    ConversationPaused,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import func, select, text
from storage_turns import NewStore, domain, plain_redact, plain_store, say, start_session, take_turn

from milia.storage import tables
from milia.storage.conversations import Conversations
from milia.storage.database import Database
from milia.storage.errors import ConversationChanged, TurnAlreadyStored
from milia.storage.tracker_store import WINDOW_TURNS, ConversationStore, window_start


def run(work: Any) -> Any:
    return asyncio.run(work)


def rows(database: Database, table: Any) -> int:
    return database.run_now(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar())


def messages(tracker: DialogueStateTracker) -> list[str]:
    return [event.message_id for event in tracker.events if isinstance(event, UserUttered)]


def test_a_new_conversation_is_nobodys_until_something_is_said(database: Database, new_store: NewStore) -> None:
    store = new_store(database)
    tracker = run(store.get_or_create_tracker("a", append_action_listen=False))
    assert list(tracker.events) == []
    assert run(store.retrieve("a")) is None
    assert not run(store.exists("a"))
    assert rows(database, tables.conversation) == 0


def test_slots_of_long_ago_survive_and_only_the_last_turns_are_loaded(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> DialogueStateTracker:
        await take_turn(store, "a", "m0", slots={"topic": ["cause"], "sign_context": {"atoms": ["eye"]}, "turn": 1})
        for number in range(1, 8):
            await take_turn(store, "a", f"m{number}", slots={"turn": number + 1})
        found = await store.retrieve("a")
        assert found is not None
        return found

    tracker = run(talk())
    assert messages(tracker) == [f"m{n}" for n in range(8)][-WINDOW_TURNS:]
    assert tracker.get_slot("topic") == ["cause"]
    assert tracker.get_slot("sign_context") == {"atoms": ["eye"]}
    assert tracker.get_slot("turn") == 8
    # Rasa replays a tracker at every action: what the replay loses, the action does not see.
    assert tracker.copy().current_slot_values() == tracker.current_slot_values()
    assert tracker.latest_action_name == "action_listen"
    assert tracker.followup_action is None
    assert not tracker.is_paused()
    # Not a conversation that Rasa would start a session for.
    assert tracker.applied_events()


def test_the_whole_conversation_is_there_for_staff(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> DialogueStateTracker | None:
        for number in range(6):
            await take_turn(store, "a", f"m{number}", slots={"turn": number})
        return await store.retrieve_full_tracker("a")

    tracker = run(talk())
    assert messages(tracker) == [f"m{n}" for n in range(6)]
    assert len([event for event in tracker.events if isinstance(event, SessionStarted)]) == 1
    assert tracker.get_slot("turn") == 5


def test_a_session_start_forgets_slots_as_rasa_does(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> DialogueStateTracker | None:
        for number in range(4):
            await take_turn(store, "a", f"m{number}", slots={"turn": number + 1, "topic": ["cause"]})
        tracker = await store.retrieve("a")
        assert tracker is not None
        start_session(tracker)
        say(tracker, "back again", "m9", {"turn": 1})
        await store.save(tracker)
        return await store.retrieve("a")

    tracker = run(talk())
    assert messages(tracker) == ["m9"]
    assert tracker.get_slot("topic") is None
    assert tracker.get_slot("turn") == 1
    assert isinstance(tracker.events[1], SessionStarted)


def test_slots_carried_into_a_new_session_are_those_that_rasa_sees(database: Database, new_store: NewStore) -> None:
    """Rasa carries over what it finds in the tracker's own events: the snapshot has to be among them."""
    store = new_store(database)

    async def talk() -> list[Any]:
        await take_turn(store, "a", "m0", slots={"topic": ["cause"]})
        for number in range(1, 6):
            await take_turn(store, "a", f"m{number}")
        tracker = await store.retrieve("a")
        assert tracker is not None
        return [event for event in tracker.applied_events() if isinstance(event, SlotSet)]

    assert [(event.key, event.value) for event in run(talk())] == [("topic", ["cause"])]


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_pause_before_the_window_still_holds(database: Database, new_store: NewStore, turns: int) -> None:
    store = new_store(database, turns=turns)

    async def talk() -> tuple[Any, Any]:
        tracker = await take_turn(store, "a", "m0")
        tracker.update(ConversationPaused())
        await store.save(tracker)
        for number in range(1, 7):
            await take_turn(store, "a", f"m{number}")
        return await store.retrieve("a"), await store.retrieve_full_tracker("a")

    window, whole = run(talk())
    assert window.is_paused() and whole.is_paused()


def test_a_restart_within_the_window_clears_the_slots(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> DialogueStateTracker | None:
        for number in range(4):
            await take_turn(store, "a", f"m{number}", slots={"topic": ["cause"]})
        tracker = await store.retrieve("a")
        assert tracker is not None
        tracker.update(Restarted())
        await store.save(tracker)
        return await store.retrieve("a")

    assert run(talk()).get_slot("topic") is None


def test_one_tracker_saved_several_times_stores_each_event_once(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> DialogueStateTracker | None:
        tracker = await take_turn(store, "a", "m0")
        await store.save(tracker)
        say(tracker, "more", "m1")
        await store.save(tracker)
        await store.save(tracker)
        return await store.retrieve_full_tracker("a")

    tracker = run(talk())
    assert messages(tracker) == ["m0", "m1"]
    assert rows(database, tables.event) == len(tracker.events)


def test_where_the_bot_speaks_unasked_that_is_a_turn_of_its_own(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> None:
        tracker = await take_turn(store, "a", "m0")
        tracker.update(SlotSet("turn", 2))
        await store.save(tracker)
        tracker.update(BotUttered("A word from our staff."))
        await store.save(tracker)
        await take_turn(store, "a", "m1")

    run(talk())
    turns = run(Conversations(database).turns("a"))
    assert [(turn.message_id, len(turn.replies)) for turn in turns] == [("m0", 1), (None, 1), ("m1", 1)]
    assert turns[1].text == "" and turns[1].replies[0]["text"] == "A word from our staff."


def test_a_message_is_stored_once_and_its_retry_gets_the_stored_reply(database: Database, new_store: NewStore) -> None:
    store = new_store(database)

    async def talk() -> list[dict[str, Any]]:
        await take_turn(store, "a", "m0")
        await take_turn(store, "a", "m1")
        with pytest.raises(TurnAlreadyStored) as caught:
            await take_turn(store, "a", "m0", "hello")
        await take_turn(store, "b", "m0")  # another conversation may use the same id
        return caught.value.replies

    replies = run(talk())
    assert replies == run(Conversations(database).reply_to("a", "m0"))
    assert replies[0]["text"] == "Reply to m0. Call 911."
    assert replies[0]["buttons"] == [{"title": "More", "payload": "/ask_more"}]
    assert replies[0]["milia"]["level"] == "provider_routine"
    assert rows(database, tables.turn) == 3


def test_of_two_writers_one_is_refused_whole(database: Database, new_store: NewStore) -> None:
    store, other = new_store(database), new_store(database)

    async def talk() -> None:
        await take_turn(store, "a", "m0")
        one, two = await store.retrieve("a"), await other.retrieve("a")
        assert one is not None and two is not None
        say(one, "first", "m1")
        say(two, "second", "m2")
        await other.save(two)
        with pytest.raises(ConversationChanged):
            await store.save(one)

    run(talk())
    whole = run(store.retrieve_full_tracker("a"))
    assert messages(whole) == ["m0", "m2"]
    assert run(Conversations(database).reply_to("a", "m1")) is None


def test_many_writers_at_once_lose_and_double_nothing(database: Database, new_store: NewStore) -> None:
    """Without a lock store: each writer tries until its turn is stored."""
    stores = [new_store(database) for _ in range(4)]

    async def write(store: ConversationStore, name: str) -> None:
        for number in range(8):
            while True:
                try:
                    await take_turn(store, "a", f"{name}{number}")
                    break
                except ConversationChanged:
                    await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(write(store, name) for store, name in zip(stores, "abcd", strict=True)))

    run(all_of_them())
    found = messages(run(stores[0].retrieve_full_tracker("a")))
    assert sorted(found) == sorted(f"{name}{number}" for name in "abcd" for number in range(8))
    for name in "abcd":  # each writer's own order is kept
        assert [one for one in found if one.startswith(name)] == [f"{name}{number}" for number in range(8)]
    positions = database.run_now(
        lambda connection: list(connection.execute(select(tables.event.c.position).order_by(tables.event.c.position)).scalars())
    )
    assert positions == list(range(len(positions)))


def test_a_clock_stepped_back_neither_loses_nor_doubles(
    database: Database, new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(database)
    real = time.time

    async def talk() -> DialogueStateTracker | None:
        for number, step in enumerate([0, 5, -86_400 * 3, 60, -3600, 86_400 * 400, -86_400 * 900]):
            monkeypatch.setattr(time, "time", lambda step=step: real() + step)
            await take_turn(store, "a", f"m{number}", slots={"turn": number})
        return await store.retrieve_full_tracker("a")

    tracker = run(talk())
    assert messages(tracker) == [f"m{n}" for n in range(7)]
    window = run(store.retrieve("a"))
    assert messages(window) == ["m5", "m6"]
    assert window.get_slot("turn") == 6
    assert [turn.message_id for turn in run(Conversations(database).turns("a"))] == [f"m{n}" for n in range(7)]


def test_warm_up_is_nobodys_conversation(database: Database, new_store: NewStore) -> None:
    store = new_store(database)
    run(take_turn(store, "warm-up-123", "m0"))
    assert run(store.retrieve("warm-up-123")) is None
    assert rows(database, tables.event) == rows(database, tables.conversation) == 0


def test_nothing_personal_is_stored_and_the_bots_numbers_stay(database: Database, new_store: NewStore) -> None:
    store = new_store(database)
    described = {"described": "Roberta has bumps", "who": "baby"}
    run(take_turn(store, "a", "m0", "I am Roberta, 10.1.2.3", slots={"situation": described, "option": ["/ask_more"]}))
    stored = database.run_now(lambda connection: list(connection.execute(select(tables.event.c.data)).scalars()))
    everything = "\n".join(stored)
    assert "Roberta" not in everything
    assert "ip" not in everything.replace("skip", "").split('"')
    assert "text_tokens" not in everything and "findings" not in everything
    assert "Call 911" in everything and "[NAME] has bumps" in everything
    tracker = run(store.retrieve("a"))
    assert tracker.get_slot("situation") == {"described": "[NAME] has bumps", "who": "baby"}
    assert tracker.get_slot("option") == ["/ask_more"]
    assert tracker.latest_message.intent == {"name": "greet", "confidence": 0.9}


def test_what_leaves_the_window_is_redacted_too(database: Database, new_store: NewStore) -> None:
    store = new_store(database, turns=1)
    tracker = run(store.get_or_create_tracker("a", append_action_listen=False))
    start_session(tracker)
    say(tracker, "one", "m0", {"situation": {"described": "Roberta has bumps"}})
    say(tracker, "two", "m1")
    run(store.save(tracker))  # both turns in one save: the first goes straight into the base
    bases = database.run_now(lambda connection: list(connection.execute(select(tables.conversation.c.base)).scalars()))
    assert "[NAME] has bumps" in bases[0] and "Roberta" not in bases[0]


class Broker:
    def __init__(self, down: bool = False) -> None:
        self.down, self.published = down, []

    def publish(self, event: dict[str, Any]) -> None:
        if self.down:
            raise ConnectionError("broker away")
        self.published.append(event)


def test_the_broker_gets_each_stored_event_once_without_personal_data(sqlite: Database) -> None:
    broker = Broker()
    store = ConversationStore(domain(), broker, database=sqlite, redact=plain_redact)
    run(take_turn(store, "a", "m0", "I am Roberta"))
    with pytest.raises(TurnAlreadyStored):
        run(take_turn(store, "a", "m0", "I am Roberta"))
    run(take_turn(store, "a", "m1", "thanks"))
    said = [event["text"] for event in broker.published if event["event"] == "user"]
    assert said == ["I am [NAME]", "thanks"]
    assert {event["sender_id"] for event in broker.published} == {"a"}
    assert len(broker.published) == rows(sqlite, tables.event)


def test_a_broker_that_is_down_undoes_no_turn(sqlite: Database) -> None:
    store = ConversationStore(domain(), Broker(down=True), database=sqlite, redact=plain_redact)
    run(take_turn(store, "a", "m0"))
    assert run(Conversations(sqlite).reply_to("a", "m0"))


def test_rasa_uses_the_store_without_its_fallback_in_memory(sqlite: Database) -> None:
    store = plain_store(sqlite)
    agent = Agent(domain=domain(), tracker_store=store)
    assert agent.tracker_store is store
    other = Agent(domain=domain(), tracker_store=InMemoryTrackerStore(domain()))
    assert isinstance(other.tracker_store, FailSafeTrackerStore)


@pytest.mark.parametrize(
    "conversation", ["", "x" * 256, "a\x00b", "line\nbreak", "\ud800"], ids=["empty", "long", "null", "line", "surrogate"]
)
def test_an_id_that_no_database_can_hold_is_refused(sqlite: Database, conversation: str) -> None:
    store = plain_store(sqlite)
    with pytest.raises(ValueError, match="allowed are 1 to 255"):
        run(take_turn(store, conversation, "m0"))


@pytest.mark.parametrize(
    "said",
    ["\x00", "\ud800 half", "emoji \U0001f9d1", "'; DROP TABLE event; --", "a" * 100_000],
    ids=["null", "surrogate", "emoji", "sql", "long"],
)
def test_any_text_can_be_stored(database: Database, new_store: NewStore, said: str) -> None:
    store = new_store(database)
    run(take_turn(store, "a", "m0", said))
    assert run(store.retrieve("a")).latest_message.text == said
    assert run(Conversations(database).turns("a"))[0].text == said


def test_a_slot_that_a_newer_model_does_not_have_is_left_out(
    sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    store = plain_store(sqlite, turns=1)
    tracker = run(take_turn(store, "a", "m0", slots={"topic": ["cause"]}))
    run(take_turn(store, "a", "m1"))
    sqlite.run_now(
        lambda connection: connection.execute(text("UPDATE conversation SET base = replace(base, 'topic', 'gone')")), write=True
    )
    assert tracker is not None and run(store.retrieve("a")).get_slot("topic") is None
    assert "non existent" not in caplog.text


def test_the_window_begins_at_a_message_or_at_the_session() -> None:
    session = [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen")]
    turn = [UserUttered("x"), ActionExecuted("action_answer"), BotUttered("y"), ActionExecuted("action_listen")]
    assert window_start([], 2) == 0
    assert window_start(session, 2) == 0
    assert window_start(session + turn * 2, 2) == 0
    assert window_start(session + turn * 3, 2) == 7
    assert window_start(session + turn * 3, 1) == 11
    assert window_start(session + turn * 5 + session + turn, 2) == 23
    assert window_start(turn * 3 + session[1:], 2) == 12
