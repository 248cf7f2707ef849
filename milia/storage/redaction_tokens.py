"""The words of a message, and how each may be taken when names are looked for: from lists alone, without its neighbours."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from milia.storage.redaction_spans import fold, names, ordinary_words, word_list

_TOKEN = re.compile(r"(?<![\w@#])[^\W\d_]+(?:['’][^\W\d_]+|-(?=[^\W\d_])[^\W\d_]+)*(?![\d_])")
_POSSESSIVE = re.compile(r"['’]s$|(?<=s)['’]$", re.IGNORECASE)
# How a token may be taken: as a name anywhere; where it has a capital; where words announce it; hardly ever.
SURE, LIKELY, WORD, UNKNOWN, PROPER, ORDINARY, NEVER = (
    "sure",
    "likely",
    "word",
    "unknown",
    "proper",
    "ordinary",
    "never",
)
_SHORTEST_SURE, _LONGEST = 3, 24
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ENDINGS = ("s", "es", "ed", "ing", "er", "ish", "y", "ly", "ies")


@dataclass(frozen=True)
class Token:
    """A word of the text without its 's.

    Attributes:
        start, end: its place.
        word: as typed.
        kind: how it may be taken.
        capital: it starts with a capital that means something: not in a message of capitals only.
    """

    start: int
    end: int
    word: str
    kind: str
    capital: bool

    @property
    def lower(self) -> str:
        """The word in lower case."""
        return fold(self.word)


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text; in a message of capitals, or of Words Like These, capitals mean nothing."""
    found = [(match.start(), without_s(match[0])) for match in _TOKEN.finditer(text)]
    long = [word for _, word in found if len(word) >= 3]
    shouted = len(long) >= 3 and sum(word.isupper() for word in long) > 0.6 * len(long)
    titled = len(long) >= 5 and sum(word[0].isupper() for word in long) >= 0.7 * len(long)
    return [
        Token(start, start + len(word), word, kind_of(word), word[0].isupper() and not shouted and not titled)
        for start, word in found
    ]


def without_s(word: str) -> str:
    """Return a word without the 's of a possessive."""
    return _POSSESSIVE.sub("", word)


@functools.cache
def _never() -> frozenset[str]:
    return frozenset(word_list("not_names"))


@functools.lru_cache(maxsize=20_000)
def kind_of(word: str) -> str:
    """Return how a word may be taken."""
    lower = fold(word).replace("’", "'")
    if lower in _never() or lower.replace("'", "") in _never():
        return NEVER
    if lower in names("first") and len(lower) >= _SHORTEST_SURE:
        return SURE
    if lower in names("words"):
        return WORD
    if lower in names("rare") or lower in names("last"):
        return LIKELY
    if lower in names("proper"):
        return PROPER
    if lower in ordinary_words():
        return ORDINARY
    if parts := [part for part in re.split(r"[-']", lower) if part][1:]:
        return _kind_of_parts(lower, [lower.split("-")[0].split("'")[0], *parts])
    if len(lower) < 2 or (lower.isascii() and _inflected(lower)):
        return ORDINARY
    return UNKNOWN


def _kind_of_parts(lower: str, parts: list[str]) -> str:
    """Return the kind of a word with a hyphen ("Jean-Luc", "eye-cream") or an apostrophe ("O'Brien", "hasnt've")."""
    if "-" not in lower:
        return UNKNOWN if parts[0] in ("o", "d") and len(parts[-1]) > 2 else ORDINARY
    kinds = {kind_of(part) for part in parts}
    if kinds & {ORDINARY, NEVER}:
        return ORDINARY
    return SURE if kinds & {SURE, LIKELY} else UNKNOWN if UNKNOWN in kinds else ORDINARY


def _inflected(lower: str) -> bool:
    """Tell whether an unknown word is a form of an ordinary one ("bumpier", "redish")."""
    for ending in _ENDINGS:
        stem = lower.removesuffix(ending)
        if stem != lower and len(stem) >= 3 and (stem in ordinary_words() or stem + "e" in ordinary_words()):
            return True
    return False


@functools.lru_cache(maxsize=5_000)
def is_strange(word: str) -> bool:
    """Tell whether an unknown word is no misspelling: nothing in English is one letter away."""
    lower = fold(word)
    if not 4 <= len(lower) <= _LONGEST:
        return False
    halves = [(lower[:place], lower[place:]) for place in range(len(lower) + 1)]
    near = {a + b[1:] for a, b in halves if b} | {a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1}
    near |= {a + letter + b[skip:] for a, b in halves for letter in _LETTERS for skip in (0, 1)}
    return not any(len(one) > 2 and one in ordinary_words() for one in near)
