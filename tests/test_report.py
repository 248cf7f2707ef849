"""`milia eval` scores what a bot does, tells what it missed, and lets no reply through that is not published."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from milia.content import Situation, load_content
from milia.evaluation import report
from milia.evaluation.heldout import Message, SignSentence, run_message, run_sign_sentence
from milia.evaluation.replies import Recorder, ReplyRules, Violation, load_reply_rules
from milia.evaluation.report import Run
from milia.evaluation.scores import Share
from milia.evaluation.suites import Outcome
from milia.sign_catalog import SIGNS_FILE, SignCatalog, load_signs
from milia.sign_messages import escalation, general_advice

ROOT = Path(__file__).parents[1]
CLOSE = "For your own skin, please ask a dermatology provider."


class FakeBot:
    """A bot whose turns are given: by text, else the same plain one."""

    def __init__(self, turns: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.turns = turns or {}

    def conversation(self, name: str) -> object:
        """Start a conversation."""
        return object()

    def turn(self, conversation: object, user: str | Mapping[str, str]) -> dict[str, Any]:
        """Take one turn."""
        return turn(user=user, **(self.turns.get(user, {}) if isinstance(user, str) else {}))


def turn(**more: Any) -> dict[str, Any]:
    """Return a turn as `milia replay` writes it."""
    return {
        "user": "hm",
        "text": CLOSE,
        "buttons": [],
        "topics": [],
        "facts": [],
        "signs": [],
        "level": "provider_routine",
        "outcome": None,
        "check_question": False,
        "intent": {"name": "ask_duration", "confidence": 0.9},
        "ms": 1.0,
        **more,
    }


@cache
def rules() -> ReplyRules:
    """Return the rules of this project."""
    return load_reply_rules(ROOT)


@cache
def catalog() -> SignCatalog:
    """Return the warning signs."""
    return load_signs(ROOT / SIGNS_FILE)


def broken(text: str, after_check_question: bool = False, **more: Any) -> list[tuple[str, str]]:
    """Return the rules that a reply breaks, with the words at fault."""
    found = rules().violations(turn(text=text, **more), after_check_question)
    return [(one.rule, one.fault) for one in found]


def test_every_answer_keeps_the_rules() -> None:
    """The published answers pass, with the facts that they state."""
    content = load_content(ROOT / "data" / "content")
    for topic in content.topics.values():
        answer = topic.answer_for(Situation())
        sentences = [answer.lead, *answer.more]
        for wording in range(2):
            text = " ".join(one.wordings[wording % len(one.wordings)] for one in sentences)
            text += " " + content.fill(answer.provider[wording % len(answer.provider)])
            assert broken(text, facts=[fact for one in sentences for fact in one.facts]) == [], topic.id


@pytest.mark.parametrize("region", ["us", "uk", "eu"])
def test_every_warning_keeps_the_rules(region: str) -> None:
    """Escalations pass in every region, numbers to call and all, and so does advice on what is only supposed."""
    for sign in catalog():
        assert broken(escalation([sign], catalog(), region).text) == [], sign
        assert broken(f"{general_advice(catalog()[sign], catalog(), region)} {CLOSE}") == [], sign


def test_a_reply_without_the_provider_breaks_the_rule() -> None:
    """So does silence."""
    text = "The article describes milia as little hard bumps, white or whitish."
    assert broken(text) == [("provider", "no dermatology provider is suggested")]
    assert broken("") == [("provider", "the reply is empty")]


def test_only_a_later_question_of_the_check_stands_alone() -> None:
    """The first question and the result carry the suggestion."""
    question = "Question 3 of 12. Where are they mostly?"
    assert broken(question, after_check_question=True, check_question=True) == []
    assert broken(question, after_check_question=False, check_question=True)[0][0] == "provider"
    assert broken("Where are they mostly?", after_check_question=True)[0][0] == "provider"


def test_a_figure_needs_its_fact() -> None:
    """A figure of the article goes with the fact that it belongs to, and with no other."""
    text = f"In the article, sunscreen of SPF 30 comes up. {CLOSE}"
    assert ("figure", "30") in broken(text, facts=["definition.1"])
    assert "figure" not in {rule for rule, _ in broken(text, facts=["prevention_sun.2"])}
    assert ("figure", "12") in broken(f"They go after 12 days. {CLOSE}", facts=["duration.1"])
    assert ("figure", "days") in broken(f"They go after 12 days. {CLOSE}", facts=["duration.1"])


def test_a_sentence_that_is_not_published_is_found() -> None:
    """One word more is another sentence."""
    assert broken(f"Milia are nothing to worry about. {CLOSE}") == [("wording", "Milia are nothing to worry about.")]


def test_the_recorder_knows_what_followed_a_check_question() -> None:
    """Each conversation on its own."""
    recorder = Recorder(FakeBot({"check": {"check_question": True}}))
    first, second = recorder.conversation("a"), recorder.conversation("b")
    for conversation, text in ((first, "check"), (second, "hi"), (first, "check"), (second, "hi"), (first, "done")):
        recorder.turn(conversation, text)
    assert [after for _, after in recorder.turns] == [False, False, True, False, True]


@pytest.fixture
def run() -> Run:
    """A small evaluation: a right, a nearly right and a wrong message, a sign found and one missed, a dialog."""
    bot = FakeBot(
        {
            "how long": {"topics": ["duration"]},
            "how long and why": {"topics": ["duration", "causes", "types"]},
            "weather?": {"topics": ["no_answer"]},
            "help": {"signs": ["ws.self_harm"], "level": "emergency_now"},
        }
    )
    messages = [
        Message("how long", frozenset({"duration"}), "topics.jsonl"),
        Message("how long and why", frozenset({"duration", "causes"}), "topics.jsonl"),
        Message("weather?", frozenset({"out_of_scope"}), "kinds.jsonl"),
    ]
    sentences = [
        SignSentence("help", frozenset({"ws.self_harm"}), False),
        SignSentence("it bleeds", frozenset({"ws.bleeding_nonhealing"}), False),
        SignSentence("no fever", frozenset(), True),
    ]
    return Run(
        [run_message(bot, one) for one in messages],
        [run_sign_sentence(bot, one) for one in sentences],
        {sign: catalog()[sign].level for sign in catalog()},
        {"held-out dialogs": [Outcome("d", "hi", True), Outcome("d", "[Yes]", False, "topics: expected none")]},
        8,
        [Violation("figure", "how long", "12 days", "12")],
        2,
    )


ORIGIN = {"commit": {"id": "abc", "dirty": True}, "model": {"name": "m", "current": False}, "at": "now"}


def test_goals(run: Run) -> None:
    """Each goal has its figure, and a broken rule is a goal that was missed."""
    goals = {goal.name: goal for goal in run.goals}
    assert goals["messages right, one extra topic allowed"].count == Share(2, 3)
    assert goals["messages right, strict"].count == Share(1, 3)
    assert goals["dialog turns right"].count == Share(1, 2)
    assert goals["replies that keep the rule: provider"].reached
    assert goals["replies that keep the rule: figure"].count == Share(7, 8)
    assert not goals["replies that keep the rule: figure"].reached


def test_what_is_written(run: Run, tmp_path: Path) -> None:
    """Report, misses, results and four pictures."""
    report.write(run, ORIGIN, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "abc with uncommitted changes" in text
    assert "| out_of_scope | no_answer | 1 |" in text
    assert "| ws.bleeding_nonhealing | provider_soon | 0/1 |" in text
    rows = list(csv.DictReader((tmp_path / "misses.csv").open(newline="")))
    assert [(row["part"], row["message"]) for row in rows] == [
        ("message", "how long and why"),
        ("message", "weather?"),
        ("sign", "it bleeds"),
        ("held-out dialogs", "[Yes]"),
        ("reply", "how long"),
    ]
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["messages"]["right, strict"]["right"] == 1
    assert data["replies"] == {"checked": 8, "violations": {"figure": 1}}
    pictures = {"confusion.png", "reliability.png", "coverage.png", "signs.png"}
    assert pictures == {path.name for path in tmp_path.glob("*.png") if path.stat().st_size > 1000}


def test_the_report_names_no_held_out_sentence(run: Run) -> None:
    """Whoever tunes the model may read the report; single misses stand in the CSV file alone."""
    assert "weather?" not in report.report(run, ORIGIN)
    assert "weather?" not in json.dumps(report.results(run, ORIGIN))


def test_json_has_no_nan(run: Run) -> None:
    """A share of nothing is null."""
    assert report.as_json(Share(0, 0))["rate"] is None
    assert "NaN" not in json.dumps(report.results(run, ORIGIN))


def test_track_says_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, lines say how far it is."""
    assert list(report.track(list(range(600)), "numbers")) == list(range(600))
    assert [line.split(" (")[0] for line in capsys.readouterr().err.splitlines()] == [
        "numbers: 250/600",
        "numbers: 500/600",
        "numbers: 600 done",
    ]


def test_a_missing_model_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run without the model that was asked for."""
    arguments = argparse.Namespace(model=tmp_path / "nope.tar.gz", out=tmp_path / "out")
    assert report.command(arguments) == 2
    assert "no such model" in capsys.readouterr().err
