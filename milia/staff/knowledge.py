"""What the console knows of the content: names of topics, signs and labels, rules by intent, and what each sentence says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER, Content, Sentence, load_content
from milia.labels import CHITCHAT, NO_ANSWER, OUT_OF_SCOPE, PHOTO, TRIAGE
from milia.sign_catalog import SignCatalog, load_signs
from milia.sign_messages import sentences
from milia.staff.texts import texts
from milia.training import ROOT
from milia.wording import Phrases, load_phrases

FACT, NO_ANSWER_KIND, WARNING, PROVIDER = "fact", "no_answer", "warning", "provider"
CHECK, JOINING, SMALL_TALK, UNKNOWN = "check", "joining", "small_talk", "unknown"
_PROVIDER_PHRASES = ("close", "describe.provider", "soon", "urgent_reminder", "hypothetical_close")


@dataclass(frozen=True)
class Origin:
    """Where a sentence of a reply comes from: its kind, its facts, file and place in data/content, its topic."""

    kind: str
    facts: tuple[str, ...] = ()
    place: str | None = None
    topic: str | None = None


@dataclass(frozen=True)
class Knowledge:
    """The content as the console explains it.

    Attributes:
        content, catalog, phrases: what the bot speaks from.
        rules: name of the rule of each intent.
        responses: the wordings of the domain, by response.
        intents: of the domain.
        origins: of every sentence, by its normal form.
    """

    content: Content
    catalog: SignCatalog
    phrases: Phrases
    rules: Mapping[str, str]
    responses: Mapping[str, tuple[str, ...]]
    intents: tuple[str, ...]
    origins: Mapping[str, Origin]

    def label(self, label: str) -> str:
        """Return a label's title."""
        if label in self.content.topics:
            return self.content.topics[label].title
        return str(texts()["kinds"].get(label, label.replace("_", " ")))

    def labels(self) -> tuple[str, ...]:
        """Return what a training sentence may be labelled with."""
        return (*self.content.topics, TRIAGE, NO_ANSWER, OUT_OF_SCOPE, PHOTO, *CHITCHAT)

    def sign(self, sign: str) -> str:
        """Return a sign's title."""
        return self.catalog[sign].title if sign in self.catalog.signs else sign

    def theme(self, theme: str) -> str:
        """Return a theme's title, empty if it is unknown."""
        found = self.content.unanswered.themes.get(theme)
        return found.title if found else ""

    def origin(self, sentence: str) -> Origin | None:
        """Return where a sentence comes from; None if it stands nowhere as it is."""
        found = self.origins.get(normal(sentence))
        if found is None and ":" in sentence:  # "Please have this looked at today: see a doctor ..."
            found = self.origins.get(normal(sentence.split(":", 1)[1]))
        return found

    @property
    def article(self) -> dict[str, Any]:
        """The article that the answers rest on."""
        s = self.content.sources
        return {
            "title": s.title, "publisher": s.publisher, "author": s.author, "reviewer": s.reviewer, "updated": s.updated,
            "note": s.disclaimer, "references": list(s.references),
        }  # fmt: skip


@lru_cache(maxsize=2)
def load_knowledge(root: Path = ROOT, region: str | None = None) -> Knowledge:
    """Load what the console knows.

    Raises:
        ContentError, SignError: The content is not in order.
    """
    folder = root / "data" / "content"
    content, catalog = load_content(folder), load_signs(folder / "warning_signs.yml")
    phrases = load_phrases(folder / "replies.yml")
    domain = _yaml(root / "domain.yml")
    responses = {
        name: tuple(str(one.get("text") or "") for one in every) for name, every in (domain.get("responses") or {}).items()
    }
    place = os.environ.get("MILIA_REGION", "") if region is None else region
    origins: dict[str, Origin] = {}
    numbers = catalog.region(place)
    filled = {name: getattr(numbers, name) for name in ("emergency_number", "nurse_line", "crisis_line", "poison_line")}
    for text, origin in _all(content, catalog, phrases, responses, folder):
        for variant in _variants(text, content, filled):
            for sentence in sentences(variant):
                origins.setdefault(normal(sentence), origin)
    return Knowledge(
        content, catalog, phrases, dict(_rules(root)), responses, tuple(domain.get("intents") or ()), origins
    )


