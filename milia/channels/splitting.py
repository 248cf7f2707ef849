"""Cuts a reply into messages that a platform takes: between lines and sentences, never inside a warning.

Pure: a text and a limit go in, parts come out. A part is a row of pieces, so that a platform can set a warning in bold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace

from milia.sign_messages import sentences

Measure = Callable[[str], int]


@dataclass(frozen=True)
class Piece:
    """A sentence, or a warning of several, with the white space before it."""

    text: str
    before: str = ""
    warning: bool = False


@dataclass(frozen=True)
class Part:
    """One message's worth of text."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The text, as a person reads it."""
        return "".join(piece.before + piece.text for piece in self.pieces)


def pieces_of(text: str, warnings: Container[str] = ()) -> list[Piece]:
    """Cut a text at its lines and sentences; warnings that follow one another are one piece.

    Args:
        text: a reply of the bot.
        warnings: tells whether a sentence is a warning.
    """
    found: list[Piece] = []
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        for place, sentence in enumerate(sentences(line)):
            before = "" if not found else "\n" if place == 0 else " "
            piece = Piece(sentence, before, sentence in warnings)
            if piece.warning and found and found[-1].warning:
                found[-1] = replace(found[-1], text=found[-1].text + before + sentence)
            else:
                found.append(piece)
    return found


def split(
    text: str, limit: int, warnings: Container[str] = (), *, most: int | None = None, measure: Measure = len
) -> list[Part]:
    """Return the parts of a text, in order.

    Args:
        text: a reply of the bot.
        limit: length that a part should keep to.
        warnings: tells whether a sentence is a warning. A warning stays whole as long as the platform takes it.
        most: length that the platform takes at most; `limit` if None.
        measure: how the platform counts a text's length.

    Raises:
        ValueError: the limit leaves no room for a word.
    """
    most = limit if most is None else most
    if not 0 < limit <= most:
        raise ValueError(f"limit {limit} is not allowed: above 0, at most {most}")
    rows: list[list[Piece]] = []
    for piece in pieces_of(text, warnings):
        small = [piece] if measure(piece.text) <= (most if piece.warning else limit) else _cut(piece, limit, measure)
        for one in small:
            row = rows[-1] if rows else []
            whole = "".join(p.before + p.text for p in row) + one.before + one.text
            if row and measure(whole) <= limit:
                row.append(one)
            else:
                rows.append([replace(one, before="")])
    return [Part(tuple(row)) for row in rows]


def _cut(piece: Piece, limit: int, measure: Measure) -> list[Piece]:
    """Cut what is too long even by itself: a warning at its sentences, a sentence at its words, a word anywhere."""
    for cuts in (sentences(piece.text), re.split(r"\s+", piece.text)):
        if len(cuts) > 1:
            return _joined(piece, cuts, limit, measure)
    return [replace(piece, text=text, before=piece.before if n == 0 else "") for n, text in enumerate(_chop(piece.text, limit, measure))]


def _joined(piece: Piece, cuts: Iterable[str], limit: int, measure: Measure) -> list[Piece]:
    rows: list[str] = []
    for cut in cuts:
        if rows and measure(f"{rows[-1]} {cut}") <= limit:
            rows[-1] = f"{rows[-1]} {cut}"
        else:
            rows.append(cut)
    pieces = [replace(piece, text=row, before=piece.before if n == 0 else " ") for n, row in enumerate(rows)]
    return [small for one in pieces for small in ([one] if measure(one.text) <= limit else _cut(one, limit, measure))]


def _chop(word: str, limit: int, measure: Measure) -> list[str]:
    parts, start = [], 0
    while start < len(word):
        end = start + 1
        while end < len(word) and measure(word[start : end + 1]) <= limit:
            end += 1
        parts.append(word[start:end])
        start = end
    return parts
