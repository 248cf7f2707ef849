"""The guided check as people use it: by button and by text, with every way out, and always to an end."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milia.check import Check, CheckState, CheckTurn, StateError
from milia.triage import BABY, KIDS, QUESTIONS, VALUES
from milia.triage_table import load_table
from milia.warning_signs import Level, load_signs

CONTENT = Path(__file__).parents[1] / "data" / "content"
TABLE = load_table(CONTENT / "triage.yml")
CATALOG = load_signs(CONTENT / "warning_signs.yml")
CHECK = Check(TABLE, CATALOG)
NONE = ("None of these", "None of the others")
PROVIDER = "dermatology provider"


def stored(state: CheckState) -> CheckState:
    """Send a state through JSON, as a slot does."""
    again = CheckState.from_dict(json.loads(json.dumps(state.to_dict())))
    assert again == state
    return again


def say(turn: CheckTurn, *texts: str) -> CheckTurn:
    """Type messages one after the other."""
    for text in texts:
        assert turn.state is not None, f"the check was over before {text!r}"
        turn = CHECK.take(stored(turn.state), CHECK.interpret(turn.state, text))
    return turn


def press(turn: CheckTurn, *titles: str) -> CheckTurn:
    """Press buttons by title, one after the other."""
    for title in titles:
        assert turn.state is not None, f"the check was over before {title!r}"
        choices = dict(turn.buttons)
        assert title in choices, f"{title!r} is not offered at {turn.question}: {list(choices)}"
        turn = CHECK.take(stored(turn.state), choices[title])
    return turn


def pass_screen(turn: CheckTurn) -> CheckTurn:
    """Answer "none" to every group in front."""
    while turn.state is not None and turn.question is not None and turn.question[0] in "ABCD":
        turn = press(turn, next(title for title, _ in turn.buttons if title in NONE))
    return turn


def at(question: str, **known: str) -> CheckTurn:
    """Return a check that stands at a question, everything before it answered by the base case."""
    base = dict(
        zip(
            QUESTIONS,
            ("adult_18_39", "face", "white_yellowish", "hard_firm", "few_scattered", "weeks_4_to_12", "none", "no"),
            strict=True,
        )
    )
    base.update(known)
    before = {q: base[q] for q in QUESTIONS[: QUESTIONS.index(question)]}
    turn = pass_screen(CHECK.start(known={**before, **known}))
    assert turn.question == question
    return turn


def done(turn: CheckTurn) -> tuple[str, str, tuple[str, ...]]:
    assert turn.state is None and turn.assessment is not None and turn.question is None and not turn.buttons
    return turn.assessment.level.id, turn.assessment.outcome, turn.assessment.fits


# ------------------------------------------------------------------------------------------------------ whole checks


def test_whole_check_by_button() -> None:
    """A plain adult: screen A, age, C, D, seven questions, a result; progress counts them all."""
    turn = CHECK.start()
    order, places = [turn.question], [turn.progress]
    answers = [
        "Adult, 18 to 39 years",
        "Face (not eyelids or lips)",
        "Small, white or whitish",
        "Hard or firm",
        "A few, spread out",
    ]
    answers += ["4 to 12 weeks", "Nothing", "No"]
    while turn.state is not None:
        turn = press(turn, NONE[0] if turn.question and turn.question[0] in "ABCD" else answers.pop(0))
        order.append(turn.question)
        places.append(turn.progress)
    assert order[:-1] == ["A1", "A2", "A3", "who", "C1", "C2", "C3", "D1", "D2", "D3", *QUESTIONS[1:]]
    assert places[:-1] == [(n, 17) for n in range(1, 18)] and places[-1] == (17, 17)
    assert done(turn) == ("provider_routine", "fits", ("primary",))
    assert PROVIDER in turn.text and "I compared your answers" in turn.text
    assert {"type_primary.1", "duration.3", "sources.15"} <= set(turn.facts)


def test_whole_check_by_text() -> None:
    turn = say(
        CHECK.start(), "no", "none of these", "nope shes fine", "my baby is 3 weeks old", "no", "none", "no thanks"
    )
    turn = say(
        turn, "no", "none", "no", "nothing like that", "none", "her nose", "white", "kinda hard", "a few here and there"
    )
    turn = say(turn, "since birth", "nothing", "not that i know of")
    assert done(turn) == ("provider_routine", "fits", ("neonatal",))
    assert "The baby's doctor or a dermatology provider" in turn.text and "exfoli" not in turn.text


@pytest.mark.parametrize("who", VALUES["who"][:-1])
def test_order_for_each_age(who: str) -> None:
    """Part B is asked of a baby or child only, between the age and part C."""
    turn = pass_screen(CHECK.start())
    assert turn.question == "who"
    turn = CHECK.take(turn.state, f"who={who}")  # type: ignore[arg-type]
    assert (turn.question == "B1") == (who in (*BABY, *KIDS))
    asked = {sign for title, choice in turn.buttons if choice.startswith("sign=") for sign in choice[5:].split("+")}
    assert ("ws.infant_u3m_temp" in asked) == (who in BABY)
    assert ("ws.child_blisters" in asked) == (who in KIDS)


def test_first_message_says_what_the_check_is() -> None:
    text = CHECK.start().text
    assert PROVIDER in text and "not a diagnosis" in text and "two minutes" in text
    assert all(word in text for word in ("back", "skip", "cancel"))


def test_several_answers_in_one_message() -> None:
    """What is told along the way is noted, said back, and not asked again."""
    turn = say(at("where"), "on my cheek, small white and hard, a few here and there")
    assert turn.question == "how_long" and "Noted: Look: Small, white or whitish; Feel: Hard or firm" in turn.text
    assert done(say(turn, "about 6 weeks", "no", "no")) == ("provider_routine", "fits", ("primary",))


def test_what_is_known_is_not_asked_again() -> None:
    known = {"who": "adult_18_39", "where": "face", "look": "white_yellowish", "family": "unknown"}
    turn = CHECK.start(known)
    assert "Age: Adult, 18 to 39 years; Place: Face" in turn.text and "if it is wrong" in turn.text.lower()
    asked = []
    while turn.state is not None:
        asked.append(turn.question)
        turn = press(
            turn, turn.buttons[0][0] if turn.question in QUESTIONS else next(t for t, _ in turn.buttons if t in NONE)
        )
    assert [q for q in asked if q in QUESTIONS] == ["feel", "number", "how_long", "before", "family"]
    with pytest.raises(ValueError, match="known: where='moon'"):
        CHECK.start({"where": "moon"})
    with pytest.raises(ValueError, match="unknown sign 'ws.moon'"):
        CHECK.start(signs=["ws.moon"])


def test_known_signs_are_not_asked_again_and_count() -> None:
    turn = CHECK.start(signs=["ws.changing_growing"])
    assert turn.level == Level.PROVIDER_SOON
    turn = pass_screen(CHECK.take(pass_screen(turn).state, "who=adult_18_39"))  # type: ignore[arg-type]
    assert turn.question == "where" and turn.level == Level.PROVIDER_SOON
    turn = say(turn, "face", "white", "hard", "few", "2 weeks", "nothing", "no")
    assert done(turn)[:2] == ("provider_soon", "warning_first")


# ------------------------------------------------------------------------------------------------------ warning signs


@pytest.mark.parametrize("sign", sorted(s for s in CATALOG if CATALOG[s].level == Level.EMERGENCY_NOW))
def test_emergency_sign_ends_the_check_at_once(sign: str) -> None:
    """By the button of its item, whatever part it is in: the action, then nothing."""
    turn = CHECK.start()
    for _ in range(8):
        mine = [choice for _, choice in turn.buttons if choice.startswith("sign=") and sign in choice[5:].split("+")]
        if mine:
            turn = CHECK.take(stored(turn.state), mine[0])  # type: ignore[arg-type]
            break
        if turn.question == "who":
            turn = CHECK.take(stored(turn.state), "who=child" if sign == "ws.child_seriously_unwell" else "who=newborn")  # type: ignore[arg-type]
        else:
            turn = press(turn, NONE[0])
    assert done(turn)[:2] == ("emergency_now", "warning_first")
    assert turn.text.startswith("Please get emergency help now: ") and not turn.facts and sign in turn.signs
    assert PROVIDER in turn.text.splitlines()[-1]


def test_emergency_sign_known_at_the_start_ends_it_before_the_first_question() -> None:
    turn = CHECK.start(signs=["ws.breathing_trouble"])
    assert done(turn)[0] == "emergency_now" and turn.text.startswith("Please get emergency help now: ")


def test_emergency_sign_found_in_free_text_ends_it() -> None:
    """The action joins the detector's signs with what the check read."""
    turn = at("feel")
    said = CHECK.interpret(turn.state, "hard, and his lips are blue").plus_signs(["ws.collapse_confusion"])
    assert done(CHECK.take(turn.state, said))[0] == "emergency_now"  # type: ignore[arg-type]


