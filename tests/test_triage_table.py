"""The words of the check say what the triage table says, and nothing that it forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from milia.check_result import Result, compose
from milia.triage import (
    ADULT,
    BABY,
    KIDS,
    OUTCOMES,
    QUESTIONS,
    REASONS,
    TYPES,
    VALUES,
    Answers,
    Assessment,
    assess,
)
from milia.triage_table import AGES, Item, TableError, ages_asked, load_table
from milia.warning_signs import Level, load_signs

CONTENT = Path(__file__).parents[1] / "data" / "content"
FACTS = {
    fact["id"]: fact["text"] for fact in yaml.safe_load((CONTENT / "facts.yml").read_text(encoding="utf-8"))["facts"]
}
TABLE = load_table(CONTENT / "triage.yml", FACTS)
CATALOG = load_signs(CONTENT / "warning_signs.yml")
BASE = Answers("adult_18_39", "face", "white_yellowish", "hard_firm", "few_scattered", "weeks_4_to_12", "none", "no")


def ids(text: str) -> set[str]:
    """Write out "type_secondary.1-9 definition.6"."""
    found = set()
    for part in text.split():
        topic, _, numbers = part.partition(".")
        first, _, last = numbers.partition("-")
        found |= {f"{topic}.{n}" for n in range(int(first), int(last or first) + 1)}
    return found


# Section 3, typed again.
SCREEN = {
    "A": "breathing_trouble face_swelling collapse_confusion nonblanching meningitis_signs sepsis_signs infection_severe "
    "widespread_blister_peel whole_body_red drug_rash_severe eye_emergency chemical_burn_severe product_in_eye "
    "swallowed_product bleeding_wont_stop immuno_fever other_emergency self_harm unsafe_harm",
    "B": "infant_u3m_temp infant_u3m_unwell infant_u3m_blisters infant_u3m_borderline infant_u3m_pus newborn_jaundice "
    "infant_3_12m_unwell child_seriously_unwell child_blisters parent_serious_worry",
    "C": "infection_local infection_face_eye removal_wound_infected fever_with_rash drug_rash product_reaction product_burn "
    "eyelid_symptoms painful_blisters eczema_blisters chickenpox_risk mpox_risk immuno_rash sudden_widespread",
    "D": "bleeding_nonhealing changing_growing fast_growing_lump pearly_vessels mole_abcde hard_fixed_lump painful_bump "
    "eyelid_persistent adult_fluid_bumps immuno_bump yellow_crops most_of_body genital_anal child_genital_anal mouth_lip "
    "inherited_features pregnancy_treatment infant_product_use skin_picking_distress",
}
NOT_ASKED = {
    "ws.sudden_many",
    "ws.clustered_patch",
    "ws.family_history",
    "ws.steroid_use",
    "ws.self_removal_intent",
    "ws.persisting",
    "ws.unsure",
}
# Section 4, last column.
RESTS_ON = {
    "who": "type_neonatal.1-5 type_primary.1 type_juvenile.1-2 type_en_plaque.3",
    "where": "location.1-3 type_multiple_eruptive.5",
    "look": "definition.6",
    "feel": "definition.1 type_multiple_eruptive.6",
    "number": "type_en_plaque.4 type_multiple_eruptive.2-4",
    "how_long": "duration.1-4",
    "before": "type_secondary.1-9 type_primary.3",
    "family": "type_juvenile.3",
}
# Section 7: what may be shown, adults | under 18.
SHOWN = {
    "neonatal": ("", "type_neonatal.1-5 duration.1-2 removal_self.1-3 milia_vs_acne.1-2 diagnosis.1-2"),
    "primary": (
        "type_primary.1-4 duration.3 removal_self.1-3 treatment_home.1-7 treatment_professional.1-10 diagnosis.1-4 see_provider.1-6",
        "",
    ),
    "secondary": (
        "type_secondary.1-9 duration.4 removal_self.1-3 diagnosis.1-4",
        "type_secondary.1-9 removal_self.1-3 diagnosis.1-2",
    ),
    "juvenile": ("type_juvenile.1-3 diagnosis.1-4", "type_juvenile.1-3 diagnosis.1-2"),
    "en_plaque": ("type_en_plaque.1-5 diagnosis.1-4 removal_self.1-3", ""),
    "multiple_eruptive": (
        "type_multiple_eruptive.1-6 diagnosis.1-4 removal_self.1-3",
        "type_multiple_eruptive.1-6 diagnosis.1-2",
    ),
    "does_not_fit": ("definition.1 definition.6 diagnosis.1-3",) * 2,
    "cannot_tell": ("diagnosis.1-3 definition.1 definition.6",) * 2,
}
UNKNOWN_REASON = "Without knowing that, I cannot compare it with the article."
# Section 7: fixed sentences and their facts.
SENTENCES = {
    "R_SIGN": ("", ""),
    "R_MATCH": ("", ""),
    "R_LOOK_DIFFERS": ("The article speaks of white or whitish bumps; yours look different.", "definition.6"),
    "R_FEEL_DIFFERS": ("The article speaks of hard bumps; yours feel different.", "definition.1"),
    **{f"R_{name}_UNKNOWN": (UNKNOWN_REASON, "diagnosis.1") for name in ("LOOK", "FEEL", "SITE", "AGE", "NUMBER")},
    "R_INCONSISTENT": ("Two answers do not go together (age and duration). Would you check them?", ""),
    "R_CAUSE_UNKNOWN": (
        "The article separates forms that come by themselves from forms after skin damage; I cannot tell which applies.",
        "type_primary.3 type_secondary.1",
    ),
    "R_COSMETIC_NOT_COVERED": (
        "The article names topical medications, not cosmetics, among the possible causes.",
        "type_secondary.8",
    ),
    "R_AGE_NOT_COVERED": (
        "The article describes newborns and adults; about this age it says too little for a comparison.",
        "types.2 type_primary.1",
    ),
    "R_CLUSTER_AGE_OR_CAUSE": (
        "The article's clustered form is usually seen from 40 to 70 years, arising without an injury.",
        "type_en_plaque.3-4",
    ),
    "R_SUDDEN_SITE_OR_AGE": (
        "The article's sudden form is usually on face, arms or abdomen.",
        "type_multiple_eruptive.4-5",
    ),
    "R_IRRITATION_NOT_DESCRIBED": (
        "The article mentions irritation only for one rare form.",
        "type_multiple_eruptive.6",
    ),
    "R_LONGER_THAN_USUAL": (
        "The article says that this form usually clears in a few months; yours has been there longer. Mention it to the provider.",
        "duration.3",
    ),
    "R_FAMILY_HISTORY": (
        "Mention the family history to the child's doctor or a dermatology provider.",
        "see_provider.1",
    ),
    "R_SCREEN_SKIPPED": ("I need the safety questions before I can compare anything.", ""),
    "R_NO_TYPE": ("It matches the general description but none of the types.", "definition.1 definition.6"),
}
# Section 8: fixed messages, for an adult.
MESSAGES = {
    "fits": "What you describe is similar to how the reviewed article describes {type}. That does not tell us what your bumps "
    "are: other things can look similar, and a dermatology provider can tell.",
    "does_not_fit": "What you describe does not fit milia as the article describes it. I cannot say what it is; a dermatology "
    "provider can.",
    "cannot_tell": "I cannot tell from this. A dermatology provider can, mostly by looking.",
    "sooner": "Seek care today if it becomes red, hot, swollen, painful or oozes, or near an eye; emergency care for breathing "
    "trouble, face swelling, purple spots that do not fade, widespread blisters, or if the person is very unwell. In a baby "
    "under 3 months: a temperature of 38.0 C (100.4 F) or more, poor feeding, unusual sleepiness or blisters is an emergency.",
    "close": "This is information from one reviewed article, not medical advice.",
    "routine": "A dermatology provider can tell you what this is.",
}
SKIPPED_TODAY = "Since I could not ask the safety questions, please speak to the baby's doctor or a nurse line today."
FORBIDDEN = re.compile(
    r"\b(you have|your baby has milia|this is milia|definitely|certainly|it'?s just|only milia|nothing to worry about|"
    r"you'?re fine|harmless|no need to see|diagnose you|diagnosis you|rule[sd]? out|benign|cancer\w*|syringoma\w*|"
    r"miliaria|heat rash|erythema|sebaceous|xanthelasma\w*|molluscum|comedon\w*|whitehead\w*|keratosis|"
    r"epidermoid|fordyce|warts?|hidrocystoma|stye|chalazion|carcinoma|xanthoma\w*|herpes|shingles|sepsis|meningitis|"
    r"it is only|you do not need)\b",
    re.IGNORECASE,
)
NOT_UNDER_18 = re.compile(
    r"exfoliat|scrub|peel(?!ing)|retinoid|sunscreen|sunblock|SPF|wash|moisturi|laser|freez", re.IGNORECASE
)


def items() -> Iterator[tuple[str, Item]]:
    for part in TABLE.parts:
        for group in part.groups:
            yield from ((part.id, item) for item in group)


def test_every_answer_has_a_short_title_of_its_own() -> None:
    """Each value of section 4 is there, in order, on a button of at most 40 characters."""
    for question, values in VALUES.items():
        ours = TABLE.questions[question].values
        assert tuple(value.code for value in ours) == values
        titles = [value.title for value in ours]
        assert len(set(titles)) == len(titles) and max(map(len, titles)) <= 40


def test_every_question_has_another_wording_and_a_why() -> None:
    for question in (*TABLE.questions.values(), TABLE.baby):
        assert len({question.ask, question.again, question.why}) == 3 and all(
            (question.ask, question.again, question.why)
        )


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_rests_on_the_facts_of_the_table(question: str) -> None:
    named = {fact for value in TABLE.questions[question].values for fact in value.facts}
    assert named == ids(RESTS_ON[question])


@pytest.mark.parametrize("part", sorted(SCREEN))
def test_screen_asks_for_every_sign_of_the_table_once(part: str) -> None:
    """Items may be shortened, never dropped."""
    asked = [sign for place, item in items() if place == part for sign in item.signs]
    assert sorted(asked) == sorted(f"ws.{sign}" for sign in SCREEN[part].split())


def test_screen_and_other_signs_are_the_whole_list() -> None:
    asked = [sign for _, item in items() for sign in item.signs]
    assert len(asked) == len(set(asked)) and {*asked, *NOT_ASKED} == set(CATALOG) and len(CATALOG) == 69
    assert all(
        CATALOG[sign].level == Level.EMERGENCY_NOW for place, item in items() if place == "A" for sign in item.signs
    )


def test_groups_are_small_and_titles_short() -> None:
    every = [item for _, item in items()] + list(TABLE.repeat.items)
    assert all(len(group) <= 6 for part in TABLE.parts for group in part.groups) and len(TABLE.repeat.items) <= 6
    assert all(len(item.title) <= 45 for item in every)
    for part in TABLE.parts:
        titles = [item.title for place, item in items() if place == part.id]
        assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("sign", sorted(set(CATALOG) - NOT_ASKED))
def test_group_of_a_sign_decides_who_is_asked(sign: str) -> None:
    """The ages of an item are those of the sign's group in the list; where the group is wider than ages, all are asked."""
    ages = next(item.signs[sign] for _, item in items() if sign in item.signs)
    group = CATALOG[sign].group
    baby, infant, child, adult = set(BABY), {"infant_3_12m"}, {"child", "teen"}, set(ADULT)
    expected = {
        "anyone": set(AGES),
        "newborn / infant under 3 months": baby,
        "infant 3-12 months / child / teen": infant | child,
        "newborn / infant": baby | infant,
        "infant 3-12 months": infant,
        "newborn / infant / child": set(AGES),  # only part B's ages get to see it
        "infant 3-12 months / child / teen / adult": infant | child | adult,
        "pregnant / weakened immunity / adult / infant": set(AGES),
        "child / teen / adult": child | adult,
        "adult, child": set(AGES),
        "adult": adult,
        "teen / adult": {"teen"} | adult,
        "infant / child": baby | infant | {"child"} | ({"teen"} if sign == "ws.child_genital_anal" else set()),
        "pregnant, trying, breastfeeding": {"teen"} | adult,
    }
    assert set(ages) == expected[group] | {"unknown"}


