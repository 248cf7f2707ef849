"""The choice of labels from scores."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from milia.nlu.decision import LabelSets

LABELS = ("causes", "deny", "duration", "greet", "treatment_home", "treatment_professional", "triage")
COUNTS = Counter(
    {
        frozenset({"causes"}): 40,
        frozenset({"duration"}): 40,
        frozenset({"triage"}): 60,
        frozenset({"triage", "duration"}): 20,
        frozenset({"treatment_home", "treatment_professional"}): 30,
        frozenset({"triage", "treatment_home", "treatment_professional"}): 15,
        frozenset({"triage", "duration", "treatment_home", "treatment_professional"}): 4,
        frozenset({"greet"}): 5,
        frozenset({"deny"}): 5,
    }
)


def scores(**given: float) -> np.ndarray:
    return np.array([given.get(label, 0.01) for label in LABELS])


@pytest.fixture()
def sets() -> LabelSets:
    together = ("treatment_home", "treatment_professional")
    return LabelSets(LABELS, COUNTS, exact=0.4, floor=0.15, together=together, apart=("greet", "deny"))


def test_a_clear_score_is_taken_alone(sets):
    decision = sets.decide(scores(causes=0.97))
    assert decision.labels == ("causes",)
    assert decision.confidence > 0.8 and not decision.rivals


def test_two_clear_scores_are_both_taken(sets):
    assert set(sets.decide(scores(triage=0.95, duration=0.9)).labels) == {"triage", "duration"}


def test_both_treatments_count_as_one_beside_two_more(sets):
    decision = sets.decide(scores(triage=0.95, duration=0.9, treatment_home=0.95, treatment_professional=0.95))
    assert set(decision.labels) == {"triage", "duration", "treatment_home", "treatment_professional"}


def test_a_further_label_below_the_floor_is_never_added(sets):
    assert sets.decide(scores(causes=0.6, duration=0.14)).labels == ("causes",)


def test_labels_that_exclude_each_other_are_not_both_taken(sets):
    assert sets.decide(scores(greet=0.8, deny=0.75)).labels == ("greet",)


def test_two_equal_scores_are_rivals():
    """Two labels as frequent as each other, with the same score, are asked about rather than guessed."""
    even = Counter({frozenset({"causes"}): 40, frozenset({"duration"}): 40, frozenset({"greet"}): 40})
    sets = LabelSets(("causes", "duration", "greet"), even)
    assert set(sets.decide(np.array([0.4, 0.4, 0.01])).rivals) == {"causes", "duration"}
    assert not sets.decide(np.array([0.9, 0.4, 0.01])).rivals


def test_the_counts_survive_their_json_form(sets):
    again = LabelSets.from_dict(sets.to_dict(), exact=0.4, floor=0.15)
    assert again.decide(scores(causes=0.7, duration=0.5)).labels == sets.decide(scores(causes=0.7, duration=0.5)).labels
