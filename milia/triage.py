"""The triage table: from the answers of the guided check and the warning signs to a level and an outcome.

Owns sections 5 to 7 of the triage table (signs that follow from answers, floors, outcomes, reasons) as rows of data, and
the one function that reads them. It sorts a description; it does not diagnose. Pure and total: no wording (that is
`data/content/triage.yml`), no Rasa. The ids G1 to G10 are the rules of section 1 of the table.

Each row is one bit. An answer knows the bits of the rows that it does not contradict, so the rows that hold for eight
answers are nine numbers joined by "and", and what follows from a set of rows is worked out once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

from milia.warning_signs import Level

Screen = Literal["answered", "skipped"]

UNKNOWN = "unknown"
BABY = ("newborn", "infant_u3m")
KIDS = ("infant_3_12m", "child", "teen")
ADULT = ("adult_18_39", "adult_40_70", "adult_over_70")
FROM_40 = ("adult_40_70", "adult_over_70")
SKIN_DAMAGE = (
    "burn",
    "blister",
    "rash",
    "sun_damage",
    "friction",
    "strong_topical_steroid",
    "other_medicated_cream",
    "other_skin_injury",
)
VALUES: Mapping[str, tuple[str, ...]] = {
    "who": (*BABY, *KIDS, *ADULT, UNKNOWN),
    "where": (
        "face",
        "eyelid_lash",
        "arms",
        "abdomen",
        "other_body",
        "genital_anal",
        "mouth_lip",
        "most_of_body",
        UNKNOWN,
    ),
    "look": (
        "white_yellowish",
        "red_or_pus",
        "clear_fluid",
        "skin_coloured_soft",
        "dark_or_changing",
        "rough",
        "mixed_other",
        UNKNOWN,
    ),
    "feel": ("hard_firm", "soft", "tender_painful", "irritated_itchy", UNKNOWN),
    "number": ("single", "few_scattered", "many_gradual", "clustered", "many_sudden", UNKNOWN),
    "how_long": ("up_to_4_weeks", "weeks_4_to_12", "over_3_months", UNKNOWN),
    "before": ("none", *SKIN_DAMAGE, "cosmetic_only", UNKNOWN),
    "family": ("no", "yes", UNKNOWN),
}
QUESTIONS = tuple(VALUES)
TYPES = ("neonatal", "primary", "secondary", "juvenile", "en_plaque", "multiple_eruptive")
OUTCOMES = ("warning_first", "does_not_fit", "cannot_tell", "fits")


class RatedSign(Protocol):
    """What triage has to know of a warning sign."""

    @property
    def level(self) -> Level: ...

    @property
    def blocking(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """One value for each question; what was not said is `unknown`.

    `not_baby` means that the user, who does not know the age, has said that it is no baby under 3 months. Without it an
    unknown age counts as the youngest (section 5).
    """

    who: str = UNKNOWN
    where: str = UNKNOWN
    look: str = UNKNOWN
    feel: str = UNKNOWN
    number: str = UNKNOWN
    how_long: str = UNKNOWN
    before: str = UNKNOWN
    family: str = UNKNOWN
    not_baby: bool = False

    def __post_init__(self) -> None:
        for question, values in VALUES.items():
            if getattr(self, question) not in values:
                raise ValueError(f"{question}: unknown value {getattr(self, question)!r}; allowed: {', '.join(values)}")

    @property
    def maybe_baby(self) -> bool:
        """True when the person is, or has to be taken for, a baby under 3 months."""
        return self.who in BABY or (self.who == UNKNOWN and not self.not_baby)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the table says.

    Attributes:
        level: How soon to be seen.
        outcome: One of `OUTCOMES`.
        fits: The types that match, all of them, in the order of `TYPES`; empty unless the outcome is `fits` (G8).
        signs: The signs present, sorted: those reported and those that follow from the answers.
        reasons: Reason codes, at least one.
    """

    level: Level
    outcome: str
    fits: tuple[str, ...]
    signs: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: it holds when each question that it names has one of the values given there."""

    part: str
    gives: str
    when: Mapping[str, tuple[str, ...]]


def _row(part: str, gives: str, **when: str | tuple[str, ...]) -> Row:
    return Row(part, gives, {key: (values,) if isinstance(values, str) else values for key, values in when.items()})


def _sign(sign: str, **when: str | tuple[str, ...]) -> Row:
    return _row("sign", f"ws.{sign}", **when)


def _soon(**when: str | tuple[str, ...]) -> Row:
    return _row("floor", Level.PROVIDER_SOON.name, **when)


def _but(question: str, *values: str) -> tuple[str, ...]:
    return tuple(value for value in VALUES[question] if value not in values)


_NOT_BABY = _but("who", *BABY)
_CALM = ("single", "few_scattered", "many_gradual")
_CALM_OR_CLUSTERED = (*_CALM, "clustered")
_LASTING = ("over_3_months", UNKNOWN)
_LID_OR_UNKNOWN = ("eyelid_lash", UNKNOWN)

ROWS: tuple[Row, ...] = (
    # Section 5. `baby` is who is, or may be, under 3 months: the unknown age counts as the youngest.
    _sign("infant_u3m_blisters", look="clear_fluid", baby="yes"),
    _sign("infant_u3m_blisters", before="blister", baby="yes"),
    _sign("infant_u3m_pus", look="red_or_pus", baby="yes"),
    _sign("infant_u3m_pus", feel="tender_painful", baby="yes"),
    _sign("child_blisters", look="clear_fluid", who=(*KIDS, UNKNOWN), baby="no"),
    _sign("adult_fluid_bumps", look="clear_fluid", who=ADULT),
    _sign("painful_blisters", look="clear_fluid", feel="tender_painful", baby="no"),
    _sign("changing_growing", look="dark_or_changing"),
    _sign("painful_bump", feel="tender_painful"),
    _sign("eyelid_symptoms", where=_LID_OR_UNKNOWN, feel="tender_painful"),
    _sign("eyelid_symptoms", where=_LID_OR_UNKNOWN, look="red_or_pus"),
    _sign("child_genital_anal", where="genital_anal", who=(*BABY, *KIDS, UNKNOWN)),
    _sign("genital_anal", where="genital_anal", who=("teen", *ADULT, UNKNOWN)),
    _sign("mouth_lip", where="mouth_lip"),
    _sign("most_of_body", where="most_of_body"),
    _sign("sudden_widespread", number="many_sudden", where=("most_of_body", UNKNOWN)),
    # In a newborn every bump has come within days to weeks.
    _sign(
        "sudden_many", number="many_sudden", where=_but("where", "most_of_body", UNKNOWN), who=_but("who", "newborn")
    ),
    _sign("clustered_patch", number="clustered", who=_NOT_BABY),
    _sign("steroid_use", before="strong_topical_steroid"),
    _sign("family_history", family="yes"),
    # Section 6. "Unknown" takes the highest floor that a known value could give (G3).
    _soon(who=UNKNOWN),
    _soon(where=UNKNOWN),
    _soon(look=(UNKNOWN, "mixed_other")),
    _soon(look="rough", who=FROM_40),  # NHS-NMSC, AGS-SKIN
    _soon(where="eyelid_lash", how_long=_LASTING),  # NHS-STYE, SCF-LID
    _soon(who=FROM_40, number=("single", UNKNOWN), how_long=_LASTING),  # MSD-BCC, STOLLERY
    # Section 7, step 3: a known answer contradicts the article's picture (definition.1, definition.6).
    _row("differs", "R_LOOK_DIFFERS", look=("red_or_pus", "skin_coloured_soft", "rough")),
    _row("differs", "R_FEEL_DIFFERS", feel="soft"),
    # Step 4: what a comparison needs is missing, or two answers do not go together.
    _row("missing", "R_LOOK_UNKNOWN", look=(UNKNOWN, "mixed_other")),
    _row("missing", "R_FEEL_UNKNOWN", feel=UNKNOWN),
    _row("missing", "R_AGE_UNKNOWN", who=UNKNOWN),
    _row("missing", "R_SITE_UNKNOWN", where=UNKNOWN),
    _row("missing", "R_INCONSISTENT", who="newborn", how_long=("weeks_4_to_12", "over_3_months")),
    _row("missing", "R_INCONSISTENT", who="infant_u3m", how_long="over_3_months"),
    # Step 5: the six patterns. By now the look is white or whitish; the feel is hard, or irritated.
    _row("fits", "neonatal", feel="hard_firm", who="newborn", before="none", number=_but("number", UNKNOWN)),
    _row("fits", "primary", feel="hard_firm", who=ADULT, before="none", number=_CALM),
    _row("fits", "secondary", feel="hard_firm", who=_NOT_BABY, before=SKIN_DAMAGE, number=_CALM_OR_CLUSTERED),
    _row("fits", "juvenile", feel="hard_firm", who=ADULT, family="yes", number=_CALM_OR_CLUSTERED),
    _row("fits", "en_plaque", feel="hard_firm", who="adult_40_70", before="none", number="clustered"),
    _row(
        "fits",
        "multiple_eruptive",
        feel=("hard_firm", "irritated_itchy"),
        who=_NOT_BABY,
        number="many_sudden",
        where=("face", "eyelid_lash", "arms", "abdomen"),
    ),
    # The only form that the article gives a time for, and that can outlast it (duration.3). Needs the primary row too.
    _row("longer", "R_LONGER_THAN_USUAL", who=ADULT, before="none", number=_CALM, how_long="over_3_months"),
    # Step 6: nothing fits; why.
    _row("rest", "R_IRRITATION_NOT_DESCRIBED", feel="irritated_itchy"),
    _row("rest", "R_NUMBER_UNKNOWN", number=UNKNOWN),
    _row("rest", "R_CAUSE_UNKNOWN", before=UNKNOWN),
    _row("rest", "R_COSMETIC_NOT_COVERED", before="cosmetic_only"),
    _row("rest", "R_AGE_NOT_COVERED", who=("infant_u3m", *KIDS)),
    _row("rest", "R_FAMILY_HISTORY", family="yes", who=_but("who", *ADULT)),
    _row("rest", "R_CLUSTER_AGE_OR_CAUSE", number="clustered"),
    _row("rest", "R_SUDDEN_SITE_OR_AGE", number="many_sudden"),
)
REASONS = (
    "R_SIGN",
    "R_SCREEN_SKIPPED",
    *dict.fromkeys(row.gives for row in ROWS if row.part in ("differs", "missing", "longer", "rest")),
    "R_MATCH",
    "R_NO_TYPE",
)


def _bits(question: str, value: str) -> int:
    """Return the rows, one bit each, that this answer does not contradict."""
    return sum(1 << n for n, row in enumerate(ROWS) if value in row.when.get(question, (value,)))


_BITS = {question: {value: _bits(question, value) for value in values} for question, values in VALUES.items()}
_BABY_BITS = (_bits("baby", "no"), _bits("baby", "yes"))
_WHO, _WHERE, _LOOK, _FEEL, _NUMBER, _HOW_LONG, _BEFORE, _FAMILY = (_BITS[question] for question in QUESTIONS)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a set of rows says before any reported sign is looked at."""

    signs: frozenset[str]
    ordered: tuple[str, ...]
    floor: Level
    outcome: str
    fits: tuple[str, ...]
    reasons: tuple[str, ...]


