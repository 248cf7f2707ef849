"""Words of a message in the form in which warning-sign rules compare them.

Owns tokens, contractions typed in any way ("dont", "won't"), base forms and the correction of slips against the rules'
own vocabulary. Base forms come from the tables of the spaCy model but need no tagger, so that an unpunctuated,
misspelt message and a rule always meet in the same form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from spacy.language import Language

_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’´`][^\W\d_]+)*|[.!?;…]+|,|\n+|[^\w\s]", re.UNICODE
)
_NEGATED_AUXILIARY = re.compile(
    r"(do|does|did|is|are|was|were|has|have|had|would|should|wo|sha|ai|might|must|need|isn|ca|can|could|don|doesn|didn)n?['’]?t"
)
_AUXILIARIES = frozenset("do does did will would have has had should might must is are was were am be been".split())
_SHORT = {
    "im": ("i",), "ive": ("i", "have"), "id": ("id",), "iam": ("i",), "hes": ("he",), "shes": ("she",), "theyre": ("they",),
    "theyve": ("they", "have"), "weve": ("we", "have"), "its": ("it",), "thats": ("that",), "theres": ("there",), "whats": ("what",),
    "hows": ("how",), "whos": ("who",), "youre": ("you",), "gonna": ("go", "to"), "wanna": ("want", "to"), "gotta": ("have", "to"),
    "cannot": ("cannot",), "cant": ("cannot",), "u": ("you",), "ur": ("your",), "n": ("and",), "r": ("are",), "&": ("and",),
    "w": ("with",), "w/": ("with",), "b4": ("before",), "idk": ("dont know",), "dunno": ("dont know",), "wont": ("not",), "couldnt": ("cannot",),
    "itll": ("it", "will"), "ill": ("ill",), "hasnt": ("not",), "lemme": ("let", "me"),
}
_BREAKS = frozenset(".!?;…\n")
_DIGITS = re.compile(r"\d")


@dataclass(frozen=True)
class Word:
    """One word of a message.

    Attributes:
        base: Its base form, or a filler's own form.
        start, end: Where it stands in the text.
        sentence: The number of its sentence.
        filler: Whether patterns skip it.
        comma: Whether a comma stands right before it.
        question: Whether its sentence ends in a question mark.
        raw: The word as typed, in lower case, with its spelling corrected.
    """

    base: str
    start: int
    end: int
    sentence: int
    filler: bool = False
    comma: bool = False
    question: bool = False
    raw: str = ""


def _deletes(word: str) -> set[str]:
    """Return the word with each single letter taken out."""
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


def _close(a: str, b: str) -> bool:
    """Tell whether one slip (missing, extra, wrong or swapped letter) turns one word into the other."""
    if abs(len(a) - len(b)) > 1:
        return False
    i = next((k for k, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[i:], b[i:]
    return rest_a[1:] == rest_b or rest_a == rest_b[1:] or rest_a[1:] == rest_b[1:] or (
        rest_a[:2] == rest_b[1::-1] and len(rest_a) > 1 and rest_a[2:] == rest_b[2:]
    )


class BaseForms:
    """Base forms by the model's lemma tables: the verb first ("swelling" is "swell"), then the noun."""

    def __init__(self, nlp: Language, fixed: Mapping[str, str]) -> None:
        tables = nlp.get_pipe("lemmatizer").lookups  # type: ignore[attr-defined]
        self._index = {pos: frozenset(tables.get_table("lemma_index")[pos]) for pos in ("verb", "noun", "adj", "adv")}
        self._exceptions = {pos: tables.get_table("lemma_exc")[pos] for pos in ("verb", "noun")}
        self._rules = {pos: tables.get_table("lemma_rules")[pos] for pos in ("verb", "noun")}
        self._fixed = dict(fixed)

    def known(self, word: str) -> bool:
        """Tell whether it is an English word."""
        return any(word in index for index in self._index.values()) or self(word) != word

    @lru_cache(maxsize=20_000)  # noqa: B019 - one instance lives as long as the detector
    def __call__(self, word: str) -> str:
        if word in self._fixed:
            return self._fixed[word]
        for pos in ("verb", "noun"):
            forms = self._exceptions[pos].get(word)
            if forms:
                return str(forms[0])
            if word in self._index[pos] and (pos == "verb" or not word.endswith("s")):
                return word
            for ending, new in self._rules[pos]:
                if ending and word.endswith(ending) and len(word) > len(ending) + 1:
                    candidate = word[: len(word) - len(ending)] + new
                    if candidate in self._index[pos]:
                        return str(candidate)
        return word


