"""Ages, temperatures and durations in free text, as spans with values.

Pure functions on plain text: no spaCy, no Rasa. They read what people type ("DD is 9 days", "6yo", "temp 38,2",
"a couple of wks"), and keep apart what only looks alike: "5 weeks old" is an age, "for 5 weeks" a duration,
"30 weeks pregnant" neither. Ages and durations are ranges of days, since "2 months" means 60 to 91 of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_NUMBER_WORDS = {word: float(n) for n, word in enumerate((_UNITS + " seventeen eighteen nineteen").split())}
_NUMBER_WORDS.update(
    {w: 10.0 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
)
_NUMBER_WORDS.update({"a": 1.0, "an": 1.0, "fourty": 40.0, "half a": 0.5, "half an": 0.5, "couple": 2.0, "dozen": 12.0})
_VAGUE = {"few": (2.0, 6.0), "several": (3.0, 9.0), "many": (4.0, 20.0), "couple": (2.0, 3.0)}

_WORD = "|".join(sorted((w for w in _NUMBER_WORDS if w not in ("a", "an")), key=len, reverse=True))
_NUM = rf"(?:\d+(?:[.,]\d+)?(?:\s?[½]|\s1/2)?|(?:{_WORD})(?:[- ](?:one|two|three|four|five|six|seven|eight|nine)\b)?)"
_VAGUE_NUM = r"(?:a\s+)?(?:few|several|many|couple)(?:\s+of)?"
_UNIT = (
    r"(?P<unit>hours?|hrs?|days?|dys?|d|weeks?|weks?|wees?k|wks?|w|fortnights?|months?|mont?hs?|mnths?|mths?|mons?|mos?|"
    r"m|years?|yeras?|yrs?|yr|y)"
)
_QUANTITY = re.compile(
    rf"(?<![\w.,$£€/])(?P<num>{_VAGUE_NUM}|{_NUM}(?:\s?(?:-|–|to|or)\s?{_NUM})?(?P<and>\s+and\s+(?:a\s+)?half)?|an?)(?:\s?-?\s?){_UNIT}"
    r"(?P<half>\s+and\s+(?:a\s+)?half)?(?=\W|old\b|olds\b|o\b|er\b|$)",
    re.IGNORECASE,
)
DAY, WEEK, MONTH, YEAR = 1.0, 7.0, 30.4375, 365.25
_PERSON = (
    r"(?:bab(?:y|ies)|babe|bub(?:ba|s)?|lo|dd|ds|son|daughter|boy|girl|twins?|newborn|new\s?born|preemie|premm?ie|prem|"
    r"infant|toddler|kid|child|grand(?:son|daughter|child|baby)|nephew|niece|neice|cousin|brother|sister|he|she|hes|"
    r"shes|i|im|they|theyre|husband|wife|partner|mum|mom|dad|gran|nan|grandma|grandad|grandpa|mother|father|woman|man|"
    r"female|male|lad|lass|guy|lady|little\s+(?:one|man|girl|boy)|who|one|friend|boyfriend|girlfriend)"
)
_THING = (
    r"(?:bumps?|spots?|dots?|tattoos?|scars?|wounds?|burns?|pinheads?|beads?|grains?|lumps?|cysts?|pimples?|specks?|"
    r"things?|scabs?|pearls?|seeds?|whiteheads?|blisters?|rash|piercings?|it|its|this(?!\s+(?:morning|afternoon|evening|week|time|day))|marks?|moles?|sores?)"
)
_AGE_AFTER = re.compile(r"\s*-?\s*(?:olds?\b|of age|o\b|/o\b|young\b)", re.IGNORECASE)
_YO = re.compile(r"(?<![\w.,$])(?P<num>\d{1,3})\s?-?\s?(?:y/?o|yrs?/?o|yo|yr olds?|y old)\b", re.IGNORECASE)
_SMALL_YO = re.compile(r"(?<![\w.,$])(?P<num>\d{1,2})\s?-?\s?(?P<unit>mo|m|w|wk|d)/?o\b", re.IGNORECASE)
_PERSON_NOUN_AFTER = re.compile(
    r"\s*-?\s*(?:(?:bab(?:y|ies)|bub|girl|boy|son|daughter|newborn|infant|preemie|premm?ie|lo|kid|child|twins?)\b)", re.IGNORECASE
)
_SUBJECT_BEFORE = re.compile(
    rf"\b{_PERSON}(?:['’]s|['’]m)?\s*(?:[,(:-]\s*)?(?:is|are|am|was born|turned|turns|be|s|aged?)?\s*"
    r"(?:now|just|only|nearly|almost|about|around|roughly|exactly|not even|barely|at|aged?|already|coming up to|over|"
    r"under|less than|not yet|like)?\s*[,(]?\s*$",
    re.IGNORECASE,
)
_NOT_AGE_AFTER = re.compile(
    r"\s*(?:ago|back\b|later|earlier|pregnant|gestation|along|prem|premature|early|preterm|postpartum|post\b|after|of\s|in\s|"
    r"into|from now|until|till|away|straight|apart|overdue|before|since|supply|course|break)",
    re.IGNORECASE,
)
_GESTATION_BEFORE = re.compile(r"\b(?:born|came|arrived|delivered|pregnant|induced|c-?section)\b[^.,;!?]{0,12}\bat\s*(?:about\s*)?$", re.I)
_GESTATION_AFTER = re.compile(r"\s*(?:\+\s?\d\s*)?(?:pregnant|gestation|along|prem\b|premature|early|preterm|preggo|preg\b|with (?:my|our))", re.I)
_DURATION_BEFORE = re.compile(
    r"\b(?:for|in|within|past|last|over|since|every|next|after|about|under|during|than|another|only|took|takes|lasted|"
    r"been|had (?:it|them|this|these|one)|there|already|now)\s*(?:about|around|like|the|past|last|almost|nearly|over|maybe|"
    r"at least|approx\.?|more than|less than)?\s*$",
    re.IGNORECASE,
)
_PAST_AGE_BEFORE = re.compile(
    r"(?<!look )(?<!looking )(?<!looks )\b(?:since|when|until|till|while|back when|from when|before|after)\b[^.,;!?]{0,24}\b(?:was|were|turned|is|at|about)?\s*$"
    r"|\b(?:was|were)\s+(?:about|only|just|like|a)?\s*$|\bfrom\s*$",
    re.IGNORECASE,
)
_AT_BEFORE = re.compile(r"\b(?:at|by)\s*(?:about|around)?\s*$", re.IGNORECASE)
_CORRECTED = re.compile(r"^\s*(?:old\s*)?\(?\s*(?:corrected|adjusted)|(?:corrected|adjusted)(?:\s+age)?(?:\s+(?:of|is|about|to))?\s*[:(]?\s*$", re.I)


@dataclass(frozen=True)
class AgeSpan:
    """An age said in a text.

    Attributes:
        start, end: Character offsets.
        text: The words themselves.
        low, high: The range of days the words allow, both included.
        kind: `number` (said as a figure), `born` ("born last week"), `word` ("newborn"), `weak` (a figure that may be
            an age: "still yellow at 3 weeks").
        group: For `word`: newborn, baby, toddler, child, teen, adult or elder; else empty.
        corrected: Whether it is the corrected age of a preterm baby.
        self_said: Whether the writer speaks of their own age ("I'm 34", "34F").
    """

    start: int
    end: int
    text: str
    low: float
    high: float
    kind: str = "number"
    group: str = ""
    corrected: bool = False
    self_said: bool = False


@dataclass(frozen=True)
class TemperatureSpan:
    """A body temperature said in a text; `celsius` is rounded to two decimals, `site` may be empty."""

    start: int
    end: int
    text: str
    celsius: float
    site: str = ""


@dataclass(frozen=True)
class DurationSpan:
    """A length of time; `kind` is `for` (how long something lasts), `ago` (how long since) or `since`."""

    start: int
    end: int
    text: str
    low: float
    high: float
    kind: str = "for"


def number(text: str) -> float | None:
    """Return the value of a number in figures or words, or None."""
    text = re.sub(r"\s+", " ", text.strip().lower()).replace("½", ".5").replace(" 1/2", ".5")
    text = text.replace(",", ".").replace(" .5", ".5")
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    if text in _NUMBER_WORDS:
        return _NUMBER_WORDS[text]
    parts = re.split(r"[- ]", text)
    if len(parts) == 2 and all(p in _NUMBER_WORDS for p in parts):
        return _NUMBER_WORDS[parts[0]] + _NUMBER_WORDS[parts[1]]
    return None


def _unit_days(unit: str) -> float:
    """Return the days in a unit as typed."""
    unit = unit.lower()
    if unit.startswith("h"):
        return 1 / 24
    if unit.startswith("d"):
        return DAY
    if unit.startswith("f"):
        return 14.0
    if unit.startswith("w"):
        return WEEK
    return MONTH if unit.startswith("m") else YEAR


def _range(match: re.Match[str]) -> tuple[float, float] | None:
    """Return the days that a quantity covers: "2 months" is 60.9 to 91.2."""
    said, days = re.sub(r"\s+and\s+(?:a\s+)?half", "", match["num"].lower()), _unit_days(match["unit"])
    for word, (low, high) in _VAGUE.items():
        if word in said:
            return low * days, (high + 0.99) * days
    parts = re.split(r"\s?(?:-|–|\bto\b|\bor\b)\s?", said) if number(said) is None else [said]
    values = [v for v in map(number, parts) if v is not None]
    if not values:
        return None
    low, high = min(values), max(values)
    if match["half"] or match.groupdict().get("and"):
        return (low + 0.5) * days, (high + 0.99) * days
    return low * days, (high + (0.99 if high == int(high) else 0.3)) * days


def _adjust(before: str, low: float, high: float) -> tuple[float, float]:
    """Widen a range for "nearly", "under", "about"."""
    if re.search(r"\b(?:nearly|almost|under|not (?:yet|even|quite)|less than|coming up to|barely|just under)\s*$", before):
        return low * 0.85, low - 0.01
    if re.search(r"\b(?:about|around|roughly|approx\.?|maybe|like|abt)\s*$", before):
        return low * 0.9, high * 1.1
    return low, high


_BORN = re.compile(
    rf"\b(?:was\s+)?born\s+(?:only\s+|just\s+)?(?:(?P<day>today|tonight|this morning|last night|yesterday|(?:a\s+)?few hours ago|hours ago)|"
    rf"(?:(?:a|about|just)\s+)?(?P<num>{_VAGUE_NUM}|{_NUM}|an?)\s?{_UNIT}\s+(?:ago|back|early ago)|(?P<week>this week|last week|the other day|recently|"
    r"(?:on\s+|last\s+|this\s+)(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day)?s?)|(?P<month>last month|this month))(?P<half>)",
    re.IGNORECASE,
)
_JUST_BORN = re.compile(r"\bborn\s+(?:on\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day\b", re.IGNORECASE)
_NO_GROUP_AFTER = (
    r"(?!\s*(?:acne|soap|oil|shampoo|wipes?|powder|lotion|cream|weight|shower|skin|teeth|pimples?|milia|milk|bumps?|spots?|"
    r"blues|fever|brain|bump|pink|blue|bath|wash|products?|sunscreen|milestones?))"
)
_GROUPS = (
    ("newborn", 0.0, 27.99, r"new[\s-]?borns?|newbon|neonates?|newly born|new[\s-]?baby|preemies?|premm?ies?|prem(?:ature)? (?:baby|bub|twins?)|preterm|few days old"),
    ("baby", 0.0, 365.0, r"bab(?:y|ies|ys|ie)|bub(?:s|ba)?|bubby|infants?|lo(?!\w)|l\.o\.|little one|bambino"),
    ("toddler", 365.0, 3.99 * YEAR, r"toddlers?|preschooler"),
    ("child", 0.0, 17.99 * YEAR, r"child(?:s|ren)?|kids?|kiddo|sons?|daughters?|daughter|dd|ds|little (?:boy|girl|man|lad)|grand(?:son|daughter|child)|nephew|niece"),
    ("teen", 13 * YEAR, 17.99 * YEAR, r"teens?|teenagers?|teenage (?:son|daughter|boy|girl)"),
    ("elder", 60 * YEAR, 100 * YEAR, r"grand?ma|gran|granny|nan|nana|nanna|grand?dad|grandpa|grandfather|grandmother|elderly|pensioner"),
)
_GROUP_PATTERNS = tuple(
    (name, low, high, re.compile(rf"\b(?:{words})\b(?:(?<=s)|{_NO_GROUP_AFTER})", re.IGNORECASE)) for name, low, high, words in _GROUPS
)
_PAST_GROUP = re.compile(
    r"\b(?:as|was|were|since|being|been|when|trying for|try for|want|having|have|had|expecting|after|lost|another|next|from|every)"
    r"\s+(?:an?\s+|my\s+|the\s+)?(?:little\s+|new\s+)?$",
    re.IGNORECASE,
)
_BARE_YEARS = re.compile(
    r"(?:\b(?P<self>i['’]?\s?a?m|im|iam|aged?|age:?)|\b(?P<other>he['’]?s|she['’]?s|he is|she is|who is|who['’]s|"
    r"(?:son|daughter|kid|child|mum|mom|dad|gran|grandma|grandad|husband|wife|boy|girl|sister|brother|mother|father|partner|teen|lad)"
    r"(?:\s+is|,|\s+who is|\s+who's|\s+aged?|['’]s)?))\s*(?:only\s+|now\s+|just\s+|nearly\s+|almost\s+|turning\s+|about\s+|aged\s+|\()?\s*"
    rf"(?P<num>\d{{1,3}}|(?:{_WORD})(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?)"
    r"(?=\s*(?:$|[.,;:!?)/-]|and\b|with\b|but\b|now\b|who\b|f\b|m\b|fem|male\b|have\b|has\b|had\b|so\b|got\b|so\b|in\b|this\b|never\b|woman|man\b|lady|guy))(?!\s*[.,]\d)(?!\s*-\s*\d)",
    re.IGNORECASE,
)
_SEXED = re.compile(r"(?<![\w.,$])(?P<num>[1-9]\d)\s?(?:/\s?)?(?:[fm]|male|female|fem)\b(?!\w)|\b[fm]\s?/?\s?(?P<num2>[1-9]\d)\b(?![\d.,]*\s*(?:weeks?|months?|%))|^\s*(?P<num3>[1-9]\d)(?=\s*(?:,(?!\d)|\.\s))|(?<=[,.;] )(?P<num4>[1-9]\d)(?=,? (?:male|female|woman|man|year))", re.IGNORECASE)
_BORN_ON = re.compile(r"\bborn (?:on )?the \d{1,2}(?:st|nd|rd|th)\b", re.IGNORECASE)
_BABY_WORDS = re.compile(
    r"\b(?:napp(?:y|ies)|diapers?|feeds?|bottles?|latch\w*|midwife|health visitor|breast\w*|formula|cot|crib|soft spot|fontanelle|"
    r"milk spots?|newborn|baby|bub|lo|jabs|preemie|in good form|weeker)\b", re.IGNORECASE
)
_THIRD = re.compile(r"\b(?:he|she|his|her|him|hes|shes|bab(?:y|ys)|bub|lo|ours|dd|ds|son|daughter|twins?)\b", re.IGNORECASE)
_GROWN = re.compile(
    r"\b(?:husband|hubby|wife|boyfriend|girlfriend|partner|dad|mum|mom|father|mother|gran\w*|nan|uncle|aunt\w*|friend|mate|"
    r"boss|colleague|fiance\w?|man|woman|sister|brother)\b", re.IGNORECASE
)
_EARLY = re.compile(r"\b(?P<num>\d{1,2})\s?(?:weeks?|wks?|w)\s+(?:early|prem\w*|preterm)\b|\bborn (?:at|@) (?P<at>2\d|3[0-6])\s?(?:\+\s?\d\s?)?(?:weeks?|wks?|w)\b", re.IGNORECASE)
_DUE = re.compile(rf"\bdue(?: date)?(?: was| were)?(?: only| just)? (?P<num>{_NUM})\s?(?P<unit>weeks?|wks?|days?) ago\b", re.IGNORECASE)
_DECADE = re.compile(r"\bin (?:my|her|his|their) (?:early |mid |late |mid-|late-|early-)?(?P<d>[2-9])0['’]?s\b", re.IGNORECASE)


def _quantities(text: str) -> Iterator[tuple[re.Match[str], float, float, str, str]]:
    """Yield each number with a unit of time: match, low, high, the text before and after."""
    for match in _QUANTITY.finditer(text):
        unit = match["unit"].lower()
        if unit in {"m", "d", "w", "y", "mo", "mos", "mon", "mons"} and not re.search(r"\d", match["num"]):
            continue
        if match["num"].lower() in {"a", "an"} and unit.endswith("s"):
            continue
        found = _range(match)
        if found is not None:
            low, high = _adjust(text[: match.start()].lower(), *found)
            yield match, low, high, text[: match.start()], text[match.end() :]


def _age_kind(match: re.Match[str], before: str, after: str) -> str:
    """Return `number`, `weak` or an empty string for a quantity of time."""
    if _GESTATION_BEFORE.search(before) or _GESTATION_AFTER.match(after):
        return ""
    old = _AGE_AFTER.match(after)
    if _CORRECTED.search(before[-24:]) or _CORRECTED.match(after):
        return "number"
    if _PAST_AGE_BEFORE.search(before[-40:]) and not re.search(r"\b(?:he|she|baby|lo|bub)(?:['’]?s| is)\s*$", before, re.I):
        return ""
    if old:
        if re.search(r"\b(?:my|our|an?|his|her|their|the)\s*$", before, re.I) and not re.match(rf"\s*{_THING}\b", after[old.end() :], re.I):
            return "number"
        own = re.search(r"\b(?:i|im|i'm|my|me|mine)\b", before, re.I)
        if re.search(rf"\b{_THING}\b[^.!?;{'' if own else ','}]*$", before, re.I) and not re.search(rf"\b(?!i\b|one\b|they\b){_PERSON}\b", before + after, re.I):
            return ""
        return "number"
    if _PERSON_NOUN_AFTER.match(after) and not _DURATION_BEFORE.search(before):
        return "number"
    if _NOT_AGE_AFTER.match(after):
        return ""
    if match["unit"].lower() in {"m", "d", "w", "y"} and len(match["unit"]) == 1 and not _SUBJECT_BEFORE.search(before):
        return ""
    if _SUBJECT_BEFORE.search(before[-60:]) and match["num"].lower() not in {"a", "an"}:
        return "number"
    if _AT_BEFORE.search(before):
        return "weak"
    return ""


def find_ages(text: str) -> tuple[AgeSpan, ...]:
    """Find the ages of people in a text, in order of place.

    Args:
        text: Any text.

    Returns:
        Spans; words such as "baby" come as `word` spans beside figures.
    """
    found: list[AgeSpan] = []

    def add(start: int, end: int, low: float, high: float, kind: str = "number", group: str = "", **more: bool) -> None:
        if not any(a.start < end and start < a.end for a in found):
            found.append(AgeSpan(start, end, text[start:end], max(low, 0.0), high, kind, group, **more))

    for m in _BORN.finditer(text):
        days = _range(m) if m["num"] else (0.0, 1.99) if m["day"] else (0.0, 13.99) if m["week"] else (0.0, 62.0)
        if m["day"] and m["day"].lower() in {"today", "tonight", "this morning", "few hours ago", "a few hours ago", "hours ago"}:
            days = (0.0, 0.99)
        if days:
            add(m.start(), m.end(), days[0], days[1], "born")
    for m in _YO.finditer(text):
        add(m.start(), m.end(), float(m["num"]) * YEAR, (float(m["num"]) + 0.99) * YEAR)
    for m in _SMALL_YO.finditer(text):
        days1 = _unit_days(m["unit"])
        add(m.start(), m.end(), float(m["num"]) * days1, (float(m["num"]) + 0.99) * days1)
    for m, low, high, before, after in _quantities(text):
        kind = _age_kind(m, before, after)
        if kind:
            old = _AGE_AFTER.match(after)
            corrected = bool(_CORRECTED.search(before[-24:]) or _CORRECTED.match(after))
            self_said = bool(re.search(r"\b(?:i['’]?\s?a?m|im)\s*(?:an?\s+|about\s+)?$", before, re.I))
            add(m.start(), m.end() + (old.end() if old else 0), low, high, kind, corrected=corrected, self_said=self_said)
    for m in re.finditer(r"(?:^|\b(?:my|our|a|the|her|his|only|just|is)\s+|,\s*)(?P<u>month|day|year|week|wk)[- ]?old\b", text, re.I):
        add(m.start("u"), m.end(), _unit_days(m["u"]), 1.99 * _unit_days(m["u"]))
    for m in _BARE_YEARS.finditer(text):
        value = number(m["num"])
        if value is not None and 0 < value <= 110:
            add(m.start("num"), m.end("num"), value * YEAR, (value + 0.99) * YEAR, self_said=bool(m["self"]) and m["self"].lower().startswith("i"))
    for m in _SEXED.finditer(text):
        value = float(m["num"] or m["num2"] or m["num3"] or m["num4"])
        add(m.start(), m.end(), value * YEAR, (value + 0.99) * YEAR, self_said=True)
    for m in _DECADE.finditer(text):
        add(m.start(), m.end(), int(m["d"]) * 10 * YEAR, (int(m["d"]) * 10 + 9.99) * YEAR, self_said=" my " in m.group())
    for m in _BORN_ON.finditer(text):
        add(m.start(), m.end(), 0.0, 31.0, "born")
    baby = bool(_BABY_WORDS.search(text))
    own = bool(re.search(r"\b(?:i|im|i'm|my|me)\b", text, re.I)) and not baby
    for m, low, high, before, after in _quantities(text):
        small = m["unit"].lower()[0] in "dwm" and high < 3 * YEAR and (m["num"].lower() not in {"a", "an"})
        spoken_of = _THIRD.search(before) and not _GROWN.search(text)
        if small and (not own or spoken_of) and re.match(r"\s*(?:,|:|$|\+|er\b)", after) and not _DURATION_BEFORE.search(before):
            bare = re.search(r"[,.(]\s*$", before) and re.match(r"\s*(?:[,.;!)]|$)", after)
            if re.fullmatch(r"\s*(?:just|only|nearly|almost|about|she's|he's|hi|hello)?[,\s]*", before, re.I) or (
                (baby or (spoken_of and bare)) and re.search(r"[,.(]\s*$", before)
            ):
                add(m.start(), m.end(), low, high, "weak")
    for name, low, high, pattern in _GROUP_PATTERNS:
        for m in pattern.finditer(text):
            if name in {"newborn", "baby"} and _PAST_GROUP.search(text[: m.start()]):
                continue
            add(m.start(), m.end(), low, high, "word", name)
    return tuple(sorted(found, key=lambda a: a.start))


def corrected_days(text: str, age_days: float) -> float | None:
    """Return the corrected age of a preterm baby of a given age, if the text says how early it came.

    "Born at 31 weeks" and "6 weeks early" count back from 40 weeks; "due 6 weeks ago" gives it outright.
    """
    due = _DUE.search(text)
    if due:
        weeks = number(due["num"])
        return None if weeks is None else weeks * (DAY if due["unit"].lower().startswith("d") else WEEK)
    early = _EARLY.search(text)
    if early:
        weeks_early = float(early["num"]) if early["num"] else 40 - float(early["at"])
        return max(0.0, age_days - weeks_early * WEEK)
    return None


_TEMP = re.compile(
    r"(?<![\w.,:$£€/+-])(?P<num>3[4-9]\s?(?:point|pt)\s?\d|10[0-6]\s?(?:point|pt)\s?\d|\d{2,3}(?:[.,]\d{1,2})?)\s?(?P<unit>°\s?[cf]?|º\s?[cf]?|deg(?:rees?|s)?\.?\s?(?:c\b|f\b|cels\w*|centi\w*|fahr\w*)?|"
    r"celsius|centigrade|fahrenheit|[cf](?![a-z'’]))?(?P<s>s\b)?",
    re.IGNORECASE,
)
_TEMP_CONTEXT = re.compile(
    r"\b(?:temp\w*|tmep|fever\w*|fevr|feaver|thermo\w*|reading|reads?|axill\w*|armpit|under (?:the|her|his|their) arm|rectal\w*|"
    r"forehead|ear|oral\w*|spik\w*|burning up|running|hot|cold|degrees?|chemo|measur\w*|at)\b",
    re.IGNORECASE,
)
_NOT_TEMP_AFTER = re.compile(
    r"\s?(?:%|percent|mm|cm|kg|kgs|lbs?|ml|mg|mcg|iu|oz|g\b|weeks?|wks?|w\b|days?|d\b|months?|mo\b|mths?|years?|yrs?|y\b|yo|"
    r"hours?|hrs?|h\b|mins?|minutes?|times|x\b|dollars?|bucks|pounds?|quid|euros?|rupees|st\b|/|\s?m\b|spf|bumps?|spots?|dots?|of\b|"
    r"-\s?\d|th\b|rd\b|nd\b|inch|\s?and a half)",
    re.IGNORECASE,
)
_SITES = (
    ("rectal", r"rectal\w*|bum\b|bottom|rectum"),
    ("armpit", r"armpit|under ?arm|axill\w*|under (?:the|her|his|their|my) arm|underarm"),
    ("ear", r"\bear\b|tympanic"),
    ("forehead", r"forehead|temporal|infrared|scanner|no touch|no-touch"),
    ("mouth", r"oral\w*|\bmouth\b|tongue"),
)


def decimal_of(number_text: str) -> bool:
    """Tell whether a number as typed has a decimal part."""
    return bool(re.search(r"[.,]|point|pt", number_text))


def find_temperatures(text: str) -> tuple[TemperatureSpan, ...]:
    """Find body temperatures in a text; without a unit 34 to 43 is Celsius and 93 to 110 is Fahrenheit.

    Whole numbers need a unit or a word such as "temp" or "armpit" near them, since "38" is mostly an age or a count.
    """
    found = []
    for m in _TEMP.finditer(text):
        value = float(re.sub(r"\s?(?:point|pt)\s?", ".", m["num"].lower()).replace(",", "."))
        unit = (m["unit"] or "").lower()
        letter = "f" if "f" in unit else "c" if re.search(r"c(?!\w)|celsius|centi|cels", unit.replace("deg", "")) else ""
        celsius = value if 34 <= value <= 43 else (value - 32) / 1.8 if 93 <= value <= 110 else None
        if celsius is None or (letter == "c" and value > 43) or (letter == "f" and value < 93):
            continue
        before, after = text[max(0, m.start() - 45) : m.start()], text[m.end() : m.end() + 40]
        after_clause = re.split(r"[.;!?](?:\s|$)", after)[0]
        before_clause = re.split(r"[.;!?](?:\s|$)", before)[-1]
        reached = bool(not decimal_of(m["num"]) and 38 <= value <= 41 and re.search(r"\b(?:has|got|had|hit|is at|reached|up to|reading|now|says)\s*(?:a\s*)?$", before, re.I) and re.match(r"\s*(?:$|[.,;!?]|(?:and|with|but|now|since|for|today|all|again|tonight)\b)", text[m.end() :], re.I))
        feverish = value >= 99.5 and bool(re.search(r"fever|temp\b|temperature|burning", text, re.I))
        decimal = decimal_of(m["num"])
        around = before + m.group() + after
        if re.search(r"weather|forecast|outside|holiday|heat ?wave|summer|oven|room|degrees? (?:today|here|out|in)\b", around, re.I) and not re.search(
            r"temp|fever|thermo|(?:baby|bub|lo|he|she|son|daughter)(?:['’]?s| is| has| at)\s*(?:at |a |got )?(?=\d)", before_clause + m.group() + after_clause, re.I
        ):
            continue
        near = bool(_TEMP_CONTEXT.search(before_clause) or _TEMP_CONTEXT.search(after_clause))
        strong = bool(re.search(r"temp|fever|thermo|degree|armpit|axil|rectal|read|spik|fevr|running an?|tmep|°", before_clause + m.group() + after_clause, re.I))
        if _NOT_TEMP_AFTER.match(text[m.end() :]) or re.search(r"\b(?:age[d]?|im|i'm|i am|born at|size|spf|bmi)\s*$", before, re.I):
            continue
        if not letter and not unit and not (decimal or strong or feverish or reached or (near and value >= 99)):
            continue
        if not decimal and not strong and not reached and not unit and value < 99:
            continue
        if unit and not decimal and not strong and letter in {"f", "m"} and value < 93:
            continue
        site = next((name for name, words in _SITES if re.search(words, before_clause + " " + after_clause, re.I)), "")
        said = m.group().strip()
        found.append(TemperatureSpan(m.start(), m.start() + len(said), said, round(celsius, 2), site))
    return tuple(found)


_AGO = re.compile(r"\s*(?:ago|back\b|before now|earlier)", re.IGNORECASE)
_SINCE = re.compile(
    r"\bsince\s+(?:(?P<h>this morning|last night|yesterday|today|lunch|breakfast|noon|dinner|this afternoon|tonight)|(?P<w>last week|"
    r"(?:last |on )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|the weekend)|(?P<m>last month)|(?P<y>last year|birth|forever|childhood))\b",
    re.IGNORECASE,
)
_VAGUE_LONG = re.compile(r"(?<!\d )(?<!\d-)\b(?:for |in |over )?(?P<u>hours|days|weeks|months|years|yrs|ages|decades)\b", re.IGNORECASE)


def find_durations(text: str) -> tuple[DurationSpan, ...]:
    """Find lengths of time in a text that are not ages or weeks of pregnancy."""
    taken = [a for a in find_ages(text) if a.kind in {"number", "born"}]
    found: list[DurationSpan] = []

    def add(start: int, end: int, low: float, high: float, kind: str) -> None:
        spans = [(a.start, a.end) for a in taken] + [(a.start, a.end) for a in found]
        if not any(first < end and start < last for first, last in spans):
            found.append(DurationSpan(start, end, text[start:end], low, high, kind))

    for m, low, high, before, after in _quantities(text):
        if _GESTATION_BEFORE.search(before) or _GESTATION_AFTER.match(after):
            continue
        ago = _AGO.match(after)
        kind = "ago" if ago else "since" if re.search(r"\bsince\s*(?:about|the|last|past)?\s*$", before, re.I) else "for"
        add(m.start(), m.end() + (ago.end() if ago else 0), low, high, kind)
    for m in _SINCE.finditer(text):
        low, high = (0.0, 1.99) if m["h"] else (1.0, 13.99) if m["w"] else (10.0, 62.0) if m["m"] else (60.0, 40 * YEAR)
        add(m.start(), m.end(), low, high, "since")
    for m in re.finditer(r"\bovernight\b", text, re.I):
        add(m.start(), m.end(), 0.0, 0.99, "for")
    for m in _VAGUE_LONG.finditer(text):
        unit = m["u"].lower()
        per = {"ages": MONTH, "decades": 10 * YEAR}.get(unit) or _unit_days(unit)
        ago = _AGO.match(text[m.end() :])
        add(m.start(), m.end() + (ago.end() if ago else 0), 2 * per, 20 * per, "ago" if ago else "for")
    return tuple(sorted(found, key=lambda d: d.start))
