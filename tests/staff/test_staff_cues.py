"""What the X-ray marks in a message: the same findings as the detector's, and beside them what was ruled out and by what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milia.sign_detection import SignDetector
from milia.staff.cues import ExplainingDetector, Mark
from milia.warning_signs import load_signs

if TYPE_CHECKING:
    from spacy.language import Language

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def detector(nlp: Language) -> ExplainingDetector:
    """The detector with its rules, told to explain."""
    return ExplainingDetector.of(SignDetector(nlp, load_signs(ROOT / "data/content/warning_signs.yml")))


@pytest.fixture
def marks(detector: ExplainingDetector) -> Callable[[str], list[Mark]]:
    """Marks a text, and holds every offset against it."""

    def mark(text: str) -> list[Mark]:
        found = detector.marks(text)
        for one in found:
            assert text[one.start : one.end] == one.text
            assert all(text[cue.start : cue.end] == cue.text for cue in one.cues)
        return found

    return mark


@pytest.mark.parametrize(
    ("text", "word", "kind", "cue"),
    [
        ("no fever and he is fine", "fever", "negated", "no"),
        ("she had a fever last year", "fever", "past", "last year"),
        ("what if it bleeds", "bleeds", "hypothetical", "what if"),
    ],
)
def test_what_does_not_count_is_marked_with_the_words_that_made_it_so(
    marks: Callable[[str], list[Mark]], text: str, word: str, kind: str, cue: str
) -> None:
    found = [one for one in marks(text) if word in one.text and one.status != "present"]
    assert found
    assert any(one.kind == kind and cue in one.text for mark in found for one in mark.cues)


@pytest.mark.parametrize(
    "text",
    [
        "my 2 week old has a fever of 101 but no blisters", "it keeps bleeding", "no pain, redness or pus", "", "hello", "😀 fever 👶",
        "her lid is swollen, hot and red since this morning and she cant open her eye", "temp 38.4 in my 10 week girl",
    ],
)  # fmt: skip
def test_what_counts_is_what_the_detector_finds(marks: Callable[[str], list[Mark]], detector: ExplainingDetector, text: str) -> None:
    findings = detector.detect_text(text)
    counted = {one.name for one in marks(text) if one.status == "present" and one.kind in ("sign", "part")}
    # "is this milia" is found by the scope alone, and has no pattern of its own to mark.
    assert counted == {one.name for one in (*findings.atoms, *findings.signs)} - {"ws.unsure"}
    assert any(one.kind == "temperature" for one in marks(text)) == (findings.temperature is not None and findings.temperature.end > 0)
