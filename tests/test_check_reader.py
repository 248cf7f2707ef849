"""What people type is read as they mean it, and nothing is read into what they did not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milia.check_reader import Asked, Interpretation, Reader, how_long_of, who_of
from milia.triage import VALUES
from milia.triage_table import load_table

TABLE = load_table(Path(__file__).parents[1] / "data" / "content" / "triage.yml")
READER = Reader(TABLE)


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        ("how_long", "about 3 wks", "up_to_4_weeks"),
        ("how_long", "4 weeks", "up_to_4_weeks"),
        ("how_long", "a month", "weeks_4_to_12"),
        ("how_long", "2 months", "weeks_4_to_12"),
        ("how_long", "3 months", "over_3_months"),
        ("how_long", "since last year", "over_3_months"),
        ("how_long", "years", "over_3_months"),
        ("how_long", "2", "weeks_4_to_12"),
        ("where", "my forearm", "arms"),
        ("where", "1st one", "face"),
        ("where", "2", "eyelid_lash"),
        ("where", "two", "eyelid_lash"),
        ("where", "foreherd", "face"),
        ("where", "under my eye", "eyelid_lash"),
        ("where", "not on the face, on my neck", "other_body"),
        ("where", "cheek and inside the lip", "mouth_lip"),
        ("feel", "kinda hard", "hard_firm"),
        ("feel", "HARD!!", "hard_firm"),
        ("feel", "dunno", "unknown"),
        ("feel", "dont know", "unknown"),
        ("feel", "not sure if hard or soft", "unknown"),
        ("feel", "not sure, maybe hard", "hard_firm"),
        ("feel", "not sure, maybe a bit sore", "tender_painful"),
        ("feel", "doesnt hurt, hard", "hard_firm"),
        ("feel", "hard and it hurts", "tender_painful"),
        ("look", "white", "white_yellowish"),
        ("look", "white with a red ring, reddish", "red_or_pus"),
        ("look", "no pus, just white", "white_yellowish"),
        ("look", "none of these", "mixed_other"),
        ("number", "2", "few_scattered"),
        ("number", "just one", "single"),
        ("number", "loads, came up all of a sudden", "many_sudden"),
        ("number", "packed together in one patch", "clustered"),
        ("before", "no", "none"),
        ("before", "none", "none"),
        ("before", "a burn 2 months ago", "burn"),
        ("before", "i used hydrocortisone", "strong_topical_steroid"),
        ("before", "got sunburned last summer", "sun_damage"),
        ("family", "no", "no"),
        ("family", "yep", "yes"),
        ("family", "idk", "unknown"),
        ("who", "34", "adult_18_39"),
        ("who", "she's 5 months", "infant_3_12m"),
        ("who", "3 weeks", "newborn"),
        ("who", "6 year old", "child"),
        ("who", "over 70", "adult_over_70"),
        ("who", "the 6th one", "adult_18_39"),
        ("who", "the last one", "unknown"),
    ],
)
def test_answer_in_free_text(question: str, text: str, value: str) -> None:
    found = READER.read(text, Asked("question", question))
    assert found.answers.get(question) == value, found


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("who", "6"),
        ("who", "my son"),
        ("who", "me"),
        ("feel", "no"),
        ("number", "lots"),
        ("where", "can i pop them?"),
        ("look", "thanks"),
    ],
)
def test_no_answer_is_read_into_a_message(question: str, text: str) -> None:
    assert not READER.read(text, Asked("question", question)).answers


def test_message_before_the_check_is_read_for_what_is_known() -> None:
    found = READER.read("i have small hard white bumps on my cheek for 4 months, im 34", Asked())
    assert found.answers == {
        "who": "adult_18_39",
        "where": "face",
        "look": "white_yellowish",
        "feel": "hard_firm",
        "how_long": "over_3_months",
    }
    assert READER.read("used a steroid cream for 2 weeks", Asked()).answers == {"before": "strong_topical_steroid"}
    for question in ("will it go away on its own?", "do they hurt", "is it painful to have them removed"):
        assert READER.read(question, Asked()).answers == {}
    assert READER.read("white dot next to my mouth", Asked()).answers["where"] == "face"


@pytest.mark.parametrize(
    ("control", "texts"),
    {
        "back": ["back", "go back", "Back please", "previous question"],
        "skip": ["skip", "skip it", "next", "pass"],
        "cancel": ["stop", "cancel", "stop the check", "quit", "forget it"],
        "why": ["why?", "why do you ask", "y do u ask that", "why do you need to know that?"],
        "restart": ["start again", "start over", "restart"],
    }.items(),
)
def test_words_of_control(control: str, texts: list[str]) -> None:
    for text in texts:
        for asked in (Asked("question", "feel"), Asked("group"), Asked("baby"), Asked("conflict")):
            assert READER.read(text, asked).control == control, (text, asked)


@pytest.mark.parametrize(
    "text",
    [
        "its on my face near my eye",
        "im confused by the question",
        "she is breathing fine",
        "faint white bumps",
        "i squeezed it",
    ]
    + ["its not red", "i have eczema", "i cant see what you mean", "what do you mean"],
)
def test_plain_words_in_a_group_make_no_sign(text: str) -> None:
    """A place, a word of the question or an old story is no warning sign."""
    for part in TABLE.parts:
        items = tuple((tuple(item.signs), item.cues) for group in part.groups for item in group)
        assert not READER.read(text, Asked("group", items=items)).signs, (part.id, text)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("she has a fever", "ws.infant_u3m_temp"),
        ("no fever but floppy", "ws.infant_u3m_unwell"),
        ("maybe the fever", "ws.infant_u3m_temp"),
        ("i dont know, his lips are swollen", "ws.face_swelling"),
        ("its growing", "ws.changing_growing"),
    ],
)
def test_items_named_in_words(text: str, sign: str) -> None:
    items = tuple((tuple(item.signs), item.cues) for part in TABLE.parts for group in part.groups for item in group)
    assert sign in READER.read(text, Asked("group", items=items)).signs


@pytest.mark.parametrize(
    "text", ["it doesnt stop growing", "my back", "why is it white", "the bumps come back", "next to my eye"]
)
def test_words_of_control_inside_a_sentence_are_none(text: str) -> None:
    assert not READER.read(text, Asked("question", "where")).control


@pytest.mark.parametrize(
    ("days", "who"), [(0, "newborn"), (27.9, "newborn"), (28, "infant_u3m"), (90.9, "infant_u3m"), (91, "infant_3_12m")]
)
def test_ages_at_the_borders(days: float, who: str) -> None:
    """Under 3 months is under 13 weeks; a range takes the youngest age that it allows."""
    assert who_of(days, days + 400) == who


def test_durations_at_the_borders() -> None:
    assert [how_long_of(7 * a, 7 * b) for a, b in ((4, 4.99), (5, 5.99), (12, 12.99), (13, 17))] == [
        "up_to_4_weeks",
        "weeks_4_to_12",
        "weeks_4_to_12",
        "over_3_months",
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=60), st.sampled_from(["", *VALUES]), st.sampled_from(["", "question", "group", "baby", "conflict"])
)
def test_any_text_is_read_into_known_values(text: str, question: str, kind: str) -> None:
    """Whatever is typed: no exception, and only answers of the table."""
    found = READER.read(text, Asked(kind, question if kind == "question" else ""))
    assert all(value in VALUES[name] for name, value in found.answers.items())
    assert found.control in ("", "cancel", "restart", "back", "why", "skip")
    assert found.reply in ("", "none", "unsure", "yes", "no", "keep", "skip", "who", "how_long")


@pytest.mark.parametrize("question", VALUES)
def test_every_title_and_every_code_in_words_is_its_own_answer(question: str) -> None:
    """What a button says can be typed instead of pressed."""
    for value in TABLE.questions[question].values:
        assert READER.read(value.title, Asked("question", question)).answers.get(question) == value.code, value.title


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("no", "none"),
        ("none of these, thank god", "none"),
        ("no, she is fine", "none"),
        ("nothing like that", "none"),
        ("she doesnt have any of these", "none"),
        ("dont know, none", "unsure"),
        ("not sure", "unsure"),
        ("maybe", "unsure"),
        ("yeah", "yes"),
        ("no she is not well", ""),
        ("she is not well", ""),
        ("no good", ""),
        ("no fever", ""),
        ("no its on my arm", ""),
        ("not one", ""),
    ],
)
def test_reply_to_a_group(text: str, reply: str) -> None:
    """ "None" needs to be said in so many words; in doubt the group is asked again."""
    items = tuple((tuple(item.signs), item.cues) for item in TABLE.parts[1].groups[2])
    assert READER.read(text, Asked("group", items=items)).reply == reply


def test_nothing_said_is_empty() -> None:
    assert (
        not Interpretation()
        and not READER.read("", Asked("question", "feel"))
        and not READER.read("...", Asked("group"))
    )
