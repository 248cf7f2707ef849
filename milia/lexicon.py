"""Words that stand for something: matched on a spaCy doc, used to recognise and never to answer.

`data/lexicon/concepts.yml` groups words by concept (ingredients, other conditions, body parts ...), so that a classifier
which saw "glycolic acid" knows what to make of "mandelic acid". `situation.yml` says which words tell whose bumps a
message is about and where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LexiconError(ValueError):
    """A word list that cannot be used; names the file, the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A word or phrase in the message, by what it stands for; `start` and `end` are character offsets."""

    name: str
    value: str
    start: int
    end: int
    text: str


class WordLists:
    """Named lists of words, matched without regard to case and to a plural s."""

    def __init__(self, lists: Mapping[tuple[str, str], Iterable[str]], nlp: Language) -> None:
        self._matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
        self._keys: dict[str, tuple[str, str]] = {}
        for name, value in lists:
            key = f"{name}/{value}"
            self._keys[key] = (name, value)
            forms = {form for word in lists[name, value] for form in _forms(word)}
            self._matcher.add(key, [nlp.make_doc(form) for form in sorted(forms)])

    def find(self, doc: Doc) -> list[Found]:
        """Return what the message names, in its order; of overlapping words of one list the longest."""
        found: list[Found] = []
        best: dict[str, int] = {}
        matches = ((doc.vocab.strings[key], start, end) for key, start, end in self._matcher(doc))
        for key, start, end in sorted(matches, key=lambda match: (match[1], -match[2])):
            if best.get(key, 0) >= end:
                continue
            best[key] = end
            span = doc[start:end]
            found.append(Found(*self._keys[key], span.start_char, span.end_char, span.text))
        return found


def _forms(word: str) -> set[str]:
    """Return the word with its plain plurals."""
    forms = {word}
    if word[-1:].isalpha() and not word.endswith("s"):
        forms.add(f"{word}es" if word.endswith(("x", "ch", "sh")) else f"{word}s")
        if word.endswith("y") and word[-2:-1] not in set("aeiou"):
            forms.add(f"{word[:-1]}ies")
    return forms


@lru_cache(maxsize=4)
def concepts(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Read `concepts.yml`: the words of each concept.

    Raises:
        LexiconError: the file is not of the documented form.
    """
    read: dict[str, tuple[str, ...]] = {}
    for entry in _root(path, "concepts"):
        if not isinstance(entry, dict) or set(entry) - {"id", "why", "words"} or not entry.get("words"):
            raise LexiconError(f"{path.name}: {entry!r:.80}: a concept has the keys id, why, words")
        read[entry["id"]] = tuple(str(word).lower() for word in entry["words"])
    return read


@lru_cache(maxsize=4)
def situation_words(path: Path, concept_path: Path) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Read `situation.yml`: words by entity and value, in the order of the file.

    Raises:
        LexiconError: the file is not of the documented form, or names a concept that does not exist.
    """
    known = concepts(concept_path)
    read: dict[tuple[str, str], tuple[str, ...]] = {}
    for entity, values in _root(path, "situation").items():
        for value, rule in values.items():
            if set(rule) - {"concept", "words"}:
                raise LexiconError(f"{path.name}: {entity}.{value}: unknown key in {sorted(rule)}; allowed: concept, words")
            concept = rule.get("concept")
            if concept is not None and concept not in known:
                raise LexiconError(f"{path.name}: {entity}.{value}: unknown concept {concept!r}; known: {', '.join(known)}")
            read[entity, value] = (*known.get(concept, ()), *rule.get("words", ()))
    return read


def _root(path: Path, key: str) -> Any:
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    if not isinstance(content, dict) or list(content) != [key]:
        raise LexiconError(f"{path.name}: expected the one root key {key!r}")
    return content[key]
