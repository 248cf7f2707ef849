"""Weighs what the rules found in a message against what lay sentences about warning signs look like.

Rules list wordings and cannot list them all; they also fire on sentences that only look like signs. A head over the message
network and a regression over words learn both from `data/signs`. A last regression (stacking: D. H. Wolpert, 1992) puts
the three together, fitted on sentences that the two others have not seen, so that it learns how far each can be trusted.
What is said about a sign comes from the reviewed list alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from milia.nlu.label_attention import LabelAttention
from milia.nlu.sign_sentences import LEVEL_HEADS, sign_targets
from milia.nlu.text_features import TextFeatures, fit_regressions
from milia.nlu.weights import Regression
from milia.sign_catalog import SignCatalog
from milia.warning_signs import Context, Findings, Level, hypothetical_signs_in, signs_in

# Of the examples, the part that the stacking regression is fitted on.
_STACKED = 0.2


@dataclass(frozen=True)
class SignExample:
    """A message, as the parts of `SignEvidence` see it.

    Attributes:
        text: the message, spelling corrected.
        states: the network's hidden states, (tokens, 384).
        flags: the concepts that it names, 0/1 (concepts,).
        findings: what the rules found.
        signs: the signs that are present in it; only known in training.
    """

    text: str
    states: np.ndarray
    flags: np.ndarray
    findings: Findings
    signs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What the evidence says of one message.

    Attributes:
        levels: how likely it tells of a sign of at least each level of `LEVEL_HEADS`.
        likeliest: which sign of each level it would be.
        found: the signs that the rules found in it.
    """

    levels: Mapping[Level, float]
    likeliest: Mapping[Level, str]
    found: frozenset[str]


@dataclass(frozen=True)
class SignEvidence:
    """The three parts, trained.

    Attributes:
        head: scores the levels, then the signs, over the network's states.
        features: of the words.
        words: the regression of the levels over them.
        stack: that over both, and what the rules found.
        signs: the signs, in the order of the head's scores.
        catalog: the list of signs.
    """

    head: LabelAttention
    features: TextFeatures
    words: Regression
    stack: Regression
    signs: tuple[str, ...]
    catalog: SignCatalog

    def judge(self, example: SignExample) -> Judged:
        """Judge one message."""
        logits = self.head.logits(example.states, example.flags)
        words = self.words.logits(self.features.matrix([example.text], [()]))[0]
        found = signs_in(example.findings, Context(), self.catalog)
        row = _evidence(logits, words, found, example.findings, self.catalog)
        levels = dict(zip(LEVEL_HEADS, (1 / (1 + np.exp(-self.stack.logits(row)))).tolist()))
        likeliest: dict[Level, str] = {}
        for _, sign in sorted(zip(logits[len(LEVEL_HEADS) :].tolist(), self.signs)):
            likeliest[self.catalog[sign].level] = sign
        return Judged(levels, likeliest, found)

    def save(self, folder: Path) -> None:
        """Write the parts into a folder."""
        self.head.save(folder / "sign_head.npz")
        self.features.save(folder / "sign_features.joblib")
        self.words.save(folder / "sign_words.npz")
        self.stack.save(folder / "sign_stack.npz")
        (folder / "signs.json").write_text(json.dumps(self.signs))

    @classmethod
    def load(cls, folder: Path, catalog: SignCatalog) -> SignEvidence:
        """Read what `save` wrote."""
        return cls(
            LabelAttention.load(folder / "sign_head.npz"),
            TextFeatures.load(folder / "sign_features.joblib"),
            Regression.load(folder / "sign_words.npz"),
            Regression.load(folder / "sign_stack.npz"),
            tuple(json.loads((folder / "signs.json").read_text())),
            catalog,
        )


def train_evidence(
    examples: Sequence[SignExample],
    catalog: SignCatalog,
    train_head: Callable[[Sequence[SignExample], np.ndarray], LabelAttention],
    regularization: float,
    seed: int = 0,
) -> SignEvidence:
    """Train the parts: head and words first on most of the examples, to fit the stack on the rest; then on all.

    Args:
        examples: sentences about signs, sentences that only look like that, and ordinary messages.
        catalog: the list of signs.
        train_head: trains a head on examples and their 0/1 targets (examples, levels + signs).
        regularization: inverse strength of the penalty of the regression over words.
        seed: of the choice of the part that the stack is fitted on.
    """
    signs = tuple(sorted({sign for one in examples for sign in one.signs}))
    order = np.random.default_rng(seed).permutation(len(examples))
    kept = [examples[i] for i in order[: int(len(order) * _STACKED)]]
    rest = [examples[i] for i in order[int(len(order) * _STACKED) :]]

    def parts(on: Sequence[SignExample]) -> tuple[LabelAttention, TextFeatures, Regression]:
        targets = sign_targets([one.signs for one in on], signs, catalog)
        texts = [one.text for one in on]
        features = TextFeatures(()).fit(texts)
        matrix = features.matrix(texts, [()] * len(texts))
        return train_head(on, targets), features, fit_regressions(matrix, targets[:, : len(LEVEL_HEADS)], regularization)

    head, features, words = parts(rest)
    scores = words.logits(features.matrix([one.text for one in kept], [()] * len(kept)))
    rows = [
        _evidence(
            head.logits(one.states, one.flags), row, signs_in(one.findings, Context(), catalog), one.findings, catalog
        )
        for one, row in zip(kept, scores)
    ]
    levels = sign_targets([one.signs for one in kept], (), catalog)
    models = [LogisticRegression(max_iter=1000).fit(rows, column) for column in levels.T]
    stack = Regression.of_models(models)
    head, features, words = parts(examples)
    return SignEvidence(head, features, words, stack, signs, catalog)


def _evidence(
    head: np.ndarray, words: np.ndarray, found: frozenset[str], findings: Findings, catalog: SignCatalog
) -> np.ndarray:
    """Return the inputs of the stack (13,): two scores a level, what the rules found and what they dismissed."""
    level, supposed = catalog.level(found), catalog.level(hypothetical_signs_in(findings, Context(), catalog) - found)
    rules = [level >= one for one in reversed(LEVEL_HEADS)] + [supposed >= one for one in LEVEL_HEADS[:0:-1]]
    none_left = findings.dismissed and level < Level.PROVIDER_SOON
    return np.array([*head[: len(LEVEL_HEADS)], *words, *rules, findings.dismissed, none_left], np.float64)
