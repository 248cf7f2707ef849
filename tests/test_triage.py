"""The triage core does what the triage table says, over every combination of answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milia.sign_catalog import Level
from milia.triage import (
    ADULT,
    BABY,
    KIDS,
    OUTCOMES,
    QUESTIONS,
    REASONS,
    SKIN_DAMAGE,
    TYPES,
    VALUES,
    Answers,
    Assessment,
    assess,
)

# The index of warning-signs.md (section 4), typed here again; * is not blocking.
INDEX = {
    Level.EMERGENCY_NOW: """
    breathing_trouble face_swelling collapse_confusion infant_u3m_temp infant_u3m_unwell infant_u3m_blisters
    child_seriously_unwell nonblanching meningitis_signs sepsis_signs infection_severe bleeding_wont_stop
    widespread_blister_peel whole_body_red drug_rash_severe chemical_burn_severe product_in_eye
    swallowed_product eye_emergency immuno_fever self_harm unsafe_harm other_emergency""",
    Level.URGENT_SAME_DAY: """
    infant_u3m_borderline infant_u3m_pus newborn_jaundice infant_3_12m_unwell parent_serious_worry
    infection_local infection_face_eye removal_wound_infected drug_rash product_reaction product_burn
    eyelid_symptoms painful_blisters eczema_blisters chickenpox_risk child_blisters mpox_risk immuno_rash
    sudden_widespread fever_with_rash""",
    Level.PROVIDER_SOON: """
    eyelid_persistent adult_fluid_bumps immuno_bump sudden_many* most_of_body yellow_crops bleeding_nonhealing
    changing_growing fast_growing_lump pearly_vessels mole_abcde hard_fixed_lump painful_bump genital_anal
    child_genital_anal mouth_lip inherited_features clustered_patch* pregnancy_treatment* infant_product_use*
    skin_picking_distress*""",
    Level.PROVIDER_ROUTINE: """
    family_history* steroid_use* self_removal_intent* persisting* unsure*""",
}
# Section 12: id | answers that differ from the base case | signs | level | outcome | reasons
BASE = Answers("adult_18_39", "face", "white_yellowish", "hard_firm", "few_scattered", "weeks_4_to_12", "none", "no")
VECTORS = """
T1 |  |  | provider_routine | fits:primary | R_MATCH
T2 | how_long=over_3_months |  | provider_routine | fits:primary | R_LONGER_THAN_USUAL
T3 | who=newborn how_long=up_to_4_weeks |  | provider_routine | fits:neonatal | R_MATCH
T4 | who=newborn number=clustered how_long=up_to_4_weeks |  | provider_routine | fits:neonatal | R_MATCH
T5 | who=newborn feel=unknown how_long=up_to_4_weeks |  | provider_routine | cannot_tell | R_FEEL_UNKNOWN
T6 | who=newborn look=red_or_pus |  | urgent_same_day | warning_first | R_SIGN
T7 | who=newborn look=clear_fluid |  | emergency_now | warning_first | R_SIGN
T8 | who=unknown look=clear_fluid |  | emergency_now | warning_first | R_SIGN
T9 | who=newborn feel=tender_painful |  | urgent_same_day | warning_first | R_SIGN
T10 | who=newborn how_long=over_3_months |  | provider_routine | cannot_tell | R_INCONSISTENT
T11 | who=infant_u3m how_long=up_to_4_weeks |  | provider_routine | cannot_tell | R_AGE_NOT_COVERED
T12 | who=infant_3_12m how_long=over_3_months |  | provider_routine | cannot_tell | R_AGE_NOT_COVERED
T13 | who=child family=yes |  | provider_routine | cannot_tell | R_AGE_NOT_COVERED R_FAMILY_HISTORY
T14 | who=child before=burn |  | provider_routine | fits:secondary | R_MATCH
T15 | who=teen |  | provider_routine | cannot_tell | R_AGE_NOT_COVERED
T16 | before=burn |  | provider_routine | fits:secondary | R_MATCH
T17 | before=strong_topical_steroid |  | provider_routine | fits:secondary | R_MATCH
T18 | before=cosmetic_only |  | provider_routine | cannot_tell | R_COSMETIC_NOT_COVERED
T19 | before=unknown |  | provider_routine | cannot_tell | R_CAUSE_UNKNOWN
T20 | who=adult_40_70 number=clustered |  | provider_soon | fits:en_plaque | R_MATCH
T21 | number=clustered |  | provider_soon | cannot_tell | R_CLUSTER_AGE_OR_CAUSE
T22 | who=adult_40_70 number=clustered before=burn |  | provider_soon | fits:secondary | R_MATCH
T23 | where=arms number=many_sudden |  | provider_soon | fits:multiple_eruptive | R_MATCH
T24 | where=arms feel=irritated_itchy number=many_sudden |  | provider_soon | fits:multiple_eruptive | R_MATCH
T25 | where=other_body number=many_sudden |  | provider_soon | cannot_tell | R_SUDDEN_SITE_OR_AGE
T26 | where=most_of_body number=many_sudden |  | urgent_same_day | warning_first | R_SIGN
T27 | who=adult_40_70 number=single how_long=over_3_months |  | provider_soon | fits:primary | R_LONGER_THAN_USUAL
T28 | who=adult_over_70 look=rough |  | provider_soon | does_not_fit | R_LOOK_DIFFERS
T29 | look=rough |  | provider_routine | does_not_fit | R_LOOK_DIFFERS
T30 | look=skin_coloured_soft feel=soft |  | provider_routine | does_not_fit | R_LOOK_DIFFERS R_FEEL_DIFFERS
T31 | look=red_or_pus |  | provider_routine | does_not_fit | R_LOOK_DIFFERS
T32 | look=dark_or_changing |  | provider_soon | warning_first | R_SIGN
T33 | feel=tender_painful |  | provider_soon | warning_first | R_SIGN
T34 | where=eyelid_lash |  | provider_routine | fits:primary | R_MATCH
T35 | where=eyelid_lash how_long=over_3_months |  | provider_soon | fits:primary | R_LONGER_THAN_USUAL
T36 | where=eyelid_lash feel=tender_painful |  | urgent_same_day | warning_first | R_SIGN
T37 | where=genital_anal |  | provider_soon | warning_first | R_SIGN
T38 | who=newborn where=mouth_lip |  | provider_soon | warning_first | R_SIGN
T39 | look=unknown |  | provider_soon | cannot_tell | R_LOOK_UNKNOWN
T40 | who=unknown where=unknown look=unknown feel=unknown number=unknown how_long=unknown before=unknown family=unknown |  | provider_soon | cannot_tell | R_LOOK_UNKNOWN R_FEEL_UNKNOWN R_AGE_UNKNOWN R_SITE_UNKNOWN
T41 |  | screen skipped | provider_soon | cannot_tell | R_SCREEN_SKIPPED
T42 | who=newborn how_long=up_to_4_weeks | screen skipped | urgent_same_day | warning_first | R_SCREEN_SKIPPED
T43 | who=newborn how_long=up_to_4_weeks | infant_u3m_temp | emergency_now | warning_first | R_SIGN
T44 |  | self_harm | emergency_now | warning_first | R_SIGN
T45 |  | bleeding_nonhealing | provider_soon | warning_first | R_SIGN
T46 |  | infection_local breathing_trouble | emergency_now | warning_first | R_SIGN
T47 |  | self_removal_intent | provider_routine | fits:primary | R_MATCH
T48 |  | pregnancy_treatment | provider_soon | fits:primary | R_MATCH
T49 |  | immuno_bump | provider_soon | warning_first | R_SIGN
T50 | family=yes |  | provider_routine | fits:primary,juvenile | R_MATCH
T51 | number=many_sudden family=yes |  | provider_soon | fits:multiple_eruptive | R_MATCH
T52 | who=newborn before=blister |  | emergency_now | warning_first | R_SIGN
T53 | who=newborn number=many_sudden how_long=up_to_4_weeks |  | provider_routine | fits:neonatal | R_MATCH
T54 | who=newborn number=many_sudden where=most_of_body |  | urgent_same_day | warning_first | R_SIGN
T55 | who=unknown look=clear_fluid not_baby |  | urgent_same_day | warning_first | R_SIGN
"""

COUNTS = {"warning_first": 1_683_648, "does_not_fit": 519_552, "cannot_tell": 343_754, "fits": 19_126}  # section 11


@dataclass(frozen=True)
class Rated:
    level: Level
    blocking: bool


CATALOG = {
    f"ws.{name.rstrip('*')}": Rated(level, not name.endswith("*"))
    for level, names in INDEX.items()
    for name in names.split()
}
SIGNS = sorted(CATALOG)
SHAPE = tuple(len(values) for values in VALUES.values())
_AXIS = {question: n for n, question in enumerate(QUESTIONS)}
_RESULTS: dict[tuple[object, ...], int] = {}


def _number(result: Assessment) -> int:
    key = (int(result.level), result.outcome, result.fits, result.signs, result.reasons)
    return _RESULTS.setdefault(key, len(_RESULTS))


class Run:
    """What `assess` says about every combination: an array of result numbers, and look-ups into it."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers
        self.results = list(_RESULTS)
        self.level = self.look_up(lambda r: r[0])
        self.outcome = self.look_up(lambda r: OUTCOMES.index(r[1]))

    def look_up(self, value) -> np.ndarray:
        return np.array([value(result) for result in self.results], dtype=np.uint8)[self.numbers]


