"""Sentences that the bot is trained on, that it is scored on, and those of the dialog tests; and which are alike.

A sentence of one of the first two sets never enters the other, not nearly either: a score on what was trained says nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER
from milia.evaluation.overlap import NEAR, Example, grams, is_formula, normal, training_examples

TRAINING, HELD_OUT, DIALOGS = "training", "heldout", "dialogs"
# From this likeness on a sentence is shown as nearly there.
SHOWN = 0.5
_MOST = 10


class SetsError(ValueError):
    """A file of sentences that cannot be read just now, as when somebody is at work in it."""


@dataclass(frozen=True)
class Alike:
    """A sentence that is there already: which, where, how like (1: the same), and whether it forbids the new one."""

    text: str
    file: str
    label: str
    set: str
    likeness: float
    blocks: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as the contract describes it."""
        return {
            "text": self.text, "file": self.file, "label": self.label, "set": self.set,
            "likeness": round(self.likeness, 3), "blocks": self.blocks,
        }  # fmt: skip


def alike(root: Path, sentence: str, into: str) -> list[Alike]:
    """Return the sentences like a new one, the most alike first.

    Args:
        root: the project's folder.
        sentence: the new one.
        into: the set that it is for.

    Raises:
        SetsError: A file of sentences is not in order.
    """
    found = []
    try:
        sets = _sets(root, _stamp(root))
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError, OSError) as error:
        raise SetsError(f"the sentences cannot be compared, as a file of them is not in order: {str(error)[:300]}") from error
    other = {TRAINING: HELD_OUT, HELD_OUT: TRAINING, DIALOGS: HELD_OUT}[into]
    for name, sentences in sets.items():
        for example, likeness in sentences.like(sentence, SHOWN):
            same = bool(normal(sentence)) and normal(sentence) == normal(example.text)
            blocks = (name == other and likeness > NEAR) or (name == into and same)
            blocks = blocks and not is_formula(example)
            found.append(Alike(example.text, example.file, example.intent, name, likeness, blocks))
    return sorted(found, key=lambda one: (not one.blocks, -one.likeness))[:_MOST]


def too_near(sentence: str, words: str) -> bool:
    """Tell whether a sentence is what somebody wrote, or nearly so; three words or fewer belong to nobody."""
    if len(normal(words).split()) <= 3:
        return False
    one, other = grams(sentence), grams(words)
    return len(one & other) > NEAR * len(one | other)


class Sentences:
    """A set of sentences that can be asked for those like another one.

    Args:
        examples: the sentences.
    """

    def __init__(self, examples: Iterable[Example]) -> None:
        self._examples = list(examples)
        self._grams = [grams(example.text) for example in self._examples]
        self._holders: dict[str, list[int]] = defaultdict(list)
        for number, own in enumerate(self._grams):
            for gram in own:
                self._holders[gram].append(number)

    def like(self, text: str, least: float) -> Iterator[tuple[Example, float]]:
        """Yield the sentences that share more than so many of their character 5-grams with a text (`overlap.NEAR`)."""
        own = grams(text)
        shared = Counter(number for gram in own for number in self._holders.get(gram, ()))
        for number, count in shared.items():
            likeness = count / (len(own) + len(self._grams[number]) - count)
            if likeness > least:
                yield self._examples[number], likeness


@lru_cache(maxsize=2)
def _sets(root: Path, stamp: tuple[float, ...]) -> dict[str, Sentences]:
    return {
        TRAINING: Sentences([*training_examples(root / "data" / "nlu"), *_signs(root), *_themes(root)]),
        HELD_OUT: Sentences(_held_out(root / "tests" / "heldout")),
        DIALOGS: Sentences(_dialogs(root / "tests" / "dialogs")),
    }


def _stamp(root: Path) -> tuple[float, ...]:
    folders = ("data/nlu", "data/signs", "data/content", "tests/heldout", "tests/dialogs")
    return tuple(
        path.stat().st_mtime for name in folders for path in sorted((root / name).rglob("*")) if path.is_file()
    )


def _signs(root: Path) -> Iterator[Example]:
    path = root / "data" / "signs" / "sentences.yml"
    if path.is_file():
        for entry in _yaml(path).get("sign_sentences") or ():
            for text in entry.get("sentences") or ():
                yield Example(path.name, ", ".join(entry.get("signs") or ()) or "no sign", str(text))


def _themes(root: Path) -> Iterator[Example]:
    """Yield the examples of what the article does not answer: the nearest one is looked for among them."""
    path = root / "data" / "content" / "unanswered.yml"
    if path.is_file():
        for one in _values(_yaml(path), "examples"):
            for text in one if isinstance(one, list) else ():
                yield Example(path.name, "ask_unanswered", str(text))


def _held_out(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*.jsonl")):
        if path.name == "redaction.jsonl":
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                row = json.loads(line)
                yield Example(path.name, ", ".join(row.get("labels") or row.get("signs") or ()), str(row.get("text") or ""))
    for path in sorted(folder.glob("*.yml")):
        for key in ("before", "after"):
            for value in _values(_yaml(path), key):
                for text in value if isinstance(value, list) else [value]:
                    yield Example(path.name, key, str(text))
    for example in _dialogs(folder / "dialogs"):
        yield Example(f"dialogs/{example.file}", example.intent, example.text)


def _dialogs(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*.yml")):
        try:
            content = _yaml(path)
        except yaml.YAMLError:  # a broken file is listed as broken elsewhere
            continue
        for text in _values(content, "user"):
            if isinstance(text, str) and len(normal(text).split()) > 2:
                yield Example(path.name, "dialog", text)


def _values(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, one in value.items():
            if name == key:
                yield one
            else:
                yield from _values(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one, key)


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or {}