@cache
def _finding(rows: int) -> _Finding:
    """Work out what follows from the rows that hold; steps 3 to 6 of section 7."""
    given: dict[str, dict[str, None]] = {}
    for n, row in enumerate(ROWS):
        if rows >> n & 1:
            given.setdefault(row.part, {})[row.gives] = None
    part = {name: tuple(values) for name, values in given.items()}
    signs = part.get("sign", ())
    said: tuple[str, tuple[str, ...], tuple[str, ...]]
    floor = max([Level.PROVIDER_ROUTINE, *(Level[name] for name in part.get("floor", ()))])
    if "differs" in part:
        said = ("does_not_fit", (), part["differs"])
    elif "missing" in part:
        said = ("cannot_tell", (), part["missing"])
    elif "fits" in part:
        longer = part.get("longer", ()) if "primary" in part["fits"] else ()
        said = ("fits", part["fits"], longer or ("R_MATCH",))
    else:
        said = ("cannot_tell", (), part.get("rest", ("R_NO_TYPE",)))
    return _Finding(frozenset(signs), tuple(sorted(signs)), floor, *said)


def assess(
    answers: Answers,
    signs: Collection[str],
    catalog: Mapping[str, RatedSign],
    screen: Screen = "answered",
) -> Assessment:
    """Sort a description by the triage table.

    Args:
        answers: One value for each question.
        signs: Ids of the warning signs that are present or "not sure" (G4).
        catalog: Level and blocking of every sign by id.
        screen: `skipped` when any part of the warning screen was left open.

    Returns:
        The level, the outcome and why.

    Raises:
        ValueError: A sign is not in the catalog, or `screen` has another value.
    """
    if screen not in ("answered", "skipped"):
        raise ValueError(f"screen: unknown value {screen!r}; allowed: answered, skipped")
    for sign in signs:
        if sign not in catalog:
            raise ValueError(f"signs: unknown sign {sign!r}; the catalog has {len(catalog)}, such as {min(catalog)!r}")
    baby = answers.maybe_baby
    found = _finding(
        _WHO[answers.who]
        & _WHERE[answers.where]
        & _LOOK[answers.look]
        & _FEEL[answers.feel]
        & _NUMBER[answers.number]
        & _HOW_LONG[answers.how_long]
        & _BEFORE[answers.before]
        & _FAMILY[answers.family]
        & _BABY_BITS[baby]
    )
    present = found.signs.union(signs)
    level, blocked = found.floor, False
    for sign in present:
        rated = catalog[sign]
        level = max(level, rated.level)  # G1
        blocked = blocked or rated.blocking
    skipped = screen == "skipped"
    if skipped:
        level = max(level, Level.URGENT_SAME_DAY if baby else Level.PROVIDER_SOON)  # G4
    everything = tuple(sorted(present)) if signs else found.ordered
    if blocked or level >= Level.URGENT_SAME_DAY:  # G7
        reasons = ("R_SIGN",) * blocked + ("R_SCREEN_SKIPPED",) * skipped
        return Assessment(level, "warning_first", (), everything, reasons)
    if skipped:
        return Assessment(level, "cannot_tell", (), everything, ("R_SCREEN_SKIPPED",))
    return Assessment(level, found.outcome, found.fits, everything, found.reasons)
