"""Scores of an evaluation, as plain functions: what was expected and what the bot did go in, figures come out.

Owns what "right" means. A message is judged by the turn's `topics` as in `milia replay`:

- *strict*: exactly what was asked is answered;
- *lenient*: all that was asked is answered, and at most one topic that was not.

A message labelled `red_flag` is judged by its level only. Every share comes with Wilson's 95% interval.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from milia.labels import NO_ANSWER, OUT_OF_SCOPE, PHOTO, RED_FLAG, TREATMENTS, TRIAGE
from milia.sign_catalog import Level

CHITCHAT = "chitchat"
# What a message that got no topic at all got instead.
ESCALATED, ASKED_WHICH, NOTHING = "(escalated)", "(asked which)", "(not understood)"
KINDS = (TRIAGE, NO_ANSWER, OUT_OF_SCOPE, CHITCHAT, PHOTO, RED_FLAG)
_REJECTED = frozenset({NO_ANSWER, OUT_OF_SCOPE})
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    right: int
    total: int

    @property
    def rate(self) -> float:
        """The share, 0 to 1; not a number when there is nothing to count."""
        return self.right / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval."""
        return wilson(self.right, self.total)


def wilson(right: int, total: int, z: float = _Z95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (E. B. Wilson, 1927); 0 to 1 when nothing was counted."""
    if not total:
        return 0.0, 1.0
    p, spread = right / total, z * z / total
    middle = (p + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(p * (1 - p) / total + spread / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)


# ------------------------------------------------------------------------------------------------------------ messages
@dataclass(frozen=True)
class Answered:
    """A message, what it asks, and what the bot did with it.

    Attributes:
        text: the message.
        asked: its labels.
        topics: what the reply answered.
        level: of the conversation after it.
        confidence: of the intent.
        intent: the labels that the intent stands for.
        asked_which: the bot asked which of two topics is meant, and one of them is right.
        source: the file that the message is from.
    """

    text: str
    asked: frozenset[str]
    topics: frozenset[str]
    level: Level = Level.PROVIDER_ROUTINE
    confidence: float = 0.0
    intent: frozenset[str] = frozenset()
    asked_which: bool = False
    source: str = ""

    @property
    def strict(self) -> bool:
        """Whether exactly what was asked is answered."""
        return self._noticed if RED_FLAG in self.asked else self.topics == self.asked

    @property
    def lenient(self) -> bool:
        """Whether all that was asked is answered, and at most one topic that was not."""
        if RED_FLAG in self.asked:
            return self._noticed
        return self.asked <= self.topics and len(self.topics - self.asked) <= 1

    @property
    def _noticed(self) -> bool:
        return self.level >= Level.PROVIDER_SOON

    @property
    def answerable(self) -> bool:
        """Whether it asks something that the article answers or describes bumps, and nothing that it does not answer."""
        return bool(self.asked - set(KINDS) or TRIAGE in self.asked) and not self.asked & {*_REJECTED, RED_FLAG}

    @property
    def unanswerable(self) -> bool:
        """Whether nothing in it can be answered from the article."""
        return bool(self.asked) and self.asked <= _REJECTED

    @property
    def rejected(self) -> bool:
        """Whether the bot only said that it cannot answer, or did not understand."""
        return self.topics <= _REJECTED and self.level < Level.URGENT_SAME_DAY and not self.asked_which

    @property
    def instead(self) -> str:
        """What it got when no topic was answered."""
        if self.level >= Level.URGENT_SAME_DAY:
            return ESCALATED
        return ASKED_WHICH if self.asked_which else NOTHING


@dataclass(frozen=True)
class Topic:
    """How one label fares: how often it is found where asked, and asked where given; `strict`, `lenient` of its messages."""

    recall: Share
    precision: Share
    strict: Share
    lenient: Share


def share(messages: Iterable[Answered], right: Callable[[Answered], bool]) -> Share:
    """Count for how many messages something holds."""
    kept = [right(one) for one in messages]
    return Share(sum(kept), len(kept))


def by_topic(messages: Sequence[Answered]) -> dict[str, Topic]:
    """Return the figures of each label that a message asks."""
    labels = sorted({label for one in messages for label in one.asked} - {RED_FLAG})
    found = {}
    for label in labels:
        asking = [one for one in messages if label in one.asked]
        given = [one for one in messages if label in one.topics]
        found[label] = Topic(
            Share(sum(label in one.topics for one in asking), len(asking)),
            Share(sum(label in one.asked for one in given), len(given)),
            share(asking, lambda one: one.strict),
            share(asking, lambda one: one.lenient),
        )
    return found


def message_scores(messages: Sequence[Answered]) -> dict[str, Share]:
    """Return the figures over all messages, by the name under which the report has them."""
    answerable = [one for one in messages if one.answerable]
    return {
        "right, one extra topic allowed": share(messages, lambda one: one.lenient),
        "right, strict": share(messages, lambda one: one.strict),
        "no_answer recognised": share(_asking(messages, NO_ANSWER), lambda one: NO_ANSWER in one.topics),
        "out_of_scope recognised": share(_asking(messages, OUT_OF_SCOPE), lambda one: OUT_OF_SCOPE in one.topics),
        "wrongly rejected": share(answerable, lambda one: one.rejected),
        "wrongly escalated": share(
            [one for one in messages if RED_FLAG not in one.asked], lambda one: one.level >= Level.URGENT_SAME_DAY
        ),
        "asked which was meant": share(messages, lambda one: one.asked_which),
    }


def _asking(messages: Iterable[Answered], label: str) -> list[Answered]:
    return [one for one in messages if label in one.asked]


def main_label(labels: Iterable[str]) -> str:
    """Return the label that stands for a set: a kind before a topic, both treatments as one; of topics the first by name.

    Raises:
        ValueError: there is no label.
    """
    labels = set(labels)
    if not labels:
        raise ValueError("a message needs at least one label")
    for kind in (RED_FLAG, TRIAGE, PHOTO, NO_ANSWER):
        if kind in labels:
            return kind
    return "both treatments" if set(TREATMENTS) <= labels else min(labels)


def confusion(messages: Iterable[Answered]) -> Counter[tuple[str, str]]:
    """Count (main label, what was answered for it): itself when it was answered, else what was answered without being asked."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in messages:
        main = main_label(one.asked)
        parts = set(TREATMENTS) if main == "both treatments" else {main}
        if parts <= one.topics or (main == RED_FLAG and one.level >= Level.PROVIDER_SOON):
            counts[main, main] += 1
        else:
            given = (one.topics - one.asked) or one.topics
            counts[main, main_label(given) if given else one.instead] += 1
    return counts


def mistakes(messages: Iterable[Answered]) -> Counter[tuple[str, str]]:
    """Count (label that was missed, label given instead); "-" on one side when only the other went wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in messages:
        if RED_FLAG in one.asked:
            continue
        missed, extra = one.asked - one.topics, one.topics - one.asked
        for label in missed or {"-"}:
            for other in extra or ({one.instead} if not one.topics else {"-"}):
                if (label, other) != ("-", "-"):
                    counts[label, other] += 1
    return counts


# --------------------------------------------------------------------------------------------------------------- signs
@dataclass(frozen=True)
class SignCase:
    """A sentence with warning signs or a trap without any, and what the bot noticed.

    Attributes:
        text: the sentence.
        expected: ids of the signs in it.
        signs: ids that were recognised.
        level: that the bot gave it.
        trap: whether it only looks like a sign.
        hypothetical: ids that it asks about without having them.
    """

    text: str
    expected: frozenset[str]
    signs: frozenset[str]
    level: Level
    trap: bool = False
    hypothetical: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SignScores:
    """Figures over sign sentences and traps.

    Attributes:
        by_sign: how often each sign is found.
        all_signs: that, over all.
        emergency: over the signs of level 4.
        emergency_level: sentences with a level 4 sign that reached level 4.
        false_alarms: traps with a sign of level 2 or more.
        extra: sentences with signs that got another one of a level above theirs.
        exact_level: sentences and traps at just the expected level.
        under, over: below, above it.
        levels: counts of (expected level, given level).
    """

    by_sign: Mapping[str, Share]
    all_signs: Share
    emergency: Share
    emergency_level: Share
    false_alarms: Share
    extra: Share
    exact_level: Share
    under: Share
    over: Share
    levels: Mapping[tuple[str, str], int] = field(default_factory=dict)


def sign_scores(cases: Sequence[SignCase], level_of: Mapping[str, Level]) -> SignScores:
    """Score what the bot noticed.

    Args:
        cases: sentences with signs, and traps.
        level_of: the level of each sign.
    """
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in cases:
        total.update(case.expected)
        found.update(case.expected & case.signs)
    emergency = [sign for sign in total if level_of[sign] == Level.EMERGENCY_NOW]
    expected = [expected_level(case, level_of) for case in cases]
    traps = [case for case in cases if case.trap]
    with_signs = [(case, level) for case, level in zip(cases, expected, strict=True) if case.expected]
    grave = [case for case, level in with_signs if level == Level.EMERGENCY_NOW]
    pairs = list(zip(cases, expected, strict=True))
    return SignScores(
        {sign: Share(found[sign], total[sign]) for sign in sorted(total)},
        Share(sum(found.values()), sum(total.values())),
        Share(sum(found[sign] for sign in emergency), sum(total[sign] for sign in emergency)),
        Share(sum(case.level == Level.EMERGENCY_NOW for case in grave), len(grave)),
        Share(sum(alarmed(case, level_of) for case in traps), len(traps)),
        Share(
            sum(any(level_of[s] > level for s in case.signs - case.expected) for case, level in with_signs),
            len(with_signs),
        ),
        Share(sum(case.level == level for case, level in pairs), len(pairs)),
        Share(sum(case.level < level for case, level in pairs), len(pairs)),
        Share(sum(case.level > level for case, level in pairs), len(pairs)),
        Counter((level.id, case.level.id) for case, level in pairs),
    )


def expected_level(case: SignCase, level_of: Mapping[str, Level]) -> Level:
    """Return the highest level of a case's signs; the lowest there is when it has none."""
    return max((level_of[sign] for sign in case.expected), default=Level.PROVIDER_ROUTINE)


def alarmed(case: SignCase, level_of: Mapping[str, Level]) -> bool:
    """Tell whether a sign of level 2 or more was seen that is not there."""
    return any(level_of[sign] >= Level.PROVIDER_SOON for sign in case.signs - case.expected)


# --------------------------------------------------------------------------------------------- confidence and rejection
@dataclass(frozen=True)
class Bin:
    """Messages whose confidence lies between two values."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(points: Sequence[tuple[float, bool]], bins: int = 10) -> tuple[list[Bin], float]:
    """Compare confidence with how often it is right.

    Args:
        points: (confidence 0 to 1, right or not) of each message.
        bins: number of bins of equal width.

    Returns:
        The bins that are not empty, and the expected calibration error: the mean distance between the two, weighted
        by the bins' counts (0 when there are no points).
    """
    found = []
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [(c, right) for c, right in points if low <= c < high or (number == bins - 1 and c >= high)]
        if inside:
            mean = sum(c for c, _ in inside) / len(inside)
            found.append(Bin(low, high, len(inside), mean, sum(right for _, right in inside) / len(inside)))
    error = sum(one.count * abs(one.confidence - one.accuracy) for one in found) / len(points) if points else 0.0
    return found, error


@dataclass(frozen=True)
class Operating:
    """What a threshold on the confidence does: answerable messages kept, how many of those right, others rejected."""

    threshold: float
    coverage: float
    accuracy: float
    rejection: float


def coverage_curve(messages: Sequence[Answered], steps: int = 50) -> list[Operating]:
    """Return what would happen if every message below a confidence were rejected, for thresholds from 0 to 1.

    Coverage and accuracy (lenient) are over answerable messages, rejection over those that the article does not answer.
    """
    answerable = [one for one in messages if one.answerable]
    other = [one for one in messages if one.unanswerable]
    curve = []
    for step in range(steps + 1):
        threshold = step / steps
        kept = [one for one in answerable if one.confidence >= threshold and not one.rejected]
        turned_down = sum(one.rejected or one.confidence < threshold for one in other)
        curve.append(
            Operating(
                threshold,
                Share(len(kept), len(answerable)).rate,
                share(kept, lambda one: one.lenient).rate,
                Share(turned_down, len(other)).rate,
            )
        )
    return curve


# --------------------------------------------------------------------------------------------------------------- goals
@dataclass(frozen=True)
class Goal:
    """A figure with what it must reach: at least `bound`, or at most when `at_most`."""

    name: str
    value: float
    bound: float
    at_most: bool = False
    count: Share | None = None

    @property
    def reached(self) -> bool:
        """Whether it does; a figure that could not be measured does not."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def message_goals(messages: Sequence[Answered]) -> list[Goal]:
    """Return the goals of the held-out messages."""
    figures = message_scores(messages)
    goals = [
        _goal("messages right, one extra topic allowed", figures["right, one extra topic allowed"], 0.92),
        _goal("messages right, strict", figures["right, strict"], 0.88),
        _goal("no_answer recognised", figures["no_answer recognised"], 0.90),
        _goal("out_of_scope recognised", figures["out_of_scope recognised"], 0.95),
        _goal("wrongly rejected", figures["wrongly rejected"], 0.04, at_most=True),
    ]
    topics = {name: one.lenient for name, one in by_topic(messages).items()}
    if topics:
        worst = min(topics, key=lambda name: topics[name].rate)
        goals.insert(2, _goal(f"worst label ({worst})", topics[worst], 0.80))
    return goals


def _goal(name: str, count: Share, bound: float, at_most: bool = False) -> Goal:
    return Goal(name, count.rate, bound, at_most, count)


def sign_test(first: int, second: int) -> float:
    """Return the exact two-sided p value of McNemar's test.

    Args:
        first: messages that only the first model has right.
        second: messages that only the second has right.
    """
    n, least = first + second, min(first, second)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(least + 1)) / 2**n) if n else 1.0
