"""The list of warning signs: levels, signs, combinations and rules, loaded from one content file.

Owns the shape of `data/content/warning_signs.yml` and nothing of its wording: whatever a clinician may want to change
stands in that file. Unknown keys, ids and levels raise with the file, the value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

SIGNS_FILE = Path("data/content/warning_signs.yml")


class SignError(ValueError):
    """The content file of the warning signs is wrong; the message names file, value and what is allowed."""


class Level(IntEnum):
    """How soon somebody is to be seen; higher is sooner."""

    PROVIDER_ROUTINE = 1
    PROVIDER_SOON = 2
    URGENT_SAME_DAY = 3
    EMERGENCY_NOW = 4

    @property
    def id(self) -> str:
        """The level as content files and slots write it."""
        return self.name.lower()

    @classmethod
    def from_id(cls, level: str) -> Level:
        """Return the level with an id such as `provider_soon`."""
        known = {member.id: member for member in cls}
        if level not in known:
            raise SignError(f"unknown level {level!r}; known: {', '.join(known)}")
        return known[level]


@dataclass(frozen=True)
class Sign:
    """One warning sign; `say` is the action in sentences, `worse` what would make a level 3 an emergency."""

    id: str
    level: Level
    group: str
    blocking: bool
    title: str
    sign: str
    say: str
    must_not: str
    sources: tuple[str, ...]
    worse: str = ""
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Combination:
    """Parts that together set signs: every member of `needs` must be met by one of its atoms."""

    needs: tuple[frozenset[str], ...]
    absent: frozenset[str]
    sets: tuple[str, ...]
    why: str

    def holds(self, atoms: frozenset[str]) -> bool:
        """Tell whether a set of atoms meets it."""
        return all(need & atoms for need in self.needs) and not self.absent & atoms


@dataclass(frozen=True)
class Region:
    """The numbers and services that a reply names."""

    id: str
    emergency_number: str
    nurse_line: str
    crisis_line: str
    poison_line: str


@dataclass(frozen=True)
class SignRules:
    """How people say things: patterns by concept and by atom, cues by kind, spellings; see the content file."""

    concepts: Mapping[str, tuple[str, ...]]
    atoms: Mapping[str, tuple[str, ...]]
    cues: Mapping[str, tuple[str, ...]]
    spellings: Mapping[str, str]
    fillers: frozenset[str]


@dataclass(frozen=True)
class SignCatalog(Mapping[str, Sign]):
    """All warning signs by id, with the rules and texts that go with them."""

    signs: Mapping[str, Sign]
    combinations: tuple[Combination, ...]
    regions: Mapping[str, Region]
    default_region: str
    texts: Mapping[str, Any]
    sources: Mapping[str, str]
    rules: SignRules
    reviewed: str = ""
    file: str = field(default="", compare=False)

    def __getitem__(self, sign: str) -> Sign:
        if sign not in self.signs:
            raise SignError(f"{self.file}: unknown sign {sign!r}; known: {', '.join(sorted(self.signs))}")
        return self.signs[sign]

    def __iter__(self) -> Iterator[str]:
        return iter(self.signs)

    def __len__(self) -> int:
        return len(self.signs)

    def __hash__(self) -> int:
        return id(self)

    def region(self, region: str = "") -> Region:
        """Return a region by id; the default region for an empty id."""
        region = region or self.default_region
        if region not in self.regions:
            raise SignError(f"{self.file}: unknown region {region!r}; known: {', '.join(self.regions)}")
        return self.regions[region]

    def level(self, signs: frozenset[str] | set[str] | tuple[str, ...]) -> Level:
        """Return the highest level of some signs, `PROVIDER_ROUTINE` for none."""
        return max((self[s].level for s in signs), default=Level.PROVIDER_ROUTINE)

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The place of each sign in the file, which settles ties between signs of one level."""
        return {sign: place for place, sign in enumerate(self.signs)}


_SIGN_KEYS = frozenset(Sign.__dataclass_fields__)
_TOP_KEYS = frozenset(
    "version reviewed default_region regions texts sources signs combinations concepts atoms cues spellings fillers".split()
)
_COMBINATION_KEYS = frozenset({"all", "none", "sets", "why"})
CUE_KINDS = (
    "own_question", "general_start", "personal", "general", "in_general", "negated", "negated_before", "hypothetical", "past", "past_after", "idiom", "not_cues", "stops", "list_items", "lasting", "always", "earnest", "current",
)
# Facts that the program derives from ages, temperatures and earlier messages; combinations may name them like atoms.
DERIVED_ATOMS = (
    "under_24_hours", "under_4_weeks", "under_3_months", "not_newborn", "from_3_to_12_months", "not_under_3_months", "child", "under_13", "young_child", "over_70", "adult",
    "temp_high", "temp_low", "temp_borderline",
)


def _keys(file: str, where: str, found: Mapping[str, Any], allowed: frozenset[str], needed: frozenset[str] = frozenset()) -> None:
    """Raise for keys that are unknown or missing."""
    for key in found:
        if key not in allowed:
            raise SignError(f"{file}: {where}: unknown key {key!r}; known: {', '.join(sorted(allowed))}")
    for key in sorted(needed):
        if key not in found:
            raise SignError(f"{file}: {where}: missing key {key!r}; needed: {', '.join(sorted(needed))}")


