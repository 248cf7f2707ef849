"""Writes layers of the encoder as ONNX graphs and runs them with onnxruntime.

Graphs of our own, of the same weights, take two thirds of the time of the published file (which does more than a single message
needs), and the layers that are trained here run like the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from milia.nlu.transformer import EPSILON, HEADS, Embeddings, TransformerLayer

T = TypeVar("T")
R = TypeVar("R")
_OPSET, _IR_VERSION = 17, 8
_IDS, _STATES = "ids", "states"


class LayerSession:
    """Layers, one after the other, on one thread.

    Args:
        layers: the layers.
        embeddings: what stands below the first; with it token ids go in, without it hidden states.
    """

    def __init__(self, layers: Sequence[TransformerLayer], embeddings: Embeddings | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One message at a time: a second thread costs more in hand-over than it saves.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        graph = _graph(layers, embeddings)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._input = _STATES if embeddings is None else _IDS

    def __call__(self, message: np.ndarray) -> np.ndarray:
        """Take one message through the layers.

        Args:
            message: token ids, int64 (tokens,); or hidden states, float32 (tokens, 384).

        Returns:
            Hidden states, float32 (tokens, 384).
        """
        return np.asarray(self._session.run(None, {self._input: message[None]})[0][0])


def save_layers(folder: Path, name: str, layers: Sequence[TransformerLayer]) -> None:
    """Write a file for each layer, numbered behind the name."""
    for number, layer in enumerate(layers):
        layer.save(folder / f"{name}{number}.npz")


def load_layers(folder: Path, name: str) -> LayerSession:
    """Read what `save_layers` wrote; the weights themselves (7 MB a layer) are not kept beside the session's."""
    return LayerSession([TransformerLayer.load(path) for path in sorted(folder.glob(f"{name}[0-9].npz"))])


def in_parallel(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return the function's value for each item, on all cores; one item stays in this thread.

    For work that lets go of the interpreter, as onnxruntime's.
    """
    if len(items) < 2:
        return [function(one) for one in items]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def _graph(layers: Sequence[TransformerLayer], embeddings: Embeddings | None) -> bytes:
    from onnx import TensorProto, helper

    parts = _Parts()
    if embeddings is None:
        start = helper.make_tensor_value_info(_STATES, TensorProto.FLOAT, [1, None, layers[0].query.shape[0]])
        states = _STATES
    else:
        start = helper.make_tensor_value_info(_IDS, TensorProto.INT64, [1, None])
        states = _embedded(parts, embeddings)
    for layer in layers:
        states = _layer(parts, layer, states)
    end = helper.make_tensor_value_info(states, TensorProto.FLOAT, None)
    graph = helper.make_graph(parts.nodes, "layers", [start], [end], parts.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    return bytes(model.SerializeToString())


class _Parts:
    """The nodes and constants of a graph in the making; a count makes each name unique."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, states: str, weight: np.ndarray, bias: np.ndarray) -> str:
        return self.node("Add", self.node("MatMul", states, self.constant(weight)), self.constant(bias))

    def norm(self, states: str, gain: np.ndarray, shift: np.ndarray) -> str:
        return self.node(
            "LayerNormalization", states, self.constant(gain), self.constant(shift), axis=-1, epsilon=EPSILON
        )


def _embedded(parts: _Parts, embeddings: Embeddings) -> str:
    from onnx import TensorProto

    def rows(table: np.ndarray, scale: np.ndarray, places: str) -> str:
        chosen = parts.node("Cast", parts.node("Gather", parts.constant(table), places), to=TensorProto.FLOAT)
        return parts.node("Mul", chosen, parts.node("Gather", parts.constant(scale), places))

    count = parts.node("Gather", parts.node("Shape", _IDS), parts.constant(np.array(1)))
    zero, one = parts.constant(np.array(0)), parts.constant(np.array(1))
    # (tokens,) against (1, tokens): the row of a place is the same for every message.
    places = parts.node("Range", zero, count, one)
    words = rows(embeddings.word, embeddings.word_scale, _IDS)
    states = parts.node("Add", words, rows(embeddings.position, embeddings.position_scale, places))
    return parts.norm(parts.node("Add", states, parts.constant(embeddings.kind)), embeddings.gain, embeddings.shift)


def _layer(parts: _Parts, layer: TransformerLayer, states: str) -> str:
    width = layer.query.shape[0]
    apart = parts.constant(np.array([1, -1, HEADS, width // HEADS]))

    def heads(weight: np.ndarray, bias: np.ndarray, order: Sequence[int]) -> str:
        return parts.node("Transpose", parts.node("Reshape", parts.linear(states, weight, bias), apart), perm=order)

    query = heads(layer.query, layer.query_bias, (0, 2, 1, 3))
    key = heads(layer.key, layer.key_bias, (0, 2, 3, 1))
    value = heads(layer.value, layer.value_bias, (0, 2, 1, 3))
    scale = parts.constant(np.array((width // HEADS) ** -0.5, np.float32))
    shares = parts.node("Softmax", parts.node("Mul", parts.node("MatMul", query, key), scale), axis=-1)
    mixed = parts.node("Transpose", parts.node("MatMul", shares, value), perm=(0, 2, 1, 3))
    mixed = parts.node("Reshape", mixed, parts.constant(np.array([1, -1, width])))
    mixed = parts.node("Add", states, parts.linear(mixed, layer.output, layer.output_bias))
    states = parts.norm(mixed, layer.attention_gain, layer.attention_shift)
    inner = parts.linear(states, layer.intermediate, layer.intermediate_bias)
    # 0.5 x (1 + erf(x / sqrt(2))), in the form that onnxruntime knows as one operation.
    spread = parts.node("Erf", parts.node("Div", inner, parts.constant(np.array(2**0.5, np.float32))))
    shifted = parts.node("Mul", inner, parts.node("Add", spread, parts.constant(np.array(1, np.float32))))
    inner = parts.node("Mul", shifted, parts.constant(np.array(0.5, np.float32)))
    final = parts.node("Add", states, parts.linear(inner, layer.final, layer.final_bias))
    return parts.norm(final, layer.final_gain, layer.final_shift)
