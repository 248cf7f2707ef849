"""Recognises warning signs in wordings that no rule lists, beside the rules of `milia.sign_detection`.

Label-wise attention over the encoder's states, trained on lay sentences about each sign, on sentences that only look
like signs, and on the ordinary training data. It adds recall; what is said about a sign comes from the reviewed list.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.nlu.label_attention import LabelAttention, train_label_attention
from milia.nlu.sentence_encoder import STATES, SentenceEncoder, load_encoder
from milia.nlu.spelling_corrector import corrected
from milia.nlu.topic_classifier import example_labels

logger = logging.getLogger(__name__)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Key of the parse: signs recognised, with their probability.
RECOGNIZED = "recognized_signs"


@dataclass(frozen=True)
class SignSentence:
    """A lay sentence, with the ids of the signs that are present in it (none: it only looks like one)."""

    text: str
    signs: tuple[str, ...]


def read_sentences(path: Path) -> list[SignSentence]:
    """Read `data/signs/sentences.yml`: sentences by the signs that they tell of.

    Raises:
        ValueError: the file is not of the documented form.
    """
    root = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    if not isinstance(root, dict) or list(root) != ["sign_sentences"]:
        raise ValueError(f"{path.name}: expected the one root key 'sign_sentences'")
    return [
        SignSentence(str(text), tuple(entry["signs"])) for entry in root["sign_sentences"] for text in entry["sentences"]
    ]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SignRecognizer(GraphComponent):
    """Adds `recognized_signs` to the parse: those whose probability is at least `sure`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings; config.yml says why each has its value."""
        return {"sentences": "data/signs/sentences.yml", "sure": 0.5, "hidden": 256, "epochs": 8, "seed": 0}

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SentenceEncoder]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        self._labels: list[str] = []
        self._network: LabelAttention

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SignRecognizer:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SignRecognizer:
        """Load the trained network from the model."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._labels = json.loads((folder / "signs.json").read_text())
            component._network = LabelAttention.load(folder / "signs.npz")
        return component

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the network; ordinary examples tell of no sign, those of `report_warning_sign` are left out."""
        sentences = read_sentences(Path(self._config["sentences"]))
        ordinary = [
            one.get(STATES)
            for one in training_data.training_examples
            if one.get(INTENT) and one.get(STATES) is not None and "red_flag" not in example_labels(one)
        ]
        self._labels = sorted({sign for one in sentences for sign in one.signs})
        place = {sign: column for column, sign in enumerate(self._labels)}
        targets = np.zeros((len(sentences) + len(ordinary), len(self._labels)), np.float32)
        for row, one in enumerate(sentences):
            targets[row, [place[sign] for sign in one.signs]] = 1
        encoder = load_encoder()
        states = [encoder.states(self._plain(one.text)) for one in sentences] + ordinary
        self._network = train_label_attention(
            states,
            np.zeros((len(states), 0), np.float32),
            targets,
            hidden=self._config["hidden"],
            epochs=self._config["epochs"],
            seed=self._config["seed"],
            progress=lambda done, total: logger.info("Sign recogniser: step %d of %d.", done, total),
        )
        with self._storage.write_to(self._resource) as folder:
            (folder / "signs.json").write_text(json.dumps(self._labels))
            self._network.save(folder / "signs.npz")
        return self._resource

    @staticmethod
    def _plain(text: str) -> str:
        message = Message(data={"text": text})
        return corrected(message)

    def process(self, messages: list[Message]) -> list[Message]:
        """Add what is recognised to each message."""
        for message in messages:
            states = message.get(STATES)
            if states is not None:
                found = self.recognize(states)
                if found:
                    message.set(RECOGNIZED, found, add_to_output=True)
        return messages

    def recognize(self, states: np.ndarray) -> Mapping[str, float]:
        """Return the signs of a message from its hidden states (tokens, 384), with their probability."""
        scores = 1 / (1 + np.exp(-self._network.logits(states, np.zeros(0, np.float32))))
        rows = np.flatnonzero(scores >= self._config["sure"])
        return {self._labels[row]: round(float(scores[row]), 4) for row in rows}