def test_unknown_age_is_asked_everything_unless_it_is_no_baby() -> None:
    assert ages_asked("unknown", "") == ages_asked("unknown", "unknown") == AGES
    assert ages_asked("unknown", "yes") == BABY and ages_asked("teen", "yes") == ("teen",)
    assert set(ages_asked("unknown", "no")) == {*KIDS, *ADULT}
    part_b = next(part for part in TABLE.parts if part.id == "B")
    assert set(part_b.ages) == {*BABY, *KIDS, "unknown"}


@pytest.mark.parametrize("code", REASONS)
def test_reason_is_the_sentence_of_the_table(code: str) -> None:
    text, facts = SENTENCES[code]
    assert (TABLE.reasons[code].text, set(TABLE.reasons[code].facts)) == (text, ids(facts))


def test_messages_are_those_of_the_table() -> None:
    for name, text in MESSAGES.items():
        assert TABLE.fill(TABLE.messages[name], "adult_18_39", type="{type}") == text
    assert TABLE.reasons["R_SCREEN_SKIPPED"].today == SKIPPED_TODAY
    assert "within the next days" in TABLE.messages["soon"]
    for who in (*BABY, "infant_3_12m"):
        assert "the baby's doctor or a dermatology provider can tell" in TABLE.fill(
            TABLE.messages["fits"], who, type="x"
        )


