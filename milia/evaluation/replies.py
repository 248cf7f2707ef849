"""What must hold for every reply of a run: the provider is suggested, and nothing is said that is not published.

- *provider*: the reply suggests a dermatology provider. A question of the guided check between its first question and
  its result may stand alone (triage table, sections 2 and 8: the first question and each result carry the suggestion).
- *figure*: each number or measure belongs to one of the turn's `facts` (`figures` in `facts.yml`), or stands in a fixed
  text: warning signs, guided check, phrases of `replies.yml`, responses of the domain.
- *wording*: each sentence is one of `data/content` or of the domain, with its placeholders filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER, Content, load_content
from milia.content_check import _NUMBER as NUMBER
from milia.evaluation.heldout import Bot
from milia.sign_catalog import Region, SignCatalog, load_signs
from milia.sign_messages import sentences

PROVIDER = "dermatology provider"
_PLACE = re.compile(r"\{(\w+)\}")
_FIXED = ("warning_signs.yml", "triage.yml", "replies.yml")
# Keys of content files whose strings are never said: what is understood, and codes.
_UNSAID = frozenset("cues patterns sources concepts atoms fillers examples code id must_not".split())
_UNSAID_IN = {"triage.yml": frozenset({"short"})}


@dataclass(frozen=True)
class Violation:
    """A reply that breaks a rule: the rule, the user's turn, the reply, and the words at fault."""

    rule: str
    user: str
    text: str
    fault: str


@dataclass
class Recorder:
    """A bot that keeps every turn it takes, with whether the turn before it was a question of the guided check."""

    bot: Bot
    turns: list[tuple[dict[str, Any], bool]] = field(default_factory=list)
    _asked: dict[int, bool] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    def conversation(self, name: str) -> Any:
        """Start a conversation."""
        conversation = self.bot.conversation(name)
        self._kept.append(conversation)  # while it is kept, no other object has its id
        return conversation

    def turn(self, conversation: Any, user: str | Mapping[str, str]) -> dict[str, Any]:
        """Take one turn and keep it."""
        turn = self.bot.turn(conversation, user)
        self.turns.append((turn, self._asked.get(id(conversation), False)))
        self._asked[id(conversation)] = bool(turn["check_question"])
        return turn

    def __getattr__(self, name: str) -> Any:
        """Pass on whatever else is asked of the bot."""
        return getattr(self.bot, name)


class ReplyRules:
    """The rules, with all texts that may be said."""

    def __init__(self, content: Content, catalog: SignCatalog, fixed: Iterable[str], other: Iterable[str]) -> None:
        """Prepare the texts.

        Args:
            content: facts, figures and providers.
            catalog: whose regions fill the numbers to call.
            fixed: texts whose figures are their own: warning signs, guided check, phrases, responses.
            other: every other text that may be said.
        """
        self._figures = content.figures
        providers = {*content.sources.providers.values(), *catalog.texts["provider"].values()}
        self._place = _place(providers)
        fixed = [
            *fixed,
            *(catalog.texts["today_worse"].format(worse=one.worse) for one in catalog.values() if one.worse),
        ]
        fixed, other = list(_filled(fixed, catalog)), list(other)
        # "Please get emergency help now: {action}": the action is a text of its own.
        leads = [one.removesuffix("{action}") for one in fixed if one.endswith(": {action}")]
        self._leads = [self._pattern(one) for one in leads]
        fixed = [one for one in fixed if "{action}" not in one and "{worse}" not in one]
        self._fixed_figures = [self._pattern(one) for one in sorted({*_parts(fixed), *leads}) if _has_figure(one)]
        texts = {*_parts([*fixed, *other])}
        self._said = {one.casefold() for one in texts if not _PLACE.search(one)}
        self._templates = [self._pattern(one) for one in texts if _PLACE.search(one) and _telling(one)]

    def violations(self, turn: Mapping[str, Any], after_check_question: bool = False) -> Iterator[Violation]:
        """Yield what is wrong with a turn's reply.

        Args:
            turn: as `milia replay` writes it.
            after_check_question: whether the turn before ended in a question of the guided check.
        """
        user = turn["user"] if isinstance(turn["user"], str) else f"[{turn['user']['press']}]"
        text = str(turn["text"])

        def violation(rule: str, fault: str) -> Violation:
            return Violation(rule, user, text, fault)

        bare_question = turn["check_question"] and after_check_question
        if PROVIDER not in text.lower() and not bare_question:
            yield violation("provider", "no dermatology provider is suggested" if text else "the reply is empty")
        for fault in self._unknown_figures(text, frozenset(turn["facts"])):
            yield violation("figure", fault)
        for fault in self._unpublished(text):
            yield violation("wording", fault)

    def _unknown_figures(self, text: str, facts: frozenset[str]) -> Iterator[str]:
        numbers = list(NUMBER.finditer(text))
        if not numbers:
            return
        spans = [m.span() for f in self._figures if facts & set(f.facts) for m in f.pattern.finditer(text)]
        spans += [m.span() for pattern in self._fixed_figures for m in pattern.finditer(text)]
        for number in numbers:
            if not any(start <= number.start() and number.end() <= end for start, end in spans):
                yield number.group()

    def _unpublished(self, text: str) -> Iterator[str]:
        for line in filter(None, map(str.strip, text.splitlines())):
            if self._known(line):
                continue
            for sentence in sentences(line):
                led = next((found.end() for lead in self._leads if (found := lead.match(sentence))), 0)
                if not self._known(sentence[led:]):
                    yield sentence

    def _known(self, text: str) -> bool:
        if text.casefold() in self._said or any(pattern.fullmatch(text) for pattern in self._templates):
            return True
        # A box of the warning screen, with what is meant by it: "title: sign".
        colons = [found.span() for found in re.finditer(": ", text)]
        return any({text[:a].casefold(), text[b:].casefold()} <= self._said for a, b in colons)

    def _pattern(self, text: str) -> re.Pattern[str]:
        parts, end = [], 0
        for match in _PLACE.finditer(text):
            parts += [re.escape(text[end : match.start()]), self._place(match.group(1))]
            end = match.end()
        return re.compile("".join([*parts, re.escape(text[end:])]), re.IGNORECASE)


