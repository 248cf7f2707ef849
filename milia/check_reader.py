"""What a typed message answers in the guided check.

Owns the reading of free text: words of control ("back"), answers to the question in front and to any other, items of a
warning group, "none", "not sure". All words come from `data/content/triage.yml`; ages and durations from
`milia.quantities`. It never decides what an answer means for the level. Warning signs in free text are found elsewhere
(`milia.sign_detection`) and joined with `Interpretation.plus_signs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from milia.quantities import WEEK, YEAR, AgeSpan, find_ages, find_durations
from milia.triage import UNKNOWN
from milia.triage_table import Question, TriageTable

CONTROLS = ("cancel", "restart", "back", "why", "skip")
_REACH = 3  # words that a negation covers
_PLAIN_WORDS = ("where", "look", "feel")  # whose short answers are plain enough for "no wait, its soft"


@dataclass(frozen=True)
class Asked:
    """What is in front of the user: a `question`, the `baby` question, a `conflict`, or a `group` of items.

    `items` are the signs and the cues of each item, in order; `who` is the age group if it is known.
    """

    kind: str = ""
    question: str = ""
    items: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    who: str = ""


@dataclass(frozen=True)
class Interpretation:
    """What a message says for the check; empty when nothing was found.

    Attributes:
        answers: Values by question, for the question in front and for others.
        signs: Ids of warning signs that it reports.
        reply: Its answer to a group, the baby question or a conflict: none, unsure, yes, no or keep.
        control: One of `CONTROLS`.
        corrects: Whether it takes back something said before ("no wait, ...").
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    signs: frozenset[str] = frozenset()
    reply: str = ""
    control: str = ""
    corrects: bool = False

    def __bool__(self) -> bool:
        return bool(self.answers or self.signs or self.reply or self.control)

    def plus_signs(self, signs: Iterable[str]) -> Interpretation:
        """Return it with more signs, such as those that the sign detector found in the same message."""
        return replace(self, signs=self.signs | frozenset(signs))


@dataclass(frozen=True)
class _Hit:
    """A cue found in a message."""

    start: int
    end: int
    value: str
    negated: bool


def words_of(text: str) -> list[str]:
    """Return the words of a message, lower case, without apostrophes, with "," for each break of a clause."""
    text = re.sub(r"['\u2019\u2018`\u00b4]", "", text.lower())
    text = re.sub(r"([a-z])\1{2,}", r"\1", text)
    text = re.sub(r"(?<=\d)[.,](?=\d)", "\u00b7", text)
    text = re.sub(r"[,;:!.()\n\u2026]+", " , ", text).replace("?", " ? ")
    return [word.replace("\u00b7", ".") for word in re.findall(r"[a-z]+|\d+(?:\u00b7\d+)?[a-z]*|[,?]", text)]


def _phrase(cue: str) -> str:
    """Return the pattern of a cue; a trailing * stands for any ending."""
    return " ".join(
        re.escape(word[:-1]) + "[a-z0-9]*" if word.endswith("*") else re.escape(word) for word in cue.split()
    )


def _pattern(cues: Iterable[str]) -> re.Pattern[str] | None:
    phrases = sorted({_phrase(cue) for cue in cues}, key=len, reverse=True)
    return re.compile(rf"(?:(?<= )|^)(?:{'|'.join(phrases)})(?= |$)") if phrases else None


