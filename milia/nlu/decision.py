"""From a score for each label to the set of labels that a reply resolves.

Taking the best of many competing scores throws away what each label knows on its own; taking all above a threshold adds
what nobody asked. Instead every plausible set is weighed by how likely it is what was asked, given the scores and how
often such sets occur, and the set is chosen that most likely resolves all of it with at most one topic to spare.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Decision:
    """What a message asks.

    Attributes:
        labels: the labels, likeliest first.
        confidence: how likely the labels are exactly what was asked, 0 to 1.
        rivals: two labels when either alone would explain the message about as well; else empty.
    """

    labels: tuple[str, ...]
    confidence: float
    rivals: tuple[str, ...] = ()


class LabelSets:
    """The sets of labels that messages carry, and how often.

    Args:
        labels: all labels, in the order of the scores.
        counts: how often each set occurs in the training data.
        exact: how much an exact answer is worth beside one with a topic to spare. Higher answers fewer topics.
        unseen: as how many messages a pair of labels counts that never occurred together; three labels as a fifth of that.
        floor: a further label below this score is never added, however likely it makes the set.
        candidates: how many of the likeliest labels are considered.
        together: labels that people ask for in one breath; in the size of a set they count as one.
        apart: labels of which a message has one at most.
    """

    def __init__(
        self,
        labels: Sequence[str],
        counts: Counter[frozenset[str]],
        exact: float = 0.6,
        unseen: float = 8.0,
        floor: float = 0.0,
        candidates: int = 6,
        together: Sequence[str] = (),
        apart: Sequence[str] = (),
    ) -> None:
        self.labels, self.exact, self.floor, self.candidates = tuple(labels), exact, floor, candidates
        self._unseen = unseen
        self._apart = frozenset(self.labels.index(one) for one in apart if one in self.labels)
        self._together = frozenset(self.labels.index(one) for one in together if one in self.labels)
        self._counts, self._total = counts, sum(counts.values())
        shares = np.array([sum(n for s, n in counts.items() if label in s) for label in labels]) / self._total
        shares = np.clip(shares, 1e-4, 1 - 1e-4)
        self._on, self._off = np.log(shares), np.log(1 - shares)
        self._prior: dict[tuple[int, ...], float] = {}
        self._shapes: dict[tuple[int, frozenset[int]], tuple[list[tuple[int, ...]], np.ndarray]] = {}

    @classmethod
    def from_messages(cls, labels: Sequence[str], sets: Iterable[frozenset[str]], **settings: Any) -> LabelSets:
        """Count the sets of the training messages."""
        return cls(labels, Counter(sets), **settings)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON types."""
        return {"labels": list(self.labels), "counts": [[sorted(s), n] for s, n in sorted(self._counts.items(), key=str)]}

    @classmethod
    def from_dict(cls, stored: dict[str, Any], **settings: Any) -> LabelSets:
        """Read what `to_dict` wrote."""
        return cls(stored["labels"], Counter({frozenset(s): n for s, n in stored["counts"]}), **settings)

    def decide(self, scores: np.ndarray) -> Decision:
        """Choose the labels of one message from its scores (labels,), each a probability."""
        p = np.clip(scores, 1e-4, 1 - 1e-4)
        top = np.argsort(-p)[: self.candidates]
        pair = frozenset(place for place, label in enumerate(top) if int(label) in self._together)
        places, resolves = self._shape(len(top), pair if len(pair) == len(self._together) else frozenset())
        sets = [tuple(sorted(int(top[i]) for i in place)) for place in places]
        gain = np.log(p) - np.log(1 - p)
        weight = np.array([sum(gain[i] for i in one) + self._log_prior(one) for one in sets])
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        value = resolves @ weight + self.exact * weight
        ruled_out = [
            len(one) > 1 and (min(p[i] for i in one) < self.floor or len(self._apart.intersection(one)) > 1)
            for one in sets
        ]
        value = np.where(ruled_out, -1.0, value)
        best = int(value.argmax())
        chosen = tuple(self.labels[i] for i in sorted(sets[best], key=lambda i: -p[i]))
        singles = sorted(((weight[i], sets[i][0]) for i in range(len(sets)) if len(sets[i]) == 1), reverse=True)[:2]
        rivals: tuple[str, ...] = ()
        if len(singles) == 2 and singles[1][0] > 0.8 * singles[0][0] and singles[0][0] + singles[1][0] > 0.5:
            rivals = tuple(self.labels[i] for _, i in singles)
        return Decision(chosen, float(weight[best]), rivals)

    def _shape(self, count: int, pair: frozenset[int]) -> tuple[list[tuple[int, ...]], np.ndarray]:
        """Return all sets of up to three of the likeliest labels, as places in their order.

        The second value tells of each two sets a, b whether answering a resolves all that b asks, with at most one
        label to spare: (sets, sets), 0/1.
        """
        if (count, pair) not in self._shapes:
            places = [p for size in (1, 2, 3) for p in itertools.combinations(range(count), size)]
            if pair:
                places += [p for p in itertools.combinations(range(count), len(pair) + 2) if pair <= set(p)]
            resolves = np.array(
                [[set(b) <= set(a) and len(set(a) - set(b)) <= 1 for b in places] for a in places], dtype=float
            )
            self._shapes[count, pair] = places, resolves
        return self._shapes[count, pair]

    def _log_prior(self, members: tuple[int, ...]) -> float:
        """How much likelier the set is than its labels are together by chance.

        A set never seen keeps a small share, which shrinks with that which chance would give it.
        """
        if members not in self._prior:
            names = frozenset(self.labels[i] for i in members)
            chance = sum(self._on[i] if i in members else self._off[i] for i in range(len(self.labels)))
            expected = self._total * float(np.exp(chance))
            unseen = self._unseen if len(members) < 3 else self._unseen / 5
            share = (self._counts[names] + unseen * min(1.0, expected)) / self._total
            self._prior[members] = float(np.log(share) - chance)
        return self._prior[members]