@pytest.mark.parametrize("outcome", SHOWN)
def test_facts_that_may_follow_are_those_of_the_table(outcome: str) -> None:
    adults, under_18 = (ids(text) for text in SHOWN[outcome])
    allowed = TABLE.facts[outcome].allowed
    more = ids("removal_self.1-3") if outcome == "multiple_eruptive" else set()
    assert allowed["adult"] == adults and allowed["under_18"] in (under_18, under_18 | more)


def told(answers: Answers) -> dict[str, str]:
    return {question: getattr(answers, question) for question in QUESTIONS}


@pytest.mark.parametrize(
    ("answers", "signs", "gone"),
    [
        *(
            ({"who": who}, (), "treatment_home prevention_sun prevention_wash treatment_professional")
            for who in (*BABY, *KIDS, "unknown")
        ),
        ({}, ("ws.pregnancy_treatment",), "treatment_home treatment_professional prevention_exfoliate"),
        ({"where": "eyelid_lash"}, (), "treatment_home prevention_exfoliate"),
        *(
            ({"where": where}, (), "treatment_home treatment_professional prevention prevention_wash")
            for where in ("genital_anal", "mouth_lip")
        ),
    ],
)
def test_withheld_facts(answers: dict[str, str], signs: tuple[str, ...], gone: str) -> None:
    """Section 7, "facts withheld, whatever the outcome"."""
    person = told(replace(BASE, **answers))
    for topic in gone.split():
        assert not TABLE.may_say(f"{topic}.1", person, signs) and TABLE.may_say(f"{topic}.1", told(BASE), ())
    assert TABLE.may_say("removal_self.1", person, signs)