def test_yes_to_a_list_of_emergencies_is_an_emergency() -> None:
    assert done(say(CHECK.start(), "yes"))[0] == "emergency_now"


def test_same_day_sign_shows_the_action_then_asks_what_could_be_more_urgent() -> None:
    """At level 3 the action comes first; parts A to C go on, the rest cannot change the outcome."""
    turn = CHECK.take(pass_screen(CHECK.start()).state, "who=adult_40_70")  # type: ignore[arg-type]
    turn = press(turn, "Redness, heat, swelling or pus at a bump")
    assert turn.notice == "urgent" and turn.text.startswith("Please have this looked at today: ")
    assert turn.level == Level.URGENT_SAME_DAY and turn.signs == ("ws.infection_local",) and turn.question == "C1"
    turn = press(turn, "None of the others", "None of these", "None of these")
    assert done(turn)[:2] == ("urgent_same_day", "warning_first") and not turn.facts and "article" not in turn.text


def test_baby_at_level_3_is_still_asked_what_makes_it_an_emergency() -> None:
    turn = CHECK.take(pass_screen(CHECK.start({"feel": "tender_painful"})).state, "who=newborn")  # type: ignore[arg-type]
    assert turn.notice == "urgent" and turn.signs == ("ws.infant_u3m_pus", "ws.painful_bump")
    turn = pass_screen(turn)
    assert turn.question == "look"
    assert done(say(turn, "white", "nothing"))[0] == "urgent_same_day"
    assert done(say(turn, "clear like water"))[0] == "emergency_now"
    assert done(say(turn, "white", "a blister"))[0] == "emergency_now"


