"""Finds postal addresses: a street with its number, what belongs to it before and after, post boxes and postcodes.

"3 close to the eye" and "2 on the way" are no addresses: a street type that is a word too needs a capital, a comma and a
place behind it, or words such as "I live at" before it. A town alone is not an address.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from milia.storage.redaction_spans import Span, any_of, fold, names, ordinary_words, tail, word_list, words

_UK = r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}"
_CANADA = r"[A-Z]\d[A-Z]\s?\d[A-Z]\d"
_POSTCODE = rf"(?:{_UK}|{_CANADA}|\d{{5}}-\d{{4}}|\d{{4}}\s?[A-Z]{{2}}|\d{{2}}-\d{{3}}|\d{{3}}\s\d{{2,3}}|\d{{4,6}})"
_HOUSE = r"(?<![\w.,/$£€-])(?:\d{1,5}(?:\s?[a-z])?(?:[-/]\d{1,4}[a-z]?)?)"
_WORD = r"[^\W\d_][\w'’.\-]*"
_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?box|post(?:al)? box|locked bag|postfach|r\.?\s?r\.?\s?\d+,?\s+box)\s*#?\s*\d+[a-z]?\b",
    re.IGNORECASE,
)


@functools.cache
def _unit() -> str:
    numbered = rf"(?:{any_of(word_list('units'))})\.?\s*#?\s*[a-z]?\d+[a-z]?(?:[-/]\d+[a-z]?)?(?![a-z])"
    lettered = r"(?:apartment|apt|flat|unit|suite|ste|block|building|bldg)\.?\s+[a-z]\b(?![’'])"
    return rf"(?:{numbered}|{lettered})"


@functools.cache
def _english() -> re.Pattern[str]:
    sure, too = any_of(word_list("streets")), any_of(word_list("streets_too"))
    number = r"(?P<house>" + _HOUSE + r")"
    middle = rf"(?P<middle>(?:(?:[nsew]\.?|north|south|east|west|\d{{1,3}}(?:st|nd|rd|th)|{_WORD})\s+){{0,4}}?)"
    return re.compile(
        rf"{number}\s*,?\s+{middle}(?:(?P<sure>{sure})|(?P<too>{too}))\b\.?(?:\s+(?:{sure}|{too})\b\.?)?"
        r"(?:\s+(?:[nsew]|north|south|east|west|\d{1,3})\b(?!\s*(?:mm|bumps?|weeks?|days?)))?",
        re.IGNORECASE,
    )


@functools.cache
def _lane_number() -> re.Pattern[str]:
    sure = any_of(word_list("streets") + ["drive", "close", "grove", "square", "court"])
    return re.compile(
        rf"\b(?P<middle>(?:{_WORD}\s+){{1,3}}?)(?P<sure>{sure})\s+(?:no\.?\s*)?\d{{1,4}}[a-z]?\b(?!\s?[.:/%]?\d)",
        re.IGNORECASE,
    )


@functools.cache
def _abroad() -> re.Pattern[str]:
    first = any_of(word_list("streets_first"))
    joined = any_of(word_list("streets_joined"))
    name = r"[^\W\d_][\w'’\-]*"
    article = r"(?:(?:de|du|des|del|della|la|le|les|da|do|dos|d['’])\s+){0,2}"
    ends = r"(?=\s*,|\s*$|\s+\d|\s+(?:is|and|in)\b|[.!?])"
    return re.compile(
        rf"(?:{_HOUSE}\s*,?\s+(?:bis\s+|ter\s+)?{first}\s+{article}{name}(?:[ -](?:{name})){{0,2}}?{ends}"
        rf"|\b{first}\s+{article}{name}(?:[ -]{name}){{0,2}}?\s*,?\s*(?:n[°ºo.]?\s*)?\d{{1,4}}(?:\s?[a-z]\b)?"
        rf"|\b(?:{name}[ -])?{name}{joined}\.?\s+\d{{1,4}}(?:\s?[a-z]\b)?"
        rf"|\b{name}[ -](?:straße|strasse|str\.|platz|weg|allee|gasse|straat|gade|vej)\s+\d{{1,4}}(?:\s?[a-z]\b)?)",
        re.IGNORECASE,
    )


@functools.cache
def _cue() -> re.Pattern[str]:
    return re.compile(rf"\b{any_of(list(words()['address_cues']))}[\s:=,\-]*$", re.IGNORECASE)


@functools.cache
def _strong_cue() -> re.Pattern[str]:
    """Return the cues behind which an address without a street type is believed."""
    return re.compile(
        r"\b(?:add?ress(?: is|['’]s)?|(?:live|living|stay|staying|reside) (?:at|on)"
        r"|(?:ship|send|mail|post|deliver) (?:\w+ ){0,3}(?:to|at))[\s:=,\-]*$",
        re.IGNORECASE,
    )


_FREE = re.compile(
    rf"\d{{1,5}}[a-z]?(?:/\d{{1,4}}[a-z]?)?[\s,]+[^\W\d_]{{3}}[\w'’.\-]*(?:\s+{_WORD}){{0,3}}(?=\s*,|\s*[.;!?]|\s*$)",
    re.IGNORECASE,
)


@functools.cache
def _after() -> re.Pattern[str]:
    """Return what may follow a street: a flat, a district, a town, a region, a postcode."""
    states = any_of(word_list("states"))
    return re.compile(
        rf"\s*,?\s*#\s?\d+[a-z]?\b|\s*,?\s*{_unit()}(?=\W|$)"
        rf"|\s*,\s*(?:\d{{1,2}}[a-z]?|[a-z]\d?)(?=\s*,)"
        rf"|[\s,]+(?P<town>(?:{_WORD}[ ]?){{1,3}}?)[\s,]+(?:(?-i:[A-Z]{{2,3}})|{states})\s+{_POSTCODE}(?!\w)"
        rf"|[\s,]+(?P<town3>(?:{_WORD}[ ]?){{1,3}}?)[\s,]+{_POSTCODE}(?![\w/]|\s*(?:weeks?|days?|months?|years?|bumps?|mm))"
        rf"|[\s,]+{_POSTCODE}\s+(?P<town4>(?-i:[A-ZÀ-Þ])[\w'’\-]+(?:\s(?-i:[A-ZÀ-Þ])[\w'’\-]+)?)"
        rf"|[\s,]+(?:{states}\s+)?{_POSTCODE}(?![\w/]|\s*(?:weeks?|days?|months?|years?|bumps?|mm))"
        rf"|\s*,\s*(?P<town2>{_WORD}(?:\s{_WORD}){{0,3}}?(?:\s\d{{1,3}})?)(?=\s*(?:,|[.;!?)\n]|$|\s-\s))",
        re.IGNORECASE,
    )


@functools.cache
def _before() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){_unit()}\s*,?\s*(?:in\s+)?$", re.IGNORECASE)


@functools.cache
def _named_house() -> re.Pattern[str]:
    """Return an address that starts with its flat or plot: "Plot 14, Sector 62, Noida 201301"."""
    word = r"[\w'’.\-]+"
    unit = r"(?:h\.?\s?no\.?|house no\.?|plot|flat|door no\.?|villa|block|sector)"
    return re.compile(
        rf"\b{unit}\s*#?\s*[a-z]?-?\d+[a-z]?\s*,?\s+(?:{word}\s*){{1,4}}(?:,\s*(?:{word}\s*){{1,3}}?){{0,3}}[\s,]\d{{6}}\b",
        re.IGNORECASE,
    )


@functools.cache
def _postcode() -> re.Pattern[str]:
    cues = any_of(list(words()["postcode_cues"]))
    return re.compile(
        rf"\b{cues}(?:\s+(?:is|number|no))?\s*[:=]?\s*(?P<cued>{_UK}|{_CANADA}|\d{{3,6}}(?:-\d{{3,4}})?)(?!\w)",
        re.IGNORECASE,
    )


_UK_ALONE = re.compile(r"(?<![\w.])(?:[A-Z]{2}\d{1,2}|[A-Z]\d{1,2}|[A-Z]{1,2}\d[A-Z])\s\d[ABD-HJLNP-UW-Z]{2}(?!\w)")


def find_addresses(text: str) -> Iterator[Span]:
    """Yield postal addresses and postcodes."""
    if not any(map(str.isdigit, text)):
        return
    found: list[tuple[int, int]] = []
    for match in _BOX.finditer(text):
        found.append(_grow(text, match.start(), match.end()))
    for match in _named_house().finditer(text):
        found.append(match.span())
    for match in _english().finditer(text):
        if _is_street(match, text):
            found.append(_grow(text, match.start(), match.end()))
    for match in _lane_number().finditer(text):
        start = _street_start(match)
        if start >= 0:
            found.append(_grow(text, start, match.end()))
    for match in _abroad().finditer(text):
        if _is_abroad(match, text):
            found.append(_grow(text, match.start(), match.end()))
    for match in _FREE.finditer(text):
        if _strong_cue().search(tail(text, match.start())) and not _street_words(match[0].split()[1:]) & _never():
            found.append(_grow(text, match.start(), match.end()))
    for match in _postcode().finditer(text):
        found.append(match.span("cued"))
    for match in _UK_ALONE.finditer(text):
        found.append(match.span())
    for start, end in found:
        yield Span(start, end, "address")


@functools.cache
def _never() -> frozenset[str]:
    return frozenset(word_list("not_street_words"))


def _street_words(parts: list[str]) -> frozenset[str]:
    return frozenset(fold(one).strip(".,'’") for one in parts)


def _is_street(match: re.Match[str], text: str) -> bool:
    """Tell whether a number, words and a street type are a street."""
    middle = match["middle"].split()
    if not middle:
        return False
    if [fold(one) for one in middle] == ["the"]:
        # "17 the crescent", but not "2 on the way"
        return bool(match["sure"]) or bool(_strong_cue().search(tail(text, match.start())))
    if _street_words(middle) & _never():
        return False
    cued = bool(_cue().search(tail(text, match.start())) or _before().search(tail(text, match.start())))
    if match["sure"]:
        return (
            cued
            or any(one[0].isupper() for one in middle)
            or _rare(middle)
            or _goes_on(match, text)
            or len(middle) <= 2
        )
    capital = middle[0][0].isupper() and (match["too"][0].isupper() or match["too"].lower() in ("st", "dr"))
    return cued or capital or (_goes_on(match, text) and len(middle) <= 3)


def _goes_on(match: re.Match[str], text: str) -> bool:
    """Tell whether a place follows behind a comma, or the message is nothing else."""
    return bool(re.match(r"\s*,\s*[^\W\d_]{3,}(?:\s[^\W\d_]+)?\s*(?:,|\.|$|\d|\s[A-Z\d])", text[match.end() :])) or (
        match.start() == 0 and match.end() == len(text.rstrip(" ."))
    )


def _rare(middle: list[str]) -> bool:
    return any(fold(one) not in ordinary_words() for one in middle)


def _street_start(match: re.Match[str]) -> int:
    """Return where the street's name in "cherry tree lane 17" starts, or -1 when that is no street."""
    parts = list(re.finditer(r"\S+", match["middle"]))
    kept = []
    for part in reversed(parts):
        if fold(part[0]).strip(".,'’") in _never():
            break
        kept.append(part)
    return match.start("middle") + kept[-1].start() if kept else -1


