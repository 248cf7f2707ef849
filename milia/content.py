"""The reviewed answers: frozen models of `data/content` and their loader.

Owns what the bot may say about milia: the facts of the one article, the answers of each topic, and what the article
does not answer. Knows nothing of Rasa. `load_content` raises on the first bad file; `read_content` collects every fault,
with its place, for `milia.content_check`. Warning signs and triage rules have loaders of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

WHO = ("newborn", "infant", "child", "teen", "adult", "unknown")
UNDER_18 = ("newborn", "infant", "child", "teen")
AREA = ("eye", "face", "arms", "abdomen", "body", "mouth", "genital", "unknown")
TYPE = ("neonatal", "primary", "secondary", "juvenile", "en_plaque", "multiple_eruptive")
BEFORE = ("burn", "blister", "rash", "sun_damage", "friction", "topical_medication", "injury")
STATUS = ("E", "I")

# The safe loader, in C where PyYAML was built with it: ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Step = str | int
Place = tuple[Step, ...]


class ContentError(ValueError):
    """A content file that cannot be used: names the file, the place, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a content file. `place` is the path of keys and list positions to the bad value."""

    file: str
    place: Place
    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.file, ".".join(map(str, self.place)), self.message)))


@dataclass(frozen=True, slots=True)
class Situation:
    """For whom and about which bumps an answer is chosen; None means that nothing is known."""

    who: str = "unknown"
    area: str = "unknown"
    type: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("who", WHO), ("area", AREA), ("type", (*TYPE, None)), ("before", (*BEFORE, None))):
            if getattr(self, name) not in allowed:
                raise ContentError(f"situation: {name}: unknown value {getattr(self, name)!r}; allowed: {allowed}")


@dataclass(frozen=True, slots=True)
class When:
    """A condition on the situation; an empty set does not restrict."""

    who: frozenset[str] = frozenset()
    not_who: frozenset[str] = frozenset()
    area: frozenset[str] = frozenset()
    type: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()

    def holds(self, situation: Situation) -> bool:
        """Tell whether every key of the condition is met."""
        return (
            (not self.who or situation.who in self.who)
            and situation.who not in self.not_who
            and (not self.area or situation.area in self.area)
            and (not self.type or situation.type in self.type)
            and (not self.before or situation.before in self.before)
        )

    @property
    def always(self) -> bool:
        """True when nothing is asked of the situation."""
        return not (self.who or self.not_who or self.area or self.type or self.before)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the article, in our words. Status `I` is an inference: said only with "the article implies"."""

    id: str
    text: str
    section: str
    status: str = "E"

    @property
    def topic(self) -> str:
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that may be said, as a pattern, and the facts of which one has to go with it."""

    pattern: re.Pattern[str]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement in several wordings that say the same, with the ids of the facts that it states.

    No fact ids means that it says what the article does not say.
    """

    wordings: tuple[str, ...]
    facts: tuple[str, ...] = ()
    when: When = When()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a topic says in one kind of situation. `more` comes in order of importance."""

    when: When
    lead: Sentence
    more: tuple[Sentence, ...]
    provider: tuple[str, ...]
    details: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Focus:
    """A statement for messages that name one of the cues; with `leads` it takes the place of the lead."""

    cues: tuple[str, ...]
    sentence: Sentence
    leads: bool = False

    def named_in(self, message: str) -> bool:
        """Tell whether the message has one of the cues as whole words."""
        return any(_cue(cue).search(message.lower().replace("\u2019", "'")) for cue in self.cues)


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject that the article answers."""

    id: str
    title: str
    button: str
    follow_ups: tuple[str, ...]
    answers: tuple[Answer, ...]
    focus: tuple[Focus, ...] = ()

    def answer_for(self, situation: Situation) -> Answer:
        """Return the first answer whose condition holds; the last one has none."""
        return next(answer for answer in self.answers if answer.when.holds(situation))

    def focus_for(self, situation: Situation, message: str) -> tuple[Focus, ...]:
        """Return the statements that the message asks for by name, in the order of the file."""
        return tuple(f for f in self.focus if f.sentence.when.holds(situation) and f.named_in(message))