@cache
def composed() -> tuple[tuple[Answers, Assessment, Result], ...]:
    """Return every kind of result: all outcomes, ages and reasons, with and without the signs that add a note."""
    found = []
    kinds: dict[str, tuple[str, ...]] = {
        "who": VALUES["who"],
        "where": ("face", "eyelid_lash", "other_body", "unknown"),
        "look": ("white_yellowish", "rough", "unknown"),
        "feel": VALUES["feel"],
        "number": VALUES["number"],
        "how_long": ("up_to_4_weeks", "over_3_months"),
        "before": ("none", "burn", "strong_topical_steroid", "other_medicated_cream", "cosmetic_only", "unknown"),
        "family": ("no", "yes"),
    }
    seen = set()
    for combination in product(*kinds.values()):
        answers = Answers(*combination)
        plain = assess(answers, (), CATALOG)
        key = (plain, answers.who, answers.where == "eyelid_lash", answers.before == "other_medicated_cream")
        if key not in seen:
            seen.add(key)
            found.append((answers, plain, compose(TABLE, CATALOG, answers, plain)))
    notes = [sign for sign in CATALOG if not CATALOG[sign].blocking]
    for who, sign in product(VALUES["who"], CATALOG):
        answers = replace(BASE, who=who)
        one = assess(answers, [sign], CATALOG)
        found.append((answers, one, compose(TABLE, CATALOG, answers, one)))
    for who, screen_signs in product(VALUES["who"], [(), ("ws.mouth_lip",), ("ws.drug_rash",), tuple(notes)]):
        answers = replace(BASE, who=who)
        skipped = assess(answers, screen_signs, CATALOG, "skipped")
        found.append((answers, skipped, compose(TABLE, CATALOG, answers, skipped)))
        everything = assess(answers, notes, CATALOG)
        found.append((answers, everything, compose(TABLE, CATALOG, answers, everything)))
    return tuple(found)


