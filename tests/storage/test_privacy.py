"""What of an event is kept, and its encryption at rest."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from rasa.shared.core.events import BotUttered, EntitiesAdded, SlotSet, UserUttered
from sqlalchemy import select
from storage_turns import plain_redact, plain_store, take_turn

from milia.storage import tables
from milia.storage.conversations import Conversations
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.errors import DataKeyError
from milia.storage.minimise import Minimiser
from milia.storage.tracker_store import ConversationStore

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def run(work: Any) -> Any:
    return asyncio.run(work)


@pytest.fixture
def minimiser() -> Minimiser:
    return Minimiser(plain_redact)


def user(text: str, **options: Any) -> dict[str, Any]:
    parse = {
        "text": text,
        "intent": {"name": "greet", "confidence": 0.9},
        "entities": [{"entity": "who", "value": "Roberta", "start": 0, "end": 7}, {"entity": "area", "value": "eyelid"}],
        "intent_ranking": [{"name": f"i{n}", "confidence": 0.1} for n in range(20)],
        "text_tokens": [[0, 7]],
        "milia_findings": {"text": text},
    }
    event = UserUttered(text, parse["intent"], parse["entities"], parse, message_id="m", **options)
    return dict(event.as_dict())


def test_of_a_message_only_what_is_listed_is_kept(minimiser: Minimiser) -> None:
    metadata = {"model_id": "x", "assistant_id": "y", "ip": "10.1.2.3", "user_agent": "z", "milia": {"note": "of Roberta"}}
    given = user("Roberta has bumps", metadata=metadata)
    before = copy.deepcopy(given)
    kept = minimiser.event(given)
    assert given == before, "the tracker's own event was changed"
    assert kept["text"] == kept["parse_data"]["text"] == "[NAME] has bumps"
    assert set(kept["parse_data"]) == {"text", "intent", "entities", "intent_ranking"}
    assert [one["value"] for one in kept["parse_data"]["entities"]] == ["[NAME]", "eyelid"]
    assert len(kept["parse_data"]["intent_ranking"]) == 3
    assert kept["metadata"] == {"model_id": "x", "assistant_id": "y", "milia": {"note": "of [NAME]"}}


def test_texts_in_slots_are_redacted_and_ids_and_payloads_stay(minimiser: Minimiser) -> None:
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return "[X]"

    value = {
        "described": "Roberta said so",
        "who": "baby",
        "sign": ["ws.fever", "ws.eye_pain"],
        "option": ['/answer_check{"choice": "sign=ws.x+ws.y"}'],
        "age": 3,
        "none": None,
    }
    kept = Minimiser(redact).slot("situation", value)
    assert kept == {**value, "described": "[X]"}
    assert seen == ["Roberta said so"]
    assert Minimiser(redact).slot("name", "Roberta") == "[X]"


def test_the_metadata_of_a_session_is_not_kept_as_a_slot(minimiser: Minimiser) -> None:
    event = SlotSet("session_started_metadata", {"ip": "10.1.2.3"}).as_dict()
    assert minimiser.event(event)["value"] is None


def test_the_bots_own_words_stay_as_they_are(minimiser: Minimiser) -> None:
    event = BotUttered("Roberta is a word of the bot: call 911", {"buttons": []}, {"milia": {"level": "x"}}).as_dict()
    assert minimiser.event(event) == event


def test_entities_that_a_policy_adds_are_redacted(minimiser: Minimiser) -> None:
    event = EntitiesAdded([{"entity": "who", "value": "Roberta"}]).as_dict()
    assert minimiser.event(event)["entities"] == [{"entity": "who", "value": "[NAME]"}]


def test_a_text_is_read_once_though_it_stands_in_several_places() -> None:
    seen: list[str] = []

    def redact(text: str) -> str:
        seen.append(text)
        return text

    minimiser = Minimiser(redact)
    minimiser.event(user("My skin has bumps"))
    minimiser.slot("situation", {"described": "My skin has bumps"})
    assert seen.count("My skin has bumps") == 1


def test_a_redaction_that_fails_stores_nothing(sqlite: Database) -> None:
    def fails(text: str) -> str:
        raise RuntimeError("no model")

    store = ConversationStore(plain_store(sqlite).domain, database=sqlite, redact=fails)
    with pytest.raises(RuntimeError):
        run(take_turn(store, "a", "m0"))
    assert not run(store.exists("a"))


def test_the_real_redaction_is_used_unless_another_is_given(sqlite: Database) -> None:
    store = ConversationStore(plain_store(sqlite).domain, database=sqlite)
    run(take_turn(store, "a", "m0", "mail me at anna.smith@example.org, my baby is 3 weeks old"))
    (turn,) = run(Conversations(sqlite).turns("a"))
    assert "example.org" not in turn.text
    assert "3 weeks old" in turn.text


def stored(database: Database) -> str:
    def read(connection: Any) -> list[str]:
        events = connection.execute(select(tables.event.c.data)).scalars().all()
        return [*events, *connection.execute(select(tables.conversation.c.base)).scalars().all()]

    return "\n".join(database.run_now(read))


def test_with_a_key_neither_texts_nor_slots_can_be_read(url: str, open_database: Callable[..., Database]) -> None:
    database = open_database(url, NEW)
    store = plain_store(database, turns=1)
    for number in range(3):
        run(take_turn(store, "a", f"m{number}", "bumps near the eye", slots={"topic": ["cause"]}))
    assert "bumps" not in stored(database) and "cause" not in stored(database) and "Call 911" not in stored(database)
    assert [turn.text for turn in run(Conversations(database).turns("a"))] == ["bumps near the eye"] * 3
    assert run(store.retrieve("a")).get_slot("topic") == ["cause"]


def test_a_new_key_before_the_old_one_reads_both_and_writes_the_new(
    url: str, open_database: Callable[..., Database]
) -> None:
    run(take_turn(plain_store(open_database(url)), "a", "plain", "no key yet"))
    run(take_turn(plain_store(open_database(url, OLD)), "a", "old", "the old key"))
    rotated = open_database(url, NEW, OLD)
    store = plain_store(rotated)
    run(take_turn(store, "a", "new", "the new key"))
    said = [turn.text for turn in run(Conversations(rotated).turns("a"))]
    assert said == ["no key yet", "the old key", "the new key"]
    # Once the old turns are purged, the old key can go.
    run(take_turn(plain_store(open_database(url, NEW)), "b", "m0", "only new"))
    only_new = open_database(url, NEW)
    assert run(Conversations(only_new).turns("b"))[0].text == "only new"
    assert run(Conversations(only_new).turns("a", limit=1))[0].text == "the new key"


@pytest.mark.parametrize("keys", [(), (OTHER,)], ids=["none", "another"])
def test_a_server_without_the_key_does_not_start(
    url: str, open_database: Callable[..., Database], keys: tuple[str, ...]
) -> None:
    run(take_turn(plain_store(open_database(url, OLD)), "a", "m0"))
    with pytest.raises(DataKeyError, match="MILIA_DATA_KEY"):
        plain_store(open_database(url, *keys))


def test_erasing_needs_no_key(url: str, open_database: Callable[..., Database]) -> None:
    run(take_turn(plain_store(open_database(url, OLD)), "a", "m0"))
    assert run(Conversations(open_database(url)).erase("a")).counts["turn"] == 1


@pytest.mark.parametrize("key", ["short", "x" * 44, OLD[:-2]], ids=["short", "no key", "cut"])
def test_a_key_of_no_use_is_refused_by_its_place_and_not_shown(key: str) -> None:
    with pytest.raises(DataKeyError, match="key 2 of MILIA_DATA_KEY") as caught:
        TextCipher.from_environment({"MILIA_DATA_KEY": f"{OLD}, {key}"})
    assert key not in str(caught.value)


def test_no_key_is_no_encryption() -> None:
    cipher = TextCipher.from_environment({"MILIA_DATA_KEY": " , "})
    assert not cipher.encrypts
    assert cipher.decrypt(cipher.encrypt('{"a": 1}')) == '{"a": 1}'
