"""The held-out sentences are in order, are enough, and none of them is trained on."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from milia.evaluation.heldout import (
    FOLDER,
    HeldOutError,
    Message,
    SignSentence,
    answered,
    known_labels,
    load_messages,
    load_sign_sentences,
)
from milia.evaluation.overlap import Example, is_formula, normal, overlaps, training_examples
from milia.sign_catalog import SIGNS_FILE, Level, load_signs

ROOT = Path(__file__).parents[1]
TOPICS = sorted(path.stem for path in (ROOT / "data" / "content" / "topics").glob("*.yml"))


@cache
def messages() -> list[Message]:
    """Return the held-out messages."""
    return load_messages(ROOT / FOLDER, known_labels(TOPICS))


def all_texts() -> list[str]:
    """Return every held-out sentence."""
    return [*(one.text for one in messages()), *(one.text for one in sign_sentences())]


@cache
def sign_sentences() -> list[SignSentence]:
    """Return the held-out sentences with signs and the traps."""
    return load_sign_sentences(ROOT / FOLDER, load_signs(ROOT / SIGNS_FILE).signs)


def test_there_are_enough() -> None:
    """At least 30 messages a topic, 80 that the article does not answer, and 80 out of scope."""
    counts = Counter(label for message in messages() for label in message.labels)
    assert {topic: counts[topic] for topic in TOPICS if counts[topic] < 30} == {}
    assert counts["no_answer"] >= 80
    assert counts["out_of_scope"] >= 80


def test_every_sign_above_routine_is_held_out() -> None:
    """Each sign of level 2 and more has sentences of its own, and there are traps."""
    catalog = load_signs(ROOT / SIGNS_FILE)
    there = {sign for sentence in sign_sentences() for sign in sentence.signs}
    assert {sign for sign in catalog if catalog[sign].level > Level.PROVIDER_ROUTINE} - there == set()
    assert sum(sentence.trap for sentence in sign_sentences()) >= 100


def test_no_sentence_twice() -> None:
    """A sentence that is there twice would count twice."""
    texts = Counter(normal(text) or text for text in all_texts())
    assert [text for text, count in texts.items() if count > 1] == []


def test_nothing_is_trained_on() -> None:
    """No training example is a held-out sentence or nearly one, short greetings and the like excepted.

    A failure names the training file and line's intent only: remove the training example, not the held-out sentence.
    """
    found = overlaps(all_texts(), list(training_examples(ROOT / "data" / "nlu")))
    shared = Counter((one.example.file, one.example.intent) for one in found if not is_formula(one.example))
    assert dict(shared) == {}


def test_overlaps_finds_what_is_alike() -> None:
    """Case, stops and apostrophes do not hide a copy, nor does another word in a long sentence."""
    example = Example("a.yml", "ask_duration", "Don't they go away by themselves after a few weeks, usually?")
    same, near, other = (
        "dont they go away by themselves after a few weeks usually",
        "dont they go away by themselves after a few weeks usualy",
        "how long do they stay",
    )
    found = {one.text: one.likeness for one in overlaps([same, near, other], [example])}
    assert found[same] == 1.0
    assert 0.8 < found[near] < 1.0
    assert other not in found


@pytest.mark.parametrize(
    ("intent", "text", "formula"),
    [("greet", "Hi there!", True), ("greet", "hello, is anybody in there", False), ("ask_causes", "why", False)],
)
def test_formulas(intent: str, text: str, formula: bool) -> None:
    """Only short small talk may stand on both sides."""
    assert is_formula(Example("a.yml", intent, text)) is formula


def test_training_examples_are_read_without_marks(tmp_path: Path) -> None:
    """Entity marks are taken out, and lists are read as well as blocks."""
    (tmp_path / "a.yml").write_text(
        "nlu:\n  - intent: greet\n    examples: |\n      - hi [you](who)\n"
        "  - intent: thank\n    examples:\n      - text: thanks\n"
    )
    assert [(one.intent, one.text) for one in training_examples(tmp_path)] == [("greet", "hi you"), ("thank", "thanks")]


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    """Every fault is listed with its file and line."""
    (tmp_path / "topics.jsonl").write_text('{"text": "a", "labels": ["nope"]}\nnot json\n{"text": "", "labels": []}\n')
    (tmp_path / "kinds.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "visitors.jsonl").write_text("")
    with pytest.raises(HeldOutError) as error:
        load_messages(tmp_path, {"duration"})
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        "topics.jsonl:1",
        "topics.jsonl:2",
        "topics.jsonl:3",
        "kinds.jsonl:1",
    ]


def test_a_trap_with_signs_is_refused(tmp_path: Path) -> None:
    """A trap has no signs."""
    (tmp_path / "signs.jsonl").write_text('{"text": "a", "signs": ["ws.x"], "trap": true}\n')
    with pytest.raises(HeldOutError, match="signs.jsonl:1: a trap has no signs"):
        load_sign_sentences(tmp_path, {"ws.x"})


def turn(**more: object) -> dict[str, object]:
    """Return a turn as `milia replay` writes it."""
    plain = {"topics": [], "level": "provider_routine", "buttons": [], "intent": {"name": None, "confidence": None}}
    return {**plain, **more}


def buttons(*payloads: str) -> list[dict[str, str]]:
    """Return buttons that send these."""
    return [{"title": payload, "payload": payload} for payload in payloads]


def test_answered_reads_a_turn() -> None:
    """Topics, level, the intent's labels and its confidence are those of the turn."""
    intent = {"name": "ask_treatment", "confidence": 0.7}
    one = answered(
        Message("t", frozenset({"duration"})), turn(topics=["duration"], intent=intent, level="provider_soon")
    )
    assert one.strict
    assert one.intent == {"treatment_home", "treatment_professional"}
    assert (one.confidence, one.level) == (0.7, Level.PROVIDER_SOON)


def test_asking_which_is_told_from_not_understanding() -> None:
    """Two topics on offer, one of them asked, is a question back; the menu is not."""
    message = Message("t", frozenset({"duration"}))
    assert answered(message, turn(buttons=buttons("/ask_duration", "/ask_harmless"))).asked_which
    assert not answered(message, turn(buttons=buttons("/ask_causes", "/ask_harmless"))).asked_which
    menu = buttons("/ask_definition", "/ask_duration", "/start_check")
    assert not answered(message, turn(buttons=menu)).asked_which
