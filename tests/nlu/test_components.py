"""What every message gets from the pipeline, whatever it holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from milia.labels import main_intent
from milia.nlu.message_network import DOUBTED, RECOGNIZED
from milia.nlu.sign_sentences import read_sentences
from milia.sign_detection import SignDetector
from milia.warning_signs import Context, Level, load_signs, signs_in

ROOT = Path(__file__).resolve().parents[2]
ODD = ["", "   ", "🙂🙂🙂", "a", "?", "x" * 10_000, "word " * 2_000, "<b>hi</b><script>1</script>", '{"a": [1, 2]}', "\x00\x07\x1b", "مرحبا", "1234567890"]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_messages_are_parsed(bot, text):
    parse = bot.parse(text)
    json.dumps(parse)
    confidences = [one["confidence"] for one in parse.get("intent_ranking", ())]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= one <= 1 for one in confidences)


@pytest.mark.parametrize("text", ["what are milia", "hard white thing on my lid since june, how do i get rid of it and is it dangerous"])
def test_the_intent_is_that_of_the_labels(bot, text):
    parse = bot.parse(text)
    understood = parse["understanding"]
    assert understood["labels"]
    assert parse["intent"]["name"] == main_intent(understood["labels"])
    assert parse["intent_ranking"][0]["name"] == parse["intent"]["name"]


def test_a_message_is_understood_the_same_alone_and_after_others(bot):
    first = bot.parse("do milk spots go away by themselves")
    bot.parse("my lips are swelling and i cant breathe")
    assert bot.parse("do milk spots go away by themselves") == first


def test_a_sign_that_no_rule_lists_is_recognised(bot, nlp):
    """Learned sentences, so no figure: that the evidence reaches the parse, and from where the rules are blind."""
    catalog = load_signs(ROOT / "data/content/warning_signs.yml")
    detector = SignDetector(nlp, catalog)
    emergencies = [one.text for one in read_sentences(ROOT / "data/signs/sentences.yml") if catalog.level(one.signs) == Level.EMERGENCY_NOW]
    level = {text: catalog.level(signs_in(detector.detect_text(text), Context(), catalog)) for text in emergencies}
    missed = [text for text in emergencies if level[text] < Level.PROVIDER_SOON][:25]
    found = [text for text in missed if catalog.level(tuple(bot.parse(text).get(RECOGNIZED, ()))) == Level.EMERGENCY_NOW]
    assert len(missed) == 25 and len(found) >= 20


@pytest.mark.parametrize("text", ["what is milia", "how long do they last", "thanks"])
def test_an_ordinary_question_raises_nothing(bot, text):
    parse = bot.parse(text)
    assert RECOGNIZED not in parse and DOUBTED not in parse