def _is_abroad(match: re.Match[str], text: str) -> bool:
    parts = match[0].split()
    if _street_words(parts) & (_never() - {"la", "de", "in", "no", "me"}):
        return False
    return any(one[0].isupper() for one in parts) or bool(_cue().search(tail(text, match.start())))


def _grow(text: str, start: int, end: int) -> tuple[int, int]:
    """Take in the flat before a street, and flat, town, region and postcode behind it."""
    if before := _before().search(tail(text, start)):
        start -= len(before[0])
    for _ in range(5):
        match = _after().match(text, end)
        if not match or match.end() == end or not _is_place(match):
            break
        end = match.end()
    return start, end


def _is_place(match: re.Match[str]) -> bool:
    """Tell a town from the words with which the sentence goes on."""
    town = match["town"] or match["town2"] or match["town3"] or match["town4"]
    if town is None:
        return True
    parts = town.split()
    if _street_words(parts) & (_never() - {"new", "st"}):
        return False
    if match["town2"]:
        return all(one[0].isupper() or one.isdigit() or _is_proper(one) for one in parts) or _is_district(parts)
    return True


def _is_proper(word: str) -> bool:
    return fold(word) in names("proper") or fold(word) not in ordinary_words()


def _is_district(parts: list[str]) -> bool:
    return fold(parts[0]) in ("district", "sector", "ward", "block", "phase", "floor") and len(parts) <= 2
