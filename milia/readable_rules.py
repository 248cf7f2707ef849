"""Rules in words that a clinician can read: sign patterns, combinations, rows of the triage table, conditions.

Text in, text out; `milia.content_book` prints it. The words that are said stand in the content, not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from milia.content import When
from milia.sign_catalog import Combination
from milia.triage import UNKNOWN, VALUES, Row
from milia.triage_table import Case, TriageTable

_VETO = re.compile(r"\s(unless|not-with)\s")
_OPTIONAL = re.compile(r"\(([^()]*)\)\?|([^\s()|]+)\?")
_ORDER = ("who", "baby", "where", "look", "feel", "number", "how_long", "before", "family")


def plain(name: str) -> str:
    """Return an id as words: "spreading_redness" is "spreading redness"."""
    return name.replace("_", " ")


def phrases(pattern: str) -> list[str]:
    """Return the alternatives of a sign pattern, one readable phrase each.

    `...` between words stands for a gap of up to three words, `... ...` for up to seven; `[x]` may be missing; `a/b` is
    either; `<x>` is a word list of the rules. The notation itself is described in `data/content/warning_signs.yml`.
    """
    return [_phrase(one) for one in split_alternatives(pattern)]


def split_alternatives(pattern: str) -> list[str]:
    """Split a pattern at the bars that stand outside brackets."""
    depth, parts, current = 0, [], ""
    for char in " ".join(pattern.split()):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [part for part in (*parts, current.strip()) if part]


def _phrase(text: str) -> str:
    body, *vetoes = _VETO.split(text)
    body = re.sub(r"\s\.\.\.\s", " \u2026 \u2026 ", f" {body} ")
    body = re.sub(r"\s\.\.\s", " \u2026 ", body)
    body = _OPTIONAL.sub(lambda hit: f"[{(hit[1] or hit[2]).replace('|', '/')}]", body)
    body = body.replace("|", "/").replace("NUM", "#").strip()
    words = {"unless": "not where it is", "not-with": "not in a sentence with"}
    for kind, names in zip(vetoes[::2], vetoes[1::2], strict=True):
        listed = " or ".join(f"<{name.strip()}>" for name in names.split(","))
        body += f" ({words[kind]} {listed})"
    return body


def combination(row: Combination) -> str:
    """Return the parts of a combination: "<under_3_months> + <temp_high> or <temp_low>"."""
    needs = " + ".join(" or ".join(f"<{name}>" for name in sorted(need)) for need in row.needs)
    absent = " or ".join(f"<{name}>" for name in sorted(row.absent))
    return f"{needs}, but not with {absent}" if absent else needs


def condition(when: When) -> str:
    """Return for whom an answer is: "Everyone else" where nothing is asked."""
    parts = []
    for name in ("who", "area", "type", "before"):
        values = getattr(when, name)
        if values:
            parts.append(f"{_LABELS[name]}: {listed(map(plain, sorted(values)))}")
    if when.not_who:
        parts.append(f"not for: {listed(map(plain, sorted(when.not_who)))}")
    return "; ".join(parts) or "Everyone else"


_LABELS = {"who": "Person", "area": "Place", "type": "Form", "before": "After"}


def row(row: Row, table: TriageTable) -> list[str]:
    """Return what a row of the triage table asks for, one clause each, in the words of the buttons."""
    return [_clause(name, row.when[name], table) for name in _ORDER if name in row.when]


def case(one: Case, table: TriageTable, titles: Mapping[str, str]) -> list[str]:
    """Return when a note or a withholding applies, one clause each.

    Args:
        one: The case.
        table: The words of the check.
        titles: The title of each warning sign by id.
    """
    parts = [_clause(name, values, table) for name, values in one.answers]
    if one.signs:
        parts.append("Sign: " + listed((f"{titles[sign]} ({sign})" for sign in one.signs), "or"))
    return parts


def ages(values: Iterable[str], table: TriageTable) -> str:
    """Return the ages of which an item is asked, in the words of the buttons."""
    asked = tuple(values)
    known = [value for value in VALUES["who"] if value != UNKNOWN]
    if set(known) <= set(asked):
        return "everyone"
    return listed(_quoted(table.questions["who"].title(value)) for value in known if value in asked)


def ranges(ids: Iterable[str]) -> str:
    """Return fact ids in order, neighbours joined: "duration.1-3, sources.5"; "none" for no id."""
    numbers: dict[str, list[int]] = {}
    for one in ids:
        topic, _, number = one.partition(".")
        numbers.setdefault(topic, []).append(int(number))
    found = []
    for topic, its in sorted(numbers.items()):
        its = sorted(its)
        starts = [n for n in its if n - 1 not in its]
        ends = [n for n in its if n + 1 not in its]
        found += [f"{topic}.{a}" if a == b else f"{topic}.{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return ", ".join(found) or "none"


def _clause(name: str, values: tuple[str, ...], table: TriageTable) -> str:
    if name == "baby":
        return "Known not to be under 3 months" if values == ("no",) else "Under 3 months, or the age is not known"
    question = table.questions[name]
    left = [value for value in VALUES[name] if value not in values]
    if 0 < len(left) < len(values):
        return f"{question.name}: anything but {listed((_quoted(question.title(value)) for value in left), 'and')}"
    return f"{question.name}: {listed((_quoted(question.title(value)) for value in values), 'or')}"


def _quoted(text: str) -> str:
    return f"\u201c{text}\u201d"


def listed(words: Iterable[str], last: str = "or") -> str:
    """Join words with commas, the last one with a word of its own."""
    found = list(words)
    return f" {last} ".join(filter(None, (", ".join(found[:-1]), found[-1]))) if found else ""


# What the program works out from ages and temperatures, and rules may name like a finding (milia/warning_signs.py).
DERIVED: Mapping[str, str] = {
    "under_24_hours": "under 24 hours old",
    "under_4_weeks": "under 4 weeks old",
    "under_3_months": "under 3 months (13 weeks) old, or a baby whose age is in doubt",
    "not_newborn": "not known to be under 4 weeks old",
    "from_3_to_12_months": "3 to under 12 months old",
    "not_under_3_months": "not known to be under 3 months old, also when no age was said",
    "child": "under 18 years old",
    "under_13": "under 13 years old",
    "young_child": "under 5 years old",
    "over_70": "71 years or older",
    "adult": "18 years or older",
    "temp_high": "38.0 C (100.4 F) or more; fever or feeling hot where no reading is given",
    "temp_low": "under 36.0 C (96.8 F), or feeling cold",
    "temp_borderline": "37.5 to 37.9 C (99.5 to 100.3 F), not taken rectally",
}
