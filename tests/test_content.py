"""The answers that the bot may give: what is loaded, which answer is chosen, and what is refused."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path

import pytest

from milia.content import (
    AREA,
    BEFORE,
    TYPE,
    UNDER_18,
    WHO,
    Content,
    ContentError,
    Situation,
    load_content,
    read_content,
)

ROOT = Path(__file__).parents[1] / "data" / "content"
TYPES = ("neonatal", "primary", "secondary", "juvenile", "en_plaque", "multiple_eruptive")
TOPICS = [
    "definition",
    "harmless",
    "location",
    "duration",
    "causes",
    "types",
    *(f"type_{name}" for name in TYPES),
    "diagnosis",
    "milia_vs_acne",
    "removal_self",
    "treatment_home",
    "treatment_professional",
    "prevention",
    "prevention_sun",
    "prevention_wash",
    "prevention_exfoliate",
    "see_provider",
    "sources",
]


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content(ROOT)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "content"))


def change(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is no longer in {file}"
    (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_all_is_there(content: Content) -> None:
    """The topics are the closed list, and every question that the article leaves open has its theme."""
    assert sorted(content.topics) == sorted(TOPICS)
    assert list(content.unanswered.themes) == [f"unanswered.{number}" for number in range(1, 58)]
    assert len(content.facts) == 139
    assert {fact.id for fact in content.facts.values() if fact.status == "I"} == {"types.5"}
    assert len(content.sources.references) == 8


@pytest.mark.parametrize("topic", TOPICS)
def test_every_wording_can_carry_a_provider(content: Content, topic: str) -> None:
    """Whoever asks, about whatever bumps, gets a lead of this topic and a line that suggests a dermatology provider."""
    for who, area, type_, before in product(WHO, AREA, (None, *TYPE), (None, *BEFORE)):
        answer = content.topics[topic].answer_for(Situation(who, area, type_, before))
        assert any(content.facts[fact].topic == topic for fact in answer.lead.facts)
        assert all(answer.lead.wordings) and answer.provider
        for line in answer.provider:
            assert "dermatology provider" in content.fill(line, who)
            assert "{" not in content.fill(line, who)


def test_every_theme_and_the_default_carry_a_provider(content: Content) -> None:
    """What the article does not answer is still passed on to a dermatology provider."""
    lines = [*content.unanswered.provider, *(line for t in content.unanswered.themes.values() for line in t.provider)]
    assert all("dermatology provider" in content.fill(line) for line in lines)


@pytest.mark.parametrize(
    ("who", "provider"),
    [
        ("newborn", "the baby's doctor or a dermatology provider"),
        ("infant", "the baby's doctor or a dermatology provider"),
        ("child", "the child's doctor or a dermatology provider"),
        ("adult", "a dermatology provider"),
        ("unknown", "a dermatology provider"),
    ],
)
def test_the_provider_suits_the_person(content: Content, who: str, provider: str) -> None:
    """A baby or child has a doctor of its own, named first."""
    assert content.fill("Ask {provider}.", who) == f"Ask {provider}."


@pytest.mark.parametrize(
    ("topic", "situation", "facts"),
    [
        ("duration", Situation("newborn"), {"duration.1"}),
        ("duration", Situation("infant"), {"duration.1"}),
        ("duration", Situation("child"), {"duration.4"}),
        ("duration", Situation("newborn", type="secondary"), {"duration.1"}),
        ("duration", Situation("adult"), {"duration.3"}),
        ("duration", Situation(), {"duration.1", "duration.3"}),
        ("duration", Situation("adult", type="primary"), {"duration.3"}),
        ("duration", Situation("adult", type="secondary"), {"duration.4"}),
        ("duration", Situation("adult", type="juvenile"), {"duration.4"}),
        ("duration", Situation("adult", type="en_plaque"), {"duration.4"}),
        ("duration", Situation("adult", type="multiple_eruptive"), {"duration.4"}),
        ("duration", Situation("adult", before="burn"), {"duration.4"}),
        ("causes", Situation("newborn"), {"causes.5"}),
        ("causes", Situation("adult", before="blister"), {"causes.7"}),
        ("type_secondary", Situation("adult", before="burn"), {"type_secondary.1", "type_secondary.4"}),
        ("type_secondary", Situation("adult", before="friction"), {"type_secondary.1", "type_secondary.5"}),
        ("type_juvenile", Situation("child"), {"type_juvenile.1", "type_juvenile.2"}),
        ("type_juvenile", Situation("adult"), {"type_juvenile.1", "type_juvenile.2", "type_juvenile.3"}),
        ("treatment_home", Situation("newborn"), {"treatment_home.7"}),
        ("treatment_home", Situation("teen"), {"treatment_home.7"}),
        ("treatment_home", Situation("adult", "eye"), {"treatment_home.7"}),
        ("treatment_home", Situation("adult", "genital"), {"treatment_home.7"}),
        ("treatment_professional", Situation("child"), {"treatment_professional.1"}),
        ("prevention_sun", Situation("infant"), {"prevention_sun.1"}),
        ("prevention_wash", Situation("child"), {"prevention_wash.4"}),
        ("prevention_exfoliate", Situation("teen"), {"prevention_exfoliate.2"}),
        ("prevention_exfoliate", Situation("adult", "eye"), {"prevention_exfoliate.2"}),
    ],
)
def test_the_lead_fits_the_situation(content: Content, topic: str, situation: Situation, facts: set[str]) -> None:
    """The first answer that fits is taken, so each person hears the facts that are meant for them."""
    assert set(content.topics[topic].answer_for(situation).lead.facts) == facts


def test_only_newborns_are_told_the_time_of_newborns_with_a_treatment(content: Content) -> None:
    """An older baby's parents do not read 'it goes in the first weeks' into a question about treatment."""
    for topic in ("treatment_home", "treatment_professional"):
        told = {
            who: {fact for s in content.topics[topic].answer_for(Situation(who)).more for fact in s.facts}
            for who in UNDER_18
        }
        assert "duration.1" in told["newborn"]
        assert not any("duration.1" in told[who] for who in ("infant", "child", "teen"))


