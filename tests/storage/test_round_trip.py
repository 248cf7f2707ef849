"""Any conversation comes back from the store as it went in, in whatever pieces it was saved."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    Event,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from storage_turns import domain

from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.tracker_store import ConversationStore, window_start

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
WORDS = st.text(st.characters(), max_size=30)
SLOTS = ["topic", "sign_context", "turn", "situation", "theme"]
EVENTS = st.one_of(
    st.builds(lambda text: UserUttered(text, {"name": "greet", "confidence": 0.5}, []), WORDS),
    st.builds(lambda text, value: BotUttered(text, {"buttons": []}, {"milia": {"x": value}}), WORDS, JSON),
    st.builds(SlotSet, st.sampled_from(SLOTS), JSON),
    st.builds(lambda name: ActionExecuted(name), st.sampled_from(["action_answer", "action_listen"])),
    st.builds(SessionStarted),
    st.builds(Restarted),
    st.builds(ConversationPaused),
    st.builds(ConversationResumed),
    st.builds(lambda name: ActiveLoop(name), st.none() | st.just("some_form")),
    st.builds(lambda: ActionExecutionRejected("action_answer")),
    st.builds(lambda: FollowupAction("action_answer")),
)
SAVES = st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=1, max_size=6)
# Deadlines measure the machine, not the code.
PROFILE = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = Database.open(f"sqlite:///{tmp_path_factory.mktemp('trip')}/milia.db", TextCipher())
    opened.run_now(lambda connection: connection.exec_driver_sql("SELECT 1"))
    yield opened
    opened.close()


def as_json(events: Any) -> list[Any]:
    return [json.loads(json.dumps(event.as_dict())) for event in events]


def conversation(saves: list[list[Event]]) -> DialogueStateTracker:
    """What a store that keeps everything would give back."""
    whole = DialogueStateTracker("x", domain().slots)
    for save in saves:
        for event in save:
            whole.update(event)
    return whole


_COUNT = iter(range(10**9))


def put(store: ConversationStore, saves: list[list[Event]]) -> str:
    name = f"c{next(_COUNT)}"

    async def save_all() -> None:
        for save in saves:
            tracker = await store.get_or_create_tracker(name, append_action_listen=False)
            for event in save:
                tracker.update(event)
            await store.save(tracker)

    asyncio.run(save_all())
    return name


@PROFILE
@given(saves=SAVES)
def test_the_whole_conversation_comes_back(database: Database, saves: list[list[Event]]) -> None:
    store = ConversationStore(domain(), database=database, redact=lambda text: text)
    name = put(store, saves)
    found = asyncio.run(store.retrieve_full_tracker(name))
    expected = conversation(saves)
    assert as_json(found.events) == as_json(expected.events)
    assert found.current_slot_values() == expected.current_slot_values()
    assert found.is_paused() == expected.is_paused()


@PROFILE
@given(saves=SAVES, turns=st.integers(1, 3))
def test_the_window_leaves_the_dialogue_where_the_whole_does(
    database: Database, saves: list[list[Event]], turns: int
) -> None:
    store = ConversationStore(domain(), database=database, redact=lambda text: text, turns=turns)
    name = put(store, saves)
    found = asyncio.run(store.retrieve(name))
    expected = conversation(saves)
    assert found.current_slot_values() == expected.current_slot_values()
    assert found.copy().current_slot_values() == expected.current_slot_values()
    assert found.is_paused() == expected.is_paused()
    assert found.active_loop_name == expected.active_loop_name
    last = [event for event in expected.events][window_start(list(expected.events), turns) :]
    assert as_json(found.events)[-len(last) :] == as_json(last)
    assert found.latest_message.text == expected.latest_message.text


@PROFILE
@given(text=WORDS, value=JSON)
def test_encryption_gives_back_what_it_got(text: str, value: Any) -> None:
    cipher = TextCipher((Fernet.generate_key().decode(),))
    data = json.dumps({text: value})
    assert cipher.decrypt(cipher.encrypt(data)) == data