def _lines(file: str, where: str, value: Any) -> tuple[str, ...]:
    """Return a list of strings."""
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SignError(f"{file}: {where}: {value!r} is not a list of texts")
    return tuple(value)


def _sign(file: str, raw: Mapping[str, Any], sources: Mapping[str, str]) -> Sign:
    """Build one sign."""
    where = str(raw.get("id", "sign without id"))
    needed = _SIGN_KEYS - {"worse", "patterns"}
    _keys(file, where, raw, _SIGN_KEYS, needed)
    try:
        level = Level.from_id(raw["level"])
    except SignError as error:
        raise SignError(f"{file}: {where}: {error}") from None
    for source in raw["sources"]:
        if source not in sources:
            raise SignError(f"{file}: {where}: unknown source {source!r}; known: {', '.join(sorted(sources))}")
    if not isinstance(raw["blocking"], bool):
        raise SignError(f"{file}: {where}: blocking is {raw['blocking']!r}; allowed: true, false")
    if level == Level.URGENT_SAME_DAY and not raw.get("worse"):
        raise SignError(f"{file}: {where}: missing key 'worse', which every sign of level urgent_same_day needs")
    return Sign(
        id=where,
        level=level,
        group=str(raw["group"]),
        blocking=raw["blocking"],
        title=str(raw["title"]),
        sign=str(raw["sign"]).strip(),
        say=str(raw["say"]).strip(),
        must_not=str(raw["must_not"]).strip(),
        sources=tuple(raw["sources"]),
        worse=str(raw.get("worse", "")).strip(),
        patterns=_lines(file, f"{where}: patterns", raw.get("patterns", [])),
    )


def _combination(file: str, raw: Mapping[str, Any], atoms: frozenset[str], signs: Mapping[str, Sign]) -> Combination:
    """Build one combination, with all its names checked."""
    where = f"combination {raw.get('sets')}"
    _keys(file, where, raw, _COMBINATION_KEYS, frozenset({"all", "sets"}))
    needs = tuple(frozenset(name.strip() for name in str(part).split("|")) for part in raw["all"])
    absent = frozenset(raw.get("none", []))
    for name in frozenset().union(absent, *needs):
        if name not in atoms:
            raise SignError(f"{file}: {where}: unknown atom {name!r}; known: {', '.join(sorted(atoms))}")
    for sign in raw["sets"]:
        if sign not in signs:
            raise SignError(f"{file}: {where}: unknown sign {sign!r}; known: {', '.join(sorted(signs))}")
    return Combination(needs, absent, tuple(raw["sets"]), str(raw.get("why", "")))


def load_signs(path: Path | str = SIGNS_FILE) -> SignCatalog:
    """Load and check the warning signs.

    Raises:
        SignError: For anything unknown, missing or doubled in the file.
    """
    path, file = Path(path), Path(path).name
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if not isinstance(document, dict) or set(document) != {"warning_signs"}:
        raise SignError(f"{file}: the root key must be 'warning_signs', and the only one")
    raw: Mapping[str, Any] = document["warning_signs"]
    _keys(file, "warning_signs", raw, _TOP_KEYS, _TOP_KEYS)
    sources: dict[str, str] = {}
    for source in raw["sources"]:
        _keys(file, "sources", source, frozenset({"key", "grade", "title"}), frozenset({"key", "title"}))
        sources[source["key"]] = source["title"]
    signs: dict[str, Sign] = {}
    for entry in raw["signs"]:
        sign = _sign(file, entry, sources)
        if sign.id in signs:
            raise SignError(f"{file}: sign {sign.id!r} is there twice")
        signs[sign.id] = sign
    _keys(file, "cues", raw["cues"], frozenset(CUE_KINDS), frozenset(CUE_KINDS))
    atoms = frozenset(raw["atoms"]) | frozenset(DERIVED_ATOMS)
    regions = {}
    for region, numbers in raw["regions"].items():
        needed = frozenset(Region.__dataclass_fields__) - {"id"}
        _keys(file, f"region {region}", numbers, needed, needed)
        regions[region] = Region(id=region, **numbers)
    rules = SignRules(
        concepts={name: _lines(file, f"concept {name}", lines) for name, lines in raw["concepts"].items()},
        atoms={name: _lines(file, f"atom {name}", lines) for name, lines in raw["atoms"].items()},
        cues={name: _lines(file, f"cue {name}", lines) for name, lines in raw["cues"].items()},
        spellings={str(k): str(v) for k, v in raw["spellings"].items()},
        fillers=frozenset(str(raw["fillers"]).split()),
    )
    doubled = sorted(set(rules.concepts) & set(rules.atoms))
    if doubled:
        raise SignError(f"{file}: both a concept and an atom: {', '.join(doubled)}")
    catalog = SignCatalog(
        signs=signs,
        combinations=tuple(_combination(file, entry, atoms, signs) for entry in raw["combinations"]),
        regions=regions,
        default_region=str(raw["default_region"]),
        texts=raw["texts"],
        sources=sources,
        rules=rules,
        reviewed=str(raw["reviewed"]),
        file=file,
    )
    catalog.region()
    return catalog