def test_a_retinoid_or_peel_never_comes_alone(content: Content) -> None:
    """Home care names a retinoid or a peel with 'ask first' and 'no product, strength or schedule'."""
    topic = content.topics["treatment_home"]
    answer = topic.answer_for(Situation("adult"))
    for lead, more in product(answer.lead.wordings, answer.more[0].wordings):
        assert "dermatology provider" in lead
        assert "product, strength or schedule" in more
    for message in ("is a retinoid ok", "peel at home"):
        (focus,) = topic.focus_for(Situation("adult"), message)
        assert all(
            "dermatology provider" in t and "product, strength or schedule" in t for t in focus.sentence.wordings
        )


def test_the_share_of_newborns_is_given_twice(content: Content) -> None:
    """The article has two figures for the share of newborns; both are said, none is averaged (issue.1)."""
    for who in WHO:
        for text in content.topics["type_neonatal"].answer_for(Situation(who)).lead.wordings:
            assert "40 to 50 percent" in text and "about half" in text


def test_focus_needs_whole_words_and_the_right_person(content: Content) -> None:
    """A cue is found as whole words, also with a curly apostrophe, and only for those it is meant for."""
    topic = content.topics["treatment_professional"]
    assert len(topic.focus_for(Situation("adult"), "Can they LASER it?")) == 1
    assert topic.focus_for(Situation("adult"), "laserjet printer") == ()
    assert topic.focus_for(Situation("child"), "can they laser it") == ()
    assert content.topics["definition"].focus_for(Situation(), "what\u2019s in it, keratin?")
    assert content.topics["removal_self"].focus_for(Situation(), "it won\u2019t come out")


def test_a_theme_is_named_by_its_cues(content: Content) -> None:
    """A strong word points to its theme; a part of a word does not."""
    theme = content.unanswered.themes["unanswered.45"]
    assert theme.named_in("does my INSURANCE pay") and not theme.named_in("costume party")


@pytest.mark.parametrize("who", UNDER_18)
def test_themes_offer_no_home_method_under_18(content: Content, who: str) -> None:
    """The nearest fact told about a child is never a home method."""
    facts = {
        fact
        for theme in content.unanswered.themes.values()
        for sentence in theme.nearest_for(Situation(who))
        for fact in sentence.facts
    }
    assert "treatment_home.7" in facts
    assert not facts & {*(f"treatment_home.{n}" for n in range(1, 7)), "prevention_sun.2", "prevention_exfoliate.3"}