class Words:
    """Split texts into comparable words.

    Args:
        nlp: The English pipeline (for its lemma tables).
        spellings: Fixed forms: word as typed to word, or to its base form; "a b" for two words.
        fillers: Words that carry nothing for a rule.
    """

    def __init__(self, nlp: Language, spellings: Mapping[str, str], fillers: Iterable[str]) -> None:
        self._spellings = {k: v for k, v in spellings.items() if not k.startswith("=")}
        self._base = BaseForms(nlp, {k[1:]: v for k, v in spellings.items() if k.startswith("=")})
        self._fillers = frozenset(fillers)
        self._vocabulary: frozenset[str] = frozenset()
        self._by_delete: dict[str, set[str]] = {}

    def learn(self, words: Iterable[str]) -> None:
        """Take the base forms that rules use as the vocabulary against which slips are corrected."""
        forms: set[str] = set()
        for word in words:
            stem = word[:-1] if word.endswith("e") else word
            for form in (word, word + "s", word + "es", stem + "ed", stem + "ing", word + word[-1:] + "ing", word[:-1] + "ies"):
                if len(form) >= 5 and form.isalpha() and self._base(form) == word:
                    forms.add(form)
        for form in self._base._exceptions["verb"]:
            if len(form) >= 5 and form.isalpha() and self._base(form) in words:
                forms.add(form)
        self._vocabulary = frozenset(forms)
        self._by_delete = {}
        for form in forms:
            for key in _deletes(form) | {form}:
                self._by_delete.setdefault(key, set()).add(form)
        self.correct.cache_clear()

    @lru_cache(maxsize=20_000)  # noqa: B019 - as above
    def correct(self, word: str) -> str:
        """Return the rule word that a misspelt word of five letters or more means, else the word itself."""
        if len(word) < 5 or word in self._vocabulary or not word.isalpha() or self._base.known(word):
            return word
        shrunk = re.sub(r"(.)\1{2,}", r"\1\1", word)
        if shrunk in self._vocabulary:
            return shrunk
        candidates = {c for key in _deletes(shrunk) | {shrunk} for c in self._by_delete.get(key, ())}
        near = [c for c in candidates if (c[0] == shrunk[0] or sorted(c[:2]) == sorted(shrunk[:2])) and _close(shrunk, c)]
        if len(shrunk) == 5:  # a wrong letter in so short a word is mostly another word
            near = [c for c in near if len(c) != 5 or sorted(c) == sorted(shrunk)]
        return min(near, key=lambda c: (abs(len(c) - len(shrunk)), c)) if near else word

    def _expand(self, raw: str) -> tuple[str, ...]:
        """Return the words a token stands for: "shes" is she, "won't" is not."""
        token = re.sub(r"[’´`]", "'", raw.lower())
        if token in self._spellings:
            return tuple(self._spellings[token].split())
        plain = token.replace("'", "")
        if plain in _SHORT and (plain not in {"ill", "id", "wont"} or "'" not in token):
            return tuple(_SHORT[plain][0].split()) if plain in {"idk", "dunno"} else _SHORT[plain]
        negated = _NEGATED_AUXILIARY.fullmatch(token)
        if negated and token not in {"cat", "dot", "hat", "wat", "hot", "not", "cant", "art"}:
            return ("cannot",) if negated[1] in {"ca", "can", "could"} else ("not",)
        if "'" in token:
            head, tail = token.split("'", 1)
            more = {"ll": ("will",), "ve": ("have",), "d": (), "re": (), "m": (), "s": ()}.get(tail)
            if more is not None:
                return (*self._expand(head), *more)
            return (plain,)
        return (token,)

    def __call__(self, text: str) -> list[Word]:
        """Split a text; sentence ends are kept as changes of `sentence`."""
        words: list[Word] = []
        sentence, comma, questions = 0, False, set()
        for match in _TOKEN.finditer(text):
            raw = match.group()
            if raw[0] in _BREAKS:
                if "?" in raw:
                    questions.add(sentence)
                sentence, comma = sentence + 1, False
                continue
            if raw == ",":
                comma = True
                continue
            if raw == "NUM" or _DIGITS.match(raw):
                forms: tuple[str, ...] = ("NUM",)
            elif raw == "&" or raw[0].isalpha():
                forms = self._expand(raw)
            else:
                comma = comma or raw in "-–—:()/"
                continue
            for form in forms:
                plain = form if form == "NUM" else self.correct(form)
                base = plain if plain == "NUM" else self._base(plain)
                words.append(
                    Word(base, match.start(), match.end(), sentence, plain in self._fillers or base in self._fillers, comma, raw=plain)
                )
                comma = False
        return self._join_negations(words, questions)

    def _join_negations(self, words: list[Word], questions: set[int]) -> list[Word]:
        """Make fillers of auxiliaries before "not", turn "can not" into "cannot", and mark questions."""
        joined: list[Word] = []
        for i, word in enumerate(words):
            after = words[i + 1].base if i + 1 < len(words) else ""
            base, filler = word.base, word.filler
            if after == "not" and word.raw in _AUXILIARIES:
                filler = True
            if after == "not" and word.raw in {"can", "could"}:
                filler = True
            if base == "not" and i and words[i - 1].raw in {"can", "could"}:
                base = "cannot"
            joined.append(
                Word(base, word.start, word.end, word.sentence, filler, word.comma, word.sentence in questions, word.raw)
            )
        return joined