def load_reply_rules(root: Path) -> ReplyRules:
    """Load the rules of a project folder."""
    folder = root / "data" / "content"
    texts = {
        path: list(_strings(_yaml(path), _UNSAID | _UNSAID_IN.get(path.name, frozenset())))
        for path in sorted(folder.rglob("*.yml"))
    }
    fixed = [text for path, those in texts.items() if path.name in _FIXED for text in those]
    responses = _yaml(root / "domain.yml").get("responses") or {}
    fixed += [one["text"] for those in responses.values() for one in those if "text" in one]
    other = [text for path, those in texts.items() if path.name not in _FIXED for text in those]
    return ReplyRules(load_content(folder), load_signs(folder / "warning_signs.yml"), fixed, other)


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)


def _strings(value: object, unsaid: frozenset[str]) -> Iterator[str]:
    """Yield all strings of a YAML value but those under some keys, blanks made single."""
    if isinstance(value, str):
        yield " ".join(value.split())
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in unsaid:
                yield from _strings(one, unsaid)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, unsaid)


def _filled(texts: Iterable[str], catalog: SignCatalog) -> Iterator[str]:
    """Yield each text once for each region, its numbers to call filled in."""
    regions: Iterable[Region] = catalog.regions.values()
    for text in texts:
        if "_number}" in text or "_line}" in text:
            for region in regions:
                yield _PLACE.sub(lambda m, at=region: str(getattr(at, m.group(1), m.group())), text)  # type: ignore[misc]
        else:
            yield text


def _parts(texts: Iterable[str]) -> Iterator[str]:
    """Yield each text whole, and sentence by sentence."""
    for text in texts:
        yield text
        yield from sentences(text)


def _place(providers: Iterable[str]) -> Callable[[str], str]:
    """Return how to turn a placeholder into a pattern: a count, a provider, or anything within a line."""
    named = "(?:" + "|".join(sorted(map(re.escape, providers), key=len, reverse=True)) + ")"
    return lambda name: {"done": r"\d+", "total": r"\d+", "provider": named, "Provider": named}.get(name, r"[^\n]+")


_NARROW = frozenset({"done", "total", "provider", "Provider"})


def _has_figure(text: str) -> bool:
    """Tell whether a fixed text brings a figure of its own: as a sentence or a title, and not as what may fill it."""
    places = set(_PLACE.findall(text))
    counts = bool(places & {"done", "total"})
    return places <= _NARROW and not text[:1].islower() and " " in text and bool(counts or NUMBER.search(text))


def _telling(text: str) -> bool:
    """Tell whether a template has words enough of its own not to fit just anything."""
    narrow = set(_PLACE.findall(text)) <= _NARROW
    return len(re.sub(r"\W", "", _PLACE.sub("", text))) >= (3 if narrow else 5)