class Reader:
    """Reads messages by the cues of one table."""

    def __init__(self, table: TriageTable) -> None:
        self._table = table
        self._read = table.read
        self._cues = {q.id: [(v.code, _pattern(v.cues)) for v in q.values] for q in table.questions.values()}
        self._short = {
            q.id: [(v.code, _pattern((*v.cues, *v.short))) for v in q.values] for q in table.questions.values()
        }
        self._ranks = {q.id: {v.code: v.rank for v in q.values} for q in table.questions.values()}
        self._fillers = _pattern(self._read["fillers"])
        self._whole = {name: self._stripped_set(name) for name in (*CONTROLS, "unsure", "yes", "no", "keep")}
        self._unsure_in = _pattern(
            cue for cue in self._read["unsure"] if " " in cue or cue in ("dunno", "idk", "unsure")
        )
        self._correction = _pattern(self._read["correction"])
        self._since_birth = _pattern(self._read["since_birth"])
        self._vocabulary = {q.id: self._vocabulary_of(q) for q in table.questions.values()}
        self._ordinals: Mapping[str, int] = self._read["ordinals"]
        self._numbers: Mapping[str, int] = self._read["numbers"]

    def _stripped_set(self, name: str) -> frozenset[str]:
        return frozenset(self._strip(cue) or cue for cue in self._read[name]) | frozenset(self._read[name])

    def _vocabulary_of(self, question: Question) -> frozenset[str]:
        cues = (cue for value in question.values for cue in (*value.cues, *value.short))
        return frozenset(word.rstrip("*") for cue in cues for word in cue.split())

    def _strip(self, plain: str) -> str:
        """Take filler words and punctuation off."""
        plain = " ".join(word for word in plain.split() if word not in (",", "?"))
        assert self._fillers is not None
        return " ".join(self._fillers.sub(" ", plain).split())

    # ------------------------------------------------------------------------------------------------ the whole message
    def read(self, text: str, asked: Asked) -> Interpretation:
        """Return what a message says.

        Args:
            text: The message as typed.
            asked: What is in front of the user; an empty one reads a message before the check ("prefill").
        """
        plain = " ".join(words_of(text))
        whole = self._strip(plain)
        for control in CONTROLS:
            if plain in self._whole[control] or (whole and whole in self._whole[control]):
                return Interpretation(control=control)
        if re.match(r"(?:but |and )?why (?:do|are|would|should|must) (?:you|u|i) (?:need|ask|want|have|answer)", plain):
            return Interpretation(control="why")
        corrects = self._correction is not None and bool(self._correction.search(plain))
        if corrects and self._correction is not None:
            plain = " ".join(self._correction.sub(" , ", plain).split())
            plain = re.sub(r"^(?:no )?, ", "", plain)
            whole = self._strip(plain)
        unsure = plain in self._whole["unsure"] or whole in self._whole["unsure"]
        unsure_in = self._unsure_in is not None and bool(self._unsure_in.search(plain))
        if unsure_in and self._unsure_in is not None:  # so that the "not" of "not sure if hard" does not govern "hard"
            plain = " ".join(self._unsure_in.sub(" , ", plain).split())
        if asked.kind == "group":
            reply, signs = self._group(plain, whole, asked, unsure, unsure_in)
            answers = {} if reply or signs else self._answers(plain, text, asked, unsure_in, corrects)
            return Interpretation(answers, signs, reply, corrects=corrects)
        if asked.kind in ("baby", "conflict"):
            return self._yes_or_no(plain, whole, text, asked, unsure or unsure_in, corrects)
        if unsure and asked.question:
            return Interpretation({asked.question: UNKNOWN})
        answers = self._answers(plain, text, asked, unsure_in, corrects)
        if asked.question and asked.question not in answers:
            picked = self._option(plain, asked.question)
            if picked or (unsure_in and not answers):
                answers[asked.question] = picked or UNKNOWN
        return Interpretation(answers, corrects=corrects)

    # ---------------------------------------------------------------------------------------------------- warning groups
    def _group(self, plain: str, whole: str, asked: Asked, unsure: bool, unsure_in: bool) -> tuple[str, frozenset[str]]:
        if not unsure_in and self._is_none(plain):
            return "none", frozenset()
        indexes = self._indexes(plain)
        replies = ("none", "unsure", "skip")
        count = len(asked.items)
        if indexes and all(0 < index <= count for index in indexes):
            return "", frozenset(sign for index in indexes for sign in asked.items[index - 1][0])
        if len(indexes) == 1 and 0 < indexes[0] - count <= len(replies):
            return replies[indexes[0] - count - 1], frozenset()
        signs: set[str] = set()
        for its, cues in asked.items:
            pattern = _pattern(cues)
            hits = self._hits(plain, [("", pattern)]) if pattern else []
            # "Not sure about the fever" names the sign, so it counts as present (G4): the "not" is gone by now.
            if any(not hit.negated for hit in hits):
                signs.update(its)
        if signs:
            return "", frozenset(signs)
        if unsure or unsure_in:
            return "unsure", frozenset()
        if whole in self._whole["yes"] or plain in self._whole["yes"]:
            return "yes", frozenset()
        return "", frozenset()

    def _is_none(self, plain: str) -> bool:
        """Tell whether a message says that nothing on the list is there; in doubt it does not."""
        words = [word for word in plain.split() if word != ","]
        hard, soft, well = set(self._read["no"]), set(self._read["none_not"]), set(self._read["none_well"])
        if not words or not set(words) <= hard | soft | well | set(self._read["none_words"]):
            return False
        said = set(words)
        if said & soft and said & well or "no good" in plain or "no well" in plain:
            return False
        return bool(said & hard) or bool(said & soft and said & {"any", "these", "those", "anything"})

    def _yes_or_no(
        self, plain: str, whole: str, text: str, asked: Asked, unsure: bool, corrects: bool
    ) -> Interpretation:
        first = plain.split()[0] if plain else ""
        answers = self._answers(plain, text, Asked(), False, corrects)
        if asked.kind == "conflict":
            if whole in self._whole["keep"] or plain in self._whole["keep"] or unsure:
                return Interpretation(reply="keep")
            index = self._indexes(plain)
            replies = {1: "who", 2: "how_long", 3: "keep"}
            return Interpretation(answers, reply=replies.get(index[0], "") if len(index) == 1 else "", corrects=True)
        if unsure:
            return Interpretation(answers, reply="unsure", corrects=corrects)
        index = self._indexes(plain)
        if len(index) == 1 and 0 < index[0] <= 3:
            return Interpretation(reply=("yes", "no", "unsure")[index[0] - 1])
        if whole in self._whole["yes"] or first in self._whole["yes"]:
            return Interpretation(answers, reply="yes", corrects=corrects)
        if whole in self._whole["no"] or first in self._whole["no"]:
            return Interpretation(answers, reply="no", corrects=corrects)
        return Interpretation(answers, corrects=corrects)

    # -------------------------------------------------------------------------------------------------------- questions
    def _answers(self, plain: str, text: str, asked: Asked, unsure_in: bool, corrects: bool) -> dict[str, str]:
        """Return a value for each question that the message answers."""
        found: dict[str, str] = {}
        for question in self._table.questions:
            current = question == asked.question
            short = current or (corrects and question in _PLAIN_WORDS)
            words = self._mended(plain, question) if current else plain
            hits = self._hits(words, (self._short if short else self._cues)[question])
            if not current:
                hits = [
                    hit for hit in hits if not (self._ranks[question][hit.value] and self._asks(plain[: hit.start]))
                ]
            value = self._chosen(question, hits, unsure_in and current)
            if question == "who":
                value = value or self._age(plain, text, current)
            if question == "how_long":
                value = self._duration(plain, text, current, asked, found.get("who", "")) or value
            if value:
                found[question] = value
        return found

    def _chosen(self, question: str, hits: Sequence[_Hit], unsure: bool) -> str:
        """Settle several values in one message: the highest rank, then the first named (section 4)."""
        values = list(dict.fromkeys(hit.value for hit in hits if not hit.negated))
        if not values:
            return ""
        ranks = self._ranks[question]
        best = max(values, key=lambda value: (ranks[value], -values.index(value)))
        return UNKNOWN if unsure and len(values) > 1 and not ranks[best] else best

    def _hits(self, plain: str, patterns: Sequence[tuple[str, re.Pattern[str] | None]]) -> list[_Hit]:
        """Return the cues in a text, the longest where they overlap, in order of place."""
        found: list[_Hit] = []
        for value, pattern in patterns:
            for match in pattern.finditer(plain) if pattern else ():
                found.append(_Hit(match.start(), match.end(), value, self._negated(plain[: match.start()])))
        kept: list[_Hit] = []
        for hit in sorted(found, key=lambda h: h.start - h.end):
            if not any(hit.start < other.end and other.start < hit.end for other in kept):
                kept.append(hit)
        return sorted(kept, key=lambda hit: hit.start)

    def _negated(self, before: str) -> bool:
        """Tell whether a negation governs what comes next: in the same clause, at most three words before."""
        for distance, word in enumerate(reversed(before.split())):
            if word in (",", "?") or distance >= _REACH:
                return False
            if word in self._read["negators"]:
                return True
            if word in self._read["clause"]:
                return False
        return False

    def _asks(self, before: str) -> bool:
        """Tell whether the clause before a cue opens as a question does."""
        clause = before.rpartition(",")[2].split()
        return bool(clause) and clause[0] in self._read["asks"]

    def _mended(self, plain: str, question: str) -> str:
        """Put the word of a cue in the place of a slip of it ("foreherd"), for the question in front only."""
        known = self._vocabulary[question]
        stays = {*self._read["not_slips"], *self._read["clause"], *self._read["negators"]}
        mended = []
        for word in plain.split():
            near = (
                () if word in known or word in stays or len(word) < 4 else (w for w in sorted(known) if _slip(word, w))
            )
            mended.append(next(iter(near), word))
        return " ".join(mended)

    def _indexes(self, plain: str) -> list[int]:
        """Return the numbers of a message that is made of nothing but numbers ("2", "the second one", "1 and 3")."""
        numbers = []
        for word in plain.split():
            if word in self._ordinals:
                numbers.append(self._ordinals[word])
            elif word.isdigit():
                numbers.append(int(word))
            elif word in self._numbers and not (word == "one" and numbers):
                numbers.append(self._numbers[word])
            elif word not in ("the", "and", ",", "number", "option", "answer", "choice", "one", "nr", "no"):
                return []
        return numbers

    def _option(self, plain: str, question: str) -> str:
        """Return the value that a number picks from the buttons.

        A bare number can be a count or an age instead: for `number` it is a count; for `who` it is years from 10 on, and
        from 5 to 9 it is left open, since "6" would make an adult of a child.
        """
        values = self._table.questions[question].values
        if plain in self._read["last"]:
            return values[-1].code
        indexes = self._indexes(plain)
        if len(indexes) != 1 or indexes[0] < 1:
            return ""
        index = indexes[0]
        bare = plain.isdigit() or plain in self._numbers
        if bare and question == "number":
            return "single" if index == 1 else "few_scattered" if index < 10 else ""
        if bare and question == "who" and index > 4:
            return who_of(index * YEAR, (index + 0.99) * YEAR) if 10 <= index <= 110 else ""
        return values[index - 1].code if index <= len(values) else ""

    def _age(self, plain: str, text: str, current: bool) -> str:
        """Return the age group that a text names, the youngest of several; empty where it could mean several people."""
        spans = [s for s in find_ages(text) if s.kind in ("number", "born") or (current and s.kind == "weak")]
        spans = spans or [s for s in find_ages(text) if s.group == "newborn"]
        groups = {group for group in map(_group_of, spans) if group}
        if not groups and current:
            groups = {who_of(d.low, d.high) for d in find_durations(text)}
        if not groups and current and re.fullmatch(r"(?:im |i am |age |aged )?\d{2,3}(?: yrs?| years?)?", plain):
            years = int(re.sub(r"\D", "", plain))
            groups = {who_of(years * YEAR, (years + 0.99) * YEAR)} if years <= 110 else set()
        if len(groups) > 1 and not current:
            return ""
        order = [value.code for value in self._table.questions["who"].values]
        return min(groups, key=order.index, default="")

    def _duration(self, plain: str, text: str, current: bool, asked: Asked, who: str) -> str:
        """Return how long the bumps have been there; not how long ago a burn was, or for how long a cream was used."""
        if self._since_birth is not None and self._since_birth.search(plain):
            ages = {"newborn": "up_to_4_weeks", "infant_u3m": "weeks_4_to_12"}
            who = who or asked.who
            return ages.get(who, "over_3_months") if who or current else ""
        if asked.question in ("before", "who"):
            return ""
        spans = find_durations(text)
        if not spans and current:
            spans_of_age = [s for s in find_ages(text) if s.kind in ("number", "weak")]
            return how_long_of(spans_of_age[0].low, spans_of_age[0].high) if spans_of_age else ""
        for span in spans:
            clause = re.split(r"[.;!?,]|\bbut\b", text[: span.start].lower())[-1]
            about_bumps = re.search(
                r"\b(?:had|have|has|been|there|appear\w*|notic\w*|start\w*|came|come|since|got|for)\s", clause + " "
            )
            other = re.search(
                r"\b(?:cream|us(?:ed|ing)|oint\w+|medic\w+|tablet\w*|pregnan\w*|treat\w*|appl\w+|tr(?:y|ied|ying)|put)\b",
                clause,
            )
            if current or (about_bumps and not other) or (span.kind == "since" and not other):
                return how_long_of(span.low, span.high)
        return ""


