"""Redaction takes nothing that the warning signs need: the rules read the same in the text before and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from milia.sign_detection import SignDetector
from milia.storage.redaction import redact
from milia.warning_signs import SignCatalog, hypothetical_signs_in, load_signs, signs_in

if TYPE_CHECKING:
    from spacy.language import Language

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalog() -> SignCatalog:
    """The warning signs."""
    return load_signs(ROOT / "data/content/warning_signs.yml")


@pytest.fixture(scope="module")
def detector(nlp: Language, catalog: SignCatalog) -> SignDetector:
    """The rules that find them."""
    return SignDetector(nlp, catalog)


def sentences() -> list[str]:
    """Return every fifth sentence about signs, and the held-out ones."""
    blocks = yaml.safe_load((ROOT / "data/signs/sentences.yml").read_text(encoding="utf-8"))["sign_sentences"]
    texts = [text for block in blocks for text in block["sentences"]][::5]
    for name in ("signs", "kinds", "topics"):
        lines = (ROOT / f"tests/heldout/{name}.jsonl").read_text(encoding="utf-8").splitlines()
        texts += [json.loads(line)["text"] for line in lines if line.strip()]
    return texts


def test_signs_are_the_same_before_and_after(detector: SignDetector, catalog: SignCatalog) -> None:
    """Present and supposed signs, temperature and age are read alike, so a stored text tells what the bot was told."""

    def read(text: str) -> tuple[object, ...]:
        found = detector.detect_text(text)
        present, supposed = signs_in(found, None, catalog), hypothetical_signs_in(found, None, catalog)
        age = (found.age.low, found.age.high) if found.age else None
        return present, supposed, found.temperature_c, age

    changed = [(text, stored) for text in sentences() if (stored := redact(text)) != text]
    differing = [text for text, stored in changed if read(text) != read(stored)]
    assert len(changed) >= 3 and differing == []


def test_personal_data_around_a_sign_leaves_the_sign(detector: SignDetector, catalog: SignCatalog) -> None:
    """Names, numbers and addresses beside a sign go without taking it along."""
    around = (
        "hi im dana kowalski (312 555 0187, dk@example.org, 14 elm street), dob 3/4/1988.\n{}\nthanks, Ravi Subramaniam"
    )
    blocks = yaml.safe_load((ROOT / "tests/data/sign_phrases.yml").read_text(encoding="utf-8"))["phrases"]
    phrases = [phrase for phrases in blocks.values() for phrase in phrases if isinstance(phrase, str)][::3]
    assert len(phrases) > 30
    seen = 0
    for phrase in phrases:
        stored = redact(around.format(phrase))
        assert "kowalski" not in stored and "0187" not in stored and "elm" not in stored
        plain = signs_in(detector.detect_text(around.format(phrase)), None, catalog)
        seen += len(plain)
        assert plain <= signs_in(detector.detect_text(stored), None, catalog), phrase
    assert seen > 20