def test_composed_results_cover_the_table() -> None:
    """The sweep meets every outcome, age, type and reason."""
    assert len(composed()) > 1500
    assert {found.outcome for _, found, _ in composed()} == set(OUTCOMES)
    assert {kind for _, found, _ in composed() for kind in found.fits} == set(TYPES)
    assert {reason for _, found, _ in composed() for reason in found.reasons} == set(REASONS)
    for outcome in ("warning_first", "does_not_fit", "cannot_tell"):
        assert {answers.who for answers, found, _ in composed() if found.outcome == outcome} == set(VALUES["who"])


def test_no_result_has_a_forbidden_word() -> None:
    """Section 8: not one of the words, whatever is put together."""
    for answers, found, result in composed():
        match = FORBIDDEN.search(result.text)
        assert match is None, (match, answers, found, result.text)


def test_no_fixed_word_of_the_check_is_forbidden() -> None:
    said = [q.ask + q.again + q.why for q in (*TABLE.questions.values(), TABLE.baby)]
    said += [v.title for q in TABLE.questions.values() for v in q.values] + list(TABLE.words.values())
    said += [part.ask + part.why + part.next for part in (*TABLE.parts, TABLE.repeat)]
    assert not [text for text in said if FORBIDDEN.search(text) and "not a diagnosis" not in text]


def test_level_4_says_the_action_and_nothing_else() -> None:
    for _, found, result in composed():
        if found.level == Level.EMERGENCY_NOW:
            lines = result.text.splitlines()
            crisis = {"ws.self_harm", "ws.unsafe_harm"} & set(found.signs)
            assert lines[0].startswith("Please get emergency help now: ") and not result.facts
            assert lines[-1].startswith(
                "When you are safe, a dermatology" if crisis else "A dermatology provider can help"
            )
            assert MESSAGES["sooner"] not in result.text and MESSAGES["close"] not in result.text


def test_level_3_says_today_first_and_no_fact() -> None:
    for _, found, result in composed():
        if found.level == Level.URGENT_SAME_DAY:
            first = result.text.splitlines()[0]
            by_sign = any(CATALOG[sign].level == Level.URGENT_SAME_DAY for sign in found.signs)
            assert first.startswith("Please have this looked at today: ") if by_sign else first == SKIPPED_TODAY
            assert not result.facts and result.text.endswith(MESSAGES["sooner"]) and "article" not in result.text
            assert "within the next days" not in result.text and "dermatology provider" in result.text


def test_blocking_sign_of_level_2_gives_the_days_and_no_comparison() -> None:
    for _, found, result in composed():
        if found.outcome == "warning_first" and found.level == Level.PROVIDER_SOON:
            assert re.match(r"Please see .*dermatology provider within the next days: ", result.text)
            assert (
                set(result.facts) <= {"sources.15"} and "I compared" not in result.text and "similar" not in result.text
            )


