"""Finds card numbers, record numbers, dates of birth and telephone numbers among the figures of a text.

What the triage needs looks alike: ages, temperatures, doses, counts and the date on which something began. So short figures
count only behind a word that says what they are ("MRN", "born on"), long ones only with a check digit or a known form.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from milia.storage.redaction_spans import Span, any_of, digits, tail, word_list, words

# ---------------------------------------------------------------------------------------------------------------- cards
_CARD_FORM = re.compile(
    r"\d{13,19}|\d{4}(?:([ \-.])\d{4}){2,3}\1\d{1,7}|\d{4}[ \-.]\d{6}[ \-.]\d{5}|\d{4}([ \-.])\d{4}\2\d{4}\2\d{3}"
)
_CARD = re.compile(r"(?<![\w.,/+-])\d(?:[ \-.]?\d){11,18}(?![\d/])")
# Goes with a card and means nothing without it, but gives more of it away.
_CARD_TAIL = re.compile(
    r"[\s,;]*(?:(?:exp(?:iry|ires|iration)?(?: date)?|valid (?:thru|until)|cvv2?|cvc|code)"
    r"\s*:?\s*\d{1,4}(?:\s?/\s?\d{2,4})?)",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?(?![A-Z0-9])", re.IGNORECASE)
_IBAN_CUE = re.compile(r"\biban\b", re.IGNORECASE)


def luhn(number: str) -> bool:
    """Tell whether the last digit fits the others, as on payment cards (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(number: str) -> bool:
    """Tell whether the check digits of an international account number fit (ISO 13616)."""
    moved = number[4:] + number[:4]
    return 15 <= len(number) <= 34 and int("".join(str(int(one, 36)) for one in moved)) % 97 == 1


@functools.cache
def _card_cue() -> re.Pattern[str]:
    return re.compile(rf"\b{any_of(word_list('card_cues'))}\b[^.!?\n]{{0,25}}$", re.IGNORECASE)


def find_cards(text: str) -> Iterator[Span]:
    """Yield numbers of payment cards, with expiry and security code behind them, and of bank accounts (IBAN)."""
    for match in _CARD.finditer(text):
        number, before = digits(match[0]), tail(text, match.start())
        if (_CARD_FORM.fullmatch(match[0]) and number[0] in "23456" and luhn(number)) or _card_cue().search(before):
            end = match.end()
            while extra := _CARD_TAIL.match(text, end):
                end = extra.end()
            yield Span(match.start(), end, "card")
    for match in _IBAN.finditer(text):
        for end in _ends(match[0]):
            number = re.sub(r"[ -]", "", match[0][:end]).upper()
            if iban(number):
                yield Span(match.start(), match.start() + end, "card")
                break
        else:
            if _IBAN_CUE.search(tail(text, match.start(), 20)):
                yield Span(match.start(), match.end(), "card")


def _ends(found: str) -> list[int]:
    """Return where an account number may end: at each blank, the longest first."""
    return [len(found), *sorted((one.start() for one in re.finditer(r"[ -]", found)), reverse=True)]


# ------------------------------------------------------------------------------------------------------- dates of birth
@functools.cache
def _birth() -> re.Pattern[str]:
    month = any_of(word_list("months")) + r"\.?"
    year = r"(?:[12]\d{3}|['’]?\d{2})"
    day = r"\d{1,2}(?:st|nd|rd|th)?"
    date, sign = r"\d{1,2}", r"\s?[./\-]\s?"
    numeric = rf"(?:{date}{sign}{date}{sign}{year}|[12]\d{{3}}{sign}{date}{sign}{date}|[12]\d{{7}})"
    # "born 2 Feb, 3 bumps": the figure of what follows is no year
    end_of_year = r"(?![\d:.]*\d|\s?(?:mm|x|weeks?|days?|months?|bumps?|spots?))"
    worded = (
        rf"(?:{day}[\s.\-]*(?:of\s+)?{month}(?:[\s,.\-]*(?:of\s+|in\s+)?{year}{end_of_year})?"
        rf"|{month}\s*{day}(?:[\s,]+(?:of\s+)?{year}{end_of_year})?|{day}[\s\-]{month}[\s\-]{year})"
    )
    full = rf"(?:{numeric}|{worded})(?![\w/]|\.\d)"
    short = rf"(?:{numeric}|{worded}|\d{{1,2}}[./]\d{{1,2}})(?![\w/]|\.\d)"
    link = r"(?:\s|is\b|was\b|are\b|the\b|on\b|of\b|in\b|for\b|my\b|her\b|his\b|['’]s\b|twins\b|\bat\b|[:=\-–(,#])*"
    cue = any_of(list(words()["birth_cues"]))
    return re.compile(
        rf"(?:\b{cue}(?:['’]?s\b)?{link}(?P<a>{short})"
        rf"|\bborn(?:\s|on\b|the\b|is\b|was\b|in\b|date\b|back\b|\w+day\b|[:(,])*(?P<b>{full})"
        rf"|(?P<c>{full})\s*,?\s*(?:is|was|['’]s)\s+(?:my|his|her|the|our|their)\s+(?:\w+['’]?s?\s+)?"
        r"(?:d\.?o\.?b|birth|b-?day|date\s+of\s+birth)"
        rf"|(?P<d>{full})\s*(?:is|was)?\s*(?:when|the\s+day)\s+(?:\w+\s+){{1,2}}(?:was|were)\s+born)",
        re.IGNORECASE,
    )


def find_births(text: str) -> Iterator[Span]:
    """Yield dates of birth: a date behind "DOB", "birthday", "born", or before "is my birthday"."""
    lowered = text.lower()
    if not any(one in lowered for one in ("b", "né", "nac", "gebu")):
        return
    for match in _birth().finditer(text):
        group = next(name for name in "abcd" if match[name])
        start, end = match.span(group)
        if not re.search(r"\bnot\s+$", tail(text, start), re.IGNORECASE):
            yield Span(start, end, "birth")


# -------------------------------------------------------------------------------------------------------------- records
# A figure with letters and marks in it, in one piece or in groups that each hold digits.
_NOT_NUMBER = r"(?!\s?(?:mm|cm|mg|ml|weeks?|wks?|days?|months?|mos?|years?|yrs?|hours?|bumps?|spots?|dots?|lesions?|of|times|x|%|am|pm)\b)"
_VALUE = (
    r"#?\s*(?P<value>(?=[A-Z./\-]{0,8}\d|(?-i:[A-Z]{1,3})\s\d|[A-Z0-9]{1,4}[\-./])"
    r"(?:(?-i:[A-Z]{1,3})\s(?=\d))?[A-Z0-9]{1,40}(?:[\-./][A-Z0-9]{1,20}){0,6}"
    rf"(?:\s(?:\d{{2,}}[A-Z]?|\d(?=$|[\s,.;)])|[A-D](?=$|[\s,.;)])){_NOT_NUMBER}){{0,8}})"
)
_KNOWN_RECORD = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}"  # US social security
    r"|[A-Z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D]"  # UK national insurance
    r"|\d[A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}"  # US Medicare
    r"|[A-Z]{1,4}[-/]?\d{5,12}(?:-\d{1,4})?)(?![\w-])"  # PT-203948, XKJ884120937
)
_CODE = re.compile(r"(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{5,}")  # booking codes: QX7T2P
_ORDINARY_CODE = re.compile(r"(?:spf|covid|icd|b|e|q|c|d|h)\W?\d{1,3}", re.IGNORECASE)


