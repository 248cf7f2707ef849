"""The layers of all-MiniLM-L6-v2, one by one: read from its ONNX file, computed in NumPy, so that the last can be trained on.

onnxruntime runs the lower layers as they are; the upper ones exist twice, as published (to compare sentences) and as
trained further on this project's sentences (to classify them).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf

from milia.nlu.weights import Weights

HEADS = 12
_EPSILON = 1e-12


@dataclass(frozen=True)
class TransformerLayer(Weights):
    """One layer's weights; matrices are (in, out), as they stand on the right of a product.

    The names are those of BERT: attention over `query`, `key`, `value` with its `output`, then the feed-forward
    `intermediate` and `final`, each with its bias; a layer norm (`_gain`, `_shift`) after each half.
    """

    query: np.ndarray
    query_bias: np.ndarray
    key: np.ndarray
    key_bias: np.ndarray
    value: np.ndarray
    value_bias: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray
    attention_gain: np.ndarray
    attention_shift: np.ndarray
    intermediate: np.ndarray
    intermediate_bias: np.ndarray
    final: np.ndarray
    final_bias: np.ndarray
    final_gain: np.ndarray
    final_shift: np.ndarray

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """Take one message a layer further.

        Args:
            states: hidden states (tokens, 384), float32.

        Returns:
            Hidden states of the same shape.
        """
        query, key, value = (
            _heads(states @ weight + bias)
            for weight, bias in (
                (self.query, self.query_bias),
                (self.key, self.key_bias),
                (self.value, self.value_bias),
            )
        )
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        mixed = mixed.transpose(1, 0, 2).reshape(states.shape)
        states = _norm(states + mixed @ self.output + self.output_bias, self.attention_gain, self.attention_shift)
        inner = states @ self.intermediate + self.intermediate_bias
        inner *= 0.5 * (1 + erf(inner * np.float32(0.7071067811865476)))
        return _norm(states + inner @ self.final + self.final_bias, self.final_gain, self.final_shift)


def through(layers: Iterable[TransformerLayer], states: np.ndarray) -> np.ndarray:
    """Take a message's states (tokens, 384) through layers, one after the other."""
    for layer in layers:
        states = layer(states)
    return states


# Our name of a part, and its name in the ONNX file, where a bias stands beside the product that it is added to.
_LINEAR = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "final": "output.dense",
}
_NORMS = {"attention": "attention.output.LayerNorm", "final": "output.LayerNorm"}


def read_layer(model: Any, number: int) -> TransformerLayer:
    """Read one layer of the encoder, its 8-bit weights made floating point.

    Args:
        model: the ONNX model (`onnx.ModelProto`).
        number: of the layer, 0 to 5.

    Raises:
        ValueError: the file has no such layer.
    """
    from onnx import numpy_helper

    stored = {one.name: one for one in model.graph.initializer}
    made_by = {name: node for node in model.graph.node for name in node.output}
    prefix = f"inner.encoder.layer.{number}."

    def array(name: str) -> np.ndarray:
        if name not in stored:
            raise ValueError(f"the encoder's file has no {name!r}")
        return np.asarray(numpy_helper.to_array(stored[name]))

    arrays: dict[str, np.ndarray] = {}
    for ours, theirs in _LINEAR.items():
        bias = f"{prefix}{theirs}.bias"
        added = next((node for node in model.graph.node if node.op_type == "Add" and bias in node.input), None)
        if added is None:
            raise ValueError(f"the encoder's file has no {bias!r}")
        product = next(made_by[name] for name in added.input if name != bias)
        weight = product.input[1]
        arrays[ours] = array(f"{weight}_q").astype(np.float32) * array(f"{weight}_scale")
        arrays[f"{ours}_bias"] = array(bias)
    for ours, theirs in _NORMS.items():
        arrays[f"{ours}_gain"] = array(f"{prefix}{theirs}.weight")
        arrays[f"{ours}_shift"] = array(f"{prefix}{theirs}.bias")
    return TransformerLayer.of(arrays)


def output_name(model: Any, number: int) -> str:
    """Return the name of a layer's output in the ONNX file."""
    gain = f"inner.encoder.layer.{number}.{_NORMS['final']}.weight"
    return next(str(node.output[0]) for node in model.graph.node if gain in node.input)


def _heads(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), HEADS, -1).transpose(1, 0, 2)


def _norm(x: np.ndarray, gain: np.ndarray, shift: np.ndarray) -> np.ndarray:
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(_EPSILON)) * gain + shift