def test_place_that_was_not_asked_makes_no_sign() -> None:
    """A check that ends early gives the action for what was told, not for a place that nobody asked about."""
    turn = say(
        pass_screen(CHECK.take(pass_screen(CHECK.start({"feel": "tender_painful"})).state, "who=newborn")),
        "white",
        "no",
    )  # type: ignore[arg-type]
    assert turn.assessment is not None and turn.assessment.signs == ("ws.infant_u3m_pus", "ws.painful_bump")


def test_sign_of_level_2_goes_on_and_blocks_the_comparison() -> None:
    turn = CHECK.take(pass_screen(CHECK.start()).state, "who=adult_18_39")  # type: ignore[arg-type]
    while turn.question != "D1":
        turn = press(turn, NONE[0])
    turn = press(turn, "Bleeds, crusts, or does not heal")
    assert turn.question == "D1" and "the others" in turn.text
    assert "Bleeds, crusts, or does not heal" not in dict(turn.buttons)
    turn = say(pass_screen(turn), "face", "white", "hard", "few", "2 weeks", "nothing", "no")
    assert done(turn)[:2] == ("provider_soon", "warning_first")


def test_answer_that_is_an_emergency_in_a_baby_ends_the_check() -> None:
    turn = at("look", who="newborn")
    assert done(press(turn, "Filled with clear fluid")) == ("emergency_now", "warning_first", ())
    turn = at("look", who="adult_18_39")
    assert press(turn, "Filled with clear fluid").question == "feel"


