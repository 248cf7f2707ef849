"""A label-wise attention network over the encoder's hidden states.

Each label looks for its own words in the message, so a question of five words is found in a story of sixty (Mullenbach
et al. 2018, "Explainable Prediction of Medical Codes from Clinical Text", describe the idea). TensorFlow trains it;
serving needs NumPy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from milia.nlu.sentence_encoder import DIMENSION

_NAMES = ("project", "project_bias", "attend", "label", "label_bias", "context")


@dataclass(frozen=True)
class LabelAttention:
    """The trained weights.

    Attributes:
        project, project_bias: (384, d) and (d,), a hidden layer over each token.
        attend: (d, labels), what each label looks for.
        label, label_bias: (labels, d) and (labels,), what it concludes from what it found.
        context: (384 + extra, labels), the message as a whole: mean of the states, then the extra features.
    """

    project: np.ndarray
    project_bias: np.ndarray
    attend: np.ndarray
    label: np.ndarray
    label_bias: np.ndarray
    context: np.ndarray

    def logits(self, states: np.ndarray, extra: np.ndarray) -> np.ndarray:
        """Score one message.

        Args:
            states: hidden states (tokens, 384).
            extra: binary features of the message (extra,).

        Returns:
            A logit for each label, (labels,).
        """
        hidden = _gelu(states @ self.project + self.project_bias)
        scores = hidden @ self.attend
        weights = np.exp(scores - scores.max(axis=0))
        weights /= weights.sum(axis=0)
        found = weights.T @ hidden
        context = np.concatenate([2 * states.mean(axis=0), extra]) @ self.context
        return (found * self.label).sum(axis=1) + self.label_bias + context

    def save(self, path: Path) -> None:
        """Write the weights as an .npz file."""
        np.savez(path, **{name: getattr(self, name).astype(np.float32) for name in _NAMES})

    @classmethod
    def load(cls, path: Path) -> LabelAttention:
        """Read weights that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(**{name: stored[name] for name in _NAMES})


def _gelu(x: np.ndarray) -> np.ndarray:
    # The tanh form: NumPy has no erf, and training uses the same.
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def train_label_attention(
    states: Sequence[np.ndarray],
    extra: np.ndarray,
    targets: np.ndarray,
    *,
    hidden: int = 384,
    epochs: int = 20,
    batch: int = 32,
    rate: float = 1.5e-3,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LabelAttention:
    """Train on hidden states (tokens, 384), extra features (n, extra) and 0/1 targets (n, labels).

    Tokens are dropped at random and the targets smoothed, since the labels come from one pair of eyes each.
    """
    import tensorflow as tf

    count, labels = targets.shape
    width = DIMENSION + extra.shape[1]
    # A generator of its own: Rasa seeds the global one only if asked to, and a model must not depend on that.
    rng = np.random.default_rng(seed)

    def start(*shape: int) -> tf.Variable:
        limit = np.sqrt(6 / (shape[0] + shape[-1]))
        return tf.Variable(rng.uniform(-limit, limit, shape).astype(np.float32))

    project, project_bias = start(DIMENSION, hidden), tf.Variable(tf.zeros(hidden))
    attend, label, context = start(hidden, labels), start(labels, hidden), start(width, labels)
    label_bias = tf.Variable(tf.fill([labels], -3.0))
    weights = [project, project_bias, attend, label, label_bias, context]
    optimizer = tf.keras.optimizers.legacy.Adam(rate)
    smooth = (targets * 0.96 + 0.01).astype(np.float32)
    noise = tf.random.Generator.from_seed(seed)

    def dropped(x: tf.Tensor, share: float) -> tf.Tensor:
        keep = tf.cast(noise.uniform(tf.shape(x)) >= share, tf.float32)
        return x * keep / (1 - share)

    @tf.function(reduce_retracing=True)
    def step(x: tf.Tensor, mask: tf.Tensor, more: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            mean = tf.reduce_sum(x * mask[:, :, None], 1) / tf.reduce_sum(mask, 1, keepdims=True)
            fewer = mask * tf.cast(noise.uniform(tf.shape(mask)) >= 0.1, tf.float32)
            fewer = tf.where(tf.reduce_sum(fewer, 1, keepdims=True) > 0, fewer, mask)
            inner = tf.nn.gelu(tf.einsum("btf,fd->btd", dropped(x, 0.1), project) + project_bias, approximate=True)
            inner = dropped(inner, 0.4)
            scores = tf.einsum("btd,dl->btl", inner, attend) + (1 - fewer[:, :, None]) * -1e9
            found = tf.einsum("btl,btd->bld", tf.nn.softmax(scores, 1), inner)
            whole = dropped(tf.concat([2 * mean, more], 1), 0.3)
            logits = tf.reduce_sum(found * label[None], -1) + label_bias + whole @ context
            loss = tf.reduce_mean(tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(y, logits), -1))
            loss += 1e-4 * tf.add_n([tf.reduce_sum(w * w) for w in weights])
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))

    lengths = np.array([len(one) for one in states])
    total, done = epochs * -(-count // batch), 0
    for _ in range(epochs):
        order = rng.permutation(count)
        # Batches of like length: padding costs more than it teaches.
        blocks = [order[i : i + batch * 32] for i in range(0, count, batch * 32)]
        order = np.concatenate([block[np.argsort(lengths[block], kind="stable")] for block in blocks])
        starts = rng.permutation(range(0, count, batch))
        for begin in starts:
            rows = order[begin : begin + batch]
            longest = -(-int(lengths[rows].max()) // 16) * 16
            x = np.zeros((len(rows), longest, DIMENSION), np.float32)
            mask = np.zeros((len(rows), longest), np.float32)
            for place, row in enumerate(rows):
                x[place, : lengths[row]] = states[row]
                mask[place, : lengths[row]] = 1
            optimizer.learning_rate = rate * 0.5 * (1 + np.cos(np.pi * done / total))
            step(tf.constant(x), tf.constant(mask), tf.constant(extra[rows]), tf.constant(smooth[rows]))
            done += 1
        progress(done, total)
    return LabelAttention(*(w.numpy() for w in weights))
