"""Whose bumps a message is about, where they are, of which type, what came before and for how long.

Reads one message; what an earlier message said is the dialogue's affair. Pure: works on a spaCy doc, knows nothing of Rasa.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from milia.content import Situation
from milia.lexicon import Found
from milia.quantities import AgeSpan, DurationSpan, find_ages, find_durations

_WEEK, _YEAR = 7.0, 365.25
# A baby of unknown age is answered like a newborn: whatever holds back a method for one holds for the other.
_ANSWERED_AS = {"baby": "newborn"}


@dataclass(frozen=True, slots=True)
class Mentions:
    """What one message says of the person and the bumps; None where it says nothing.

    Attributes:
        who: newborn, baby (age not said), infant, child, teen or adult.
        age: the youngest age said, in days (the lower end of what the words allow).
        area: eye, face, arms, abdomen, body, mouth or genital.
        type: the type of milia that it names.
        before: what happened to the skin before.
        duration: how long the bumps have been there, in days.
        own_adult: whether an adult is named as the one asked about ("adults", "for me"), not as a relative.
        own: whether the writer speaks of somebody's bumps in particular ("my", "her", "I have").
    """

    who: str | None = None
    age: float | None = None
    area: str | None = None
    type: str | None = None
    before: str | None = None
    duration: float | None = None
    own: bool = False
    own_adult: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return what is said, as JSON types."""
        return {key: value for key, value in asdict(self).items() if value not in (None, False)}

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> Mentions:
        """Read what `to_dict` wrote."""
        return cls(**values)  # type: ignore[arg-type]  # JSON of our own making

    def situation(self) -> Situation:
        """Return the situation that answers are chosen by."""
        who = self.who or "unknown"
        return Situation(_ANSWERED_AS.get(who, who), self.area or "unknown", self.type, self.before)

    def updated(self, later: Mentions) -> Mentions:
        """Return what is known after a later message; what it does not mention stays.

        Another person brings other bumps: then only what the later message says holds.
        """
        young = self.who in ("newborn", "baby", "infant", "child", "teen")
        if later.who == "adult" and later.age is None and young and not later.own_adult:
            later = replace(later, who=None)  # a relative who only asks or worries
        if later.who and self.who and later.who != self.who and not _narrows(self.who, later.who):
            return later
        ours, theirs = asdict(self), {k: v for k, v in asdict(later).items() if v not in (None, False)}
        return Mentions(**{**ours, **theirs})


def _narrows(earlier: str, later: str) -> bool:
    """Tell whether the later word may be about the same person ("my baby", then "he is 5 weeks")."""
    young = {"newborn", "baby", "infant"}
    return {earlier, later} <= young or {earlier, later} <= {"child", "baby", "infant"} or {earlier, later} <= {"child", "teen"}


def read_mentions(text: str, found: Iterable[Found]) -> Mentions:
    """Read one message.

    Args:
        text: the message as typed.
        found: the words of `situation.yml` in it; for each entity the value that its file lists first wins.
    """
    first: dict[str, str] = {}
    for item in found:
        first.setdefault(item.name, item.value)
    age = _youngest(find_ages(text))
    who = _group(age) if age is not None else first.get("who")
    lasting = [span for span in find_durations(text) if span.kind in ("for", "since")]
    return Mentions(
        who=who,
        age=age.low if age is not None and age.kind != "word" else None,
        area=first.get("area"),
        type=first.get("type"),
        before=first.get("before"),
        duration=_longest(lasting),
        own=_speaks_of_somebody(text),
        own_adult=first.get("who") == "adult" and _GROWN_UP.search(text) is not None,
    )


def _youngest(ages: Iterable[AgeSpan]) -> AgeSpan | None:
    # "I'm 34, my bub is 3 weeks": the child is asked about; and if not, holding back a method does no harm.
    sure = [age for age in ages if age.kind in ("number", "born")]
    return min(sure, key=lambda age: age.low, default=None)


def _longest(durations: Iterable[DurationSpan]) -> float | None:
    return max((span.low for span in durations), default=None)


def _group(age: AgeSpan) -> str:
    days = age.low
    if days < 4 * _WEEK + 1:
        return "newborn"
    if days < _YEAR:
        return "infant"
    if days < 13 * _YEAR:
        return "child"
    return "teen" if days < 18 * _YEAR else "adult"


_GROWN_UP = re.compile(r"\b(?:adults?|grown[- ]?ups?|elderly|middle[- ]aged|on me|for me|for myself|(?:has|have|gets?) (?:it|them|these))\b", re.IGNORECASE)
_OWN = frozenset("my mine i im ive id me our we her his hers their she he shes hes".split())


def _speaks_of_somebody(text: str) -> bool:
    return not _OWN.isdisjoint(text.lower().replace("'", "").replace("\u2019", "").split())
