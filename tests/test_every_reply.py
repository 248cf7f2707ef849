"""What holds for every reply: the provider is suggested, figures are facts, no forbidden claim, short, never empty.

Over all replies of all dialog tests, and over every situation that the dialogue can be in, made without a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from milia.content import AREA, BEFORE, TYPE, WHO
from milia.content_check import Rules, load_rules
from milia.conversation import State, Turn
from milia.dialogue import Dialogue, load_dialogue
from milia.evaluation.dialog_tests import DialogResult, DialogTest, load_dialog_tests
from milia.evaluation.replies import ReplyRules, load_reply_rules
from milia.labels import CHITCHAT, NO_ANSWER, OUT_OF_SCOPE, PHOTO, TREATMENTS, TRIAGE
from milia.reading import Reading
from milia.sign_catalog import Level
from milia.sign_messages import sentences
from milia.situation import Mentions

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "tests" / "dialogs", ROOT / "tests" / "heldout" / "dialogs")
MOST_SENTENCES = 8  # for one thing; a second thing that was asked may take two more
Case = tuple[str, dict[str, Any]]
FRESH = State()


@lru_cache(maxsize=1)
def rules() -> ReplyRules:
    return load_reply_rules(ROOT)


@lru_cache(maxsize=1)
def claims() -> Rules:
    return load_rules(ROOT / "data" / "content")


@lru_cache(maxsize=1)
def responses() -> dict[str, list[str]]:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    return {name: [one["text"] for one in texts] for name, texts in domain["responses"].items()}


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    return load_dialogue(ROOT)


def faults(turn: dict[str, Any], after_question: bool = False) -> Iterator[str]:
    """Yield what is wrong with a reply: a turn as `milia replay` writes it."""
    text = turn["text"]
    if not text.strip():
        yield "the reply is empty"
    if re.search(r"[{}]", text):
        yield "a placeholder was not filled"
    yield from (f"{one.rule}: {one.fault}" for one in rules().violations(turn, after_question))
    for rule in claims().claims:
        hit = rule.pattern.search(rule.unless.sub("", text) if rule.unless else text)
        if hit:
            yield f"forbidden {hit.group()!r} ({rule.reason})"
    # A question of the check may explain its items, a result compares and says when to go sooner.
    count, most = sum(len(sentences(line)) for line in text.splitlines()), _most_sentences(turn)
    if count > most and not turn["check_question"] and not turn["outcome"]:
        yield f"{count} sentences, more than {most}"
    if Level.from_id(turn["level"]) >= Level.URGENT_SAME_DAY and turn["signs"] and not turn["check_question"]:
        if turn["buttons"]:
            yield "buttons lead away from help"


def _most_sentences(turn: dict[str, Any]) -> int:
    """A warning sign, present or supposed, brings its own sentences on top, urgent help under way a reminder."""
    supposed = "if that happens" in turn["text"].lower()
    urgent = Level.from_id(turn["level"]) >= Level.URGENT_SAME_DAY
    return MOST_SENTENCES + 2 * max(0, len(turn["topics"]) - 1) + 3 * (len(turn["signs"]) + supposed) + urgent


def all_right(cases: Iterator[Case]) -> None:
    """Fail with what is wrong over many replies, or when there were none."""
    found, count = [], 0
    for name, turn in cases:
        count += 1
        found += [f"{name}: {fault}\n    {turn['text']}" for fault in faults(turn)]
    assert count
    fail_with(found)


def fail_with(found: list[str]) -> None:
    different = list(dict.fromkeys(found))
    assert not different, f"{len(different)} faults, the first of them:\n" + "\n".join(different[:8])


def as_replayed(turn: Turn) -> Iterator[dict[str, Any]]:
    """Yield a turn as `milia replay` would write it; a response of the domain in each of its wordings."""
    for text in responses()[turn.response] if turn.response else [turn.text]:
        buttons = [{"title": button.title, "payload": button.payload} for button in turn.buttons]
        yield {"user": "", "text": text, "buttons": buttons, **turn.record({})}


def said(dialogue: Dialogue, reading: Reading, state: State = FRESH, conversations: int = 3) -> Iterator[Case]:
    """Yield the replies to a reading, in several conversations so that the wordings differ."""
    for number in range(conversations):
        name = f"{'+'.join(reading.labels) or 'nothing'} {reading.text} {reading.mentions.to_dict()} {state.level}"
        for turn in as_replayed(dialogue.respond(reading, state, f"conversation {number}")):
            yield name, turn


def reading(*labels: str, text: str = "tell me", **mentions: Any) -> Reading:
    return Reading(text, {"name": "x", "confidence": 1.0}, labels, {}, mentions=Mentions(**mentions))


# --------------------------------------------------------------------------------------------------- without a model
def test_each_topic_for_each_person_and_place(dialogue: Dialogue) -> None:
    """At 23 topics, 7 persons, 8 places."""
    people = [None if who == "unknown" else who for who in (*WHO, "baby")]
    places = [None if area == "unknown" else area for area in AREA]
    cases = (
        case
        for topic, who, area in product(dialogue.content.topics, people, places)
        for case in said(dialogue, reading(topic, who=who, area=area), conversations=1)
    )
    all_right(cases)


def test_each_topic_for_each_type_and_cause(dialogue: Dialogue) -> None:
    cases = (
        case
        for topic, kind, before, who in product(
            dialogue.content.topics, (None, *TYPE), (None, *BEFORE), ("newborn", "adult")
        )
        for case in said(dialogue, reading(topic, who=who, type=kind, before=before), conversations=1)
    )
    all_right(cases)


def test_each_wording_of_each_topic(dialogue: Dialogue) -> None:
    cases = (case for topic in dialogue.content.topics for case in said(dialogue, reading(topic), conversations=12))
    all_right(cases)


def test_each_focus_of_each_topic(dialogue: Dialogue) -> None:
    cases = (
        case
        for topic in dialogue.content.topics.values()
        for focus in topic.focus
        for who in (None, "newborn", "adult")
        for case in said(dialogue, reading(topic.id, text=focus.cues[0], who=who), conversations=1)
    )
    all_right(cases)


def test_two_and_three_questions_at_once_with_a_description(dialogue: Dialogue) -> None:
    topics = list(dialogue.content.topics)
    pairs = [(one, two) for one, two in product(topics, topics) if one < two]
    cases = (
        case
        for pair in [*pairs, (*TREATMENTS, "removal_self"), (*TREATMENTS, "harmless"), (*TREATMENTS, NO_ANSWER)]
        for labels in (pair, (TRIAGE, *pair), (*pair, NO_ANSWER))
        for case in said(dialogue, reading(*labels), conversations=1)
    )
    all_right(cases)


def test_each_theme_that_the_article_does_not_answer(dialogue: Dialogue) -> None:
    people = [None if who == "unknown" else who for who in WHO]
    cases = (
        case
        for theme, who, labels in product(
            dialogue.content.unanswered.themes.values(), people, ((NO_ANSWER,), (NO_ANSWER, TRIAGE))
        )
        for case in said(
            dialogue,
            Reading(theme.cues[0], {}, labels, {}, mentions=Mentions(who=who), theme=(theme.id, 1.0)),
            conversations=2,
        )
    )
    all_right(cases)


def test_each_small_talk_and_kind(dialogue: Dialogue) -> None:
    after_an_answer = State(topic=("causes",), turn=1)
    cases = (
        case
        for label in (*CHITCHAT, OUT_OF_SCOPE, PHOTO, TRIAGE, NO_ANSWER)
        for state in (FRESH, after_an_answer, State(miss=1), State(level="provider_soon", sign=("ws.sudden_many",)))
        for case in said(dialogue, reading(label), state, conversations=6)
        if label != "help_under_way"
    )
    all_right(cases)


def test_what_is_not_understood(dialogue: Dialogue) -> None:
    nothing = (
        reading(text=""),
        reading(text="zxcv"),
        reading(text="in the eye", area="eye"),
        Reading("hola", language="es"),
        Reading("causes or types", {}, ("causes",), {}, rivals=("causes", "types")),
    )
    cases = (case for one in nothing for miss in range(4) for case in said(dialogue, one, State(miss=miss)))
    all_right(cases)


def test_each_answer_after_a_sign(dialogue: Dialogue) -> None:
    """Level 2 adds its line; at level 3 and 4 with help under way, facts come after the reminder."""
    states = [
        State(level="provider_soon", sign=("ws.sudden_many",), sign_now=("ws.sudden_many",)),
        State(level="provider_soon", sign=("ws.pregnancy_treatment",)),
        State(level="emergency_now", sign=("ws.breathing_trouble",), help_under_way=True),
    ]
    cases = (
        case
        for label, state in product((*dialogue.content.topics, TRIAGE, NO_ANSWER), states)
        for case in said(dialogue, reading(label), state, conversations=2)
    )
    all_right(cases)


def test_each_sign_of_level_2_and_each_supposed_sign(dialogue: Dialogue) -> None:
    catalog = dialogue.catalog
    soon = [sign for sign in catalog if catalog[sign].level == Level.PROVIDER_SOON]
    supposed = [sign for sign in catalog if catalog[sign].level >= Level.PROVIDER_SOON]

    def cases() -> Iterator[Case]:
        for sign, who in product(soon, (None, "newborn", "child", "adult")):
            state = State(level="provider_soon", sign=(sign,), sign_now=(sign,))
            yield from said(dialogue, reading(TRIAGE, who=who), state, conversations=1)
        for sign in supposed:
            yield from said(dialogue, reading(NO_ANSWER), State(sign_supposed=(sign,)), conversations=1)

    all_right(cases())


def test_pregnancy_withholds_every_fact_of_a_treatment(dialogue: Dialogue) -> None:
    state = State(level="provider_soon", sign=("ws.pregnancy_treatment",))
    withheld = ("treatment_home.", "treatment_professional.", "prevention_exfoliate.")
    themes = dialogue.content.unanswered.themes
    readings = [
        *(reading(label) for label in (*dialogue.content.topics, "ask_more")),
        *(Reading("x", {}, (NO_ANSWER,), {}, theme=(theme, 1.0)) for theme in themes),
    ]
    stated = {
        f"{'+'.join(one.labels)} {one.theme[0]}: {fact}"
        for one in readings
        for fact in dialogue.respond(one, state, "c").facts
        if fact.startswith(withheld)
    }
    assert stated == set()


# -------------------------------------------------------------------------------------------------------- with a model
@pytest.mark.model
@pytest.mark.parametrize("folder", FOLDERS, ids=["dialogs", "heldout"])
def test_every_reply_of_every_dialog(folder: Path, run_dialog: Callable[[DialogTest], DialogResult]) -> None:
    found, count = [], 0
    for test in load_dialog_tests(folder):
        asked = False
        for turn in run_dialog(test).turns:
            if turn.turn is None:
                continue
            count += 1
            found += [f"{test.place}: {fault}\n    {turn.turn['text']}" for fault in faults(dict(turn.turn), asked)]
            asked = turn.turn["check_question"]
    assert count > 100
    fail_with(found)
