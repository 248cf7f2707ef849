"""Spelling is mended where it is plain, and left alone where a guess would do harm."""

from __future__ import annotations

import pytest

from milia.spelling import Speller


@pytest.fixture(scope="module")
def spell() -> Speller:
    return Speller(["fever", "eyelid", "juvenile", "milia", "what", "treatment"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("waht is millia", "what is milia"),
        ("mylia on my eylid", "milia on my eyelid"),
        ("a fevr", "a fever"),
        ("juvinile type", "juvenile type"),
        ("what tretment?", "what treatment?"),
    ],
)
def test_plain_mistakes_are_mended(spell, typed, meant):
    assert spell(typed) == meant


@pytest.mark.parametrize("text", ["shud i pop it", "dont hurt", "my bub's nose", "LO is 3wks", "Milia", "miles away", ""])
def test_chat_words_names_and_contractions_stay(spell, text):
    assert spell(text) == text
