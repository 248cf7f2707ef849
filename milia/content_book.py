"""`milia content book`: everything that the bot may say, and when, as one HTML page for a clinician to review on paper.

Gathers content, rules and safety case and fills `content_book.html`. The page needs nothing from outside and no script,
and the same content gives the same bytes: no date, no machine, no order of chance. Its content version is what a
reviewer signs.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from milia import readable_rules
from milia.check_result import compose
from milia.content import LOADER, Content, ContentError, load_content
from milia.safety_case import STEPS, SafetyCaseError, load_safety_case
from milia.sign_catalog import DERIVED_ATOMS, Level, SignCatalog, SignError
from milia.sign_messages import AUDIENCES, CRISIS_SIGNS, escalation, general_advice
from milia.triage import QUESTIONS, ROWS, TYPES, Answers, Screen, assess
from milia.triage_table import TableError, TriageTable, load_table
from milia.warning_signs import load_signs

TEMPLATE = Path(__file__).with_name("content_book.html")
OUT = Path("results/content-book.html")
_VERSIONED = ("data/content/**/*.yml", "domain.yml", "milia/channels/*.yml", "milia/triage.py", "docs/safety/*.yml")
# Parts of the content that are read as they stand in their files: the loaders keep only what the program needs.
_RAW = ("warning_signs", "triage", "replies", "claims", "facts")
_NAMES = re.compile(r"&lt;([a-z_0-9]+)&gt;")
_PLACES = re.compile(r"\{\w+\}")
_BASE = {
    "who": "adult_18_39",
    "where": "face",
    "look": "white_yellowish",
    "feel": "hard_firm",
    "number": "few_scattered",
    "how_long": "weeks_4_to_12",
    "before": "none",
    "family": "no",
}
# What is answered otherwise than in the base case (an adult, white hard bumps on the face); signs; the warning screen.
_EXAMPLES: tuple[tuple[str, Mapping[str, str], tuple[str, ...], Screen], ...] = (
    ("An adult whose bumps came by themselves", {}, (), "answered"),
    ("The same, for over three months", {"how_long": "over_3_months"}, (), "answered"),
    ("A newborn", {"who": "newborn", "how_long": "up_to_4_weeks"}, (), "answered"),
    ("A baby of 6 weeks", {"who": "infant_u3m", "how_long": "up_to_4_weeks"}, (), "answered"),
    ("A child after a burn", {"who": "child", "before": "burn"}, (), "answered"),
    ("An adult after a strong steroid cream", {"before": "strong_topical_steroid"}, (), "answered"),
    ("An adult with a skin condition in the family", {"family": "yes", "before": "burn"}, (), "answered"),
    ("An adult of 50 with bumps in one patch", {"who": "adult_40_70", "number": "clustered"}, (), "answered"),
    ("An adult with many bumps on the arms at once", {"where": "arms", "number": "many_sudden"}, (), "answered"),
    ("An adult with a bump on the lid", {"where": "eyelid_lash"}, (), "answered"),
    ("An adult who is pregnant and has used a treatment", {}, ("ws.pregnancy_treatment",), "answered"),
    ("An adult who plans to take it out", {}, ("ws.self_removal_intent",), "answered"),
    ("Soft bumps in the colour of the skin", {"look": "skin_coloured_soft", "feel": "soft"}, (), "answered"),
    ("The look is not known", {"look": "unknown"}, (), "answered"),
    ("Nothing is known", dict.fromkeys(QUESTIONS, "unknown"), (), "answered"),
    ("The warning screen was skipped, an adult", {}, (), "skipped"),
    ("The warning screen was skipped, a newborn", {"who": "newborn", "how_long": "up_to_4_weeks"}, (), "skipped"),
    ("A bump that bleeds", {}, ("ws.bleeding_nonhealing",), "answered"),
    ("A newborn with red bumps", {"who": "newborn", "look": "red_or_pus"}, (), "answered"),
    ("A newborn with clear fluid in the bumps", {"who": "newborn", "look": "clear_fluid"}, (), "answered"),
    ("Thoughts of self-harm", {}, ("ws.self_harm",), "answered"),
)


@dataclass(frozen=True)
class Example:
    """A worked result: the case in words, what the table says about it, and the text that a person reads."""

    title: str
    differs: Mapping[str, str]
    signs: tuple[str, ...]
    screen: str
    level: Level
    outcome: str
    fits: tuple[str, ...]
    reasons: tuple[str, ...]
    text: str


def content_version(root: Path) -> str:
    """Return 12 hexadecimal digits that change with anything that the book prints or a decision rests on."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _VERSIONED for path in root.glob(pattern)}):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def content_book(root: Path) -> str:
    """Return the book of a project folder as one HTML document.

    Raises:
        ContentError, SignError, TableError, SafetyCaseError: A content file is not in order.
    """
    folder = root / "data" / "content"
    content = load_content(folder)
    catalog = load_signs(folder / "warning_signs.yml")
    table = load_table(folder / "triage.yml", content.facts)
    raw = {name: _read(folder / f"{name}.yml") for name in _RAW}
    page = _environment(content, catalog, table).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return page.render(
        version=content_version(root),
        content=content,
        catalog=catalog,
        table=table,
        levels=sorted(Level, reverse=True),
        combinations={sign: [row for row in catalog.combinations if sign in row.sets] for sign in catalog},
        warnings=list(_warnings(catalog)),
        audiences=AUDIENCES,
        crisis=sorted(CRISIS_SIGNS),
        derived={name: readable_rules.DERIVED[name] for name in DERIVED_ATOMS},
        rows=ROWS,
        types=TYPES,
        examples=[_example(entry, table, catalog) for entry in _EXAMPLES],
        phrases=raw["replies"]["replies"],
        claims=raw["claims"],
        figures=raw["facts"]["figures"],
        signs_file=raw["warning_signs"]["warning_signs"],
        responses={name: [one["text"] for one in texts] for name, texts in _read(root / "domain.yml")["responses"].items()},
        channels={path.name: _read(path) for path in sorted((root / "milia" / "channels").glob("*.yml"))},
        case=load_safety_case(root),
        steps=STEPS,
    )


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)