def _run(who: tuple[str, ...], not_baby: bool) -> np.ndarray:
    values = (who, *list(VALUES.values())[1:])
    numbers = [_number(assess(Answers(*combination, not_baby), (), CATALOG)) for combination in product(*values)]
    return np.array(numbers, dtype=np.int32).reshape([len(v) for v in values])


@pytest.fixture(scope="module")
def everything() -> Run:
    """All 2,566,080 combinations, each of them through `assess`."""
    return Run(_run(VALUES["who"], False))


def has(question: str, *values: str) -> np.ndarray:
    """Tell for each combination whether the question has one of the values (an axis that broadcasts)."""
    for value in values:
        assert value in VALUES[question], value
    chosen = np.array([value in values for value in VALUES[question]])
    return chosen.reshape([-1 if axis == _AXIS[question] else 1 for axis in range(len(SHAPE))])


def oracle(not_baby: bool = False) -> np.ndarray:
    """The reference algorithm of section 10 on arrays: one number (the result's code) for each combination.

    Written from its `if`s, not from the rows of milia.triage, and compared with the code block itself over all combinations.
    """
    who, where, look = (lambda *v: has("who", *v)), (lambda *v: has("where", *v)), (lambda *v: has("look", *v))
    feel, number, before = (lambda *v: has("feel", *v)), (lambda *v: has("number", *v)), (lambda *v: has("before", *v))
    long, yes = (lambda *v: has("how_long", *v)), has("family", "yes")
    unknown_baby = who("unknown") & (not not_baby)
    baby = who(*BABY) | unknown_baby
    lid = where("eyelid_lash", "unknown")
    sudden, everywhere = number("many_sudden"), where("most_of_body", "unknown")
    signs = {
        "infant_u3m_blisters": (look("clear_fluid") | before("blister")) & baby,
        "child_blisters": look("clear_fluid") & ~baby & who(*KIDS, "unknown"),
        "adult_fluid_bumps": look("clear_fluid") & ~baby & who(*ADULT),
        "painful_blisters": look("clear_fluid") & feel("tender_painful") & ~baby,
        "infant_u3m_pus": baby & (look("red_or_pus") | feel("tender_painful")),
        "changing_growing": look("dark_or_changing"),
        "painful_bump": feel("tender_painful"),
        "eyelid_symptoms": lid & (feel("tender_painful") | look("red_or_pus")),
        "child_genital_anal": where("genital_anal") & who(*BABY, *KIDS, "unknown"),
        "genital_anal": where("genital_anal") & who(*ADULT, "teen", "unknown"),
        "mouth_lip": where("mouth_lip"),
        "most_of_body": where("most_of_body"),
        "sudden_widespread": sudden & everywhere,
        "sudden_many": sudden & ~everywhere & ~who("newborn"),
        "clustered_patch": number("clustered") & ~who(*BABY),
        "steroid_use": before("strong_topical_steroid"),
        "family_history": yes,
    }
    old = who("adult_40_70", "adult_over_70")
    lasting = long("over_3_months", "unknown")
    floor2 = (
        who("unknown") | where("unknown") | look("unknown", "mixed_other") | (look("rough") & old)
        | (where("eyelid_lash") & lasting) | (old & number("single", "unknown") & lasting)
    )  # fmt: skip
    level = np.ones(SHAPE, dtype=np.int64) + floor2
    blocked = np.zeros(SHAPE, dtype=bool)
    for sign, there in signs.items():
        level = np.where(there, np.maximum(level, int(CATALOG[f"ws.{sign}"].level)), level)
        blocked |= there & CATALOG[f"ws.{sign}"].blocking
    warn = blocked | (level >= 3)
    differs = {"R_LOOK_DIFFERS": look("red_or_pus", "skin_coloured_soft", "rough"), "R_FEEL_DIFFERS": feel("soft")}
    missing = {
        "R_LOOK_UNKNOWN": look("unknown", "mixed_other"),
        "R_FEEL_UNKNOWN": feel("unknown"),
        "R_AGE_UNKNOWN": who("unknown"),
        "R_SITE_UNKNOWN": where("unknown"),
        "R_INCONSISTENT": (who("newborn") & long("weeks_4_to_12", "over_3_months"))
        | (who("infant_u3m") & long("over_3_months")),
    }
    hard, itchy, adult = feel("hard_firm"), feel("irritated_itchy"), who(*ADULT)
    calm, countable = number("single", "few_scattered", "many_gradual"), ~number("many_sudden", "unknown")
    fits = {
        "neonatal": hard & who("newborn") & before("none") & ~number("unknown"),
        "primary": hard & adult & before("none") & calm,
        "secondary": hard & ~who(*BABY) & before(*SKIN_DAMAGE) & countable,
        "juvenile": hard & adult & yes & countable,
        "en_plaque": hard & who("adult_40_70") & before("none") & number("clustered"),
        "multiple_eruptive": (hard | itchy) & ~who(*BABY) & sudden & where("face", "eyelid_lash", "arms", "abdomen"),
    }
    rest = {
        "R_IRRITATION_NOT_DESCRIBED": itchy,
        "R_NUMBER_UNKNOWN": number("unknown"),
        "R_CAUSE_UNKNOWN": before("unknown"),
        "R_COSMETIC_NOT_COVERED": before("cosmetic_only"),
        "R_AGE_NOT_COVERED": who("infant_u3m", *KIDS),
        "R_FAMILY_HISTORY": yes & ~adult,
        "R_CLUSTER_AGE_OR_CAUSE": number("clustered"),
        "R_SUDDEN_SITE_OR_AGE": sudden,
    }

    def any_of(table):
        return np.logical_or.reduce([np.broadcast_to(v, SHAPE) for v in table.values()])

    does_differ, is_missing, does_fit = any_of(differs), any_of(missing), any_of(fits)
    steps = [
        (warn, "warning_first", {"R_SIGN": blocked}, {}),
        (does_differ, "does_not_fit", differs, {}),
        (is_missing, "cannot_tell", missing, {}),
        (does_fit, "fits", {"R_LONGER_THAN_USUAL": long("over_3_months") & fits["primary"]}, fits),
        (np.ones(SHAPE, dtype=bool), "cannot_tell", rest, {}),
    ]
    reasons, matches, outcome = (np.zeros(SHAPE, dtype=np.int64) for _ in range(3))
    open_ = np.ones(SHAPE, dtype=bool)
    for holds, name, why, types in steps:
        here = open_ & holds
        open_ &= ~holds
        outcome[here] = OUTCOMES.index(name)
        for reason, there in why.items():
            reasons |= np.where(here & there, 1 << REASONS.index(reason), 0)
        for kind, there in types.items():
            matches |= np.where(here & there, 1 << TYPES.index(kind), 0)
    bare = reasons == 0
    reasons |= np.where(bare & (outcome == OUTCOMES.index("fits")), 1 << REASONS.index("R_MATCH"), 0)
    reasons |= np.where(bare & (outcome == OUTCOMES.index("cannot_tell")), 1 << REASONS.index("R_NO_TYPE"), 0)
    mask = np.zeros(SHAPE, dtype=np.int64)
    for n, there in enumerate(signs.values()):
        mask |= np.where(there, 1 << n, 0)
    return (mask << 40) | (reasons << 12) | (matches << 5) | (outcome << 3) | level


