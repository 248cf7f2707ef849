"""Trains the upper layers of the encoder and a label attention head together, or a head alone. Serving needs NumPy only.

The head starts from nothing and learns fast; the layers start from what they know of English and move little, so each
has an optimizer of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from milia.nlu.label_attention import LabelAttention
from milia.nlu.transformer import HEADS, TransformerLayer


@dataclass(frozen=True)
class Examples:
    """What the network learns from.

    Attributes:
        states: hidden states of each message below the trained layers, (tokens, 384) each.
        extra: binary features (n, extra).
        targets: 0/1 (n, labels).
    """

    states: Sequence[np.ndarray]
    extra: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: rates fall along a cosine, after a short rise."""

    epochs: int = 5
    batch: int = 32
    layer_rate: float = 1e-4
    head_rate: float = 1.5e-3
    hidden: int = 384
    seed: int = 0
    progress: Callable[[int, int], None] = field(default=lambda done, total: None)


def train_network(
    examples: Examples, layers: Sequence[TransformerLayer], schedule: Schedule
) -> tuple[tuple[TransformerLayer, ...], LabelAttention]:
    """Train the layers (none: over states that are final) and a new head.

    Tokens are dropped at random and the targets smoothed, since the labels come from one pair of eyes each.
    """
    import tensorflow as tf

    count, labels = examples.targets.shape
    # Generators of its own: Rasa seeds the global ones only if asked to, and a model must not depend on that.
    rng, noise = np.random.default_rng(schedule.seed), tf.random.Generator.from_seed(schedule.seed)
    upper = [{name: tf.Variable(array) for name, array in layer.arrays().items()} for layer in layers]
    head = {name: tf.Variable(array) for name, array in _new_head(examples, schedule.hidden, rng).items()}
    of_layers, of_head = [one for layer in upper for one in layer.values()], list(head.values())
    optimizers = tf.keras.optimizers.legacy.Adam(), tf.keras.optimizers.legacy.Adam()

    def dropped(x: Any, share: float) -> Any:
        keep = tf.cast(noise.uniform(tf.shape(x)) >= share, tf.float32)
        return x * keep / (1 - share)

    @tf.function(reduce_retracing=True)  # type: ignore[misc]
    def step(x: Any, mask: Any, extra: Any, target: Any) -> None:
        with tf.GradientTape() as tape:
            for layer in upper:
                x = _layer(x, mask, layer, dropped)
            logits = _head(x, mask, extra, head, dropped, noise)
            loss = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(tf.reduce_sum(loss, -1)) + 1e-4 * tf.add_n([tf.reduce_sum(w * w) for w in of_head])
        gradients = tape.gradient(loss, of_layers + of_head)
        if of_layers:
            clipped, _ = tf.clip_by_global_norm(gradients[: len(of_layers)], 1.0)
            optimizers[0].apply_gradients(zip(clipped, of_layers))
        optimizers[1].apply_gradients(zip(gradients[len(of_layers) :], of_head))

    smooth = (examples.targets * 0.96 + 0.01).astype(np.float32)
    total, done = schedule.epochs * -(-count // schedule.batch), 0
    for _ in range(schedule.epochs):
        for rows in _batches([len(one) for one in examples.states], schedule.batch, rng):
            share = 0.5 * (1 + np.cos(np.pi * done / total)) * min(1.0, done / (0.06 * total) + 0.02)
            optimizers[0].learning_rate, optimizers[1].learning_rate = (
                schedule.layer_rate * share,
                schedule.head_rate * share,
            )
            x, mask = _padded([examples.states[row] for row in rows])
            step(*map(tf.constant, (x, mask, examples.extra[rows], smooth[rows])))
            done += 1
            if done % 100 == 0 or done == total:
                schedule.progress(done, total)
    trained = tuple(TransformerLayer.of({name: one.numpy() for name, one in layer.items()}) for layer in upper)
    return trained, LabelAttention.of({name: one.numpy() for name, one in head.items()})


def _new_head(examples: Examples, hidden: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    labels, width = examples.targets.shape[1], examples.states[0].shape[1]

    def start(*shape: int) -> np.ndarray:
        limit = np.sqrt(6 / (shape[0] + shape[-1]))
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    return {
        "project": start(width, hidden),
        "project_bias": np.zeros(hidden, np.float32),
        "attend": start(hidden, labels),
        "label": start(labels, hidden),
        "label_bias": np.full(labels, -3.5, np.float32),  # labels are rare
        "context": start(width + examples.extra.shape[1], labels),
    }


def _layer(x: Any, mask: Any, weights: dict[str, Any], dropped: Callable[[Any, float], Any]) -> Any:
    """Compute `TransformerLayer` on a batch (batch, tokens, 384) in training."""
    import tensorflow as tf

    batch, tokens, width = tf.shape(x)[0], tf.shape(x)[1], x.shape[-1]

    def linear(x: Any, name: str) -> Any:
        flat = tf.reshape(x, [batch * tokens, -1]) @ weights[name] + weights[f"{name}_bias"]
        return tf.reshape(flat, [batch, tokens, flat.shape[-1]])

    def heads(x: Any) -> Any:
        return tf.transpose(tf.reshape(x, [batch, tokens, HEADS, width // HEADS]), [0, 2, 1, 3])

    def norm(x: Any, name: str) -> Any:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-12) * weights[f"{name}_gain"] + weights[f"{name}_shift"]

    query, key, value = (heads(linear(x, name)) for name in ("query", "key", "value"))
    scores = tf.matmul(query, key, transpose_b=True) / float(np.sqrt(width // HEADS))
    shares = tf.nn.softmax(scores + (1 - mask[:, None, None, :]) * -1e9)
    mixed = tf.reshape(tf.transpose(tf.matmul(shares, value), [0, 2, 1, 3]), [batch, tokens, width])
    x = norm(x + dropped(linear(mixed, "output"), 0.1), "attention")
    inner = tf.nn.gelu(linear(x, "intermediate"), approximate=False)
    return norm(x + dropped(linear(inner, "final"), 0.1), "final")


def _head(
    x: Any, mask: Any, extra: Any, weights: dict[str, Any], dropped: Callable[[Any, float], Any], noise: Any
) -> Any:
    """Compute `LabelAttention.logits` on a batch in training."""
    import tensorflow as tf

    mean = tf.reduce_sum(x * mask[:, :, None], 1) / tf.reduce_sum(mask, 1, keepdims=True)
    fewer = mask * tf.cast(noise.uniform(tf.shape(mask)) >= 0.1, tf.float32)
    fewer = tf.where(tf.reduce_sum(fewer, 1, keepdims=True) > 0, fewer, mask)
    inner = tf.einsum("btf,fd->btd", dropped(x, 0.1), weights["project"]) + weights["project_bias"]
    inner = dropped(tf.nn.gelu(inner, approximate=True), 0.4)
    scores = tf.einsum("btd,dl->btl", inner, weights["attend"]) + (1 - fewer[:, :, None]) * -1e9
    found = tf.einsum("btl,btd->bld", tf.nn.softmax(scores, 1), inner)
    whole = dropped(tf.concat([2 * mean, extra], 1), 0.3)
    return tf.reduce_sum(found * weights["label"][None], -1) + weights["label_bias"] + whole @ weights["context"]


def _batches(lengths: Sequence[int], batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the rows of each batch, of like length: padding costs more than it teaches."""
    known = np.array(lengths)
    order = rng.permutation(len(known))
    blocks = [order[i : i + batch * 32] for i in range(0, len(order), batch * 32)]
    order = np.concatenate([block[np.argsort(known[block], kind="stable")] for block in blocks])
    return [order[begin : begin + batch] for begin in rng.permutation(range(0, len(order), batch))]


def _padded(states: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch (batch, tokens, 384) and which of its tokens are there, (batch, tokens)."""
    longest = max(map(len, states))
    x = np.zeros((len(states), longest, states[0].shape[1]), np.float32)
    mask = np.zeros((len(states), longest), np.float32)
    for place, one in enumerate(states):
        x[place, : len(one)] = one
        mask[place, : len(one)] = 1
    return x, mask