def test_a_situation_knows_its_values() -> None:
    """A value that no answer can know raises and names what is allowed."""
    for wrong in (
        {"who": "grandma"},
        {"area": "nose"},
        {"type": "cyst"},
        {"before": "tattoo"},
    ):
        with pytest.raises(ContentError, match=next(iter(wrong.values()))):
            Situation(**wrong)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "topics/duration.yml",
            "facts: [duration.1]",
            "facts: [duration.9]",
            ["'duration.9'", "duration.1", "duration.4"],
        ),
        ("topics/duration.yml", "title:", "titel:", ["'titel'", "follow_ups", "'title' is missing"]),
        ("topics/duration.yml", "who: [newborn]", "who: [baby]", ["'baby'", "newborn"]),
        ("topics/duration.yml", "type: [primary]", "tpye: [primary]", ["'tpye'", "before"]),
        ("topics/duration.yml", "topic: duration", "topic: time", ["'time'", "'duration'"]),
        ("topics/duration.yml", "follow_ups: [harmless", "follow_ups: [harmful", ["'harmful'", "harmless"]),
        ("topics/duration.yml", "  - lead:", "  - when: {who: [adult]}\n    lead:", ["last answer"]),
        ("topics/duration.yml", "answers:", "answers: [", ["not valid YAML"]),
        ("topics/harmless.yml", "lead: true", "lead: 1", ["true or false"]),
        ("facts.yml", "status: I", "status: X", ["'X'", "E, I"]),
        ("facts.yml", "id: definition.2,", "id: definition.1,", ["'definition.1'", "twice"]),
        ("facts.yml", 'pattern: "about half"', 'pattern: "about ("', ["regular expression"]),
        ("unanswered.yml", "id: unanswered.2\n", "id: unanswered.1\n", ["'unanswered.1'", "twice"]),
        ("unanswered.yml", "\n      ws: true", "\n      ws: maybe", ["'maybe'", "true or false"]),
        ("unanswered.yml", "cues: [is this milia", "cue: [is this milia", ["'cue'", "cues"]),
        ("sources.yml", "    teen:", "    youth:", ["'youth'", "'teen' is missing"]),
        ("sources.yml", "reviewer: ", "checker: ", ["'checker'", "reviewer"]),
    ],
)
def test_a_mistake_is_named(copy: Path, file: str, old: str, new: str, said: list[str]) -> None:
    """Loading fails with the file, the value and what is allowed."""
    change(copy, file, old, new)
    with pytest.raises(ContentError) as error:
        load_content(copy)
    message = str(error.value)
    assert all(part in message for part in (file, *said)), message


def test_files_that_are_missing_or_too_many(copy: Path) -> None:
    """Every topic has its file, and every file a topic."""
    (copy / "topics" / "causes.yml").rename(copy / "topics" / "reasons.yml")
    (copy / "sources.yml").unlink()
    with pytest.raises(ContentError) as error:
        load_content(copy)
    message = str(error.value)
    assert "topics/causes.yml: file is missing" in message
    assert "topics/reasons.yml: unknown topic 'reasons'" in message
    assert "sources.yml: file is missing" in message


def test_all_faults_are_collected(copy: Path) -> None:
    """Reading goes on after a fault, so an editor sees all of them at once."""
    change(copy, "topics/causes.yml", "facts: [causes.7]", "facts: [causes.70]")
    change(copy, "topics/types.yml", "facts: [types.3]", "facts: [types.30]")
    _, faults = read_content(copy)
    assert {fault.file for fault in faults} >= {"topics/causes.yml", "topics/types.yml"}


def test_other_content_files_are_left_alone(copy: Path, content: Content) -> None:
    """Warning signs and triage rules lie in the same directory and have loaders of their own."""
    (copy / "warning_signs.yml").write_text("warning_signs: [anything]\n", encoding="utf-8")
    (copy / "triage.yml").write_text("- not: ours\n", encoding="utf-8")
    assert load_content(copy).topics == content.topics
