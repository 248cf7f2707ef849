"""The safety case holds: every rating follows the matrix, every control has a test that exists, and what had no test yet.

The first part checks the hazard log and the review sheet; the second proves controls that no other file tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from milia.content import load_content
from milia.safety_case import (
    HAZARDS,
    REVIEW,
    UNDESIRABLE,
    Control,
    Hazard,
    Rating,
    SafetyCase,
    SafetyCaseError,
    load_safety_case,
)
from milia.safety_evidence import evidence_fault, find_faults
from milia.sign_catalog import Level, load_signs
from milia.sign_messages import CRISIS_SIGNS, escalation, sentences
from milia.situation import Mentions
from milia.warning_signs import signs_in

if TYPE_CHECKING:
    from spacy.language import Language

    from milia.sign_detection import SignDetector

ROOT = Path(__file__).resolve().parents[1]
CATALOG = load_signs(ROOT / "data/content/warning_signs.yml")
URGENT = [sign for sign in CATALOG if CATALOG[sign].level >= Level.URGENT_SAME_DAY]
CASE = load_safety_case(ROOT)
# The risk matrix in the example of DCB0129's implementation guidance: rows likelihood 1 to 5, columns severity 1 to 5.
MATRIX = ((1, 1, 2, 2, 3), (1, 2, 2, 3, 4), (2, 2, 3, 3, 4), (2, 3, 3, 4, 5), (3, 4, 4, 5, 5))
# A message of Twilio (SMS and WhatsApp); Messenger, Telegram and Slack take more.
SHORTEST_LIMIT = 1600
ONE_TEXT_MESSAGE = 160


def log_of(*hazards: Hazard, case: SafetyCase = CASE) -> list[str]:
    """Return the faults of a case that has only these hazards."""
    return find_faults(replace(case, hazards=hazards, questions=()), ROOT, CATALOG)


# ------------------------------------------------------------------------------------------------- the log and the sheet
def test_the_safety_case_has_no_fault() -> None:
    """Each rating follows the matrix, each control names a test that exists, each place that is named is there."""
    assert find_faults(CASE, ROOT, CATALOG) == []


def test_the_matrix_is_that_of_the_guidance() -> None:
    assert {n: tuple(row.values()) for n, row in CASE.matrix.items()} == {n: row for n, row in enumerate(MATRIX, start=1)}


def test_there_are_hazards_enough_and_each_is_told_in_full() -> None:
    assert len(CASE.hazards) >= 25
    for hazard in CASE.hazards:
        assert all((hazard.hazard, hazard.cause, hazard.effect, hazard.controls)), hazard.id
        assert hazard.status == "open" or hazard.after.risk < UNDESIRABLE or hazard.accepted_by, hazard.id


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"before": Rating(4, 5, 4)}, "before: risk 4, but the matrix gives 5"),
        ({"after": Rating(4, 3, 2)}, "after: risk 2, but the matrix gives 3"),
        ({"before": Rating(1, 1, 1)}, "a control made it worse"),
        ({"controls": (Control("x", ("tests/test_faults.py::test_nobody_wrote_this",)),)}, "has no 'test_nobody_wrote_this'"),
        ({"controls": (Control("x", ("tests/test_nothing.py::test_x",)),)}, "there is no file 'tests/test_nothing.py'"),
        ({"controls": (Control("x", ("tests/dialogs/signs.yml::No such dialog",)),)}, "has no 'No such dialog'"),
        ({"controls": (Control("x", ("tests/heldout/signs.jsonl::ws.nothing",)),)}, "has no 'ws.nothing'"),
        ({"controls": (Control("x", ("tests/test_faults.py",)),)}, "names no test"),
        ({"controls": (Control("x", ("README.md::Limits",)),)}, "is no evidence"),
        ({"controls": (Control("x", ()),)}, "no test proves the control 'x'"),
        ({"controls": ()}, "no control is proved by a test that can fail a build"),
        ({"controls": (Control("x", ("tests/heldout/signs.jsonl::trap",)),)}, "no control is proved by a test that can fail"),
        ({"owner": "nobody"}, "unknown owner 'nobody'; known: clinical"),
        ({"status": "fine"}, "unknown status 'fine'; allowed: open"),
        ({"status": "controlled"}, "'controlled' with a residual risk of 3"),
        ({"status": "accepted"}, "'accepted' needs accepted_by"),
    ],
)
def test_a_weak_hazard_is_named(change: dict[str, Any], fault: str) -> None:
    good = CASE.hazards[0]
    assert log_of(good) == []
    found = log_of(replace(good, **change))
    assert any(fault in one and one.startswith(good.id) for one in found), found


def test_an_id_is_there_once() -> None:
    assert log_of(CASE.hazards[0], CASE.hazards[0]) == [f"{CASE.hazards[0].id!r} is there twice"]


def test_a_skipped_test_proves_nothing(tmp_path: Path) -> None:
    text = "import pytest\n\n@pytest.mark.skip(reason='later')\ndef test_x():\n    pass\n\ndef test_y():\n    pass\n"
    (tmp_path / "test_a.py").write_text(text, encoding="utf-8")
    assert "is skipped" in evidence_fault("test_a.py::test_x", tmp_path)
    assert evidence_fault("test_a.py::test_y", tmp_path) == ""
    (tmp_path / "test_b.py").write_text("import pytest\n\npytestmark = pytest.mark.skip\n\n" + text, encoding="utf-8")
    assert "is skipped" in evidence_fault("test_b.py::test_y", tmp_path)


def test_a_question_names_signs_and_files_that_exist() -> None:
    wrong = replace(CASE.questions[0], seen_in=("ws.nothing", "milia/nothing.py"), reading="rosy")
    found = find_faults(replace(CASE, hazards=(), questions=(wrong,)), ROOT, CATALOG)
    assert [fault.partition(": ")[0] for fault in found] == [wrong.id] * 3


def test_every_open_question_of_the_clinical_list_is_there() -> None:
    """Nine of warning-signs.md, nine of triage-table.md, and what follows from the program's own choices."""
    sources = " ".join(question.source for question in CASE.questions)
    asked = {int(n) for n in re.findall(r"warning-signs\.md, section 9, question (\d)", sources)}
    points = {int(n) for n in re.findall(r"section 13, point (\d)", sources)}
    assert (asked, points) == (set(range(1, 10)), set(range(1, 10)))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (HAZARDS, "      cause:", "      reason:", "unknown key 'reason'"),
        (HAZARDS, "severity: 4, likelihood: 5", "severity: 6, likelihood: 5", "severity is 6; allowed: 1 to 5"),
        (HAZARDS, "hazard_log:", "hazards:", "expected the one root key 'hazard_log'"),
        (REVIEW, "      taken:", "      took:", "unknown key 'took'"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(file: Path, old: str, new: str, message: str, tmp_path: Path) -> None:
    for name in (HAZARDS, REVIEW):
        text = (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.replace(old, new, 1) if name == file else text, encoding="utf-8")
    with pytest.raises(SafetyCaseError, match=re.escape(message)):
        load_safety_case(tmp_path)


# --------------------------------------------------------------------------------------- controls that no other file tests
def all_warnings() -> Iterator[tuple[str, str]]:
    """Yield the region and the text of each warning of level 3 and 4, for one sign and for two."""
    for region in CATALOG.regions:
        for signs in (*combinations(URGENT, 1), *combinations(URGENT, 2)):
            yield region, escalation(signs, CATALOG, region).text


def read(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in ("cues", "short", "patterns", "must_not", "sources", "examples"):
                yield from texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one)


def said_texts() -> list[str]:
    """Return the texts of answers, warnings, check and small talk, with titles and descriptions of signs."""
    signs, triage = read("data/content/warning_signs.yml")["warning_signs"], read("data/content/triage.yml")["triage"]
    del triage["read"]
    topics = [read(f"data/content/topics/{path.name}") for path in sorted((ROOT / "data/content/topics").glob("*.yml"))]
    other = [read("data/content/unanswered.yml"), read("data/content/replies.yml"), read("domain.yml")["responses"]]
    return list(texts_in([signs["texts"], signs["signs"], triage, topics, other]))


def test_a_warning_fits_one_message_and_begins_with_the_action() -> None:
    """No platform cuts it, and the first of two text messages says what to do."""
    action = re.compile(r"\b(?:call|emergency|see|seen|rinse|doctor|clinic|nurse|111|poison|press)\b", re.IGNORECASE)
    for _, text in all_warnings():
        assert len(text) <= SHORTEST_LIMIT / 2, text
        first = text[:ONE_TEXT_MESSAGE]
        assert action.search(first.partition(": ")[2]), first


def test_a_warning_is_plain_words() -> None:
    """How urgent it is stands in its first words, with no markup, emoji or sign that only some devices show."""
    for _, text in all_warnings():
        assert text.startswith(("Please get emergency help now: ", "Please have this looked at today: "))
        assert text.isascii() and not re.search(r"[*_~`<>#|\[\]{}]", text), text


def test_sentences_of_a_warning_are_short() -> None:
    for _, text in all_warnings():
        for sentence in sentences(text.replace("\n", " ")):
            assert len(sentence.split()) <= 30, sentence


def test_a_warning_names_the_numbers_of_its_region_only() -> None:
    own = {region: set(re.findall(r"\d{3}", place.emergency_number)) for region, place in CATALOG.regions.items()}
    assert all(own.values())
    named = set()
    for region, text in all_warnings():
        others = set().union(*(numbers for other, numbers in own.items() if other != region)) - own[region]
        found = set(re.findall(r"(?<![\d-])\d{3}(?![\d-]| \d)", text))
        assert not found & others, (region, text)
        named |= {region} if found & own[region] else set()
    assert named == set(CATALOG.regions)


def test_an_unknown_region_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting is told when the bot starts, not in a conversation."""
    from rasa.shared.core.domain import Domain
    from rasa.utils.endpoints import EndpointConfig

    from milia.nlg import ContentNLG
    from milia.sign_catalog import SignError

    monkeypatch.setenv("MILIA_REGION", "mars")
    with pytest.raises(SignError, match="unknown region 'mars'; known: us"):
        ContentNLG(EndpointConfig(content=str(ROOT / "data/content")), Domain.empty())


def test_every_temperature_stands_in_both_units() -> None:
    """38.0 C (100.4 F): with the right figure, and never one unit alone."""
    pair = re.compile(r"([\d.]+)(?:(?: to |-)([\d.]+))? C \(([\d.]+)(?:(?: to |-)([\d.]+))? F\)")
    pairs = 0
    for text in said_texts():
        for hit in pair.finditer(text):
            pairs += 1
            for celsius, fahrenheit in zip(hit.groups()[:2], hit.groups()[2:], strict=True):
                assert (celsius is None) == (fahrenheit is None), text
                assert celsius is None or abs(float(celsius) * 1.8 + 32 - float(fahrenheit)) <= 0.1, text
        assert not re.search(r"\d (?:degrees|C|F)\b", pair.sub("", text)), text
    assert pairs > 10


def test_a_crisis_is_answered_kindly() -> None:
    """Help first, no word on milia, nothing asked, nobody blamed; the provider comes last."""
    for region, place in CATALOG.regions.items():
        for sign in CRISIS_SIGNS:
            text = escalation((sign,), CATALOG, region).text
            assert "milia" not in text.lower() and "?" not in text and "you must" not in text.lower()
            assert place.emergency_number in sentences(text)[0]
            assert text.splitlines()[-1].startswith("When you are safe")
        alone = escalation(("ws.self_harm",), CATALOG, region).text
        assert place.crisis_line in alone and re.search(r"sorry|you matter|not alone", alone, re.IGNORECASE)


@pytest.fixture(scope="module")
def detector(nlp: Language) -> SignDetector:
    from milia.sign_detection import SignDetector

    return SignDetector(nlp, CATALOG)


def signs_of(detector: SignDetector, text: str) -> frozenset[str]:
    return signs_in(detector.detect_text(text), None, CATALOG)


@pytest.mark.parametrize(
    "text",
    ["what if i killed myself", "would anyone care if i killed myself", "should i kill myself", "i have thought about suicide"],
)
def test_thoughts_of_suicide_count_as_question_and_supposition(text: str, detector: SignDetector) -> None:
    assert "ws.self_harm" in signs_of(detector, text)


@pytest.mark.parametrize(
    "text",
    [
        "the spot is hot and swollen and sore",
        "the skin around it is warm, puffy and hurts",
        "hot swollen lump on my arm, my skin is black so i cant see a colour",
        "it is throbbing and pus comes out of the bump",
    ],
)
def test_an_infection_needs_no_redness(text: str, detector: SignDetector) -> None:
    """On brown and black skin redness may not show."""
    assert CATALOG.level(signs_of(detector, text)) >= Level.URGENT_SAME_DAY


def test_another_person_brings_another_description() -> None:
    """A baby's place and age do not become the mother's; "he is 5 weeks" is still the baby."""
    baby = Mentions(who="baby", area="mouth", own=True)
    mother = baby.updated(Mentions(who="adult", own_adult=True))
    assert (mother.who, mother.area) == ("adult", None)
    same = baby.updated(Mentions(who="newborn", age=35.0))
    assert (same.who, same.area) == ("newborn", "mouth")
    asking_father = baby.updated(Mentions(who="adult"))
    assert asking_father.who == "baby"


def test_a_session_ends_after_a_day_and_carries_nothing_over() -> None:
    settings = read("domain.yml")["session_config"]
    assert settings == {"session_expiration_time": 24 * 60, "carry_over_slots_to_new_session": False}


def test_the_line_for_other_languages_leads_to_help() -> None:
    texts = [one["text"] for one in read("domain.yml")["responses"]["utter_english_only"]]
    for text in texts:
        assert all(part in text for part in ("English", "emergency", "911", "999", "112", "dermatology provider"))


def test_a_message_that_is_refused_names_the_emergency_number() -> None:
    """On the web and on messengers: whoever is not read must know whom to call."""
    problems, notices = read("milia/channels/web_texts.yml")["problems"], read("milia/channels/notices.yml")["notices"]
    refusals = ["text-too-long", "body-too-large", "too-many-messages", "too-many-conversations", "busy", "unavailable"]
    texts = [*(problems[name] for name in refusals), *(notices[name] for name in ("too_long", "too_many", "unavailable"))]
    assert [text for text in texts if "{emergency_number}" not in text and "your emergency number" not in text] == []


def test_the_age_of_the_article_is_told() -> None:
    """Whoever asks for the source hears how old it is, and that newer advice may exist, in every wording."""
    topic = load_content(ROOT / "data/content").topics["sources"]
    dated = [s for answer in topic.answers for s in answer.more[:1] if "sources.4" in s.facts]
    assert dated and all("2021" in text and "newer" in text for s in dated for text in s.wordings)


def test_no_text_says_that_a_pore_can_be_freed() -> None:
    """milia_vs_acne.6 reads as advice to press."""
    content = load_content(ROOT / "data/content")
    stated = {
        fact
        for topic in content.topics.values()
        for sentence in (
            *(focus.sentence for focus in topic.focus),
            *(s for answer in topic.answers for s in (answer.lead, *answer.more, *answer.details)),
        )
        for fact in sentence.facts
    }
    assert "removal_self.1" in stated and "milia_vs_acne.6" not in stated


def test_no_text_changes_a_medicine_or_gives_a_dose() -> None:
    medicine = r"(?:medicines?|medications?|tablets?|pills?|antibiotics?)"
    change = re.compile(rf"\b(?:stop|start|skip|restart|double|reduce)(?: taking| using)? (?:your|the|this|a|any) {medicine}\b", re.IGNORECASE)
    dose = re.compile(r"\b\d+ ?(?:mg|mcg|ml|percent|%|drops|tablets|pills)(?!\w)", re.IGNORECASE)
    texts = said_texts()
    assert len(texts) > 1000
    shares = re.compile(r"40 (?:to|and) 50 percent")  # of newborns (type_neonatal.2), no strength
    assert [text for text in texts if change.search(text) or dose.search(shares.sub("", text))] == []
    assert change.search("Stop taking your tablets") and dose.search("take 5 ml")


@pytest.mark.parametrize("file", ["README.md", "docs/safety/README.md"])
def test_the_pages_say_that_nobody_has_reviewed_it(file: str) -> None:
    """As long as nothing is signed; then this test and the pages have to be changed together."""
    assert not any(one.signed for one in CASE.sign_offs)
    text = " ".join((ROOT / file).read_text(encoding="utf-8").split())
    assert re.search(r"no clinician has reviewed", text, re.IGNORECASE)
    assert re.search(r"do not put it before patients", text, re.IGNORECASE)


def test_the_page_names_the_files_and_numbers_of_the_safety_case() -> None:
    text = (ROOT / "docs/safety/README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / "docs/safety" / link).exists(), link
    open_ = sum(hazard.status == "open" for hazard in CASE.hazards)
    assert f"{len(CASE.hazards)} hazards, {open_} of them open" in text
    assert f"{len(CASE.questions)} open clinical questions" in text
    not_safest = [question.id for question in CASE.questions if question.reading == "not the safest"]
    assert all(one in text for one in not_safest)