@functools.cache
def _record() -> re.Pattern[str]:
    number = r"(?:number|numbers|no\b\.?|num|nr\b\.?|#|id|code|nummer)"
    nouns = (
        "(?:"
        + "|".join(
            sorted((one.strip() for one in words()["record_cues"]["with_number"].split("|")), key=len, reverse=True)
        )
        + ")"
    )
    alone = any_of(list(words()["record_cues"]["alone"]))
    between = r"(?:\s|is\b|was\b|:|=|-|,|#|\bnumber\b|\bno\b[:.]?|\bid\b|\bthe\b|\bmy\b|\(|\bnum\b|\bcode\b)*"
    # Where no "number" stands between: four digits, or a code of capitals and digits.
    telling = r"(?=[A-Z]{0,6}[-/]?\d{4}|(?-i:[A-Z]{1,3})\s\d{4}|(?-i:(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{5,10}\b))"
    return re.compile(
        rf"(?:\b{alone}(?:['’]s)?\b{between}"
        rf"|\b{nouns}(?:['’]?s)?\s*[-/]?\s*{number}(?![a-z])(?:\s|is\b|was\b|:|=|-|\(|\bat\b|#|\bmy\b)*"
        rf"|\b(?:{nouns}|file|id|identification)\b(?:\s+(?:is|number|no\.?)\b|\s?[:=#])*\s?#?\s*{telling}){_VALUE}",
        re.IGNORECASE,
    )


def find_records(text: str) -> Iterator[Span]:
    """Yield numbers of patients, policies, claims, identity cards and the like: behind their name, or of a known form."""
    for match in _record().finditer(text):
        value = match["value"]
        if (
            (len(digits(value)) >= 3 or _CODE.fullmatch(value))
            and not _ORDINARY_CODE.fullmatch(value)
            and not _looks_like_date(value)
        ):
            yield Span(match.start("value"), match.end("value"), "record")
    for match in _KNOWN_RECORD.finditer(text):
        yield Span(match.start(), match.end(), "record")