@dataclass(frozen=True, slots=True)
class Theme:
    """A question that the article does not answer, with the nearest fact if there is one.

    `ws` marks themes in which a warning sign may hide: check for signs before replying.
    """

    id: str
    title: str
    cues: tuple[str, ...]
    examples: tuple[str, ...]
    lead: tuple[str, ...]
    nearest: tuple[Sentence, ...]
    provider: tuple[str, ...]
    ws: bool

    def nearest_for(self, situation: Situation) -> tuple[Sentence, ...]:
        """Return the nearest facts that may be told to this person."""
        return tuple(sentence for sentence in self.nearest if sentence.when.holds(situation))

    def named_in(self, message: str) -> bool:
        """Tell whether the message has one of the theme's strong words or phrases."""
        return any(_cue(cue).search(message.lower().replace("\u2019", "'")) for cue in self.cues)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The themes, and what is said when a question fits none of them."""

    lead: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    themes: Mapping[str, Theme] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sources:
    """The article, its reviewer and references, and how the provider is called for whom."""

    title: str = ""
    publisher: str = ""
    author: str = ""
    reviewer: str = ""
    updated: str = ""
    references: tuple[str, ...] = ()
    disclaimer: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """All that the bot may say about milia."""

    facts: Mapping[str, Fact]
    figures: tuple[Figure, ...]
    topics: Mapping[str, Topic]
    unanswered: Unanswered
    sources: Sources

    def fill(self, text: str, who: str = "unknown") -> str:
        """Put the provider who suits the person in the place of `{provider}`."""
        return text.replace("{provider}", self.sources.providers[who])


def load_content(root: Path) -> Content:
    """Load the content directory (`data/content`).

    Raises:
        ContentError: a file is missing or malformed, or names something that is not known. Lists every fault.
    """
    content, faults = read_content(root)
    if faults:
        raise ContentError("\n".join(map(str, faults)))
    return content


def read_content(root: Path) -> tuple[Content, list[Fault]]:
    """Read all that can be read, and return it with every fault found on the way."""
    faults: list[Fault] = []
    facts, figures = _facts(_open(root, "facts.yml", faults))
    topic_ids = {fact.topic for fact in facts.values()}
    names = sorted(path.stem for path in (root / "topics").glob("*.yml"))
    topics = {}
    for name in names:
        node = _open(root, f"topics/{name}.yml", faults)
        if name not in topic_ids:
            node.fault(f"unknown topic {name!r}; allowed: {_listed(topic_ids)}")
        topics[name] = _topic(node, name, facts, topic_ids)
    faults += [Fault(f"topics/{name}.yml", (), "file is missing") for name in sorted(topic_ids - set(names))]
    unanswered = _unanswered(_open(root, "unanswered.yml", faults), facts)
    sources = _sources(_open(root, "sources.yml", faults))
    return Content(facts, figures, topics, unanswered, sources), faults


class _Node:
    """A value in a file that knows its place; reading it as the wrong thing records a fault and goes on."""

    def __init__(self, file: str, value: object, place: Place, faults: list[Fault]) -> None:
        self.file, self.value, self.place, self.faults = file, value, place, faults

    def fault(self, message: str) -> None:
        self.faults.append(Fault(self.file, self.place, message))

    def _child(self, value: object, step: Step) -> _Node:
        return _Node(self.file, value, (*self.place, step), self.faults)

    def keys(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, _Node]:
        """Return the children by key; missing and unknown keys are faults."""
        required, allowed = tuple(required), (*required, *optional)
        if not isinstance(self.value, dict):
            self.fault(f"expected keys {_listed(allowed)}, found {self.value!r}")
            return {}
        for key in self.value:
            if key not in allowed:
                self._child(None, str(key)).fault(f"unknown key {key!r}; allowed: {_listed(allowed)}")
        for key in required:
            if key not in self.value:
                self.fault(f"key {key!r} is missing")
        return {key: self._child(self.value[key], key) for key in allowed if key in self.value}

    def pairs(self) -> Iterator[tuple[str, _Node]]:
        if isinstance(self.value, dict):
            for key, value in self.value.items():
                yield str(key), self._child(value, str(key))
        else:
            self.fault(f"expected a mapping, found {self.value!r}")

    def items(self) -> list[_Node]:
        if not isinstance(self.value, list):
            self.fault(f"expected a list, found {self.value!r}")
            return []
        return [self._child(value, position) for position, value in enumerate(self.value)]

    def text(self) -> str:
        if isinstance(self.value, str) and self.value.strip():
            return " ".join(self.value.split())
        self.fault(f"expected text, found {self.value!r}")
        return ""

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.fault(f"expected true or false, found {self.value!r}")
        return self.value is True

    def known(self, what: str, allowed: Iterable[str]) -> tuple[str, ...]:
        """Return the list's values that are allowed; others are faults."""
        allowed, kept = tuple(allowed), []
        for item in self.items():
            if item.value in allowed:
                kept.append(str(item.value))
            else:
                item.fault(f"unknown {what} {item.value!r}; known: {_nearby(str(item.value), allowed)}")
        return tuple(kept)