# ------------------------------------------------------------------------------------- not sure, skip, not understood


@pytest.mark.parametrize("reply", ["Not sure", "Skip"])
def test_group_left_open_is_asked_once_more_in_small_groups_then_the_floor(reply: str) -> None:
    """G4: at most five items, once; then no comparison, and same day for a baby."""
    first = CHECK.start()
    turn = press(first, reply)
    assert turn.question == "A1" and turn.notice in ("again", "smaller")
    assert len([c for _, c in turn.buttons if c.startswith("sign=")]) <= 5
    turn = press(turn, "Skip")
    assert turn.question == "A2"
    for who, level in (("adult_18_39", "provider_soon"), ("newborn", "urgent_same_day")):
        after = pass_screen(CHECK.take(pass_screen(turn).state, f"who={who}"))  # type: ignore[arg-type]
        end = say(after, "face", "white", "hard", "few", "2 weeks", "nothing", "no")
        assert (
            end.assessment is not None
            and end.assessment.level.id == level
            and "R_SCREEN_SKIPPED" in end.assessment.reasons
        )
        assert not end.assessment.fits


def test_small_group_answered_is_no_skip() -> None:
    turn = pass_screen(say(CHECK.start(), "dunno", "no", "none"))
    assert turn.question == "who"
    turn = pass_screen(say(turn, "34"))
    assert done(say(turn, "face", "white", "hard", "few", "2 weeks", "nothing", "no"))[1] == "fits"


def test_not_sure_about_a_named_sign_is_present() -> None:
    turn = at_group("B1", "newborn")
    assert done(say(turn, "not sure about the fever"))[0] == "emergency_now"


def at_group(group: str, who: str) -> CheckTurn:
    turn = CHECK.take(pass_screen(CHECK.start()).state, f"who={who}")  # type: ignore[arg-type]
    while turn.question != group:
        turn = press(turn, NONE[0])
    return turn


def test_yes_to_a_list_asks_which_and_then_takes_all_of_the_small_list() -> None:
    turn = say(at_group("D1", "adult_18_39"), "yes")
    assert turn.notice == "which" and not turn.signs
    turn = say(turn, "yes")
    assert {"ws.bleeding_nonhealing", "ws.changing_growing", "ws.fast_growing_lump"} == set(turn.signs)


def test_numbers_and_none_in_a_group() -> None:
    turn = at_group("D1", "adult_18_39")
    assert say(turn, "2 and 3").signs == ("ws.changing_growing", "ws.fast_growing_lump")
    assert say(turn, "the second one").signs == ("ws.changing_growing",)
    assert say(turn, "7").question == "D2"
    assert say(turn, "she is not well").notice == "not_understood"
    assert say(turn, "no fever").notice == "not_understood"


def test_answer_not_understood_is_asked_in_other_words_then_unknown() -> None:
    turn = say(at("where"), "hfjdks")
    assert turn.notice == "not_understood" and "For example" in turn.text and turn.question == "where"
    turn = say(turn, "hfjdks")
    assert turn.question == "look"
    assert say(turn, "white").level == Level.PROVIDER_ROUTINE
    turn = say(turn, "white", "hard", "few", "3 weeks", "nothing", "no")
    assert turn.assessment is not None and turn.assessment.reasons == ("R_SITE_UNKNOWN",)


