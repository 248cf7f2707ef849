"""Replaces personal data in what people write by placeholders, before anything of it is stored or logged.

Names, e-mail addresses, telephone numbers, postal addresses, dates of birth, record and card numbers, links and names on
networks go; ages, durations, temperatures, doses, counts, places on the body and the day on which something began stay,
since the triage and who reads the conversation need them. Towns alone, employers and clinics stay too. Pure: the same text
gives the same result. How much is found stands in the report of `make eval`, on messages written before these rules.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from milia.storage.redaction_addresses import find_addresses
from milia.storage.redaction_links import find_emails, find_handles, find_links
from milia.storage.redaction_names import NameFinder, load_recogniser
from milia.storage.redaction_numbers import find_births, find_cards, find_phones, find_records
from milia.storage.redaction_spans import PLACEHOLDERS, Span

if TYPE_CHECKING:
    from spacy.tokens import Doc

__all__ = ["PLACEHOLDERS", "Span", "find", "redact", "warm_up"]

# In this order; what comes first keeps its characters ("mail me at x@y.com" is no handle, a card is no telephone).
_FINDERS = (find_emails, find_links, find_cards, find_births, find_records, find_addresses, find_phones, find_handles)
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))
# Nobody types more; a longer text is redacted piece by piece so that the time stays proportional to its length.
_PIECE = 4000


@functools.cache
def _names() -> NameFinder:
    return NameFinder(lambda text: load_recogniser()(text))


def find(text: str, doc: Doc | None = None) -> list[Span]:
    """Find personal data.

    Args:
        text: what a person wrote.
        doc: the text as spaCy has read it, with entities; without it the recogniser runs where a name is in doubt.

    Returns:
        Spans that do not overlap, in order of place.
    """
    spans: list[Span] = []
    for start, end in _pieces(text):
        spans += (
            Span(one.start + start, one.end + start, one.kind)
            for one in _find(text[start:end], doc if end - start == len(text) else None)
        )
    return spans


def redact(text: str, doc: Doc | None = None) -> str:
    """Return the text with a placeholder in place of each piece of personal data.

    Args:
        text: what a person wrote.
        doc: see `find`.
    """
    parts, at = [], 0
    for span in find(text, doc):
        parts += [text[at : span.start], span.placeholder]
        at = span.end
    return "".join([*parts, text[at:]])


def warm_up() -> None:
    """Load lists and models, so that the first message need not wait for them (about a second)."""
    redact("My name is Xq Zylkowa, call 312 555 0187.")
    load_recogniser()("Xq Zylkowa")


def _find(text: str, doc: Doc | None) -> list[Span]:
    taken = [Span(match.start(), match.end(), "") for match in _PLACEHOLDER.finditer(text)]
    found: list[Span] = []
    for finder in _FINDERS:
        for span in finder(text):
            if span.start < span.end and not any(one.start < span.end and span.start < one.end for one in taken):
                found.append(span)
                taken.append(span)
    found += _names()(text, taken, doc.ents if doc is not None else None)
    return sorted(found, key=lambda one: one.start)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield where to cut a long text: at a line's end or a blank."""
    start = 0
    while len(text) - start > _PIECE:
        cut = max(text.rfind("\n", start, start + _PIECE), text.rfind(" ", start, start + _PIECE))
        cut = cut if cut > start else start + _PIECE
        yield start, cut
        start = cut
    yield start, len(text)
