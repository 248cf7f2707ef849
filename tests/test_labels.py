"""Labels, intents and the domain are one and the same list."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from milia.conversation import State
from milia.labels import CHITCHAT, TREATMENTS, intents_of, labels_of, main_intent, reported

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
TOPICS = {path.stem for path in (ROOT / "data/content/topics").glob("*.yml")}
BUTTONS = {"start_check", "answer_check"}


def test_every_intent_stands_for_a_topic_or_a_kind():
    known = TOPICS | set(CHITCHAT) | {"triage", "no_answer", "out_of_scope", "photo", "red_flag"}
    said = {label for intent in set(DOMAIN["intents"]) - BUTTONS for label in labels_of(intent)}
    assert said == known
    assert all(labels_of(intent) == () for intent in BUTTONS)


def test_every_intent_has_its_file_of_examples():
    assert {path.stem for path in (ROOT / "data/nlu").glob("*.yml")} == set(DOMAIN["intents"]) - BUTTONS


def test_the_slots_are_the_memory_of_a_conversation():
    assert set(DOMAIN["slots"]) == set(State().to_slots())


def test_a_state_survives_its_slots():
    state = State(topic=("causes", "types"), level="provider_soon", sign=("ws.sudden_many",), turn=3, check={"known": {}})
    assert State.from_slots(state.to_slots()) == state
    assert State.from_slots({name: None for name in DOMAIN["slots"]}) == State()


@pytest.mark.parametrize(
    ("labels", "intents"),
    [
        (("duration",), ("ask_duration",)),
        (TREATMENTS, ("ask_treatment",)),
        (("harmless", "triage"), ("describe_bumps", "ask_harmless")),
        (("triage", *TREATMENTS), ("describe_bumps", "ask_treatment")),
        (("no_answer", "causes"), ("ask_unanswered", "ask_causes")),
    ],
)
def test_labels_become_intents_and_back(labels, intents):
    assert intents_of(labels) == intents
    assert {label for intent in intents for label in labels_of(intent)} == set(labels)


def test_a_message_without_a_label_has_no_intent():
    with pytest.raises(ValueError, match="at least one label"):
        main_intent(())


def test_all_small_talk_is_reported_as_one():
    assert reported(("greet", "thank", "causes")) == ("chitchat", "causes")