def test_group_not_understood_is_explained_item_by_item() -> None:
    turn = say(at_group("D1", "adult_18_39"), "hfjdks")
    assert turn.notice == "not_understood" and CATALOG["ws.mole_abcde"].sign in turn.text
    turn = say(turn, "hfjdks")
    assert turn.question == "D1" and turn.notice != "which"
    assert len([c for _, c in turn.buttons if c.startswith("sign=")]) == 3


def test_unknown_age_is_asked_once_whether_it_is_a_baby() -> None:
    turn = say(pass_screen(CHECK.start()), "no idea")
    assert turn.question == "baby" and "under 3 months" in turn.text
    signs = {c for _, c in say(turn, "not sure").buttons}
    assert "sign=ws.infant_u3m_temp" in signs
    no = say(turn, "no")
    assert no.question == "B1" and "sign=ws.infant_u3m_temp" not in {c for _, c in no.buttons}
    yes = say(turn, "yes")
    assert "sign=ws.child_blisters" not in {c for _, c in yes.buttons} | {c for _, c in press(yes, NONE[0]).buttons}
    assert done(say(pass_screen(no), "face", "clear"))[0] == "urgent_same_day"
    assert done(say(pass_screen(yes), "face", "clear"))[0] == "emergency_now"
    assert pass_screen(CHECK.start(not_baby=True)).question == "who"
    assert say(pass_screen(CHECK.start(not_baby=True)), "no idea").question == "B1"


def test_unknown_age_is_no_baby_before_that_was_asked() -> None:
    """Clear fluid is an emergency in a baby; whether it is one is asked first."""
    turn = say(pass_screen(CHECK.start({"look": "clear_fluid"})), "no idea")
    assert turn.question == "baby" and turn.level < Level.EMERGENCY_NOW
    assert done(say(turn, "dont know"))[0] == "emergency_now"


def test_age_told_at_the_baby_question_is_taken() -> None:
    turn = say(pass_screen(CHECK.start()), "no idea", "she is 5 weeks old")
    assert turn.question == "B1" and turn.notice == "changed: who"


@pytest.mark.parametrize("question", ["look", "feel", "number", "before"])
def test_sign_items_are_repeated_when_an_answer_is_unknown(question: str) -> None:
    """G3: fluid, pus, pain, sudden spread and blisters are named again before the result."""
    turn = at(question)
    words = dict(zip(QUESTIONS[1:], ("face", "white", "hard", "few", "2 weeks", "nothing", "no"), strict=True))
    for name in QUESTIONS[QUESTIONS.index(question) :]:
        turn = say(turn, "dont know" if name == question else words[name])
    assert turn.question == "repeat1" and turn.progress[0] == turn.progress[1]
    titles = " ".join(title.lower() for title, _ in turn.buttons)
    assert all(word in titles for word in ("fluid", "pus", "pain", "sudden", "blister"))
    assert done(press(turn, NONE[0]))[1] == "cannot_tell"
    assert done(press(turn, "Pus, or red, hot and swollen"))[0] == "urgent_same_day"
    left_open = press(turn, "Not sure", "Not sure", "Not sure")
    assert left_open.assessment is not None and left_open.assessment.reasons == ("R_SCREEN_SKIPPED",)


def test_sign_items_are_not_repeated_without_need() -> None:
    assert done(say(at("family"), "dunno"))[1] == "fits"
    assert done(say(at("how_long"), "dunno", "no", "no"))[1] == "fits"


def test_repeat_names_a_baby_item_for_a_baby() -> None:
    turn = say(at("before", who="newborn", how_long="up_to_4_weeks"), "dunno", "no")
    choices = [choice for _, choice in turn.buttons]
    assert "sign=ws.infant_u3m_blisters" in choices and "sign=ws.painful_blisters" not in choices
    assert done(press(turn, "Clear fluid, or blisters"))[0] == "emergency_now"


# --------------------------------------------------------------------------------------------------------- ways about


