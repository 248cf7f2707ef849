"""The safety case as data: hazards, the tests that prove their controls, open clinical questions, what has to be signed.

Owns the shape of `docs/safety/hazards.yml` and `docs/safety/review.yml`; `milia.safety_evidence` checks what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path("docs/safety")
HAZARDS, REVIEW = FOLDER / "hazards.yml", FOLDER / "review.yml"
STATUSES = ("open", "controlled", "accepted")
READINGS = ("the safer one", "not the safest", "as the sources have it, or none is safer")
# A residual risk from here on is not acceptable by itself, so its hazard stays open.
UNDESIRABLE = 3
STEPS = (1, 2, 3, 4, 5)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SafetyCaseError(ValueError):
    """A file of the safety case that cannot be read; names the file, the place and what is allowed."""


@dataclass(frozen=True)
class Rating:
    """Severity and likelihood, each 1 to 5, and the risk that the log states for them."""

    severity: int
    likelihood: int
    risk: int


@dataclass(frozen=True)
class Control:
    """What makes a hazard less likely or less bad, and the evidence: test ids, dialogs, held-out suites."""

    text: str
    proved_by: tuple[str, ...]


@dataclass(frozen=True)
class Hazard:
    """One entry of the log; `open_points` are controls that do not exist yet and count for nothing."""

    id: str
    hazard: str
    cause: str
    effect: str
    before: Rating
    controls: tuple[Control, ...]
    after: Rating
    owner: str
    status: str
    open_points: tuple[str, ...] = ()
    accepted_by: str = ""


@dataclass(frozen=True)
class Scale:
    """The names and meanings of the steps 1 to 5 of severity, likelihood or risk."""

    names: Mapping[int, str]
    meanings: Mapping[int, str]


@dataclass(frozen=True)
class ClinicalQuestion:
    """What the clinical sources leave open, the reading in force, and where it can be seen (sign ids, files)."""

    id: str
    question: str
    source: str
    taken: str
    reading: str
    why: str
    seen_in: tuple[str, ...]
    decides: str


@dataclass(frozen=True)
class SignOff:
    """One part that a named reviewer has to sign before patients meet it; `signed` is empty until then."""

    id: str
    part: str
    by: str
    confirms: str
    signed: str = ""


@dataclass(frozen=True)
class SafetyCase:
    """The hazard log with its scales and matrix (`matrix[likelihood][severity]`), the questions and the sign-offs."""

    severity: Scale
    likelihood: Scale
    risk: Scale
    matrix: Mapping[int, Mapping[int, int]]
    owners: Mapping[str, str]
    hazards: tuple[Hazard, ...]
    questions: tuple[ClinicalQuestion, ...]
    sign_offs: tuple[SignOff, ...]


def load_safety_case(root: Path) -> SafetyCase:
    """Read the safety case of a project folder.

    Raises:
        SafetyCaseError: A file is missing, or not of the documented form.
    """
    log, review = _open(root, HAZARDS, "hazard_log"), _open(root, REVIEW, "review")
    _keys(HAZARDS, "hazard_log", log, ("severity", "likelihood", "risk", "matrix", "owners", "hazards"))
    _keys(REVIEW, "review", review, ("questions", "sign_off"))
    return SafetyCase(
        severity=_scale("severity", log["severity"]),
        likelihood=_scale("likelihood", log["likelihood"]),
        risk=_scale("risk", log["risk"]),
        matrix={row: dict(zip(STEPS, log["matrix"][row], strict=True)) for row in STEPS},
        owners=dict(log["owners"]),
        hazards=tuple(map(_hazard, log["hazards"])),
        questions=tuple(_record(REVIEW, ClinicalQuestion, raw) for raw in review["questions"]),
        sign_offs=tuple(_record(REVIEW, SignOff, raw) for raw in review["sign_off"]),
    )


def _open(root: Path, file: Path, key: str) -> Mapping[str, Any]:
    if not (root / file).is_file():
        raise SafetyCaseError(f"{file}: file is missing")
    document = yaml.load((root / file).read_text(encoding="utf-8"), Loader=_LOADER)
    if not isinstance(document, dict) or list(document) != [key]:
        raise SafetyCaseError(f"{file}: expected the one root key {key!r}")
    found: Mapping[str, Any] = document[key]
    return found


def _keys(file: Path, place: str, raw: Any, needed: Iterable[str], more: Iterable[str] = ()) -> None:
    needed = tuple(needed)
    allowed = (*needed, *more)
    if not isinstance(raw, dict):
        raise SafetyCaseError(f"{file}: {place}: expected keys {', '.join(allowed)}, found {raw!r}")
    for key in raw:
        if key not in allowed:
            raise SafetyCaseError(f"{file}: {place}: unknown key {key!r}; allowed: {', '.join(allowed)}")
    for key in needed:
        if key not in raw:
            raise SafetyCaseError(f"{file}: {place}: key {key!r} is missing")


def _record(file: Path, kind: Callable[..., Any], raw: Any) -> Any:
    """Build a flat record: every field a text or a list of texts."""
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    _keys(file, str(raw.get("id", raw)) if isinstance(raw, dict) else "", raw, (f for f in fields if f != "signed"), ("signed",))
    return kind(**{key: tuple(value) if isinstance(value, list) else _text(value) for key, value in raw.items()})


def _text(value: Any) -> str:
    return " ".join(str(value).split())


def _scale(name: str, raw: Any) -> Scale:
    _keys(HAZARDS, name, raw, STEPS)  # type: ignore[arg-type]  # the steps are the keys
    return Scale({n: _text(raw[n]["name"]) for n in STEPS}, {n: _text(raw[n]["meaning"]) for n in STEPS})


def _rating(place: str, raw: Any) -> Rating:
    _keys(HAZARDS, place, raw, ("severity", "likelihood", "risk"))
    for key, value in raw.items():
        if value not in STEPS:
            raise SafetyCaseError(f"{HAZARDS}: {place}: {key} is {value!r}; allowed: 1 to 5")
    return Rating(**raw)


def _hazard(raw: Any) -> Hazard:
    place = str(raw.get("id", raw)) if isinstance(raw, dict) else "hazards"
    needed = ("id", "hazard", "cause", "effect", "before", "controls", "after", "owner", "status")
    _keys(HAZARDS, place, raw, needed, ("open_points", "accepted_by"))
    controls = []
    for entry in raw["controls"]:
        _keys(HAZARDS, f"{place}: controls", entry, ("text", "proved_by"))
        controls.append(Control(_text(entry["text"]), tuple(entry["proved_by"])))
    texts = {key: _text(raw[key]) for key in ("id", "hazard", "cause", "effect", "owner", "status")}
    return Hazard(
        **texts,
        before=_rating(f"{place}: before", raw["before"]),
        controls=tuple(controls),
        after=_rating(f"{place}: after", raw["after"]),
        open_points=tuple(map(_text, raw.get("open_points", ()))),
        accepted_by=_text(raw.get("accepted_by", "")),
    )