SIGN_ORDER = [
    "infant_u3m_blisters",
    "child_blisters",
    "adult_fluid_bumps",
    "painful_blisters",
    "infant_u3m_pus",
    "changing_growing",
    "painful_bump",
    "eyelid_symptoms",
    "child_genital_anal",
    "genital_anal",
    "mouth_lip",
    "most_of_body",
    "sudden_widespread",
    "sudden_many",
    "clustered_patch",
    "steroid_use",
    "family_history",
]


def _encode(result: tuple) -> int:
    """Return the number that the oracle gives for a result of `assess`."""
    level, outcome, fits, signs, reasons = result
    assert list(reasons) == sorted(reasons, key=REASONS.index) and list(fits) == sorted(fits, key=TYPES.index)
    assert list(signs) == sorted(signs)
    mask = sum(1 << SIGN_ORDER.index(sign[3:]) for sign in signs)
    why = sum(1 << REASONS.index(reason) for reason in reasons)
    return (
        (mask << 40)
        | (why << 12)
        | (sum(1 << TYPES.index(f) for f in fits) << 5)
        | (OUTCOMES.index(outcome) << 3)
        | level
    )


def _encoded(numbers: np.ndarray) -> np.ndarray:
    return np.array([_encode(result) for result in _RESULTS], dtype=np.int64)[numbers]


