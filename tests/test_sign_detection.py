"""Warning signs in what people type: every example of the clinical list is found, what only sounds alike is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from milia.quantities import find_ages
from milia.sign_detection import SignDetector, patient_age
from milia.sign_patterns import PatternMatcher
from milia.warning_signs import (
    LASTING_ATOMS,
    Context,
    Findings,
    Level,
    SignCatalog,
    SignError,
    hypothetical_signs_in,
    load_signs,
    signs_in,
)

if TYPE_CHECKING:
    from spacy.language import Language

ROOT = Path(__file__).resolve().parents[1]
DATA: dict[str, Any] = yaml.safe_load((ROOT / "tests/data/sign_phrases.yml").read_text(encoding="utf-8"))
PHRASES = [
    (sign, phrase if isinstance(phrase, dict) else {"text": phrase}) for sign, phrases in DATA["phrases"].items() for phrase in phrases
]


@pytest.fixture(scope="module")
def catalog() -> SignCatalog:
    return load_signs(ROOT / "data/content/warning_signs.yml")


@pytest.fixture(scope="module")
def detector(nlp: Language, catalog: SignCatalog) -> SignDetector:
    return SignDetector(nlp, catalog)


def present(detector: SignDetector, catalog: SignCatalog, text: str, context: Context | None = None) -> frozenset[str]:
    return signs_in(detector.detect_text(text), context, catalog)


def test_every_sign_has_examples(catalog: SignCatalog) -> None:
    assert set(DATA["phrases"]) == set(catalog)


@pytest.mark.parametrize(("sign", "phrase"), PHRASES, ids=[f"{s}: {p['text']}" for s, p in PHRASES])
def test_what_people_say_is_found(sign: str, phrase: dict[str, Any], detector: SignDetector, catalog: SignCatalog) -> None:
    context = Context(Context.of(group=phrase.get("who", "")).age, frozenset(phrase.get("known", ())))

    assert sign in present(detector, catalog, phrase["text"], context)


@pytest.mark.parametrize("text", DATA["traps"])
def test_what_only_sounds_alike_raises_nothing(text: str, detector: SignDetector, catalog: SignCatalog) -> None:
    assert catalog.level(present(detector, catalog, text)) < Level.PROVIDER_SOON


@pytest.mark.parametrize("case", DATA["supposed"], ids=lambda c: c["text"])
def test_what_is_only_supposed_is_kept_apart(case: dict[str, str], detector: SignDetector, catalog: SignCatalog) -> None:
    findings = detector.detect_text(case["text"])

    assert case["sign"] in hypothetical_signs_in(findings, None, catalog)
    assert catalog.level(signs_in(findings, None, catalog)) < Level.PROVIDER_SOON


@pytest.mark.parametrize("case", DATA["levels"], ids=lambda c: c["text"])
def test_the_level_of_a_message_as_typed(case: dict[str, Any], detector: SignDetector, catalog: SignCatalog) -> None:
    assert catalog.level(present(detector, catalog, case["text"])) == case["level"]


@pytest.mark.parametrize("text", ["what is milia", "what are milia?", "milia meaning", "tell me about milia", "types of milia"])
def test_a_general_question_is_not_about_an_own_bump(text: str, detector: SignDetector, catalog: SignCatalog) -> None:
    assert "ws.unsure" not in present(detector, catalog, text)


@pytest.mark.parametrize("text", ["is this milia", "what is this bump on my nose", "could it be milia?", "not sure what these are"])
def test_a_question_about_an_own_bump_is_unsure(text: str, detector: SignDetector, catalog: SignCatalog) -> None:
    assert "ws.unsure" in present(detector, catalog, text)


@pytest.mark.parametrize(
    ("first", "second", "sign"),
    [
        ("the bump on my arm is infected, red and hot", "now I have a fever too", "ws.infection_severe"),
        ("my eyelid is swollen", "and I got a fever", "ws.eye_emergency"),
        ("I started new tablets last week", "I broke out in a rash", "ws.drug_rash"),
        ("I'm on chemo", "I have a fever", "ws.immuno_fever"),
        ("she is 5 weeks old", "she feels hot", "ws.infant_u3m_temp"),
        ("I put a new cream on it", "my throat is tight", "ws.breathing_trouble"),
        ("I have a rash", "and a fever of 39", "ws.fever_with_rash"),
    ],
)
def test_what_is_told_in_two_turns_adds_up(
    first: str, second: str, sign: str, detector: SignDetector, catalog: SignCatalog
) -> None:
    before = detector.detect_text(first)
    context = Context(before.age, before.atom_names & LASTING_ATOMS)

    assert sign in present(detector, catalog, second, context)


def test_lasting_atoms_are_atoms(catalog: SignCatalog) -> None:
    assert LASTING_ATOMS <= set(catalog.rules.atoms)


def test_context_alone_raises_nothing(detector: SignDetector, catalog: SignCatalog) -> None:
    context = Context(Context.of(group="newborn").age, LASTING_ATOMS)

    assert catalog.level(present(detector, catalog, "thank you so much", context)) == Level.PROVIDER_ROUTINE
    assert catalog.level(present(detector, catalog, "what is milia?", context)) == Level.PROVIDER_ROUTINE


def test_a_finding_shows_its_words(detector: SignDetector) -> None:
    text = "Hello, my throat is closing up"
    mention = next(m for m in detector.detect_text(text).signs if m.name == "ws.breathing_trouble")

    assert text[mention.start : mention.end] == mention.text and "throat" in mention.text


def test_a_document_reads_as_its_text(nlp: Language, detector: SignDetector) -> None:
    assert detector.detect(nlp.make_doc("she passed out")) == detector.detect_text("she passed out")


@pytest.mark.parametrize("text", ["", "   ", "...", "😀😀", "\n\n", "?" * 50, "x" * 9000])
def test_odd_texts_are_read(text: str, detector: SignDetector) -> None:
    assert isinstance(detector.detect_text(text), Findings)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_the_same_twice(detector: SignDetector, text: str) -> None:
    assert detector.detect_text(text) == detector.detect_text(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [("my newborn, 5 weeks", 0), ("my 4 year old and the baby", 0), ("I'm 34, my son is 6 weeks old", 42)],
)
def test_the_youngest_counts(text: str, days: float) -> None:
    age = patient_age(find_ages(text), text)

    assert age is not None and age.low <= max(days, 35) + 1


@pytest.mark.parametrize("pattern", ["a (b", "<nothing>", "the", "a unless nobody"])
def test_a_wrong_pattern_says_so(pattern: str, nlp: Language) -> None:
    with pytest.raises(SignError):
        PatternMatcher(nlp.vocab, {"x": [pattern]}, lambda p: [w for w in p.split() if w != "the"])
