"""English with typos and jargon is English; other languages are told."""

from __future__ import annotations

import pytest

from milia.nlu.language_detector import language_of
from milia.nlu.spelling_corrector import load_speller

KNOWS = load_speller("data/lexicon").knows


@pytest.mark.parametrize(
    "text", ["milia meaning", "tiny dots LO 3wks", "bump lid june hard", "waht r thees dotz", "hola", "asdkjh asdj", "is it bad", "milia 👶 nose??", "keloid syndrome signs", "elbow zone possible or nah", "do garlic cloves spread"]
)
def test_english_and_what_may_be(text):
    assert language_of(text, KNOWS) == "en"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("wie lange dauert milia bei babys", "de"),
        ("que es milia en bebes", "es"),
        ("j'ai des boutons blancs sous les yeux", "fr"),
        ("ما هي الميليا", "ar"),
        ("bayi saya ada bintik putih di hidung", "ms"),
        ("bebegimin yanaginda beyaz noktalar var", "tr"),
    ],
)
def test_other_languages(text, code):
    assert language_of(text, KNOWS) == code


@pytest.mark.parametrize("text", ["", "🙂🙂", "???", "12345", "\x00\x07"])
def test_no_words_have_no_language(text):
    assert language_of(text, KNOWS) == ""
