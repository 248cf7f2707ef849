"""Weighs what the rules found in a message against what lay sentences about warning signs look like.

Rules list wordings and cannot list them all; they also fire on sentences that only look like signs. A network of its own,
which starts from the layers that were trained for labels, and a regression over words learn both from `data/signs`. A last
regression (stacking: D. H. Wolpert, 1992) puts the three together, fitted on sentences that the two others have not seen, so
that it learns how far each can be trusted.
What is said about a sign comes from the reviewed list alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from milia.nlu.encoder_graph import LayerSession, in_parallel, load_layers, save_layers
from milia.nlu.label_attention import LabelAttention
from milia.nlu.network_training import Examples, Schedule, train_network
from milia.nlu.sign_sentences import LEVEL_HEADS, sign_targets
from milia.nlu.text_features import TextFeatures, fit_regressions
from milia.nlu.transformer import TransformerLayer
from milia.nlu.weights import Regression
from milia.sign_catalog import SignCatalog
from milia.warning_signs import Context, Findings, Level, hypothetical_signs_in, signs_in

# Of the examples, the part that the stacking regression is fitted on: it has few weights, the layers learn from the rest.
_STACKED = 0.1


@dataclass(frozen=True)
class SignExample:
    """A message, as the parts of `SignEvidence` see it.

    Attributes:
        text: the message, spelling corrected.
        states: hidden states below the layers that are trained, (tokens, 384).
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
        layers: the upper layers of the encoder, as trained for signs.
        head: scores the levels, then the signs, over their states.
        features: of the words.
        words: the regression of the levels over them.
        stack: that over both, and what the rules found.
        signs: the signs, in the order of the head's scores.
        catalog: the list of signs.
    """

    layers: LayerSession
    head: LabelAttention
    features: TextFeatures
    words: Regression
    stack: Regression
    signs: tuple[str, ...]
    catalog: SignCatalog

    def judge(self, example: SignExample) -> Judged:
        """Judge one message."""
        logits = self.head.logits(self.layers(example.states), example.flags)
        words = self.words.logits(self.features.row(example.text))[0]
        found = signs_in(example.findings, Context(), self.catalog)
        row = _evidence(logits, words, found, example.findings, self.catalog)
        levels = dict(zip(LEVEL_HEADS, (1 / (1 + np.exp(-self.stack.logits(row)))).tolist()))
        likeliest: dict[Level, str] = {}
        for _, sign in sorted(zip(logits[len(LEVEL_HEADS) :].tolist(), self.signs)):
            likeliest[self.catalog[sign].level] = sign
        return Judged(levels, likeliest, found)

    def save(self, folder: Path, layers: Sequence[TransformerLayer]) -> None:
        """Write the parts into a folder, with the weights of the layers, which they do not keep."""
        save_layers(folder, "sign_layer", layers)
        self.head.save(folder / "sign_head.npz")
        self.features.save(folder / "sign_features.joblib")
        self.words.save(folder / "sign_words.npz")
        self.stack.save(folder / "sign_stack.npz")
        (folder / "signs.json").write_text(json.dumps(self.signs))

    @classmethod
    def load(cls, folder: Path, catalog: SignCatalog) -> SignEvidence:
        """Read what `save` wrote."""
        return cls(
            load_layers(folder, "sign_layer"),
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
    layers: Sequence[TransformerLayer],
    schedules: tuple[Schedule, Schedule],
    regularization: float,
) -> tuple[SignEvidence, tuple[TransformerLayer, ...]]:
    """Train the parts: network and words first on most of the examples, to fit the stack on the rest; then head and words on all.

    Args:
        examples: sentences about signs, sentences that only look like that, and ordinary messages.
        catalog: the list of signs.
        layers: where the network's layers start from.
        schedules: for the layers with a head, and for the last head over them; the first one's seed also chooses the part
            that the stack is fitted on.
        regularization: inverse strength of the penalty of the regression over words.

    Returns:
        The evidence, and the weights of its layers.
    """
    signs = tuple(sorted({sign for one in examples for sign in one.signs}))
    order = np.random.default_rng(schedules[0].seed).permutation(len(examples))
    kept = [examples[i] for i in order[: int(len(order) * _STACKED)]]
    rest = [examples[i] for i in order[int(len(order) * _STACKED) :]]

    def network(
        on: Sequence[SignExample], states: Sequence[np.ndarray], start: Sequence[TransformerLayer], schedule: Schedule
    ) -> tuple[tuple[TransformerLayer, ...], LabelAttention]:
        flags, targets = np.array([one.flags for one in on]), sign_targets([one.signs for one in on], signs, catalog)
        return train_network(Examples(states, flags, targets), start, schedule)

    def regression(on: Sequence[SignExample]) -> tuple[TextFeatures, Regression]:
        texts = [one.text for one in on]
        features = TextFeatures(()).fit(texts)
        targets = sign_targets([one.signs for one in on], (), catalog)
        return features, fit_regressions(features.matrix(texts, [()] * len(texts)), targets, regularization)

    trained, head = network(rest, [one.states for one in rest], layers, schedules[0])
    through = LayerSession(trained)
    features, words = regression(rest)
    rows = [
        _evidence(
            head.logits(through(one.states), one.flags),
            words.logits(features.row(one.text))[0],
            signs_in(one.findings, Context(), catalog),
            one.findings,
            catalog,
        )
        for one in kept
    ]
    levels = sign_targets([one.signs for one in kept], (), catalog)
    stack = Regression.of_models([LogisticRegression(max_iter=1000).fit(rows, column) for column in levels.T])
    states = in_parallel(through, [one.states for one in examples])
    _, head = network(examples, states, (), schedules[1])
    return SignEvidence(through, head, *regression(examples), stack, signs, catalog), trained


def _evidence(
    head: np.ndarray, words: np.ndarray, found: frozenset[str], findings: Findings, catalog: SignCatalog
) -> np.ndarray:
    """Return the inputs of the stack (13,): two scores a level, what the rules found and what they dismissed."""
    level, supposed = catalog.level(found), catalog.level(hypothetical_signs_in(findings, Context(), catalog) - found)
    rules = [level >= one for one in reversed(LEVEL_HEADS)] + [supposed >= one for one in LEVEL_HEADS[:0:-1]]
    none_left = findings.dismissed and level < Level.PROVIDER_SOON
    return np.array([*head[: len(LEVEL_HEADS)], *words, *rules, findings.dismissed, none_left], np.float64)
