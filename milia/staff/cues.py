"""Which words of a message have to do with warning signs, what was ruled out, and by which words.

The detector itself keeps only what stands; this one looks with the same parts and tells the rest too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from milia.sign_detection import PRESENT, SignDetector
from milia.sign_scope import GENERAL, NEGATED, PAST, Scopes
from milia.sign_words import Word

_MOST_CHARACTERS, _MOST_MARKS = 4000, 60
_NEGATIONS = frozenset({"not", "cannot", "no", "never", "without", "nothing", "none"})
RULED_OUT, SUPPOSED = "ruled_out", "supposed"


@dataclass(frozen=True)
class Cue:
    """Words that did something to a finding: negated it, put it into the past, ...; offsets in characters."""

    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Mark:
    """Something in the text that has to do with warning signs.

    Attributes:
        name: of the atom or sign.
        kind: `sign`, `part` (of a combination), `temperature` or `age`.
        status: `present`, `supposed` or `ruled_out`.
        start, end, text: where it stands.
        cues: the words that made it so.
    """

    name: str
    kind: str
    status: str
    start: int
    end: int
    text: str
    cues: tuple[Cue, ...] = ()


class ExplainingDetector(SignDetector):
    """The detector of a model, told to say what it ruled out."""

    @classmethod
    def of(cls, detector: SignDetector) -> ExplainingDetector:
        """Return one that shares all parts of a detector, which take a second to make."""
        made = cls.__new__(cls)
        made.__dict__.update(detector.__dict__)
        return made

    def marks(self, text: str) -> list[Mark]:
        """Return the marks of a text, in the order of their places."""
        text = text[:_MOST_CHARACTERS]
        words = self._words(text)
        if not words:
            return []
        found = list(self._found(text, words, self._scoper(words)))
        findings = self.detect_text(text)
        for temperature, status in ((findings.temperature, PRESENT), (findings.hypothetical_temperature, SUPPOSED)):
            if temperature is not None and temperature.end:
                name = f"{temperature.celsius:.1f} C"
                found.append(Mark(name, "temperature", status, temperature.start, temperature.end, temperature.text))
        if findings.age is not None and findings.age.end:
            age = findings.age
            found.append(Mark(age.group or f"{age.low:.0f} days", "age", PRESENT, age.start, age.end, age.text))
        return sorted(dict.fromkeys(found), key=lambda one: (one.start, one.end, one.name))[:_MOST_MARKS]

    def _found(self, text: str, words: Sequence[Word], scopes: Scopes) -> Iterator[Mark]:
        kept = [i for i, word in enumerate(words) if not word.filler]
        hits = self._matcher([words[i].base for i in kept], [words[i].sentence for i in kept])
        consumed = self._consumed(hits, words, kept)
        # The scopes do not keep which words told of past time or asked in general.
        named = self._scoper._matcher([word.raw for word in words], [word.sentence for word in words])
        for name, every in hits.items():
            if name not in self._atoms and name not in self._signs:
                continue
            public = self._signs.get(name, name)
            for hit in every:
                used = [kept[i] for i in sorted(hit.used)]
                kinds = scopes.of(used, consumed)
                status = self._standing(public, kinds) or RULED_OUT
                cues = () if status == PRESENT else tuple(_cues(text, words, scopes, used, kinds, named))
                start, end = words[used[0]].start, words[used[-1]].end
                yield Mark(public, "part" if name in self._atoms else "sign", status, start, end, text[start:end], cues)

    def _consumed(self, hits: Any, words: Sequence[Word], kept: Sequence[int]) -> frozenset[int]:
        """Return the negation words that belong to a phrase ("does not fade"), as the detector sees them."""
        return frozenset(
            kept[i]
            for name, every in hits.items()
            if name not in self._routine and (name in self._atoms or name in self._signs)
            for hit in every
            for i in hit.used
            if words[kept[i]].base in _NEGATIONS and i + 1 in hit.used
        )


# The kinds of cue phrases behind a scope that has no words of its own.
_NAMED = {PAST: ("past", "past_after"), GENERAL: ("general", "in_general", "general_start")}


def _cues(
    text: str, words: Sequence[Word], scopes: Scopes, used: Sequence[int], kinds: frozenset[str], named: Mapping[str, Any]
) -> Iterator[Cue]:
    """Yield the words of the cues that reach a finding."""
    seen: set[tuple[str, int]] = set()
    for place in used:
        for kind, cue in scopes.reach[place]:
            if kind not in kinds or (cue & frozenset(used) and kind == NEGATED):
                continue
            numbers = sorted(cue)
            if not numbers:
                numbers = _phrase(words, place, [hit for one in _NAMED.get(kind, ()) for hit in named.get(one, ())])
            start, end = words[numbers[0]].start, words[numbers[-1]].end
            if (kind, start) not in seen:
                seen.add((kind, start))
                yield Cue(kind, start, end, text[start:end])


def _phrase(words: Sequence[Word], place: int, hits: Sequence[Any]) -> list[int]:
    """Return the words of the phrase nearest to a word, of its sentence; the first word of that if there is no phrase."""
    sentence = words[place].sentence
    inside = [hit for hit in hits if words[hit.start].sentence == sentence]
    if inside:
        return sorted(min(inside, key=lambda hit: abs(hit.start - place)).used)
    return [next(i for i, word in enumerate(words) if word.sentence == sentence)]
