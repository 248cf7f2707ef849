"""What stands around a word: whether the writer names himself, whether somebody says something, whether a clause ends.

A word that may be a name and may not ("grace", an unknown "jiayi") is settled by its neighbours; the patterns are here, the
words in `redaction_words.yml`.
"""

from __future__ import annotations

import functools
import re

from milia.storage.redaction_spans import any_of, names, tail, word_list
from milia.storage.redaction_tokens import LIKELY, PROPER, SURE, UNKNOWN, WORD, Token, is_strange

_SHORT = 4  # letters; nearly every word of so few is one letter away from another
_MONTHS = frozenset("april may june august".split())
_SELF = re.compile(
    r"(?:^|[\s.,!(])(?:i['’]?m|i am|this is|it['’]?s|hi|hello|hey|dear|yo|hiya|thanks?|thx|cheers|regards|wishes|x+)"
    r"[\s,!-]*$",
    re.IGNORECASE,
)
_I_AM = re.compile(r"\bi\s?(?:['’]?m|\sam)\s+$", re.IGNORECASE)
_IT_IS = re.compile(r"(?:this\s+is|\bit['’]?s)\s+$", re.IGNORECASE)
_ALONE = re.compile(r"\s*(?:[,.;!)]|$|[-–—]\s)|\s+(?:here|again|and\s+(?:i|my|im|i['’]m))\b", re.IGNORECASE)
_COMMA_OR_HERE = re.compile(r"\s*,|\s+(?:here|again)\b", re.IGNORECASE)
_HERE = re.compile(r"\s+(?:here|again)\b", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s\b")
# What people do and bumps do not.
_OWNS_OR_HAS = re.compile(r"['’]s\s+[a-z]+\b|\s+(?:has|had|needs|wants|is\s+\d+)\b")
_HAS = re.compile(r"\s+(?:has|had|needs|wants)\b")
_BEGINS = re.compile(r"(?:^\s*|[.!?]\s*|\b(?:and|but|so|cause|because|my|that)\s*)$")
_ASKED = re.compile(r"\b(?:does|should|can|could|did)\s+$", re.IGNORECASE)
_DOES = re.compile(r"\s+(?:need|see|use|stop|go|have|get|wear|take|come|try|want)\b")
_CLOSED = re.compile(r"[,!\-–—]\s*$")


@functools.cache
def _reports() -> re.Pattern[str]:
    return re.compile(rf"\s+{any_of(word_list('reporting'))}\b", re.IGNORECASE)


@functools.cache
def _words(name: str) -> frozenset[str]:
    return frozenset(word_list(name))


class Surroundings:
    """A text and its words.

    Args:
        text: the message.
        tokens: its words in order.
    """

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens

    def before(self, place: int) -> str:
        """Return what stands shortly before a word."""
        return tail(self.text, self.tokens[place].start)

    def after(self, place: int) -> str:
        """Return what stands shortly behind a word."""
        return self.text[self.tokens[place].end : self.tokens[place].end + 40]

    def gap(self, place: int) -> str:
        """Return what stands between a word and the next."""
        return self.text[self.tokens[place].end : self.tokens[place + 1].start]

    def is_self(self, place: int) -> bool:
        """Tell whether the writer names himself or herself, or greets ("im rose, ...")."""
        return bool(_SELF.search(self.before(place)))

    def names_self(self, place: int) -> bool:
        """Tell whether an unknown word stands as the writer's name: "its ichy" does not, "its jiayi here" does."""
        if not (self.is_self(place) and self.stands_alone(place)):
            return False
        return not _IT_IS.search(self.before(place)) or bool(_COMMA_OR_HERE.match(self.after(place)))

    def stands_alone(self, place: int) -> bool:
        """Tell whether a clause ends behind the word ("i'm rose, my skin ..."), which is no word for how somebody is."""
        lower = self.tokens[place].lower
        if not _ALONE.match(self.after(place)) or lower in _words("adjectives"):
            return False
        return lower not in _MONTHS or bool(_I_AM.search(self.before(place)))

    def here(self, place: int) -> bool:
        """Tell whether "here" or "again" follows."""
        return bool(_HERE.match(self.after(place)))

    def reports(self, place: int) -> bool:
        """Tell whether somebody says or does something ("nurse joy told me")."""
        return self.tokens[place].lower not in _words("adjectives") and bool(_reports().match(self.after(place)))

    def acts(self, place: int) -> bool:
        """Tell whether a word does or owns something, or goes with a name ("Wiremu's lid", "Lindiwe and Sipho")."""
        pair = self.tokens[place + 1 : place + 3]
        with_name = len(pair) == 2 and pair[0].lower == "and" and pair[1].kind == SURE
        return self.possessive(place) or with_name or self.reports(place)

    def is_person(self, place: int) -> bool:
        """Tell whether a name that is a word too does or has what only people do ("grace has milia", "Jasper's nose")."""
        token = self.tokens[place]
        if token.lower in _words("adjectives") | _MONTHS | _words("not_doers") or token.lower in names("proper"):
            return False
        before, after = self.before(place), self.after(place)
        if token.capital and self.within_sentence(place):
            return bool(_OWNS_OR_HAS.match(after))
        return bool((_BEGINS.search(before) and _HAS.match(after)) or (_ASKED.search(before) and _DOES.match(after)))

    def name_follows(self, place: int) -> bool:
        """Tell whether the next word may be a family name."""
        if place + 1 >= len(self.tokens):
            return False
        token = self.tokens[place + 1]
        if self.gap(place) != " ":
            return False
        if token.capital:
            return token.kind in (SURE, LIKELY, UNKNOWN, PROPER, WORD)
        return token.kind == LIKELY or (token.kind == UNKNOWN and is_strange(token.word))

    def within_sentence(self, place: int) -> bool:
        """Tell whether the word does not begin a sentence, so that a capital means something."""
        before = self.before(place).rstrip(" \"'“(")
        return bool(before) and before[-1] not in ".!?:;\n"

    def last_line(self, place: int) -> bool:
        """Tell whether the word is the last line, or stands behind a comma or a dash."""
        return (self.after(place)[:9].strip(" .!") == "" and "\n" in self.before(place)) or self.closed(place)

    def closed(self, place: int) -> bool:
        """Tell whether a comma, an exclamation mark or a dash stands before the word."""
        return bool(_CLOSED.search(self.before(place)))

    def possessive(self, place: int) -> bool:
        """Tell whether the word owns something."""
        return bool(_POSSESSIVE.match(self.after(place)))

    def is_odd(self, place: int) -> bool:
        """Tell whether an unknown word where a name would stand is one: a misspelt short word is rare there."""
        word = self.tokens[place].word
        return 3 <= len(word) <= _SHORT or is_strange(word)

    def introduced(self, place: int) -> bool:
        """Tell whether a word before "here" or "again" may be a name."""
        token = self.tokens[place]
        if token.kind == UNKNOWN:
            return not token.word.isupper() if token.capital else self.is_odd(place)
        return token.kind in (SURE, LIKELY, WORD)