def _looks_like_date(value: str) -> bool:
    return bool(re.fullmatch(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|(?:19|20)\d\d(?:-\d\d-\d\d)?", value))


# --------------------------------------------------------------------------------------------------------------- phones
_EXTENSION = r"(?:\s*,?\s*(?:ext|extension|x)\.?\s*\d{1,6}\b)"
_PHONE = re.compile(
    r"(?<![\w.,/$£€#-])(?:\+|00)?\(?\+?\d(?:[\s().\-–/]{0,3}\d){5,16}(?!\d|[.,]\d|\s?(?:mm|cm|mg|ml|kg|%)\b)"
    + _EXTENSION
    + "?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\(?(?:\d{1,2}\s?[./\-]\s?\d{1,2}\s?[./\-]\s?(?:19|20)?\d{2}|(?:19|20)\d{2}\s?[./\-]\s?\d{1,2}\s?[./\-]\s?\d{1,2}"
    r"|(?:19|20)\d{2}\s?[-–/]\s?(?:19|20)\d{2})\)?"
)
# Temperatures one after the other ("36.8 36.8 36.9") have the digits of a number that can be dialled.
_READING = re.compile(r"(?<![\d.,/-])(?:3[4-9]|4[0-3]|9[3-9]|10\d|110)[.,]\d(?![\d/-]|[.,]\d)")
# Where a number without + may come from; the first digits settle it, so the order means little.
_REGIONS = (
    "US",
    "GB",
    "IE",
    "AU",
    "IN",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "ZA",
    "BR",
    "MX",
    "PL",
    "SE",
    "NZ",
    "SG",
    "PK",
    "NG",
    "PH",
)
_DIGIT_WORDS = {
    "zero": "0",
    "oh": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
_SPOKEN = re.compile(
    rf"\b(?:(?:double\s+|triple\s+)?(?:{'|'.join(_DIGIT_WORDS)}|\d+)[\s\-,]+){{2,}}(?:{'|'.join(_DIGIT_WORDS)}|\d+)\b",
    re.IGNORECASE,
)


@functools.cache
def _phone_cue() -> re.Pattern[str]:
    cues = any_of(word_list("phone_cues"))
    return re.compile(
        rf"\b{cues}(?:['’]s)?(?:\b|\.)[^.!?\n]{{0,22}}$"
        r"|\+\s?\d{1,3}\s+(?:cell|number|mobile)[:\s]*$|\b(?:i['’]?m|i am) at\s*$",
        re.IGNORECASE,
    )


@functools.cache
def _valid(number: str) -> bool:
    """Tell whether a number can be dialled somewhere; `phonenumbers` is loaded at the first one."""
    import phonenumbers

    for region in (None,) if number.startswith("+") else _REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def find_phones(text: str) -> Iterator[Span]:
    """Yield telephone numbers: with a country code, behind "call" and the like, or of a form that can be dialled."""
    for match in _PHONE.finditer(_READING.sub(lambda reading: "~" * len(reading[0]), text)):
        start, end = match.span()
        found = match[0].rstrip(" (.-")
        end = start + len(found)
        if found.startswith("(") and ")" not in found:
            found, start = found[1:], start + 1
        if _is_phone(found, tail(text, start)):
            yield Span(start, end, "phone")
    for match in _SPOKEN.finditer(text):
        number = _spoken_digits(match[0])
        spoken = sum(word in _DIGIT_WORDS for word in re.findall(r"[a-z]+", match[0].lower()))
        if 7 <= len(number) <= 15 and spoken >= 3:
            yield Span(match.start(), match.end(), "phone")


def _is_phone(found: str, before: str) -> bool:
    number = digits(re.sub(_EXTENSION + "$", "", found, flags=re.IGNORECASE))
    if not 7 <= len(number) <= 15 or _DATE.fullmatch(found.strip()):
        return False
    groups = re.findall(r"\d+", found)
    if found.startswith(("+", "(+", "00")) and len(number) >= 8:
        return True
    if max(map(len, groups)) < 3 and len(groups) < 4:
        return False
    if re.fullmatch(r"\d{1,3}(?: \d{3})+", found) and len(number) < 9:  # 1 000 000 of them
        return False
    if _phone_cue().search(before):
        return True
    if len(number) < 9 or "/" in found:
        return False
    if re.fullmatch(r"\d+", found):
        return (len(number) in (10, 11) or found.startswith("0")) and _valid(found)
    return _valid(found) or bool(re.fullmatch(r"0\d{2,4}[ )-]+\d{3,4}[ -]?\d{3,4}|0\d(?:[ .]\d\d){4}", found))


def _spoken_digits(text: str) -> str:
    found, times = "", 1
    for word in re.findall(r"[a-z]+|\d+", text.lower()):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
        else:
            found, times = found + _DIGIT_WORDS.get(word, word if word.isdigit() else "") * times, 1
    return found