def test_back_takes_the_last_answer_back() -> None:
    turn = say(at("where"), "face", "red")
    assert turn.question == "feel"
    back = say(turn, "go back")
    assert back.question == "look" and back.notice == "back"
    assert say(back, "hfjdks", "back").question == "where"
    assert say(CHECK.start(), "back").notice == "first"
    assert done(say(back, "white", "hard", "few", "2 weeks", "nothing", "no"))[1] == "fits"


def test_back_takes_a_sign_back() -> None:
    turn = press(at_group("D1", "adult_18_39"), "Grows, or changes shape or color")
    assert turn.level == Level.PROVIDER_SOON and say(turn, "back").level == Level.PROVIDER_ROUTINE


def test_change_of_an_earlier_answer() -> None:
    turn = say(at("number"), "no wait, on the arm")
    assert turn.notice == "changed: where" and "Changed: Place: Arms." in turn.text and turn.question == "number"
    assert say(at("number"), "a few, on the arm").notice == ""  # no word of change: the earlier answer stays
    assert say(at("number"), "actually its soft").notice == "changed: feel"
    assert say(at_group("C1", "adult_18_39"), "no wait, im 45").notice == "changed: who"


def test_changed_age_asks_what_the_new_age_needs() -> None:
    turn = say(at("where"), "sorry, i meant my baby is 2 weeks old")
    assert turn.notice == "changed: who" and turn.question == "B1"


def test_unknown_answer_is_filled_by_a_later_message() -> None:
    turn = say(at("where"), "dunno", "white, on my cheek")
    assert turn.notice == "changed: where" and turn.question == "feel"


def test_skip_a_question() -> None:
    turn = say(at("family"), "skip")
    assert done(turn)[1] == "fits"
    assert say(at("where"), "skip this question").question == "look"


@pytest.mark.parametrize("text", ["cancel", "stop the check", "quit", "never mind", "can we stop please"])
def test_cancel_at_every_step(text: str) -> None:
    for turn in (CHECK.start(), pass_screen(CHECK.start()), at("where"), at_group("B1", "newborn")):
        end = say(turn, text)
        assert end.state is None and end.notice == "cancelled" and PROVIDER in end.text and end.assessment is None


def test_cancel_at_level_3_says_the_action_again() -> None:
    turn = say(press(at_group("C1", "teen"), "Redness, heat, swelling or pus at a bump"), "cancel")
    assert turn.text.startswith("Please have this looked at today: ") and turn.level == Level.URGENT_SAME_DAY


@pytest.mark.parametrize("question", QUESTIONS)
def test_why_do_you_ask(question: str) -> None:
    turn = at(question) if question != "who" else pass_screen(CHECK.start())
    why = say(turn, "why do you ask?")
    assert why.notice == "why" and TABLE.questions[question].why in why.text
    assert (why.question, why.state, why.buttons) == (turn.question, turn.state, turn.buttons)


def test_start_again_keeps_the_signs() -> None:
    turn = press(at_group("D1", "adult_18_39"), "Grows, or changes shape or color")
    again = say(turn, "start over")
    assert again.question == "A1" and again.notice == "restarted" and again.level == Level.PROVIDER_SOON
    assert again.state is not None and again.state.moves == () and again.state.signs == ("ws.changing_growing",)


def test_ask_again_changes_nothing() -> None:
    """After a question about something else the same question is put, with no sign told twice."""
    turn = at("feel")
    again = CHECK.ask(turn.state)  # type: ignore[arg-type]
    assert (again.state, again.question, again.buttons, again.signs) == (turn.state, "feel", turn.buttons, ())
    assert not CHECK.interpret(turn.state, "can i pop them?")


