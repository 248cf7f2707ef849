"""The notation in which warning-sign rules are written, and the matcher that runs them.

A rule is a chain of elements: word sequences, found by one spaCy `PhraseMatcher` over base forms, and references to
other rules. The notation is described at the top of `data/content/warning_signs.yml`.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from milia.sign_catalog import SignError

GAP, LONG_GAP, NEAR = 3, 7, 12
_CONNECTORS = {"..": "gap", "...": "long", "+": "near", "&": "message"}
_LEX = re.compile(r"\.\.\.|\.\.|[()|?+&]|<[a-z_0-9]+>|[^\s()|?+&<>]+")
_GAPS = re.compile(r"\s(?:\.\.\.?|\+|&|unless|not-with)\s")
_OPTIONAL = re.compile(r"(?:\([^()]*\)|[^\s()]+)\?")  # may be missing, so between gaps it asks for nothing
_MOST_PHRASES = 6000
_MOST_HITS = 24
Alternative = tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """A rule's match: word numbers from `start` up to `end`, and the words it stands on."""

    start: int
    end: int
    used: frozenset[int]


@dataclass(frozen=True)
class Rule:
    """A compiled pattern: `elements` joined by `joins`; `overlap` and `sentence` name the rules that veto it."""

    name: str
    elements: tuple[str, ...]
    joins: tuple[str, ...]
    overlap: tuple[str, ...]
    sentence: tuple[str, ...]
    text: str


