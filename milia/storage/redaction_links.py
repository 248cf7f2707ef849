"""Finds e-mail addresses, links and names on networks: what is written with @, :// or a domain."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from milia.storage.redaction_spans import Span, any_of, ordinary_words, word_list

# Domains after which a link is certain without "www." and without a path. Those that are words too ("went away.in",
# "skin.it") need a path: people leave out the blank after a full stop.
_ENDINGS = (
    r"(?:com|org|net|edu|gov|info|biz|io|app|dev|example|co\.[a-z]{2}|com\.[a-z]{2}|org\.[a-z]{2}|ac\.uk|nhs\.uk|gov\.uk|"
    r"blog|shop|health|clinic|online|site|website|xyz|eu|uk|de|fr|nl|es|ch|pl|se|dk|fi|pt|ie|ca|au|nz|ru|jp|cn|br|mx|cz|gr|hu|ro|tv)"
)
# All lengths are bounded, as in the standards: unbounded ones take minutes on "a.a.a.a...".
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(
    r"(?:mailto:)?(?<![a-z0-9À-ÿ._%+'’\-])[a-z0-9À-ÿ._%+'’\-]{0,63}[a-z0-9À-ÿ_+](?:@|\s?[\(\[\{]\s?at\s?[\)\]\}]\s?)"
    rf"{_LABEL}(?:\s?(?:\.|[\(\[\{{]\s?dot\s?[\)\]\}})])\s?{_LABEL}){{0,5}}"
    r"(?:\.|\s?[\(\[\{]\s?dot\s?[\)\]\}]\s?)[a-z]{2,24}\b",
    re.IGNORECASE,
)
# "lena dot fischer at posteo dot de", "hannah at gmail dot com"
_DOT = r"\s+(?:dot|point)\s+"
_SPOKEN_ENDING = r"(?:com|org|net|edu|gov|info|biz|de|fr|uk|es|it|nl|ie|au|ca|in|eu|ch|at|pl|se|dk|no|fi|pt|br|mx|us|io|me|co|ru|cz|gr|hu|jp|cn|nz|za)\b"
_SPOKEN_EMAIL = re.compile(
    rf"\b[a-z0-9_+-]{{1,40}}(?:(?:\s+(?:dot|underscore|dash|point)\s+|\.)[a-z0-9_+-]{{1,40}}){{0,5}}"
    rf"\s+at\s+[a-z0-9-]{{1,40}}(?:{_DOT}[a-z0-9-]{{1,40}}){{0,3}}{_DOT}{_SPOKEN_ENDING}"
    r"|\b[a-z0-9_.+-]{1,60}\s+at\s+(?:gmail|hotmail|yahoo|outlook|icloud|protonmail|proton|aol|gmx|web|live)"
    r"\s?(?:\.|\sdot\s)\s?[a-z]{2,4}\b",
    re.IGNORECASE,
)
_TAIL = r"(?:[/?#][^\s<>\"']*)"
_LINK = re.compile(
    rf"\b(?:(?:https?|ftp)://[^\s<>\"']+|www\.[^\s<>\"']+|(?:{_LABEL}\.){{1,5}}[a-z]{{2,18}}/[^\s<>\"']*"
    rf"|(?:{_LABEL}\.){{1,5}}{_ENDINGS}(?![\w@-]|\.[a-z]){_TAIL}?)",
    re.IGNORECASE,
)
_AT_HANDLE = re.compile(r"(?<![\w@./])@[A-Za-z0-9_](?:[\w.\-]*[A-Za-z0-9_])?_*", re.IGNORECASE)
_SLASH_HANDLE = re.compile(r"(?<![\w/])/?u/[\w-]{3,}", re.IGNORECASE)
_HASH_HANDLE = re.compile(r"\b[A-Za-z_][\w.]{1,31}#\d{4}\b")
_SKYPE = re.compile(r"\blive:[\w.\-]+", re.IGNORECASE)


@functools.cache
def _cued_handle() -> re.Pattern[str]:
    cues = any_of(word_list("handle_cues"))
    return re.compile(
        rf"\b{cues}(?:['’]s)?(?=[\s:=@])(?:\s+(?:{cues}|id|account|handle|acc|page|profile|tag))?"
        r"(?:\s+(?:is|on\s+the\s+\w+\s+is|on\s+\w+\s+is|as|im|i['’]?m|am))?"
        r"\s*[:=]?\s*(?:is\s+)?@?(?P<handle>[A-Za-z0-9_](?:[\w.\-]*[A-Za-z0-9_])?_*)",
        re.IGNORECASE,
    )


@functools.cache
def _not_handles() -> frozenset[str]:
    return frozenset(word_list("not_handles"))


def find_emails(text: str) -> Iterator[Span]:
    """Yield the e-mail addresses, also spelt out ("name at gmail dot com")."""
    lowered = text.lower()
    if "@" in text or "at)" in lowered or "at]" in lowered or "at}" in lowered or " at " in lowered:
        for match in _EMAIL.finditer(text):
            yield Span(match.start(), match.end(), "email")
    if " at " in lowered and ("dot" in lowered or "point" in lowered or "." in lowered):
        for match in _SPOKEN_EMAIL.finditer(text):
            yield Span(match.start(), match.end(), "email")


def find_links(text: str) -> Iterator[Span]:
    """Yield the addresses of pages."""
    if "." not in text and "://" not in text:
        return
    for match in _LINK.finditer(text):
        found = match[0].rstrip(".,;:!?)]}'\"")
        if "." in found and _is_link(found):
            yield Span(match.start(), match.start() + len(found), "link")


def _is_link(found: str) -> bool:
    """Tell a link from words with a full stop or a slash between them ("w.o/pain", "bumps.no")."""
    if "://" in found or found.lower().startswith("www."):
        return True
    host, _, path = found.partition("/")
    labels = host.lower().split(".")
    if all(label.isdigit() for label in labels):
        return False
    if re.search(rf"\.{_ENDINGS}$", host, re.IGNORECASE):
        # "vs.de", "away.es": words with a full stop, unless there is more to it
        return bool(path) or len(labels[-1]) > 2 or len(labels) > 2 or labels[-2] not in ordinary_words()
    return bool(path) and (len(path) >= 3 or any(map(str.isdigit, found))) and not set(labels) <= ordinary_words()


def find_handles(text: str) -> Iterator[Span]:
    """Yield names on networks: "@name", "u/name", "name#1234", and what follows "insta" or "username"."""
    if "@" in text:
        for match in _AT_HANDLE.finditer(text):
            name = match[0][1:].lower()
            if name not in _not_handles() and not name.isdigit() and len(name) > 1:
                yield Span(match.start(), match.end(), "handle")
    if "/" in text:
        for match in _SLASH_HANDLE.finditer(text):
            yield Span(match.start(), match.end(), "handle")
    if "#" in text:
        for match in _HASH_HANDLE.finditer(text):
            yield Span(match.start(), match.end(), "handle")
    for match in _SKYPE.finditer(text):
        yield Span(match.start(), match.end(), "handle")
    for match in _cued_handle().finditer(text):
        name = match["handle"]
        if _looks_like_handle(name):
            start = match.start("handle")
            yield Span(start - (text[start - 1 : start] == "@"), match.end("handle"), "handle")


def _looks_like_handle(name: str) -> bool:
    lowered = name.lower()
    if len(name) < 3 or lowered in _not_handles() or not any(map(str.isalpha, name)):
        return False
    if re.fullmatch(r"\d+(?:st|nd|rd|th|mm|cm|mg|ml|am|pm|x|s|w|wks?|days?|weeks?|months?|yrs?|yo)", lowered):
        return False
    if any(one.isdigit() or one == "_" for one in name) or ("." in name.strip(".") and " " not in name):
        parts = re.split(r"[.\-]", lowered)
        return not all(part in ordinary_words() for part in parts) or "_" in name
    inner_capital = name != name.upper() and any(map(str.isupper, name[1:]))
    return inner_capital or (lowered not in ordinary_words() and lowered.removesuffix("s") not in ordinary_words())