def test_button_of_an_earlier_question() -> None:
    """A late press of "none" never answers a list that was not read; an answer corrects; a sign counts."""
    first = CHECK.start()
    late = dict(first.buttons)[NONE[0]]
    turn = press(first, NONE[0])
    stale = CHECK.take(turn.state, late)  # type: ignore[arg-type]
    assert stale.notice == "stale" and stale.state == turn.state and stale.question == "A2"
    assert CHECK.take(at("number").state, "where=arms").notice == "changed: where"  # type: ignore[arg-type]
    assert CHECK.take(at("number").state, "sign=ws.mole_abcde").signs == ("ws.mole_abcde",)  # type: ignore[arg-type]
    for nonsense in ("where=moon", "sign=ws.moon", "nothing", "", "baby=yes", "none@99", "miss", "ask=who"):
        assert CHECK.take(at("number").state, nonsense).notice == "stale"  # type: ignore[arg-type]


def test_a_title_that_is_typed_is_the_press_of_its_button() -> None:
    """On platforms without buttons, and for people who type what they read."""
    turns = [CHECK.start(), pass_screen(CHECK.start()), say(pass_screen(CHECK.start()), "no idea")]
    turns += [at(question) for question in QUESTIONS[1:]] + [at_group(f"D{n}", "teen") for n in (1, 2, 3)]
    turns += [at_group(f"C{n}", "newborn") for n in (1, 2, 3)] + [at_group("B1", "child"), at_group("B2", "newborn")]
    turns += [say(at("how_long", who="newborn"), "for two years"), press(at_group("D2", "newborn"), "Not sure")]
    for turn in turns:
        for title, choice in turn.buttons:
            pressed, typed = CHECK.take(turn.state, choice), say(turn, f" {title.lower()}!")  # type: ignore[arg-type]
            assert replace(pressed, state=None, notice="") == replace(typed, state=None, notice=""), title


def test_conflict_is_pointed_out_once() -> None:
    turn = say(at("how_long", who="newborn"), "for two years")
    assert turn.question == "conflict" and "do not go together" in turn.text
    kept = press(turn, "Both are right")
    assert kept.question == "before"
    end = say(kept, "nothing", "no")
    assert end.assessment is not None and end.assessment.reasons == ("R_INCONSISTENT",)
    changed = press(turn, "Change how long")
    assert changed.question == "how_long" and say(changed, "2 weeks").question == "before"
    assert say(changed, "two years").question == "before"
    assert press(turn, "Change the age").question == "who"
    assert say(turn, "oh, she is 3 years old").notice == "changed: who"
    assert say(turn, "hfjdks", "hfjdks").question == "before"


# -------------------------------------------------------------------------------------------------------- random walks

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "no",
            "yes",
            "none",
            "dunno",
            "2",
            "1 and 3",
            "the last one",
            "34",
            "she is 2 weeks old",
            "hard and white",
            "on my arm",
        ]
        + [
            "no wait, on the lid",
            "it hurts",
            "for 2 years",
            "a blister",
            "why",
            "ok",
            "???",
            "skip",
            "not sure about the second",
        ]
    ),
)
KNOWN = st.fixed_dictionaries({}, optional={q: st.sampled_from(values) for q, values in VALUES.items()})
SIGNS = st.frozensets(st.sampled_from(sorted(CATALOG)), max_size=2)
WALKS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _sound(turn: CheckTurn) -> None:
    """Check what must hold in every turn."""
    assert turn.text.strip() and turn.level in Level
    if turn.state is None:
        assert turn.question is None and not turn.buttons and PROVIDER in turn.text
        if turn.assessment is not None:
            assert turn.assessment.level == turn.level
    else:
        assert stored(turn.state) == turn.state and turn.question and turn.assessment is None
        titles = [title for title, _ in turn.buttons]
        assert len(set(titles)) == len(titles) >= 2 and len({choice for _, choice in turn.buttons}) == len(titles)
        assert 1 <= turn.progress[0] <= turn.progress[1] <= 24
        assert len(json.dumps(turn.state.to_dict())) < 6000


def _mostly_calm(turn: CheckTurn) -> list[str]:
    """Return the choices, those that end the check at once only at the last group where they can be met."""
    calm = [
        choice
        for _, choice in turn.buttons
        if not choice.startswith("sign=") or CATALOG.level(tuple(choice[5:].split("+"))) < Level.EMERGENCY_NOW
    ]
    return calm if turn.question in ("A1", "A2", "B1") else [choice for _, choice in turn.buttons]


