"""The layers of all-MiniLM-L6-v2, one by one: read from its ONNX file, so that the last can be trained on.

onnxruntime runs them (`milia.nlu.encoder_graph`); the upper ones exist twice, as published (to compare sentences) and as
trained further on this project's sentences (to classify them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from milia.nlu.weights import Weights

HEADS = 12
EPSILON = 1e-12


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


@dataclass(frozen=True)
class Embeddings:
    """What a token starts from: its own row, plus that of its place, plus one shared row, then a layer norm.

    Attributes:
        word, position: rows of eight-bit numbers, (rows, 384).
        word_scale, position_scale: what a row is to be multiplied with, (rows, 1).
        kind: the shared row (384,).
        gain, shift: of the layer norm, (384,).
    """

    word: np.ndarray
    word_scale: np.ndarray
    position: np.ndarray
    position_scale: np.ndarray
    kind: np.ndarray
    gain: np.ndarray
    shift: np.ndarray


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
    array = _arrays(model)
    made_by = {name: node for node in model.graph.node for name in node.output}
    prefix = f"inner.encoder.layer.{number}."
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


def read_embeddings(model: Any) -> Embeddings:
    """Read what stands below the first layer; the large tables keep their eight bits.

    Args:
        model: the ONNX model (`onnx.ModelProto`).

    Raises:
        ValueError: the file has none.
    """
    array = _arrays(model)
    prefix = "inner.embeddings."
    word, position = f"{prefix}word_embeddings.weight", f"{prefix}position_embeddings.weight"
    return Embeddings(
        word=array(f"{word}_q"),
        word_scale=array(f"{word}_scale"),
        position=array(f"{position}_q"),
        position_scale=array(f"{position}_scale"),
        # A message is one text: all its tokens are of the first kind.
        kind=array(f"{prefix}token_type_embeddings.weight")[0],
        gain=array(f"{prefix}LayerNorm.weight"),
        shift=array(f"{prefix}LayerNorm.bias"),
    )


def _arrays(model: Any) -> Any:
    from onnx import numpy_helper

    stored = {one.name: one for one in model.graph.initializer}

    def array(name: str) -> np.ndarray:
        if name not in stored:
            raise ValueError(f"the encoder's file has no {name!r}")
        return np.asarray(numpy_helper.to_array(stored[name]))

    return array
