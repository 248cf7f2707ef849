"""Decide from what a message says which warning signs are present, and how soon somebody is to be seen.

Pure and deterministic: no spaCy, no Rasa. `milia.sign_detection` finds atoms ("fever", "blister") and direct signs in
a text; this module joins them with ages, temperatures and earlier messages by the combination table of the content
file, and settles levels. The texts of the replies are in `milia.sign_messages`, the list in `milia.sign_catalog`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from milia.quantities import YEAR
from milia.sign_catalog import Level, Region, Sign, SignCatalog, SignError, load_signs
from milia.sign_messages import Escalation, escalation, general_advice, safety_net

__all__ = [
    "LASTING_ATOMS",
    "AgeRange",
    "Context",
    "Escalation",
    "Findings",
    "Level",
    "Mention",
    "Region",
    "Sign",
    "SignCatalog",
    "SignError",
    "Temperature",
    "conversation_level",
    "escalation",
    "fits_age",
    "general_advice",
    "hypothetical_signs_in",
    "load_signs",
    "safety_net",
    "signs_in",
]

THREE_MONTHS = 91.0  # under 3 months = under 13 weeks by date of birth (warning-signs.md, section 3)
FOUR_WEEKS = 28.0
_UNDER_3_MONTHS = "newborn / infant under 3 months"  # a group of signs
HIGH_C, LOW_C, BORDERLINE_C = 38.0, 36.0, 37.5
UNKNOWN_AGE = frozenset({"not_under_3_months", "not_newborn"})  # somebody of whom no age was said
BABY_GROUPS = frozenset({"newborn", "baby"})
# What is said once and still holds messages later, so that a conversation may keep it (Context.atoms).
LASTING_ATOMS = frozenset(
    "infection_sign infected_said spreading_redness red_streak local_heat swelling pus red_sore blister clear_bump sores raw_skin "
    "rash eczema new_medicine skin_product product_use fever immuno pregnant diabetes eye_area eyelid bump removal_attempt "
    "steroid_cream pox_contact mpox_contact yellow_crops".split()
)


@dataclass(frozen=True)
class Mention:
    """An atom or a sign found in a text, with the words that say it."""

    name: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Temperature:
    """A body temperature in degrees Celsius, and where it was taken if that was said."""

    celsius: float
    site: str = ""
    start: int = 0
    end: int = 0
    text: str = ""


@dataclass(frozen=True)
class AgeRange:
    """The age of the person spoken of, in days, as far as the words allow.

    `group` is set where a word gave it (newborn, baby, toddler, child, teen, adult, elder). A baby whose age is in
    doubt counts as under 3 months; a child whose age is in doubt does not, since babies are called babies.
    """

    low: float
    high: float
    group: str = ""
    start: int = 0
    end: int = 0
    text: str = ""

    def atoms(self) -> frozenset[str]:
        """Return the age as atoms of the combination table."""
        baby = not self.group or self.group in BABY_GROUPS
        found = {
            "under_24_hours": self.high < 1.0 and baby,
            "under_4_weeks": self.low < FOUR_WEEKS and baby and (not self.group or self.group == "newborn"),
            "under_3_months": self.low < THREE_MONTHS and baby,
            "from_3_to_12_months": baby and THREE_MONTHS <= self.low < YEAR,
            "child": self.low < 18 * YEAR and self.group not in {"adult", "elder"},
            "under_13": self.low < 13 * YEAR and self.group not in {"teen", "adult", "elder"},
            "young_child": self.low < 5 * YEAR and self.group not in {"teen", "adult", "elder"},
            "adult": self.low >= 18 * YEAR or self.group in {"adult", "elder"},
            "over_70": self.low >= 71 * YEAR or self.group == "elder",
        }
        found["not_under_3_months"] = not found["under_3_months"]
        found["not_newborn"] = not found["under_4_weeks"]
        return frozenset(name for name, holds in found.items() if holds)


@dataclass(frozen=True)
class Findings:
    """What one message says: atoms and direct signs, present or hypothetical, with temperature and age."""

    atoms: tuple[Mention, ...] = ()
    signs: tuple[Mention, ...] = ()
    hypothetical_atoms: tuple[Mention, ...] = ()
    hypothetical_signs: tuple[Mention, ...] = ()
    temperature: Temperature | None = None
    hypothetical_temperature: Temperature | None = None
    age: AgeRange | None = None
    # Something was named only to say that it is not there, is over, or in a figure of speech.
    dismissed: bool = False

    @property
    def temperature_c(self) -> float | None:
        """The temperature in degrees Celsius, if one was given."""
        return self.temperature.celsius if self.temperature else None

    @property
    def atom_names(self) -> frozenset[str]:
        """The names of the atoms that are present."""
        return frozenset(m.name for m in self.atoms)

    def __bool__(self) -> bool:
        return bool(self.atoms or self.signs or self.hypothetical_atoms or self.hypothetical_signs or self.temperature)


@dataclass(frozen=True)
class Context:
    """What earlier messages of the conversation established about the person; all of it optional.

    `atoms` may hold any lasting atom (pregnant, immuno, diabetes, eczema, eye_area, face, new_medicine, bump ...).
    """

    age: AgeRange | None = None
    atoms: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, *, age_days: float | None = None, group: str = "", pregnant: bool = False, immuno: bool = False,
        eye_area: bool = False, diabetes: bool = False, bump: bool = False,
    ) -> Context:
        """Build a context from plain values: an age in days or a group such as `newborn`, and flags."""
        age = AgeRange(age_days, age_days) if age_days is not None else GROUP_AGES.get(group)
        if group and group not in GROUP_AGES:
            raise SignError(f"unknown age group {group!r}; known: {', '.join(GROUP_AGES)}")
        flags = {"pregnant": pregnant, "immuno": immuno, "eye_area": eye_area, "diabetes": diabetes, "bump": bump}
        return cls(age, frozenset(name for name, on in flags.items() if on))


GROUP_AGES = {
    "newborn": AgeRange(0, 27.99, "newborn"),
    "infant_u3m": AgeRange(28, 90.99),
    "infant_3_12m": AgeRange(THREE_MONTHS, YEAR - 0.01),
    "baby": AgeRange(0, YEAR - 0.01, "baby"),
    "child": AgeRange(YEAR, 13 * YEAR - 0.01, "child"),
    "teen": AgeRange(13 * YEAR, 18 * YEAR - 0.01, "teen"),
    "adult": AgeRange(18 * YEAR, 110 * YEAR, "adult"),
    "adult_18_39": AgeRange(18 * YEAR, 40 * YEAR - 0.01, "adult"),
    "adult_40_70": AgeRange(40 * YEAR, 71 * YEAR - 0.01, "adult"),
    "adult_over_70": AgeRange(71 * YEAR, 110 * YEAR, "elder"),
}


def _temperature_atoms(temperature: Temperature | None, atoms: frozenset[str]) -> frozenset[str]:
    """Return `temp_high`, `temp_low`, `temp_borderline`.

    "Fever" and "feels hot" count as 38.0 C or more unless a lower reading is given; no correction is made for the
    site of measurement. A reading under 38.0 C does not take away "feels cold".
    """
    if temperature is None:
        return frozenset({"temp_high"} if atoms & {"fever", "feels_hot"} else set()) | (
            frozenset({"temp_low"}) if "feels_cold" in atoms else frozenset()
        )
    found = set()
    if temperature.celsius >= HIGH_C:
        found.add("temp_high")
    if temperature.celsius < LOW_C or "feels_cold" in atoms:
        found.add("temp_low")
    if BORDERLINE_C <= temperature.celsius < HIGH_C and temperature.site != "rectal":
        found.add("temp_borderline")
    return frozenset(found)


def _signs(
    findings: Findings, context: Context, catalog: SignCatalog
) -> frozenset[str]:
    """Join direct signs with all combinations that hold and that this message has a part in.

    What earlier messages established fills up a combination, but does not set it again in each later message.
    """
    temperature, own, known = findings.temperature, findings.atom_names, context.atoms
    if temperature is not None and temperature.celsius < HIGH_C:
        own, known = own - {"fever", "feels_hot"}, known - {"fever", "feels_hot"}
    own |= _temperature_atoms(temperature, own)
    known |= _temperature_atoms(None, known)
    age = _age(findings.age, context.age)
    years = age.atoms() if age else UNKNOWN_AGE
    if findings.age is not None and years != (context.age.atoms() if context.age else UNKNOWN_AGE):
        own |= years
    everything = own | known | years
    return frozenset(m.name for m in findings.signs) | frozenset(
        sign
        for combination in catalog.combinations
        if combination.holds(everything) and any(need & own for need in combination.needs)
        for sign in combination.sets
    )


def signs_in(findings: Findings, context: Context | None, catalog: SignCatalog) -> frozenset[str]:
    """Return the ids of all signs present in a message.

    Args:
        findings: What the message says.
        context: What earlier messages established; they alone raise nothing.
        catalog: The list.
    """
    return _signs(findings, context or Context(), catalog)


def hypothetical_signs_in(findings: Findings, context: Context | None, catalog: SignCatalog) -> frozenset[str]:
    """Return the signs that a message only asks about ("what if ..."); they never enter the conversation's level."""
    supposed = frozenset(m.name for m in findings.hypothetical_atoms)
    direct = frozenset(m.name for m in findings.hypothetical_signs)
    if not (supposed or direct or findings.hypothetical_temperature):
        return frozenset()
    context = context or Context()
    assumed = replace(
        findings,
        signs=findings.hypothetical_signs,
        atoms=findings.atoms + findings.hypothetical_atoms,
        temperature=findings.hypothetical_temperature or findings.temperature,
    )
    return signs_in(assumed, context, catalog) - signs_in(findings, context, catalog)


def fits_age(sign: str, age: AgeRange | None, catalog: SignCatalog) -> bool:
    """Tell whether somebody of that age can have a sign: those of babies under 3 months nobody older can."""
    return age is None or catalog[sign].group != _UNDER_3_MONTHS or "under_3_months" in age.atoms()


def _age(said: AgeRange | None, known: AgeRange | None) -> AgeRange | None:
    """Return the age to use: a figure beats a word, and what the message says beats what came before."""
    if said is None or (said.group and known is not None and (said.group in BABY_GROUPS) == ("under_3_months" in known.atoms() or known.high <= YEAR)):
        return known or said
    return said


def conversation_level(previous: Level, signs: frozenset[str] | set[str], catalog: SignCatalog, *, corrected: bool = False) -> Level:
    """Return the level of the conversation after a message.

    It only rises. A correction ("I misread, it is 37.2") lets it fall to what is left, except from an emergency.
    """
    now = catalog.level(frozenset(signs))
    if corrected and previous < Level.EMERGENCY_NOW:
        return now
    return max(previous, now)