@WALKS
@given(KNOWN, SIGNS, st.booleans(), st.data())
def test_any_walk_by_buttons_ends_and_never_falls(
    known: dict[str, str], signs: frozenset[str], not_baby: bool, data: st.DataObject
) -> None:
    """Whatever is pressed: no exception, the level never falls, an end within 60 turns."""
    turn = CHECK.start(known, signs, not_baby)
    levels = [turn.level]
    for _ in range(60):
        _sound(turn)
        if turn.state is None:
            break
        choice = data.draw(st.sampled_from(_mostly_calm(turn)))
        turn = CHECK.take(stored(turn.state), choice)
        if choice.split("=")[0] == "ask":
            levels = []  # an answer is taken back on purpose
        levels.append(turn.level)
    assert turn.state is None
    assert all(after >= before for before, after in pairwise(levels))


@WALKS
@given(KNOWN, SIGNS, st.lists(TEXTS, min_size=1, max_size=70))
def test_any_walk_by_text_is_sound(known: dict[str, str], signs: frozenset[str], texts: list[str]) -> None:
    """Whatever is typed: no exception; reported signs are never lost, except by "back" and by a correction."""
    turn = CHECK.start(known, signs)
    for text in texts:
        _sound(turn)
        if turn.state is None:
            break
        reported = {
            s for move in turn.state.moves for token in move if token.startswith("sign=") for s in token[5:].split("+")
        }
        said = CHECK.interpret(turn.state, text)
        turn = CHECK.take(stored(turn.state), said)
        if turn.assessment is not None and said.control != "back":
            assert {*signs, *reported} <= set(turn.assessment.signs)


def test_the_longest_walk_ends_within_60_turns() -> None:
    """Somebody who leaves every list open first, then chooses one item after the other where that does not end it."""
    for who in VALUES["who"]:
        turn, turns, left_open = CHECK.start(), 0, set()
        while turn.state is not None:
            turns += 1
            items = [title for title, choice in turn.buttons if choice.startswith("sign=")]
            none = next((title for title, _ in turn.buttons if title in NONE), "")
            if not none:
                mine = [title for title, choice in turn.buttons if choice == f"who={who}"]
                turn = press(turn, mine[0] if mine else turn.buttons[-1][0])
            elif turn.question not in left_open:
                left_open.add(turn.question)
                turn = press(turn, "Not sure")
            elif turn.question and turn.question[0] == "D" and len(items) > 1:
                turn = press(turn, items[-1])
            else:
                turn = press(turn, none)
        assert 25 < turns <= 60, (who, turns)


def test_every_single_press_is_answered_within_a_few_milliseconds() -> None:
    turn = at("family")
    start = time.perf_counter()
    for _ in range(20):
        CHECK.take(turn.state, CHECK.interpret(turn.state, "why do you ask"))  # type: ignore[arg-type]
    assert (time.perf_counter() - start) / 20 < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moves": None}, "moves"),
        ({"known": {"where": "moon"}}, "known: where='moon'"),
        ({"not_baby": "yes"}, "not_baby is 'yes'"),
        ({"extra": 1}, "found keys"),
        ({"signs": 3}, "signs"),
        ({"moves": [["no"], 4]}, "moves"),
    ],
)
def test_state_that_cannot_be_read_raises(change: dict[str, object], message: str) -> None:
    raw = {**CheckState().to_dict(), **change}
    with pytest.raises(StateError, match=message):
        CheckState.from_dict(raw)


def test_moves_that_mean_nothing_any_more_are_passed_over() -> None:
    """A state from before a change of the content still goes on."""
    state = CheckState(moves=(("sign=ws.gone",), ("where=moon",), ("nonsense",), ("none",)))
    assert CHECK.ask(state).state is not None