def test_equals_the_reference_algorithm_on_every_combination(everything: Run) -> None:
    """Level, outcome, types, signs and reasons are those of section 10, 2,566,080 times."""
    assert everything.numbers.size == 2_566_080
    assert np.array_equal(_encoded(everything.numbers), oracle())


def test_equals_the_reference_when_the_age_is_unknown_but_no_baby() -> None:
    """`not_baby` changes the unknown age as the reference says."""
    numbers = _run(("unknown",), True)
    assert np.array_equal(_encoded(numbers), oracle(True)[-1:])


def test_outcome_counts_are_those_of_the_table(everything: Run) -> None:
    """Section 11 counts the outcomes."""
    counts = np.bincount(everything.outcome.ravel(), minlength=len(OUTCOMES))
    assert dict(zip(OUTCOMES, counts.tolist(), strict=True)) == COUNTS


def test_every_combination_has_a_level_an_outcome_and_a_reason(everything: Run) -> None:
    """The table is total."""
    assert everything.level.min() == 1 and everything.level.max() == 4
    for _, outcome, fits, _, reasons in everything.results:
        assert outcome in OUTCOMES and (reasons or outcome == "warning_first") and set(reasons) <= set(REASONS)
        assert bool(fits) == (outcome == "fits")
    assert {reason for result in everything.results for reason in result[4]} == set(REASONS) - {"R_SCREEN_SKIPPED"}