def test_action_of_level_2_is_that_of_the_blocking_sign() -> None:
    """Signs that do not block say nothing in the place of one that does."""
    signs = ["ws.sudden_many", "ws.clustered_patch", "ws.bleeding_nonhealing"]
    text = compose(TABLE, CATALOG, BASE, assess(BASE, signs, CATALOG)).text
    alone = compose(TABLE, CATALOG, BASE, assess(BASE, ["ws.bleeding_nonhealing"], CATALOG)).text
    assert text == alone


def test_every_result_below_level_4_ends_with_when_to_seek_care_sooner() -> None:
    """G11; the close may follow."""
    for _, found, result in composed():
        if found.level < Level.EMERGENCY_NOW:
            rest = result.text.removesuffix(MESSAGES["close"]).strip()
            assert rest.endswith(MESSAGES["sooner"])


def test_every_result_suggests_a_dermatology_provider_by_age() -> None:
    """G5."""
    for answers, found, result in composed():
        assert "dermatology provider" in result.text
        if answers.who in (*BABY, "infant_3_12m") and found.outcome != "warning_first":
            assert "he baby's doctor or a dermatology provider can" in result.text


def test_level_2_says_within_the_next_days() -> None:
    for _, found, result in composed():
        assert ("within the next days" in result.text) == (found.level == Level.PROVIDER_SOON)


def test_outcome_and_reasons_are_in_the_text() -> None:
    for answers, found, result in composed():
        if found.outcome in ("does_not_fit", "cannot_tell"):
            assert TABLE.fill(TABLE.messages[found.outcome], answers.who) in result.text
        if found.outcome == "fits":
            assert all(TABLE.types[kind] in result.text for kind in found.fits)
            assert ("more than one form" in result.text) == (len(found.fits) > 1)
            assert "That does not tell us what your bumps are" in result.text
        if found.outcome != "warning_first":
            assert all(SENTENCES[reason][0] in result.text for reason in found.reasons)
            assert found.reasons == ("R_SCREEN_SKIPPED",) or "I compared your answers" in result.text


def test_facts_after_an_outcome_come_from_its_list() -> None:
    """G10, with the facts of the reasons, the close and the notes that answer a sign."""
    notes = {fact for _, line, _ in TABLE.notes for fact in line.facts}
    for answers, found, result in composed():
        column = 0 if answers.who in ADULT else 1
        allowed = set().union(*(ids(SHOWN[key][column]) for key in (found.fits or (found.outcome,)) if key in SHOWN))
        reasons = set().union(*(ids(SENTENCES[reason][1]) for reason in found.reasons))
        extra = {"sources.15", "diagnosis.1", "diagnosis.2"} if found.outcome != "warning_first" else {"sources.15"}
        removal = ids("removal_self.1-3") if "multiple_eruptive" in found.fits else set()
        assert set(result.facts) <= allowed | reasons | extra | notes | removal, (answers, found, result.facts)
        for fact in result.facts:
            assert fact in FACTS and (
                fact == "sources.15" or fact in reasons or TABLE.may_say(fact, told(answers), found.signs)
            )


def test_under_18_reads_of_no_method() -> None:
    for answers, found, result in composed():
        if (
            answers.who not in ADULT
            and found.outcome != "warning_first"
            and "ws.pregnancy_treatment" not in found.signs
        ):
            assert not NOT_UNDER_18.search(result.text), result.text


def test_at_most_six_sentences_of_facts_follow() -> None:
    said = [line.text for entry in TABLE.facts.values() for line in entry.say]
    for _, _, result in composed():
        lines = [text for text in result.text.splitlines() if text in said]
        assert sum(len(re.findall(r"[.?](?:\s|$)", text)) for text in lines) <= 6