def _open(root: Path, file: str, faults: list[Fault]) -> _Node:
    path = root / file
    if not path.is_file():
        faults.append(Fault(file, (), "file is missing"))
        return _Node(file, {}, (), [])  # one fault is enough: what the empty file lacks is not reported
    try:
        return _Node(file, yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER), (), faults)
    except yaml.YAMLError as error:
        faults.append(Fault(file, (), f"not valid YAML: {' '.join(str(error).split())}"))
        return _Node(file, {}, (), [])


def _facts(node: _Node) -> tuple[dict[str, Fact], tuple[Figure, ...]]:
    facts: dict[str, Fact] = {}
    keys = node.keys(("facts", "figures"))
    for item in keys["facts"].items() if "facts" in keys else []:
        part = item.keys(("id", "text", "section"), ("status",))
        if not {"id", "text", "section"} <= set(part):
            continue
        status = part["status"].value if "status" in part else "E"
        fact = Fact(part["id"].text(), part["text"].text(), part["section"].text(), str(status))
        if fact.id in facts:
            part["id"].fault(f"fact {fact.id!r} is there twice")
        if status not in STATUS:
            part["status"].fault(f"unknown status {status!r}; allowed: {_listed(STATUS)}")
        facts[fact.id] = fact
    figures = []
    for item in keys["figures"].items() if "figures" in keys else []:
        part = item.keys(("pattern", "facts"))
        if len(part) == 2:
            try:
                pattern = re.compile(part["pattern"].text(), re.IGNORECASE)
            except re.error as error:
                part["pattern"].fault(f"not a regular expression: {error}")
                continue
            figures.append(Figure(pattern, part["facts"].known("fact", facts)))
    return facts, tuple(figures)


def _sentence(node: _Node, facts: Mapping[str, Fact], extra: Iterable[str] = ()) -> Sentence:
    part = node.keys(("text", "facts"), (*extra, *_WHEN))
    known = part["facts"].known("fact", facts) if "facts" in part else ()
    return Sentence(part["text"].texts() if "text" in part else (), known, _when(part))


_WHEN = ("who", "not_who", "area", "type", "before")
_VALUES = {"who": WHO, "not_who": WHO, "area": AREA, "type": TYPE, "before": BEFORE}


def _when(part: Mapping[str, _Node]) -> When:
    return When(**{key: frozenset(part[key].known(key, _VALUES[key])) for key in _WHEN if key in part})


