"""The words of the guided check: frozen models of `data/content/triage.yml` and their loader.

Owns the shape of that file and none of its wording. Everything that a decision needs is checked against
`milia.triage` when the file is loaded: a value, reason or type without words, or with words and no meaning, raises with
the place, the value and what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from milia.triage import ADULT, BABY, OUTCOMES, QUESTIONS, REASONS, TYPES, UNKNOWN, VALUES

TRIAGE_FILE = Path("data/content/triage.yml")
AGES = VALUES["who"]
AUDIENCES = ("adult", "under_18")
MOST_ITEMS = 6


class TableError(ValueError):
    """The content file of the check is wrong; the message names place, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Value:
    """One answer that can be chosen: its code, its button, and how people say it."""

    code: str
    title: str
    facts: tuple[str, ...]
    cues: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """One question: its wording, another wording with examples, and why it is asked."""

    id: str
    name: str
    ask: str
    again: str
    why: str
    values: tuple[Value, ...]

    def title(self, code: str) -> str:
        """Return the button of a value."""
        return next(value.title for value in self.values if value.code == code)


@dataclass(frozen=True, slots=True)
class Item:
    """One box of the warning screen; `signs` says for which ages each of its signs is asked."""

    signs: Mapping[str, tuple[str, ...]]
    title: str
    cues: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    def signs_at(self, ages: Iterable[str]) -> tuple[str, ...]:
        """Return the signs that the item stands for at one of these ages."""
        wanted = set(ages)
        return tuple(sign for sign, its in self.signs.items() if wanted & set(its))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the warning screen (A to D): groups of items that are asked together; `next` is for all but the first."""

    id: str
    name: str
    ages: tuple[str, ...]
    ask: str
    next: str
    why: str
    groups: tuple[tuple[Item, ...], ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The sign items that are named again when an answer stayed unknown (G3)."""

    ask: str
    next: str
    why: str
    after: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """The sentence of a reason code; `today` is its wording at level 3, `names` what was not known."""

    text: str
    facts: tuple[str, ...]
    today: str = ""
    names: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence with the facts that it states."""

    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactList:
    """Which facts may follow an outcome or type, by audience, and the sentences that say them."""

    allowed: Mapping[str, frozenset[str]]
    say: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """When a note or a withholding applies: every key that is not empty must hold."""

    signs: tuple[str, ...] = ()
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def holds(self, answers: Mapping[str, str], signs: Iterable[str]) -> bool:
        """Tell whether it applies to these answers and signs."""
        told = set(signs)
        return (not self.signs or bool(told & set(self.signs))) and all(
            answers[question] in values for question, values in self.answers
        )


@dataclass(frozen=True, slots=True)
class TriageTable:
    """All words of the check."""

    reviewed: str
    questions: Mapping[str, Question]
    baby: Question
    parts: tuple[Part, ...]
    repeat: Repeat
    words: Mapping[str, str]
    read: Mapping[str, Any]
    providers: Mapping[str, str]
    provider_of: Mapping[str, str]
    types: Mapping[str, str]
    messages: Mapping[str, str]
    message_facts: Mapping[str, tuple[str, ...]]
    reasons: Mapping[str, Reason]
    most_sentences: int
    facts: Mapping[str, FactList]
    withheld: tuple[tuple[Case, tuple[str, ...]], ...]
    notes: tuple[tuple[Case, Line, bool], ...]

    def fill(self, text: str, who: str, **more: str) -> str:
        """Put the provider who suits the age, and other values, in the place of their names."""
        provider = self.providers[self.provider_of[who]]
        return text.format(provider=provider, Provider=provider[:1].upper() + provider[1:], **more)

    def may_say(self, fact: str, answers: Mapping[str, str], signs: Iterable[str]) -> bool:
        """Tell whether a fact is not withheld from this person (section 7)."""
        told = tuple(signs)
        return not any(
            fact == pattern or (pattern.endswith(".*") and fact.startswith(pattern[:-1]))
            for case, patterns in self.withheld
            if case.holds(answers, told)
            for pattern in patterns
        )


def audience(who: str) -> str:
    """Return whose list of facts counts; an unknown age counts as under 18 (section 7, "withheld")."""
    return "adult" if who in ADULT else "under_18"


def load_table(path: Path | str = TRIAGE_FILE, fact_ids: Iterable[str] | None = None) -> TriageTable:
    """Load and check the words of the check.

    Args:
        path: The file.
        fact_ids: All facts that there are; where given, each fact named in the file must be one of them.

    Raises:
        TableError: For anything unknown, missing or doubled in the file.
    """
    document = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if not isinstance(document, dict) or set(document) != {"triage"}:
        raise TableError(f"{Path(path).name}: the root key must be 'triage', and the only one")
    return _Reader(Path(path).name, None if fact_ids is None else frozenset(fact_ids)).table(document["triage"])


_TOP = (
    "version",
    "reviewed",
    "questions",
    "baby_question",
    "screen",
    "repeat",
    "words",
    "read",
    "providers",
    "provider_of",
    "types",
    "messages",
    "message_facts",
    "reasons",
    "most_sentences",
    "facts",
    "withheld",
    "notes",
)
_SIGN_PREFIX = "ws."


class _Reader:
    """Builds the models; every method names its place in the error."""

    def __init__(self, file: str, fact_ids: frozenset[str] | None) -> None:
        self.file, self.fact_ids = file, fact_ids

    def keys(self, place: str, raw: Any, needed: Iterable[str], more: Iterable[str] = ()) -> Mapping[str, Any]:
        needed, allowed = tuple(needed), (*needed, *more)
        if not isinstance(raw, dict):
            raise TableError(f"{self.file}: {place}: expected keys {', '.join(allowed)}, found {raw!r}")
        self.equal(place, (key for key in raw if key not in needed), (), more)
        self.equal(place, (key for key in needed if key in raw), needed)
        return raw

    def equal(self, place: str, found: Iterable[Any], wanted: Iterable[str], more: Iterable[str] = ()) -> None:
        """Raise unless the names found are the wanted ones, each once, with some of `more`."""
        found, wanted, more = list(found), tuple(wanted), tuple(more)
        for name in found:
            if name not in wanted and name not in more:
                raise TableError(f"{self.file}: {place}: unknown {name!r}; allowed: {', '.join((*wanted, *more))}")
            if found.count(name) > 1:
                raise TableError(f"{self.file}: {place}: {name!r} is there twice")
        for name in wanted:
            if name not in found:
                raise TableError(f"{self.file}: {place}: {name!r} is missing")

    def facts(self, place: str, raw: Iterable[str]) -> tuple[str, ...]:
        """Return fact ids; "topic.1-3" stands for three of them."""
        ids: list[str] = []
        for name in raw:
            topic, _, numbers = str(name).partition(".")
            first, _, last = numbers.partition("-")
            ids += [name] if not last else [f"{topic}.{n}" for n in range(int(first), int(last) + 1)]
        for name in ids:
            if self.fact_ids is not None and not name.endswith(".*") and name not in self.fact_ids:
                near = sorted(known for known in self.fact_ids if known.partition(".")[0] == name.partition(".")[0])
                raise TableError(
                    f"{self.file}: {place}: unknown fact {name!r}; known: {', '.join(near) or 'no such topic'}"
                )
        return tuple(ids)

    def line(self, place: str, raw: Any, more: Iterable[str] = ()) -> Line:
        self.keys(place, raw, ("text", "facts"), more)
        return Line(" ".join(str(raw["text"]).split()), self.facts(place, raw["facts"]))

    def table(self, raw: Any) -> TriageTable:
        self.keys("triage", raw, _TOP)
        questions = {question.id: question for question in map(self.question, raw["questions"])}
        self.equal("questions", [q["id"] for q in raw["questions"]], QUESTIONS)
        baby = self.keys("baby_question", raw["baby_question"], ("name", "ask", "again", "why", "values"))
        self.equal("baby_question: values", baby["values"], ("yes", "no", UNKNOWN))
        self.equal("types", raw["types"], TYPES)
        self.equal("reasons", raw["reasons"], REASONS)
        self.equal("provider_of", raw["provider_of"], AGES)
        self.equal("facts", raw["facts"], (*TYPES, *(o for o in OUTCOMES if o not in ("fits", "warning_first"))))
        for who, provider in raw["provider_of"].items():
            self.equal(f"provider_of: {who}", [provider], (), raw["providers"])
        self.equal("message_facts", raw["message_facts"], (), raw["messages"])
        return TriageTable(
            reviewed=str(raw["reviewed"]),
            questions={name: questions[name] for name in QUESTIONS},
            baby=Question(
                id="baby",
                name=baby["name"],
                ask=baby["ask"],
                again=baby["again"],
                why=baby["why"],
                values=tuple(Value(code, title, ()) for code, title in baby["values"].items()),
            ),
            parts=tuple(self.part(part) for part in raw["screen"]),
            repeat=self.repeat(raw["repeat"]),
            words=raw["words"],
            read=raw["read"],
            providers=raw["providers"],
            provider_of=raw["provider_of"],
            types=raw["types"],
            messages=raw["messages"],
            message_facts={key: self.facts("message_facts", ids) for key, ids in raw["message_facts"].items()},
            reasons={code: self.reason(code, reason) for code, reason in raw["reasons"].items()},
            most_sentences=int(raw["most_sentences"]),
            facts={key: self.fact_list(key, entry) for key, entry in raw["facts"].items()},
            withheld=tuple(
                (self.case("withheld", e, "facts"), self.facts("withheld", e["facts"])) for e in raw["withheld"]
            ),
            notes=tuple(self.note(entry) for entry in raw["notes"]),
        )

    def question(self, raw: Any) -> Question:
        place = f"question {raw.get('id')}"
        self.keys(place, raw, ("id", "name", "ask", "again", "why", "values"))
        self.equal("questions", [raw["id"]], (), QUESTIONS)
        values = []
        for entry in raw["values"]:
            self.keys(f"{place}: {entry.get('code')}", entry, ("code", "title", "facts"), ("cues", "short", "rank"))
            facts = self.facts(f"{place}: {entry['code']}", entry["facts"])
            cues, short = tuple(entry.get("cues", ())), tuple(entry.get("short", ()))
            values.append(Value(entry["code"], entry["title"], facts, cues, short, entry.get("rank", 0)))
        self.equal(f"{place}: values", [value.code for value in values], VALUES[raw["id"]])
        return Question(raw["id"], raw["name"], raw["ask"], raw["again"], raw["why"], tuple(values))

    def item(self, place: str, raw: Any) -> Item:
        self.keys(place, raw, ("signs", "title"), ("cues", "where"))
        signs = {}
        for sign, ages in raw["signs"].items():
            if not sign.startswith(_SIGN_PREFIX):
                raise TableError(f"{self.file}: {place}: {sign!r} is no sign; a sign starts with {_SIGN_PREFIX!r}")
            self.equal(f"{place}: {sign}", () if ages == "all" else ages, (), AGES)
            # Whoever's age is unknown is asked everything; `not_baby` is settled by `ages_asked`.
            signs[sign] = AGES if ages == "all" else (*ages, UNKNOWN)
        self.equal(f"{place}: where", raw.get("where", ()), (), VALUES["where"])
        return Item(signs, raw["title"], tuple(raw.get("cues", ())), tuple(raw.get("where", ())))

    def part(self, raw: Any) -> Part:
        place = f"screen {raw.get('id')}"
        self.keys(place, raw, ("id", "name", "ask", "next", "why", "groups"), ("ages",))
        groups = tuple(tuple(self.item(place, item) for item in group) for group in raw["groups"])
        for group in groups:
            if not 0 < len(group) <= MOST_ITEMS:
                raise TableError(f"{self.file}: {place}: a group has {len(group)} items; allowed: 1 to {MOST_ITEMS}")
        self.equal(f"{place}: ages", raw.get("ages", ()), (), AGES)
        return Part(raw["id"], raw["name"], tuple(raw.get("ages", AGES)), raw["ask"], raw["next"], raw["why"], groups)

    def repeat(self, raw: Any) -> Repeat:
        self.keys("repeat", raw, ("ask", "next", "why", "after", "items"))
        self.equal("repeat: after", raw["after"], (), QUESTIONS)
        items = tuple(self.item("repeat", item) for item in raw["items"])
        return Repeat(raw["ask"], raw["next"], raw["why"], tuple(raw["after"]), items)

    def reason(self, code: str, raw: Any) -> Reason:
        self.keys(f"reason {code}", raw, ("text", "facts"), ("today", "names"))
        return Reason(
            raw["text"], self.facts(f"reason {code}", raw["facts"]), raw.get("today", ""), raw.get("names", "")
        )

    def fact_list(self, key: str, raw: Any) -> FactList:
        place = f"facts: {key}"
        self.keys(place, raw, ("allowed", "say"))
        self.equal(f"{place}: allowed", raw["allowed"], AUDIENCES)
        allowed = {who: frozenset(self.facts(place, ids)) for who, ids in raw["allowed"].items()}
        lines = tuple(self.line(place, entry) for entry in raw["say"])
        for line in lines:
            self.equal(f"{place}: say", line.facts, (), sorted(frozenset().union(*allowed.values())))
        return FactList(allowed, lines)

    def case(self, place: str, raw: Any, *more: str) -> Case:
        self.keys(place, raw, (), ("signs", *QUESTIONS, *more))
        answers = tuple((key, tuple(raw[key])) for key in QUESTIONS if key in raw)
        for question, values in answers:
            self.equal(f"{place}: {question}", values, (), VALUES[question])
        return Case(tuple(raw.get("signs", ())), answers)

    def note(self, raw: Any) -> tuple[Case, Line, bool]:
        case = self.case("notes", raw, "text", "facts", "first")
        return case, Line(raw["text"], self.facts("notes", raw["facts"])), bool(raw.get("first", False))


def ages_asked(who: str, baby: str) -> tuple[str, ...]:
    """Return the ages whose items are asked.

    Args:
        who: The age group.
        baby: What was said to "is it a baby under 3 months?": yes, no, unknown, or empty.
    """
    if who != UNKNOWN:
        return (who,)
    if baby == "yes":
        return BABY
    return tuple(age for age in AGES if age not in (*BABY, UNKNOWN)) if baby == "no" else AGES