def _environment(content: Content, catalog: SignCatalog, table: TriageTable) -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    titles = {sign: catalog[sign].title for sign in catalog}
    environment.filters.update(
        said=_said,
        plain=readable_rules.plain,
        phrases=_phrases,
        breaking=_breaking,
        combination=lambda row: _linked(readable_rules.combination(row)),
        condition=readable_rules.condition,
        clauses=partial(readable_rules.row, table=table),
        cases=partial(readable_rules.case, table=table, titles=titles),
        ranges=readable_rules.ranges,
        ages=partial(readable_rules.ages, table=table),
        facts=lambda ids: [content.facts[one] for one in ids],
        supposed=lambda sign: general_advice(catalog[sign], catalog),
    )
    return environment


def _said(text: str) -> Markup:
    """Mark the placeholders of a wording, and keep its lines."""
    marked = _PLACES.sub(lambda hit: f'<i class="place">{hit[0]}</i>', str(escape(text)))
    return Markup(marked.replace("\n", "<br>"))


def _linked(text: str) -> Markup:
    """Turn the names of word lists into links to them, and let long alternatives break after a slash."""
    breaking = str(escape(text)).replace("/", "/<wbr>")
    return Markup(_NAMES.sub(lambda hit: f'<a href="#w-{hit[1]}">{readable_rules.plain(hit[1])}</a>', breaking))


def _breaking(name: str) -> Markup:
    """Let a long id break after its dots and underscores."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))


def _phrases(pattern: str) -> list[Markup]:
    return [_linked(one) for one in readable_rules.phrases(pattern)]


def _warnings(catalog: SignCatalog) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each sign of level 3 and 4 with the whole reply to it in each region."""
    for sign in catalog:
        if catalog[sign].level >= Level.URGENT_SAME_DAY:
            yield sign, {region: escalation((sign,), catalog, region).text for region in catalog.regions}


def _example(
    entry: tuple[str, Mapping[str, str], tuple[str, ...], Screen], table: TriageTable, catalog: SignCatalog
) -> Example:
    title, differs, signs, screen = entry
    answers = Answers(**{**_BASE, **differs}, not_baby=False)
    found = assess(answers, signs, catalog, screen)
    text = compose(table, catalog, answers, found).text
    changed = {table.questions[q].name: table.questions[q].title(value) for q, value in differs.items()}
    return Example(title, changed, signs, screen, found.level, found.outcome, found.fits, found.reasons, text)


def write_book(arguments: argparse.Namespace) -> int:
    """Run `milia content book`; returns 0, or 1 when the content is not in order or the file cannot be written."""
    out: Path = arguments.out or arguments.root / OUT
    try:
        text = content_book(arguments.root)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except (ContentError, SignError, TableError, SafetyCaseError, OSError) as error:
        print(f"milia content book: {error}", file=sys.stderr)
        return 1
    print(f"{out} ({len(text.encode()) // 1024} KB), content version {content_version(arguments.root)}")
    return 0