def _topic(node: _Node, name: str, facts: Mapping[str, Fact], topic_ids: set[str]) -> Topic:
    part = node.keys(("topic", "title", "button", "follow_ups", "answers"), ("focus",))
    if "topic" in part and part["topic"].value != name:
        part["topic"].fault(f"topic {part['topic'].value!r} is not the file's name {name!r}")
    answers = [_answer(item, facts) for item in _items(part, "answers")]
    if "answers" in part and (not answers or not answers[-1].when.always):
        part["answers"].fault("the last answer must have no 'when'")
    focus = []
    for item in _items(part, "focus"):
        keys = item.keys(("cues", "text", "facts"), ("lead", *_WHEN))
        cues = keys["cues"].texts() if "cues" in keys else ()
        focus.append(Focus(cues, _sentence(item, facts, ("cues", "lead")), "lead" in keys and keys["lead"].flag()))
    return Topic(
        name,
        _text(part, "title"),
        _text(part, "button"),
        part["follow_ups"].known("topic", topic_ids) if "follow_ups" in part else (),
        tuple(answers),
        tuple(focus),
    )


def _answer(node: _Node, facts: Mapping[str, Fact]) -> Answer:
    part = node.keys(("lead", "facts", "more", "provider"), ("when", "details"))
    when = _when(part["when"].keys((), _WHEN)) if "when" in part else When()
    lead = Sentence(_texts(part, "lead"), part["facts"].known("fact", facts) if "facts" in part else ())
    more = tuple(_sentence(item, facts) for item in _items(part, "more"))
    details = tuple(_sentence(item, facts) for item in _items(part, "details"))
    return Answer(when, lead, more, _texts(part, "provider"), details)


def _unanswered(node: _Node, facts: Mapping[str, Fact]) -> Unanswered:
    keys = node.keys(("unanswered",))
    part = keys["unanswered"].keys(("default", "themes")) if keys else {}
    default = part["default"].keys(("lead", "provider")) if "default" in part else {}
    themes: dict[str, Theme] = {}
    for item in _items(part, "themes"):
        one = item.keys(("id", "title", "cues", "examples", "lead", "provider", "ws"), ("nearest",))
        theme = Theme(
            _text(one, "id"),
            _text(one, "title"),
            _texts(one, "cues"),
            _texts(one, "examples"),
            _texts(one, "lead"),
            tuple(_sentence(sentence, facts) for sentence in _items(one, "nearest")),
            _texts(one, "provider"),
            "ws" in one and one["ws"].flag(),
        )
        if theme.id in themes:
            one["id"].fault(f"theme {theme.id!r} is there twice")
        themes[theme.id] = theme
    return Unanswered(_texts(default, "lead"), _texts(default, "provider"), themes)


def _sources(node: _Node) -> Sources:
    keys = node.keys(("sources",))
    names = ("title", "publisher", "author", "reviewer", "updated", "disclaimer")
    part = keys["sources"].keys((*names, "references", "providers")) if keys else {}
    providers = {}
    for who, one in part["providers"].pairs() if "providers" in part else ():
        if who in WHO:
            providers[who] = one.text()
        else:
            one.fault(f"unknown who {who!r}; allowed: {_listed(WHO)}")
    for who in WHO:
        if "providers" in part and who not in providers:
            part["providers"].fault(f"key {who!r} is missing")
    return Sources(
        **{name: _text(part, name) for name in names}, references=_texts(part, "references"), providers=providers
    )


def _items(part: Mapping[str, _Node], key: str) -> list[_Node]:
    return part[key].items() if key in part else []


def _text(part: Mapping[str, _Node], key: str) -> str:
    return part[key].text() if key in part else ""


def _texts(part: Mapping[str, _Node], key: str) -> tuple[str, ...]:
    return part[key].texts() if key in part else ()


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def _nearby(value: str, allowed: Iterable[str]) -> str:
    """List what is allowed; of many, only those that begin like the value."""
    allowed = sorted(allowed)
    alike = [one for one in allowed if one.partition(".")[0] == value.partition(".")[0]]
    return ", ".join(alike or sorted({one.partition(".")[0] for one in allowed}))


@lru_cache(maxsize=4096)
def _cue(cue: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(cue)}(?!\w)")
