"""What is made of the evidence for signs, and which messages stand beside the sign sentences in training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from milia.labels import OUT_OF_SCOPE, PHOTO, RED_FLAG, TRIAGE
from milia.nlu.message_network import DOUBTED, RECOGNIZED, MessageNetwork
from milia.nlu.sign_evidence import Judged
from milia.warning_signs import AgeRange, Findings, Level, fits_age, load_signs

CATALOG = load_signs()
HOT_BABY, FEVER = "ws.infant_u3m_temp", "ws.infant_3_12m_unwell"


def network(emergency: float, same_day: float, soon: float, found: frozenset[str] = frozenset()) -> MessageNetwork:
    """A network without weights, whose evidence is given."""
    made = object.__new__(MessageNetwork)
    levels = {Level.EMERGENCY_NOW: emergency, Level.URGENT_SAME_DAY: same_day, Level.PROVIDER_SOON: soon}
    likeliest = {Level.EMERGENCY_NOW: HOT_BABY, Level.URGENT_SAME_DAY: FEVER, Level.PROVIDER_SOON: "ws.painful_bump"}
    made._catalog = CATALOG
    made._sure = [(Level.EMERGENCY_NOW, 0.25), (Level.URGENT_SAME_DAY, 0.35), (Level.PROVIDER_SOON, 0.5)]
    made._config = {"doubt_below": 0.45, "sign_free": 2, "seed": 0}
    made._evidence = SimpleNamespace(judge=lambda example: Judged(levels, likeliest, found))  # type: ignore[assignment]
    return made


def judged(made: MessageNetwork, age: AgeRange | None = None) -> Message:
    message = Message({TEXT: "he is hot"})
    made._judge(SimpleNamespace(findings=Findings(age=age)), message)  # type: ignore[arg-type]
    return message


@pytest.mark.parametrize(
    ("age", "sign"),
    [(None, HOT_BABY), (AgeRange(21, 27.99), HOT_BABY), (AgeRange(0, 365, "baby"), HOT_BABY), (AgeRange(240, 270), FEVER)],
    ids=["not said", "three weeks", "a baby", "eight months"],
)
def test_what_only_a_young_baby_has_is_a_lower_level_in_an_older_child(age, sign):
    assert judged(network(0.9, 0.95, 0.97), age).get(RECOGNIZED).keys() == {sign}


def test_an_older_child_with_a_sign_of_its_own_keeps_the_level():
    assert fits_age("ws.breathing_trouble", AgeRange(240, 270), CATALOG)
    assert not fits_age(HOT_BABY, AgeRange(240, 270), CATALOG)


def test_below_every_bar_nothing_is_recognised():
    assert judged(network(0.2, 0.3, 0.49)).get(RECOGNIZED) is None


def test_what_the_rules_found_is_doubted_where_the_evidence_speaks_against_it():
    found = frozenset({"ws.breathing_trouble", "ws.persisting"})
    assert judged(network(0.01, 0.02, 0.1, found)).get(DOUBTED) == ["ws.breathing_trouble"]
    assert judged(network(0.01, 0.02, 0.46, found)).get(DOUBTED) is None


def test_all_everyday_messages_and_some_others_stand_beside_the_sign_sentences():
    sets = [(TRIAGE,), (OUT_OF_SCOPE,), ("greet", PHOTO), ("causes",), (RED_FLAG,), ("harmless", OUT_OF_SCOPE)]
    messages = [Message({TEXT: str(number)}) for number in range(len(sets))]
    chosen = [one.get(TEXT) for one in network(0, 0, 0)._sample(messages, sets)]
    assert chosen[:2] == ["1", "2"] and len(chosen) == 4 and set(chosen[2:]) < {"0", "3", "5"}
