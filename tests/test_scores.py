"""The figures of the evaluation are what a hand calculation gives."""

from __future__ import annotations

import math

import pytest

from milia.evaluation import scores
from milia.evaluation.scores import Answered, Goal, Share, SignCase
from milia.sign_catalog import Level

ROUTINE, SOON, TODAY, NOW = Level


def message(asked: str, topics: str, **more: object) -> Answered:
    """Return a message that asks some labels and got some topics, both named in one string."""
    return Answered("text", frozenset(asked.split()), frozenset(topics.split()), **more)  # type: ignore[arg-type]


def test_wilson_interval() -> None:
    """Values of Wilson's formula; nothing counted says nothing."""
    assert scores.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert scores.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert scores.wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert scores.wilson(0, 0) == (0.0, 1.0)
    assert math.isnan(Share(0, 0).rate)


@pytest.mark.parametrize(
    ("asked", "topics", "strict", "lenient"),
    [
        ("duration", "duration", True, True),
        ("duration", "duration harmless", False, True),
        ("duration", "duration harmless causes", False, False),
        ("duration harmless", "duration", False, False),
        ("triage duration", "duration triage", True, True),
        ("duration", "", False, False),
    ],
)
def test_strict_and_lenient(asked: str, topics: str, strict: bool, lenient: bool) -> None:
    """All that was asked has to be answered; one topic too many is lenient, two are wrong."""
    one = message(asked, topics)
    assert (one.strict, one.lenient) == (strict, lenient)


def test_a_red_flag_is_judged_by_its_level() -> None:
    """What is answered beside it does not count."""
    assert message("red_flag", "", level=TODAY).strict
    assert message("red_flag", "triage", level=SOON).lenient
    assert not message("red_flag", "triage", level=ROUTINE).lenient


def test_by_topic() -> None:
    """Recall is over messages that ask a label, precision over replies that give it."""
    found = scores.by_topic(
        [
            message("duration", "duration"),
            message("duration harmless", "harmless"),
            message("causes", "causes duration"),
            message("causes", "causes duration harmless"),
        ]
    )
    assert found["duration"].recall == Share(1, 2)
    assert found["duration"].precision == Share(1, 3)
    assert found["causes"].recall == Share(2, 2)
    assert found["causes"].lenient == Share(1, 2)
    assert found["causes"].strict == Share(0, 2)
    assert found["harmless"].precision == Share(1, 2)


def test_message_scores() -> None:
    """Rejection is counted where something could be answered, recognition where nothing can."""
    found = scores.message_scores(
        [
            message("duration", "duration"),
            message("duration", "no_answer"),
            message("triage", ""),
            message("triage", "", level=NOW),
            message("causes", "", asked_which=True),
            message("triage no_answer", "no_answer"),
            message("no_answer", "no_answer"),
            message("no_answer", "causes"),
            message("out_of_scope", "out_of_scope"),
            message("chitchat", "no_answer"),
        ]
    )
    assert found["wrongly rejected"] == Share(2, 5)
    assert found["wrongly escalated"] == Share(1, 10)
    assert found["asked which was meant"] == Share(1, 10)
    assert found["no_answer recognised"] == Share(2, 3)
    assert found["out_of_scope recognised"] == Share(1, 1)
    assert found["right, strict"] == Share(3, 10)


def test_confusion_and_mistakes() -> None:
    """The main label is followed to what was answered instead; every missed and every extra label is counted."""
    messages = [
        message("triage duration", "triage"),
        message("duration", "harmless"),
        message("duration", ""),
        message("treatment_home treatment_professional", "treatment_home treatment_professional"),
        message("causes", "causes types"),
        message("causes", "", level=NOW),
    ]
    assert scores.confusion(messages) == {
        ("triage", "triage"): 1,
        ("duration", "harmless"): 1,
        ("duration", scores.NOTHING): 1,
        ("both treatments", "both treatments"): 1,
        ("causes", "causes"): 1,
        ("causes", scores.ESCALATED): 1,
    }
    assert scores.mistakes(messages) == {
        ("duration", "-"): 1,
        ("duration", "harmless"): 1,
        ("duration", scores.NOTHING): 1,
        ("-", "types"): 1,
        ("causes", scores.ESCALATED): 1,
    }