class _Parser:
    """Read one pattern without its connectors: words, groups, options and references."""

    def __init__(self, text: str, flat: Callable[[str], list[Alternative]], kept: Callable[[str], list[str]]) -> None:
        self.items, self.place, self.text, self.flat, self.kept = _LEX.findall(text), 0, text, flat, kept

    def alternatives(self) -> list[Alternative]:
        """Return all word sequences."""
        found = self._either()
        if self.place != len(self.items):
            raise SignError(f"pattern {self.text!r}: unexpected {self.items[self.place]!r}")
        return found

    def _either(self) -> list[Alternative]:
        found = self._sequence()
        while self.place < len(self.items) and self.items[self.place] == "|":
            self.place += 1
            found += self._sequence()
        return found

    def _sequence(self) -> list[Alternative]:
        parts: list[list[Alternative]] = []
        while self.place < len(self.items) and self.items[self.place] not in {"|", ")"}:
            item = self.items[self.place]
            self.place += 1
            if item == "(":
                part = [a for a in self._either() if a == () or self.kept(" ".join(a))]
                if self.place >= len(self.items):
                    raise SignError(f"pattern {self.text!r}: missing ')'")
                self.place += 1
            elif item == "?":
                parts[-1] = parts[-1] + [()]
                continue
            else:
                part = self.flat(item[1:-1]) if item.startswith("<") else [(item,)]
            parts.append(part)
        count = 1
        for part in parts:
            count *= len(part)
        if count > _MOST_PHRASES:
            raise SignError(f"pattern {self.text!r}: {count} word sequences, at most {_MOST_PHRASES}; use '..' between parts")
        return [tuple(w for piece in pieces for w in piece) for pieces in product(*parts)]


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside brackets."""
    depth, parts, current = 0, [], ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == separator and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


class PatternMatcher:
    """All rules, compiled.

    Args:
        vocab: The vocabulary of the spaCy pipeline.
        patterns: Rule name to its patterns.
        words: Turns a word sequence of a pattern into base forms, fillers dropped.
    """

    def __init__(self, vocab: Vocab, patterns: Mapping[str, Sequence[str]], words: Callable[[str], list[str]]) -> None:
        self._vocab, self._patterns, self._words = vocab, patterns, words
        self._flat: dict[str, list[Alternative] | None] = {}
        self._phrases: dict[Alternative, set[str]] = {}
        self.rules: dict[str, list[Rule]] = {name: [] for name in patterns}
        for name in patterns:
            for line in patterns[name]:
                for text in _split(line, "|") if _GAPS.search(line) else [line]:
                    self._compile(name, text.strip())
        self.vocabulary = frozenset(word for phrase in self._phrases for word in phrase)
        self._order = self._sorted_names()
        # Which names, by their places in that order, have a rule that begins with an element: most have no part in a message.
        self._users: dict[str, set[int]] = {}
        for place, name in enumerate(self._order):
            for rule in self.rules[name]:
                self._users.setdefault(rule.elements[0], set()).add(place)
        self._keys: list[tuple[str, ...]] = []
        self._matcher = PhraseMatcher(vocab, attr="ORTH")
        for phrase, elements in self._phrases.items():
            key = f"p{len(self._keys)}"
            self._keys.append(tuple(elements))
            self._matcher.add(key, [Doc(vocab, words=list(phrase))])
        self._by_key = {vocab.strings[f"p{i}"]: elements for i, elements in enumerate(self._keys)}

    def _flat_rule(self, name: str) -> list[Alternative]:
        """Return all word sequences of a rule that has no gaps."""
        if name not in self._patterns:
            raise SignError(f"unknown concept <{name}>; known: {', '.join(sorted(self._patterns))}")
        if name not in self._flat:
            self._flat[name] = None
            lines = self._patterns[name]
            if any(_GAPS.search(line) for line in lines):
                raise SignError(f"<{name}> has gaps, so it can only stand alone between connectors")
            self._flat[name] = [a for line in lines for a in _Parser(line, self._flat_rule, self._words).alternatives()]
        flat = self._flat[name]
        if flat is None:
            raise SignError(f"<{name}> refers to itself")
        return flat

    def _element(self, text: str) -> str:
        """Register the word sequences of an element and return its name."""
        reference = re.fullmatch(r"<([a-z_0-9]+)>", text)
        if reference:
            if reference[1] not in self._patterns:
                raise SignError(f"unknown concept <{reference[1]}>; known: {', '.join(sorted(self._patterns))}")
            return reference[1]
        element = "'" + text
        phrases = {tuple(self._words(" ".join(a))) for a in _Parser(text, self._flat_rule, self._words).alternatives()} - {()}
        if not phrases:
            raise SignError(f"pattern {text!r}: nothing is left of it without filler words")
        for phrase in phrases:
            self._phrases.setdefault(phrase, set()).add(element)
        return element

    def _compile(self, name: str, text: str) -> None:
        body, *vetoes = re.split(r"\s(unless|not-with)\s", text)
        overlap = tuple(v.strip() for k, v in zip(vetoes[::2], vetoes[1::2]) if k == "unless" for v in v.split(","))
        sentence = tuple(v.strip() for k, v in zip(vetoes[::2], vetoes[1::2]) if k == "not-with" for v in v.split(","))
        for veto in overlap + sentence:
            if veto not in self._patterns:
                raise SignError(f"{name}: {text!r}: unknown concept {veto!r}")
        pieces = re.split(r"\s(\.\.\.|\.\.|\+|&)\s", body)
        parts = [(p.strip(), c) for p, c in zip(pieces[::2], ["", *pieces[1::2]]) if not _OPTIONAL.fullmatch(p.strip())]
        try:
            elements = tuple(self._element(p) for p, _ in parts)
        except SignError as error:
            raise SignError(f"{name}: {error}") from None
        joins = tuple(_CONNECTORS[c] for _, c in parts[1:])
        self.rules[name].append(Rule(name, elements, joins, overlap, sentence, text))

    def _sorted_names(self) -> list[str]:
        """Order rules so that each comes after those it refers to."""
        order: list[str] = []
        state: dict[str, int] = {}

        def visit(name: str) -> None:
            if state.get(name) == 1:
                raise SignError(f"<{name}> refers to itself")
            if state.get(name) == 2:
                return
            state[name] = 1
            for rule in self.rules[name]:
                for other in (*rule.elements, *rule.overlap, *rule.sentence):
                    if not other.startswith("'"):
                        visit(other)
            state[name] = 2
            order.append(name)

        for name in self.rules:
            visit(name)
        return order

    def __call__(self, words: Sequence[str], sentences: Sequence[int]) -> dict[str, list[Hit]]:
        """Return the hits of every rule over base forms, each with the number of its sentence."""
        known = [w if w in self.vocabulary else "_" for w in words]
        if not known:
            return {}
        hits: dict[str, list[Hit]] = {}
        for key, start, end in self._matcher(Doc(self._vocab, words=known)):
            if sentences[start] == sentences[end - 1]:
                for element in self._by_key[key]:
                    hits.setdefault(element, []).append(Hit(start, end, frozenset(range(start, end))))
        waiting = [place for element in hits for place in self._users.get(element, ())]
        heapq.heapify(waiting)
        last = -1
        while waiting:
            place = heapq.heappop(waiting)
            if place == last:
                continue
            last, name = place, self._order[place]
            found: dict[tuple[int, int, frozenset[int]], Hit] = {}
            for rule in self.rules[name]:
                if all(e in hits for e in rule.elements):
                    for hit in self._run(rule, hits, sentences):
                        found[(hit.start, hit.end, hit.used)] = hit
            if found:
                hits[name] = list(found.values())
                for user in self._users.get(name, ()):  # it comes later: the order is that of the references
                    heapq.heappush(waiting, user)
        return hits

    def _run(self, rule: Rule, hits: Mapping[str, list[Hit]], sentences: Sequence[int]) -> Iterable[Hit]:
        """Join the hits of a rule's elements."""
        partial = list(hits[rule.elements[0]])
        for join, element in zip(rule.joins, rule.elements[1:]):
            joined = []
            for left in partial:
                for right in hits[element]:
                    if left.used & right.used or not _joins(left, right, join, sentences):
                        continue
                    joined.append(Hit(min(left.start, right.start), max(left.end, right.end), left.used | right.used))
            partial = sorted(joined, key=lambda h: h.end - h.start)[:_MOST_HITS]
        for hit in partial:
            if any(veto.used & hit.used for name in rule.overlap for veto in hits.get(name, ())):
                continue
            where = {sentences[i] for i in hit.used}
            if any(sentences[veto.start] in where for name in rule.sentence for veto in hits.get(name, ())):
                continue
            yield hit


def _joins(left: Hit, right: Hit, join: str, sentences: Sequence[int]) -> bool:
    """Tell whether two hits stand to each other as a connector wants."""
    if join == "message":
        return True
    if sentences[left.start] != sentences[right.start] or sentences[left.end - 1] != sentences[right.start]:
        return False
    if join == "near":
        return max(left.start, right.start) - min(left.end, right.end) <= NEAR
    return 0 <= right.start - left.end <= (GAP if join == "gap" else LONG_GAP)