def _slip(word: str, known: str) -> bool:
    """Tell whether a word is one slip away from another: a letter more, less, changed or swapped; same first letter."""
    if word[0] != known[0] or abs(len(word) - len(known)) > 1 or len(known) < 4:
        return False
    if len(word) == len(known):
        differ = [n for n, (a, b) in enumerate(zip(word, known, strict=True)) if a != b]
        swapped = len(differ) == 2 and differ[1] == differ[0] + 1 and word[differ[0]] == known[differ[1]]
        return (len(differ) == 1 and len(known) > 4) or (swapped and word[differ[1]] == known[differ[0]])
    longer, shorter = sorted((word, known), key=len, reverse=True)
    return len(known) > 4 and any(longer[:n] + longer[n + 1 :] == shorter for n in range(len(longer)))


def _group_of(span: AgeSpan) -> str:
    return "newborn" if span.group == "newborn" else "" if span.group else who_of(span.low, span.high)


def who_of(low: float, high: float) -> str:
    """Return the age group of a range of days: under 18 the youngest that it allows, for adults its middle."""
    for group, below in (
        ("newborn", 4 * WEEK),
        ("infant_u3m", 13 * WEEK),
        ("infant_3_12m", YEAR),
        ("child", 13 * YEAR),
        ("teen", 18 * YEAR),
    ):
        if low < below - 0.001:
            return group
    middle = (low + min(high, 110 * YEAR)) / 2
    return "adult_18_39" if middle < 40 * YEAR else "adult_40_70" if middle < 71 * YEAR else "adult_over_70"


def how_long_of(low: float, high: float) -> str:
    """Return the duration of a range of days by its middle; "4 weeks" is up to 4 weeks, "3 months" over 3 months."""
    middle = (low + high) / 2
    return "up_to_4_weeks" if middle <= 5 * WEEK else "weeks_4_to_12" if middle < 13 * WEEK + 1 else "over_3_months"
