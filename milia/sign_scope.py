"""What words around a finding do to it: negation, hypothesis, past time, figure of speech.

In the manner of ConText: cues reach forward or backward until something ends their reach. The cues are data. Two
things differ from the published algorithm, because people type: a cue ends at a new subject even without a comma
("no fever he is floppy"), and a comma carries a negation on only to what is usually listed ("no pain, redness or pus",
but "no fever, floppy").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spacy.vocab import Vocab

from milia.sign_patterns import Hit, PatternMatcher
from milia.sign_words import Word

NEGATED, HYPOTHETICAL, GENERAL, PAST, IDIOM = "negated", "hypothetical", "general", "past", "idiom"
NAME_LISTS = ("lasting", "always", "earnest")
_SUBJECTS = frozenset("i he she it they we you baby bub lo dd ds son daughter husband wife mum dad newborn".split())
_LONGEST = {NEGATED: 8, HYPOTHETICAL: 25}
_BACKWARD = 5
_SHORT_QUESTION = 9
_CLAUSE_ENDS = frozenset({"and", "but", "now"})
_LEAD_INS = frozenset("so and but hi hello hey ok okay also please doctor sir madam sorry question well quick".split())
_REPORTING = frozenset("think believe say tell that of from on in".split())
_POINTING = frozenset("it this that he she they these those there".split())
# After "is", "will", "can" at the start of a message: a statement whose subject was dropped ("can barely breathe").
_NO_QUESTION = frozenset(
    "not barely hardly only just now so very really getting still going having always never also feel see hear scarcely "
    "red hot swollen sore bleeding floppy limp struggling refusing screaming crying vomiting spreading painful unable".split()
)


@dataclass
class Scopes:
    """For each word of a message, the cues that reach it: (kind, numbers of the cue's own words).

    `asked` is what asks about the writer's own bump ("is this milia"), told by words that patterns skip.
    """

    reach: list[list[tuple[str, frozenset[int]]]] = field(default_factory=list)
    current: frozenset[int] = frozenset()
    asked: tuple[Hit, ...] = ()

    def of(self, used: Sequence[int], consumed: frozenset[int]) -> frozenset[str]:
        """Return what reaches some words, leaving out cues that are part of a finding's own phrase.

        Args:
            used: Numbers of the words of the finding.
            consumed: Numbers of negation words that belong to a phrase such as "does not fade".
        """
        own = frozenset(used)
        return frozenset(
            kind for i in used for kind, cue in self.reach[i]
            if not (cue & own and kind != IDIOM) and not (kind == NEGATED and cue & consumed)
        )


class Scoper:
    """Find cues in a message and how far they reach.

    Args:
        vocab: The vocabulary of the pipeline.
        cues: Cue phrases by kind, in the pattern notation.
        words: Turns a cue phrase into words as typed, nothing dropped.
    """

    def __init__(self, vocab: Vocab, cues: Mapping[str, Sequence[str]], words: PatternWords) -> None:
        phrases = {k: v for k, v in cues.items() if k not in NAME_LISTS}
        self._matcher = PatternMatcher(vocab, phrases, words)
        self.lasting, self.always, self.earnest = (
            frozenset(name.strip() for line in cues[kind] for name in line.split("|")) for kind in NAME_LISTS
        )
        self.vocabulary = self._matcher.vocabulary

    def __call__(self, words: Sequence[Word]) -> Scopes:
        """Return the reach of all cues over the words of a message."""
        hits = self._matcher([w.raw for w in words], [w.sentence for w in words])
        marks: dict[str, set[int]] = {
            k: {i for h in hits.get(k, ()) for i in h.used} for k in ("stops", "list_items", "not_cues", "current")
        }
        starts = {h.start for h in hits.get("stops", ())}
        scopes = Scopes([[] for _ in words], frozenset(marks["current"]), tuple(hits.get("own_question", ())))
        for kind in (NEGATED, HYPOTHETICAL):
            for hit in hits.get(kind, ()):
                if not hit.used & marks["not_cues"]:
                    self._forward(kind, hit, words, starts, marks["list_items"], scopes)
        for hit in hits.get("negated_before", ()):
            if not hit.used & marks["not_cues"]:
                self._backward(hit, words, scopes)
        for hit in hits.get("past", ()):
            self._around(hit, words, scopes)
        self._general(hits, words, scopes)
        for kind, name in ((PAST, "past_after"), (IDIOM, "idiom")):
            for hit in hits.get(name, ()):
                for i in hit.used:
                    scopes.reach[i].append((kind, frozenset() if kind == PAST else hit.used))
        return scopes

    @staticmethod
    def _general(hits: Mapping[str, Sequence[Hit]], words: Sequence[Word], scopes: Scopes) -> None:
        """Let a question about nobody in particular, or a message that calls itself general, reach all its words."""
        personal = {words[h.start].sentence for h in hits.get("personal", ())}
        starts = {h.start: h.end for h in hits.get("general_start", ())}
        whole = bool(hits.get("general"))
        habits = {words[h.start].sentence for h in hits.get("in_general", ())}
        asked: set[int] = set()
        for sentence in {w.sentence for w in words}:
            inside = [i for i, w in enumerate(words) if w.sentence == sentence]
            first = next((i for i in inside if words[i].raw not in _LEAD_INS), inside[0])
            second = words[first + 1].raw if first + 1 < len(words) else ""
            own = (words[first].raw in {"is", "are"} and second in _POINTING) or second in _NO_QUESTION
            habit = sentence in habits and words[first].question and len(inside) <= _SHORT_QUESTION
            if ((first in starts and not own) or habit) and sentence not in personal:
                asked.add(sentence)
        for i, word in enumerate(words):
            if whole or word.sentence in asked:
                scopes.reach[i].append((GENERAL, frozenset()))

    def _forward(
        self, kind: str, hit: Hit, words: Sequence[Word], stops: set[int], listed: set[int], scopes: Scopes
    ) -> None:
        """Let a negation or a hypothesis reach forward."""
        sentence, negation = words[hit.start].sentence, kind == NEGATED
        for i in range(hit.end, min(len(words), hit.end + _LONGEST[kind])):
            word = words[i]
            if word.sentence != sentence:
                break
            first = i == hit.end
            if negation and not first:
                if i in stops or (word.raw in _SUBJECTS and words[i - 1].raw not in _REPORTING):
                    break
                if word.comma and not (i in listed or self._list_ends(i, words, listed)):
                    break
                if word.raw in {"and", "&", "plus"} and not (i + 1 < len(words) and i + 1 in listed and i - 1 in listed):
                    break
            if not negation and not first:
                if word.raw in {"but", "however", "anyway", "because", "now", "today", "tonight"}:
                    break
                if word.comma and word.raw in _SUBJECTS | {"my", "her", "his", "the", "now", "today", "there", "and", "so"}:
                    break
            scopes.reach[i].append((kind, hit.used))
        if not negation:
            for i in hit.used:
                scopes.reach[i].append((kind, frozenset()))

    @staticmethod
    def _list_ends(place: int, words: Sequence[Word], listed: set[int]) -> bool:
        """Tell whether the words from a comma on are a list that ends in "or x": "no pus, blisters or fever"."""
        for i in range(place, min(len(words), place + 6)):
            if words[i].sentence != words[place].sentence or words[i].raw in _SUBJECTS | {"but", "and"}:
                return False
            if words[i].raw in {"or", "nor", "no"}:
                return True
        return False

    @staticmethod
    def _backward(hit: Hit, words: Sequence[Word], scopes: Scopes) -> None:
        """Let "is gone", "healed" reach back within its clause."""
        for i in range(hit.start - 1, max(-1, hit.start - 1 - _BACKWARD), -1):
            if words[i].sentence != words[hit.start].sentence or words[i].raw in {"and", "but"}:
                break
            scopes.reach[i].append((NEGATED, hit.used))
            if words[i].comma:
                break

    def _around(self, hit: Hit, words: Sequence[Word], scopes: Scopes) -> None:
        """Let a past time reach its clause, unless a word there keeps it in the present."""
        first, last, sentence = hit.start, hit.end, words[hit.start].sentence
        while first > 0 and words[first - 1].sentence == sentence and not words[first].comma and words[first - 1].raw not in _CLAUSE_ENDS:
            first -= 1
        while last < len(words) and words[last].sentence == sentence and not words[last].comma and words[last].raw not in _CLAUSE_ENDS:
            last += 1
        inside = range(first, last)
        if any(i in scopes.current and i not in hit.used for i in inside):
            return
        for i in inside:
            scopes.reach[i].append((PAST, frozenset()))


class PatternWords:
    """Give the words of a cue phrase as they are compared: corrected, contractions opened, nothing dropped."""

    def __init__(self, split: object) -> None:
        self._split = split

    def __call__(self, phrase: str) -> list[str]:
        return [w.raw for w in self._split(phrase)]  # type: ignore[operator]