def test_notes_follow_their_signs_and_places() -> None:
    eyelid = compose(
        TABLE, CATALOG, replace(BASE, where="eyelid_lash"), assess(replace(BASE, where="eyelid_lash"), (), CATALOG)
    )
    assert "does not mention eyelids" in eyelid.text and "at home" in compose_base().text
    steroid = replace(BASE, before="strong_topical_steroid")
    assert "prescriber decides" in compose(TABLE, CATALOG, steroid, assess(steroid, (), CATALOG)).text
    removal = compose(TABLE, CATALOG, BASE, assess(BASE, ["ws.self_removal_intent"], CATALOG))
    assert ids("removal_self.1-3 milia_vs_acne.5") <= set(removal.facts)
    assert removal.text.startswith("First: do not try to remove them yourself.")
    pregnant = compose(TABLE, CATALOG, BASE, assess(BASE, ["ws.pregnancy_treatment"], CATALOG))
    assert "pharmacist" in pregnant.text and not any(fact.startswith("treatment") for fact in pregnant.facts)


def compose_base() -> Result:
    return compose(TABLE, CATALOG, BASE, assess(BASE, (), CATALOG))


def _changed(change: Any) -> dict[str, Any]:
    document = yaml.safe_load((CONTENT / "triage.yml").read_text(encoding="utf-8"))
    change(document["triage"])
    return document  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(colour="red"), "triage: unknown 'colour'"),
        (lambda t: t["reasons"].pop("R_MATCH"), "reasons: 'R_MATCH' is missing"),
        (lambda t: t["questions"][1]["values"].pop(), "question where: values: 'unknown' is missing"),
        (lambda t: t["questions"][1]["values"].append(t["questions"][1]["values"][0]), "'face' is there twice"),
        (
            lambda t: t["questions"][0]["values"][0].update(facts=["type_neonatal.9"]),
            "unknown fact 'type_neonatal.9'; known: type_neonatal.1",
        ),
        (
            lambda t: t["screen"][0]["groups"][0].append(t["screen"][0]["groups"][1][0]),
            "a group has 7 items; allowed: 1 to 6",
        ),
        (lambda t: t["screen"][0]["groups"][0][0].update(signs={"breathing": "all"}), "'breathing' is no sign"),
        (
            lambda t: t["screen"][1]["groups"][0][0].update(signs={"ws.x": ["elder"]}),
            "unknown 'elder'; allowed: newborn",
        ),
        (
            lambda t: t["facts"]["primary"]["say"][0].update(facts=["location.1"]),
            "facts: primary: say: unknown 'location.1'",
        ),
        (lambda t: t["notes"][0].update(where=["moon"]), "notes: where: unknown 'moon'; allowed: face"),
        (lambda t: t["types"].update(giant="giant"), "types: unknown 'giant'; allowed: neonatal"),
        (lambda t: t["provider_of"].update(teen="vet"), "provider_of: teen: unknown 'vet'"),
    ],
)
def test_loader_names_what_is_wrong(change: Any, message: str, tmp_path: Path) -> None:
    """A mistake in the file stops the program with its place, value and what is allowed."""
    file = tmp_path / "triage.yml"
    file.write_text(yaml.safe_dump(_changed(change)), encoding="utf-8")
    with pytest.raises(TableError) as error:
        load_table(file, FACTS)
    assert message in str(error.value) and str(error.value).startswith("triage.yml: ")


def test_file_says_that_no_clinician_has_reviewed_it() -> None:
    assert TABLE.reviewed.startswith("Not reviewed by a clinician")


def test_root_key_is_none_that_rasa_claims() -> None:
    document = yaml.safe_load((CONTENT / "triage.yml").read_text(encoding="utf-8"))
    assert set(document) == {"triage"}


def test_cues_are_plain_words() -> None:
    """Cues are matched against words without capitals, apostrophes or punctuation, so they have none."""
    cues = [cue for q in TABLE.questions.values() for v in q.values for cue in (*v.cues, *v.short)]
    cues += [cue for _, item in items() for cue in item.cues] + [
        cue for item in TABLE.repeat.items for cue in item.cues
    ]
    cues += [cue for value in TABLE.read.values() for cue in value]
    assert not [cue for cue in cues if not isinstance(cue, str) or not re.fullmatch(r"[a-z0-9.? ]+\*?", cue)]
