"""Scores how much personal data the redaction finds, and what it removes that must stay.

The held-out messages (`tests/heldout/redaction.jsonl`) have marks as Rasa's training data has: `[dana kowalski](name)` is to be
removed, `[6 weeks](age)` is to stay. A piece counts as *found* when every letter and figure of it is gone, whatever the
placeholder's type; a placeholder is *right* when at least half of what it stands for is personal data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from milia.evaluation.heldout import HeldOutError
from milia.evaluation.scores import Goal, Share
from milia.storage.redaction import PLACEHOLDERS, Span, find

REDACTION_FILE = "redaction.jsonl"
# Kinds with a form of their own; names and postal addresses have none.
STRUCTURED = frozenset(PLACEHOLDERS) - {"name", "address"}
# What the triage needs, and what else must stay in place.
KEPT = frozenset(
    "age duration temperature body dose count date size weight money time spf distance bp pain person".split()
)
TRIAGE_NEEDS = ("age", "duration", "temperature", "body")
_MARK = re.compile(r"\[([^\]]+)\]\((\w+)\)")


@dataclass(frozen=True)
class Marked:
    """A message without its marks, and the marks as spans."""

    text: str
    marks: tuple[Span, ...]


@dataclass
class RedactionScores:
    """Figures over marked messages.

    Attributes:
        found: by kind, how many of the marked pieces are gone.
        right: by kind, how many placeholders stand for personal data.
        typed: pieces that are gone behind a placeholder of their own kind.
        lower: the same as `found`, for names and addresses in lower case.
        kept: by kind of what must stay, how many are whole.
        misses: text, what is wrong, and the piece.
    """

    found: dict[str, Share] = field(default_factory=dict)
    right: dict[str, Share] = field(default_factory=dict)
    typed: Share = Share(0, 0)
    lower: dict[str, Share] = field(default_factory=dict)
    kept: dict[str, Share] = field(default_factory=dict)
    misses: list[tuple[str, str, str]] = field(default_factory=list)

    def of(self, figures: dict[str, Share], kinds: Iterable[str]) -> Share:
        """Return the share over several kinds."""
        parts = [figures[kind] for kind in kinds if kind in figures]
        return Share(sum(one.right for one in parts), sum(one.total for one in parts))

    @property
    def rows(self) -> list[tuple[str, Share]]:
        """All figures under the names of the report."""
        return [
            ("structured identifiers found", self.of(self.found, STRUCTURED)),
            ("structured placeholders right", self.of(self.right, STRUCTURED)),
            ("names found", self.of(self.found, ["name"])),
            ("names in lower case found", self.of(self.lower, ["name"])),
            ("name placeholders right", self.of(self.right, ["name"])),
            ("postal addresses found", self.of(self.found, ["address"])),
            ("postal addresses in lower case found", self.of(self.lower, ["address"])),
            ("address placeholders right", self.of(self.right, ["address"])),
            ("found and of the right type", self.typed),
            ("ages, durations, temperatures, body parts kept", self.of(self.kept, TRIAGE_NEEDS)),
            ("everything else that is marked to stay kept", self.of(self.kept, KEPT - set(TRIAGE_NEEDS))),
            *((f"{kind} found", self.found[kind]) for kind in sorted(STRUCTURED & set(self.found))),
        ]

    @property
    def goals(self) -> list[Goal]:
        """What must be reached; nothing where nothing was scored."""
        if not self.found:
            return []
        figures = dict(self.rows)
        bounds = {
            "structured identifiers found": 0.97,
            "structured placeholders right": 0.95,
            "names found": 0.85,
            "postal addresses found": 0.85,
            "ages, durations, temperatures, body parts kept": 1.0,
        }
        return [
            Goal(f"redaction: {name}", figures[name].rate, bound, count=figures[name]) for name, bound in bounds.items()
        ]


def read_marked(text: str) -> Marked:
    """Take the marks out of a message.

    Raises:
        HeldOutError: a mark is of an unknown kind.
    """
    plain, marks, at = "", [], 0
    for match in _MARK.finditer(text):
        if match[2] not in PLACEHOLDERS and match[2] not in KEPT:
            allowed = ", ".join([*PLACEHOLDERS, *sorted(KEPT)])
            raise HeldOutError(f"mark {match[0]!r}: unknown kind {match[2]!r}; allowed: {allowed}")
        plain += text[at : match.start()]
        marks.append(Span(len(plain), len(plain) + len(match[1]), match[2]))
        plain, at = plain + match[1], match.end()
    return Marked(plain + text[at:], tuple(marks))


def load_marked(path: Path) -> list[Marked]:
    """Read marked messages.

    Raises:
        HeldOutError: lists each line that is not `{"text"}` with known marks.
    """
    messages: list[Marked] = []
    faults: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            if set(row) != {"text"} or not row["text"].strip():
                raise HeldOutError(f"keys {sorted(row)}; needed: text, and words in it")
            messages.append(read_marked(row["text"]))
        except (ValueError, AttributeError, TypeError) as error:
            faults.append(f"{path.name}:{number}: {error}")
    if faults:
        raise HeldOutError("\n".join(faults))
    return messages


def score_redaction(messages: Sequence[Marked], finder: Callable[[str], Iterable[Span]] = find) -> RedactionScores:
    """Score what a finder finds in marked messages.

    Args:
        messages: with marks.
        finder: returns the personal data of a text.
    """
    counted: dict[str, dict[str, list[bool]]] = {name: {} for name in ("found", "right", "lower", "kept")}
    typed: list[bool] = []
    scores = RedactionScores()
    for message in messages:
        spans = list(finder(message.text))
        gone = {place for span in spans for place in range(span.start, span.end)}
        personal = {
            place for mark in message.marks if mark.kind in PLACEHOLDERS for place in range(mark.start, mark.end)
        }
        for mark in message.marks:
            piece, places = message.text[mark.start : mark.end], _letters(message.text, mark)
            if mark.kind in KEPT:
                whole = not places & gone
                counted["kept"].setdefault(mark.kind, []).append(whole)
                if not whole:
                    scores.misses.append((message.text, "removed", piece))
                continue
            found = places <= gone
            counted["found"].setdefault(mark.kind, []).append(found)
            if piece == piece.lower():
                counted["lower"].setdefault(mark.kind, []).append(found)
            typed.append(
                found and any(s.kind == mark.kind and s.start < mark.end and mark.start < s.end for s in spans)
            )
            if not found:
                scores.misses.append((message.text, "not found", piece))
        for span in spans:
            places = _letters(message.text, span)
            right = 2 * len(places & personal) >= len(places)
            counted["right"].setdefault(span.kind, []).append(right)
            if not right:
                scores.misses.append((message.text, "false alarm", message.text[span.start : span.end]))
    for name, kinds in counted.items():
        setattr(scores, name, {kind: Share(sum(flags), len(flags)) for kind, flags in kinds.items()})
    scores.typed = Share(sum(typed), len(typed))
    return scores


def _letters(text: str, span: Span) -> set[int]:
    return {place for place in range(span.start, span.end) if text[place].isalnum()}
