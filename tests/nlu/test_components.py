"""What every message gets from the pipeline, whatever it holds."""

from __future__ import annotations

import json

import pytest

from milia.labels import main_intent
from milia.nlu.message_network import DOUBTED, RECOGNIZED
from milia.warning_signs import Level, load_signs

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
    from pathlib import Path

    from milia.sign_detection import SignDetector
    from milia.warning_signs import Context, signs_in

    catalog = load_signs(Path("data/content/warning_signs.yml"))
    text = "each breath he takes sounds like a creaky gate and his chest caves in"
    found = bot.parse(text).get(RECOGNIZED)
    assert found and catalog.level(tuple(found)) == Level.EMERGENCY_NOW
    assert catalog.level(signs_in(SignDetector(nlp, catalog).detect_text(text), Context(), catalog)) < Level.EMERGENCY_NOW


@pytest.mark.parametrize("text", ["what is milia", "how long do they last", "thanks"])
def test_an_ordinary_question_raises_nothing(bot, text):
    parse = bot.parse(text)
    assert RECOGNIZED not in parse and DOUBTED not in parse
