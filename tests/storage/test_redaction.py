"""Personal data goes, what the triage needs stays, and redaction never fails, never waits and changes nothing twice."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from milia.evaluation.redaction_scores import STRUCTURED, load_marked, score_redaction
from milia.storage.redaction import PLACEHOLDERS, find, redact, warm_up

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("my name is dana kowalski, bumps on my lid", "my name is [name], bumps on my lid"),
        ("Dr. Patel said it is milia", "Dr. [name] said it is milia"),
        ("write to dk@example.org", "write to [email]"),
        ("hannah at gmail dot com", "[email]"),
        ("call (312) 555-0187 please", "call [phone] please"),
        ("im at 14 elm st, help", "im at [address], help"),
        ("Lindenstraße 12, 10969 Berlin", "[address]"),
        ("DOB 03/12/1988", "DOB [date of birth]"),
        ("born on May 3rd 2024", "born on [date of birth]"),
        ("my mrn is 00482917", "my mrn is [record number]"),
        ("card 4111 1111 1111 1111", "card [card number]"),
        ("see https://imgur.com/a/x8Kd21q", "see [link]"),
        ("insta @dana.skin.diary", "insta [handle]"),
    ],
)
def test_personal_data_goes(text: str, stored: str) -> None:
    """One message of each kind."""
    assert redact(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "temp 100.6 and 2-3 bumps since june 3rd",
        "he has 38,2 and is 6 weeks old",
        "temp 101, 10 days, 20 mg twice a day, SPF 50",
        "Are Fordyce spots or Epstein pearls like milia?",
        "CeraVe, Tylenol and Dr. Jart on my chin",
        "Mary Kay cream, a Wood's lamp, Down syndrome",
        "it started on 03/12 and the peel was on 2/14/2024",
        "born yesterday, born at 34 weeks, born 3 weeks ago",
        "3 close to the eye, 2 on the way to the ear",
        "they went away.then came back.is that normal",
        "will it mark my chin, i hope not, may i pop it",
        "i'm pregnant, im red, i am 31, it's itchy",
        "10 000 of them, L72.0 on the bill, 24/7, 120/80",
        "@ night it itches, 3 @ the eye",
        "every hour: 36.9 37.1 37.0 (6 wks old)",
        "100.4 101.2 99.8 103.1 over the night",
    ],
)
def test_what_the_triage_needs_stays(text: str) -> None:
    """Figures, dates on which something began, skin words and makers."""
    assert redact(text) == text


@pytest.mark.parametrize("known", ["tests/heldout/redaction.jsonl"])
def test_targets_on_the_held_out_messages(known: str) -> None:
    """The figures that `make eval` reports are reached; what is missed is told there."""
    scores = score_redaction(load_marked(ROOT / known))
    assert sum(share.total for share in scores.found.values()) > 250
    assert scores.of(scores.found, STRUCTURED).rate >= 0.97
    assert scores.of(scores.right, STRUCTURED).rate >= 0.95
    assert scores.found["address"].rate >= 0.85
    assert scores.found["name"].rate >= 0.80  # the aim is 0.85; docs/privacy.md says that names are missed
    assert [miss for miss in scores.misses if miss[1] == "removed"] == []


def test_the_development_messages_are_no_held_out_ones() -> None:
    """What the rules were tuned on is not what they are scored on."""
    texts = [
        {message.text.lower() for message in load_marked(ROOT / path)}
        for path in ("tests/heldout/redaction.jsonl", "tests/data/redaction_dev.jsonl")
    ]
    assert texts[0] & texts[1] == set()
    assert len(texts[0]) >= 400


def test_half_of_the_held_out_messages_have_no_personal_data() -> None:
    """Half of them are there to catch false alarms."""
    messages = load_marked(ROOT / "tests/heldout/redaction.jsonl")
    without = sum(not any(mark.kind in PLACEHOLDERS for mark in message.marks) for message in messages)
    assert 0.45 <= without / len(messages) <= 0.6


PIECES = st.sampled_from(
    "my name is dana kowalski|+49 30 23125 014|14 Elm Street, Springfield, IL 62704|dob 3/4/1988|temp 38,2|4111 1111 1111 1111|"
    "[name]|[date of birth]|@dana_k|www.example.org|jo at gmail dot com|Dr. Who|6 weeks old|\n|  |ß|\u212a|١٢٣٤٥٦٧|🙂|insta: x_1|iban DE89 3704".split(
        "|"
    )
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=8).map(" ".join)))
def test_any_text(text: str) -> None:
    """Spans lie in order and do not overlap, the same text gives the same result, what is redacted stays so."""
    spans = find(text)
    ends = [0, *(span.end for span in spans)]
    assert all(0 <= end <= span.start < span.end <= len(text) for end, span in zip(ends, spans, strict=False))
    stored = redact(text)
    assert stored == redact(text)
    assert all(one in text for one in re.split("|".join(map(re.escape, PLACEHOLDERS.values())), stored))


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "1.2.",
        "1 ",
        "@",
        "a@",
        "Ab, ",
        "12 high street, ",
        "\n",
        " ",
        "my name is ",
        "AB12 ",
        "9",
        "a-",
        "http://",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """Texts made to be slow take no more than a fraction of a second: 4,000 characters are the most that is read at once."""
    warm_up()
    text = (piece * 4000)[:4000]
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 1.5


def test_a_long_text_is_redacted_to_its_end() -> None:
    """What is longer than one piece is read piece by piece."""
    text = "white bumps on my chin. " * 400 + "mail dk@example.org"
    assert redact(text) == text.replace("dk@example.org", "[email]")


def test_a_redacted_message_stays_as_it_is() -> None:
    """What is stored may be redacted again, as when a database is moved."""
    for message in load_marked(ROOT / "tests/data/redaction_dev.jsonl"):
        once = redact(message.text)
        assert redact(once) == once


def test_every_list_of_names_is_in_order() -> None:
    """Lower case, sorted, no word twice, none in two lists that say different things."""
    lists = {
        path.stem: path.read_text(encoding="utf-8").split() for path in (ROOT / "milia/storage/names").glob("*.txt")
    }
    assert set(lists) == {"first", "last", "rare", "words", "proper", "known"}
    for name, entries in lists.items():
        assert entries == sorted(set(entries)), name
        assert all(entry == entry.lower() for entry in entries), name
    assert set(lists["first"]) & (set(lists["words"]) | set(lists["proper"])) == set()


def test_training_messages_keep_their_words() -> None:
    """Of what people write to this bot, less than one message in a hundred is touched."""
    sentences = yaml.safe_load((ROOT / "data/signs/sentences.yml").read_text(encoding="utf-8"))["sign_sentences"]
    texts = [text for block in sentences for text in block["sentences"]][::7]
    assert sum(redact(text) != text for text in texts) <= len(texts) / 100


def test_marks_are_checked(tmp_path: Path) -> None:
    """A mark of an unknown kind is refused with its line."""
    path = tmp_path / "redaction.jsonl"
    path.write_text(json.dumps({"text": "hi [dana](nmae)"}) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"redaction.jsonl:1: mark .* unknown kind 'nmae'"):
        load_marked(path)