def test_fits_needs_a_white_hard_or_irritated_bump_and_a_low_level(everything: Run) -> None:
    """`fits` never meets an unknown look, feel, age or place (G3), nor a level above 2 (G7)."""
    fits = everything.outcome == OUTCOMES.index("fits")
    allowed = has("look", "white_yellowish") & has("feel", "hard_firm", "irritated_itchy")
    assert not (fits & ~(allowed & ~has("who", "unknown") & ~has("where", "unknown"))).any()
    assert everything.level[fits].max() == 2


def test_high_levels_always_show_the_warning_first(everything: Run) -> None:
    """G7."""
    assert (everything.outcome[everything.level >= 3] == OUTCOMES.index("warning_first")).all()


def test_level_is_never_below_a_sign_that_follows(everything: Run) -> None:
    """G1."""
    for level, _, _, signs, _ in everything.results:
        assert level >= max((CATALOG[sign].level for sign in signs), default=1)


def test_not_knowing_never_lowers_the_level(everything: Run) -> None:
    """G3, with the six answers that are signs in themselves as its stated limit, and no other."""
    lowered = set()
    for question, axis in _AXIS.items():
        unknown = np.take(everything.level, [VALUES[question].index("unknown")], axis=axis)
        for value in VALUES[question]:
            known = np.take(everything.level, [VALUES[question].index(value)], axis=axis)
            if (unknown < known).any():
                lowered.add(value)
                if value == "blister":
                    babies = np.any(unknown < known, axis=tuple(range(1, len(SHAPE))))
                    assert {who for who, low in zip(VALUES["who"], babies, strict=True) if low} == {*BABY, "unknown"}
    assert lowered == {"clear_fluid", "red_or_pus", "tender_painful", "many_sudden", "clustered", "blister"}


@pytest.mark.parametrize("not_baby", [False, True])
def test_skipping_the_screen_never_reassures(everything: Run, not_baby: bool) -> None:
    """A skipped screen never lowers the level, never fits, and sets the floors of G4: for each result at each age."""
    who = np.broadcast_to(np.arange(SHAPE[0]).reshape(-1, *[1] * (len(SHAPE) - 1)), SHAPE)
    _, places = np.unique(everything.numbers.astype(np.int64) * SHAPE[0] + who, return_index=True)
    assert len(places) > 2_000
    for place in places.tolist():
        combination = [values[n] for values, n in zip(VALUES.values(), np.unravel_index(place, SHAPE), strict=True)]
        answers = Answers(*combination, not_baby)
        asked, skipped = assess(answers, (), CATALOG), assess(answers, (), CATALOG, "skipped")
        assert skipped.level == max(asked.level, 3 if answers.maybe_baby else 2)
        warning = skipped.level >= 3 or asked.outcome == "warning_first"
        assert skipped.outcome == ("warning_first" if warning else "cannot_tell")
        assert skipped.reasons[-1] == "R_SCREEN_SKIPPED" and not skipped.fits and skipped.signs == asked.signs