def normal(sentence: str) -> str:
    """Return a sentence as it is compared."""
    return " ".join(sentence.lower().split()).strip(" .")


def _variants(text: str, content: Content, filled: Mapping[str, str]) -> Iterator[str]:
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    if "{provider}" not in text:
        yield text
        return
    for provider in dict.fromkeys(content.sources.providers.values()):
        yield text.replace("{provider}", provider)
        yield text.replace("{provider}", provider[:1].upper() + provider[1:])


def _all(
    content: Content, catalog: SignCatalog, phrases: Phrases, responses: Mapping[str, Iterable[str]], folder: Path
) -> Iterator[tuple[str, Origin]]:
    for topic in content.topics.values():
        file = f"topics/{topic.id}.yml"
        for number, answer in enumerate(topic.answers):
            at = f"{file}: answer {number + 1}"
            named = [("lead", answer.lead), *(("more", s) for s in answer.more), *(("details", s) for s in answer.details)]
            for role, sentence in named:
                yield from _wordings(sentence, f"{at}, {role}", topic.id)
            for text in answer.provider:
                yield text, Origin(PROVIDER, (), f"{at}, provider", topic.id)
        for focus in topic.focus:
            yield from _wordings(focus.sentence, f"{file}: focus on {focus.cues[0]}", topic.id)
    unanswered = content.unanswered
    for theme in unanswered.themes.values():
        for sentence in theme.nearest:
            yield from _wordings(sentence, f"unanswered.yml: {theme.id}, nearest", None)
        for text in theme.lead:
            yield text, Origin(NO_ANSWER_KIND, (), f"unanswered.yml: {theme.id}, lead")
        for text in theme.provider:
            yield text, Origin(PROVIDER, (), f"unanswered.yml: {theme.id}, provider")
    for text in unanswered.lead:
        yield text, Origin(NO_ANSWER_KIND, (), "unanswered.yml: lead")
    for text in unanswered.provider:
        yield text, Origin(PROVIDER, (), "unanswered.yml: provider")
    for sentence in phrases.describe_more:
        yield from _wordings(sentence, "replies.yml: describe.more", None)
    for name, lines in phrases.texts.items():
        for text in lines:
            yield text, Origin(PROVIDER if name in _PROVIDER_PHRASES else JOINING, (), f"replies.yml: {name}")
    for sign in catalog.signs.values():
        for text in (sign.say, *(str(catalog.texts["today_worse"]).format(worse=sign.worse),) * bool(sign.worse)):
            yield text, Origin(WARNING, (), f"warning_signs.yml: {sign.id}")
    for text in _texts(catalog.texts):
        yield text, Origin(WARNING, (), "warning_signs.yml: texts")
    for text in _texts(_yaml(folder / "triage.yml")):
        yield text, Origin(CHECK, (), "triage.yml")
    for name, every in responses.items():
        for text in every:
            yield text, Origin(SMALL_TALK, (), f"domain.yml: {name}")


def _wordings(sentence: Sentence, place: str, topic: str | None) -> Iterator[tuple[str, Origin]]:
    origin = Origin(FACT if sentence.facts else NO_ANSWER_KIND, sentence.facts, place, topic)
    for text in sentence.wordings:
        yield text, origin


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)


def _rules(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((root / "data" / "rules").glob("*.yml")):
        for rule in _yaml(path).get("rules") or ():
            for step in rule.get("steps") or ():
                if "intent" in step:
                    yield str(step["intent"]), str(rule["rule"])


def _yaml(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or {}
    return found
