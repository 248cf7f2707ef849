"""What a redaction finder returns, and the words and word lists that the finders share."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
WORDS_FILE = HERE / "redaction_words.yml"
NAMES_FOLDER = HERE / "names"

# Each kind of personal data, and what stands for it in what is stored.
PLACEHOLDERS = {
    "name": "[name]",
    "email": "[email]",
    "phone": "[phone]",
    "address": "[address]",
    "birth": "[date of birth]",
    "record": "[record number]",
    "card": "[card number]",
    "link": "[link]",
    "handle": "[handle]",
}


@dataclass(frozen=True)
class Span:
    """Personal data in a text.

    Attributes:
        start, end: its characters, the end not included.
        kind: a key of `PLACEHOLDERS`.
    """

    start: int
    end: int
    kind: str

    @property
    def placeholder(self) -> str:
        """What is written in its place."""
        return PLACEHOLDERS[self.kind]


@functools.cache
def words() -> dict[str, Any]:
    """Return the file of words, read once."""
    loaded: dict[str, Any] = yaml.load(WORDS_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def word_list(name: str) -> list[str]:
    """Return one entry of the file of words that is a text of words between blanks."""
    return str(words()[name]).split()


def any_of(patterns: list[str]) -> str:
    """Return a regular expression for any of the patterns, the longest first."""
    return "(?:" + "|".join(sorted(patterns, key=lambda one: (-len(one), one))) + ")"


def fold(text: str) -> str:
    """Return a word in lower case without accents, as the lists have it."""
    folded = unicodedata.normalize("NFKD", text.lower().replace("ł", "l").replace("ø", "o").replace("ß", "ss"))
    return "".join(one for one in folded if not unicodedata.combining(one))


@functools.cache
def names(kind: str) -> frozenset[str]:
    """Return a list of names.

    Args:
        kind: `first` (first names that mean nothing else), `rare` (first names near other words), `words` (first names
            that are ordinary words too), `last` (family names), `proper` (places, peoples, makers and other proper nouns)
            or `known` (no names: what people write to this bot and no dictionary has, with its misspellings).
    """
    return frozenset((NAMES_FOLDER / f"{kind}.txt").read_text(encoding="utf-8").split())


@functools.cache
def ordinary_words() -> frozenset[str]:
    """Return English words that are no names: the frequency list of symspellpy without the names in it."""
    source = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    known = {fold(line.split(" ", 1)[0]) for line in source.read_text(encoding="utf-8-sig").splitlines()}
    known |= {word.replace("'", "") for word in known}
    known -= names("first") | names("rare") | names("last")
    return frozenset(known | names("known") | set(word_list("not_names")))


def tail(text: str, end: int, most: int = 80) -> str:
    """Return what stands before a place, as much of it as a cue can reach: a search through all would take long."""
    return text[max(0, end - most) : end]


def digits(text: str) -> str:
    """Return the digits of a text."""
    return re.sub(r"\D", "", text)