def _vectors() -> list[list[str]]:
    return [[part.strip() for part in line.split("|")] for line in VECTORS.strip().splitlines()]


@pytest.mark.parametrize("vector", _vectors(), ids=lambda v: v[0])
def test_vector(vector: list[str]) -> None:
    """Section 12, T1 to T55."""
    _, differs, signs, level, outcome, reasons = vector
    words = differs.split()
    changed = dict(pair.split("=") for pair in words if "=" in pair)
    answers = replace(BASE, **changed, not_baby="not_baby" in words)
    skipped = signs == "screen skipped"
    got = assess(
        answers, () if skipped else [f"ws.{s}" for s in signs.split()], CATALOG, "skipped" if skipped else "answered"
    )
    name, _, fits = outcome.partition(":")
    assert (got.level.id, got.outcome, got.fits, got.reasons) == (
        level,
        name,
        tuple(fits.split(",")) if fits else (),
        tuple(reasons.split()),
    )


def test_there_are_55_vectors_and_69_signs() -> None:
    """Nothing was lost in typing."""
    assert [vector[0] for vector in _vectors()] == [f"T{n}" for n in range(1, 56)]
    assert [len(names.split()) for names in INDEX.values()] == [23, 20, 21, 5] and len(CATALOG) == 69


@pytest.mark.parametrize("sign", SIGNS)
def test_each_sign_on_each_age_look_and_feel(sign: str) -> None:
    """G1, G2 and G7 for each sign: never lower, never below its own level, no new `fits`, a warning stays a warning."""
    for who, look, feel in product(VALUES["who"], VALUES["look"], VALUES["feel"]):
        answers = replace(BASE, who=who, look=look, feel=feel)
        _compare(answers, frozenset(), sign)


def _compare(answers: Answers, signs: frozenset[str], more: str) -> None:
    before, after = assess(answers, signs, CATALOG), assess(answers, signs | {more}, CATALOG)
    assert after.level == max(before.level, CATALOG[more].level)
    assert set(after.signs) == {*before.signs, more}
    if CATALOG[more].blocking or CATALOG[more].level >= 3:
        assert after.outcome == "warning_first" and "R_SIGN" in after.reasons
    else:
        assert (after.outcome, after.fits, after.reasons) == (before.outcome, before.fits, before.reasons)


ANSWERS = st.builds(Answers, *(st.sampled_from(values) for values in VALUES.values()), st.booleans())


@settings(max_examples=200, deadline=None)
@given(
    ANSWERS,
    st.frozensets(st.sampled_from(SIGNS), max_size=6),
    st.sampled_from(SIGNS),
    st.sampled_from(["answered", "skipped"]),
)
def test_adding_a_sign_to_any_set(answers: Answers, signs: frozenset[str], more: str, screen: str) -> None:
    """G2 for random sets of signs; the order of the signs does not matter, and twice is the same as once."""
    _compare(answers, signs, more)
    first = assess(answers, sorted(signs), CATALOG, screen)
    assert first == assess(answers, [*sorted(signs, reverse=True), *signs], CATALOG, screen)
    assert first.level >= max((CATALOG[s].level for s in signs), default=1)
    if screen == "skipped":
        assert first.outcome in ("warning_first", "cannot_tell") and first.level >= (3 if answers.maybe_baby else 2)


def test_what_is_not_in_the_table_raises() -> None:
    """A wrong value, sign or screen is an error that names it, never a silent level 1."""
    with pytest.raises(ValueError, match="where: unknown value 'moon'; allowed: face, "):
        Answers(where="moon")
    with pytest.raises(ValueError, match="unknown sign 'ws.nothing'"):
        assess(BASE, ["ws.nothing"], CATALOG)
    with pytest.raises(ValueError, match="screen: unknown value 'half'"):
        assess(BASE, [], CATALOG, "half")  # type: ignore[arg-type]