def test_main_label_needs_a_label() -> None:
    """Nothing asked has no main label."""
    with pytest.raises(ValueError, match="at least one"):
        scores.main_label([])


LEVELS = {"ws.a": NOW, "ws.b": TODAY, "ws.c": SOON, "ws.d": ROUTINE}


def case(expected: str, signs: str, level: Level, trap: bool = False) -> SignCase:
    """Return a sentence with some signs in it and some recognised, both named in one string."""
    return SignCase("text", frozenset(expected.split()), frozenset(signs.split()), level, trap)


def test_sign_scores() -> None:
    """Recall by sign, alarms on traps, and levels too low and too high."""
    found = scores.sign_scores(
        [
            case("ws.a", "ws.a", NOW),
            case("ws.a ws.b", "ws.b", TODAY),
            case("ws.c", "ws.c ws.a", NOW),
            case("ws.b", "", ROUTINE),
            case("", "", ROUTINE, trap=True),
            case("", "ws.d", ROUTINE, trap=True),
            case("", "ws.c", SOON, trap=True),
        ],
        LEVELS,
    )
    assert found.by_sign == {"ws.a": Share(1, 2), "ws.b": Share(1, 2), "ws.c": Share(1, 1)}
    assert found.all_signs == Share(3, 5)
    assert found.emergency == Share(1, 2)
    assert found.emergency_level == Share(1, 2)
    assert found.false_alarms == Share(1, 3)
    assert found.extra == Share(1, 4)
    assert found.exact_level == Share(3, 7)
    assert found.under == Share(2, 7)
    assert found.over == Share(2, 7)
    assert found.levels["urgent_same_day", "provider_routine"] == 1


def test_reliability() -> None:
    """Each bin's mean confidence against its accuracy, and their mean distance; 1.0 is in the last bin."""
    bins, error = scores.reliability([(0.95, True), (1.0, True), (0.9, False), (0.15, False), (0.15, True)])
    assert [(one.low, one.count) for one in bins] == [(0.1, 2), (0.9, 3)]
    assert bins[0].accuracy == 0.5
    assert bins[1].confidence == pytest.approx(0.95)
    assert error == pytest.approx((2 * 0.35 + 3 * abs(0.95 - 2 / 3)) / 5)
    assert scores.reliability([]) == ([], 0.0)


def test_coverage_curve() -> None:
    """A higher threshold keeps fewer answerable messages and rejects more of the others."""
    curve = scores.coverage_curve(
        [
            message("duration", "duration", confidence=0.9),
            message("duration", "causes", confidence=0.4),
            message("no_answer", "no_answer", confidence=0.9),
            message("no_answer", "causes", confidence=0.4),
        ],
        steps=2,
    )
    assert [(one.threshold, one.coverage, one.rejection) for one in curve] == [
        (0.0, 1.0, 0.5),
        (0.5, 0.5, 1.0),
        (1.0, 0.0, 1.0),
    ]
    assert [one.accuracy for one in curve[:2]] == [0.5, 1.0]


def test_goals() -> None:
    """The bound itself is enough; a figure that could not be measured is not."""
    assert Goal("a", 0.9, 0.9).reached
    assert not Goal("a", 0.899, 0.9).reached
    assert Goal("a", 0.04, 0.04, at_most=True).reached
    assert not Goal("a", math.nan, 0.9).reached
    goals = {goal.name: goal for goal in scores.message_goals([message("duration", "duration"), message("causes", "")])}
    assert goals["worst label (causes)"].value == 0.0


def test_sign_test() -> None:
    """Exact McNemar: as two-sided coin flips."""
    assert scores.sign_test(0, 0) == 1.0
    assert scores.sign_test(5, 5) == 1.0
    assert scores.sign_test(0, 5) == pytest.approx(2 / 32)
