"""Finds held-out sentences that stand in the training data, word for word or nearly so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from milia.content import LOADER
from milia.labels import CHITCHAT

# Shared character 5-grams of all those of both texts, above which two texts count as the same.
NEAR = 0.8
_SIZE = 5
_ENTITY = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\{[^}]*\})")


@dataclass(frozen=True)
class Example:
    """A training example: its file, intent and text."""

    file: str
    intent: str
    text: str


@dataclass(frozen=True)
class Overlap:
    """A held-out sentence, the training example that is like it, and how like (1: the same)."""

    text: str
    example: Example
    likeness: float


def training_examples(folder: Path) -> Iterator[Example]:
    """Yield every example of the NLU data, without entity marks."""
    for path in sorted(folder.glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER).get("nlu") or ():
            for text in _texts(block.get("examples") or ()):
                yield Example(path.name, str(block.get("intent")), _ENTITY.sub(r"\1", text))


def _texts(examples: object) -> Iterator[str]:
    if isinstance(examples, str):
        for line in examples.splitlines():
            if line.strip().startswith("-"):
                yield line.strip()[1:].strip()
    elif isinstance(examples, list):
        for example in examples:
            yield str(example["text"]).strip() if isinstance(example, dict) else str(example).strip()


def normal(text: str) -> str:
    """Return a text in lower case, of letters, digits and single blanks."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("\u2019", "")))


def grams(text: str) -> frozenset[str]:
    """Return the character 5-grams of a text; the text itself when it is shorter."""
    text = normal(text)
    return frozenset(text[i : i + _SIZE] for i in range(max(1, len(text) - _SIZE + 1)))


def overlaps(held_out: Iterable[str], examples: Sequence[Example], near: float = NEAR) -> list[Overlap]:
    """Return each held-out sentence with each training example that is like it, the most alike first."""
    known = [grams(example.text) for example in examples]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, those in enumerate(known):
        for gram in those:
            holders[gram].append(number)
    found = []
    for text in held_out:
        own = grams(text)
        shared: dict[int, int] = defaultdict(int)
        for gram in own:
            for number in holders.get(gram, ()):
                shared[number] += 1
        for number, count in shared.items():
            likeness = count / (len(own) + len(known[number]) - count)
            if likeness > near:
                found.append(Overlap(text, examples[number], likeness))
    return sorted(found, key=lambda one: -one.likeness)


def is_formula(example: Example) -> bool:
    """Tell whether an example is a greeting or the like of at most three words, which everybody writes alike.

    Those stay in the training data; a held-out sentence that equals one is not scored.
    """
    return example.intent in CHITCHAT and len(normal(example.text).split()) <= 3
