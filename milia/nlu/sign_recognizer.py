"""Recognises warning signs in wordings that no rule lists, beside the rules of `milia.sign_detection`.

Label-wise attention over the encoder's states and a logistic regression, trained on lay sentences about each sign, on sentences that only look
like signs, and on the ordinary training data. It adds recall; what is said about a sign comes from the reviewed list.
"""

from __future__ import annotations

import json
import logging
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
from sklearn.linear_model import LogisticRegression

from milia.nlu.label_attention import LabelAttention, train_label_attention
from milia.nlu.sentence_encoder import STATES, SentenceEncoder, embedding, load_encoder
from milia.nlu.spelling_corrector import corrected
from milia.nlu.text_features import TextFeatures
from milia.nlu.topic_classifier import example_labels
from milia.warning_signs import Level, load_signs

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


# Heads beside those of the single signs: whether any sign of at least this level is there. They see far more examples
# than each sign does, so they decide, and the signs' own scores only say which.
_HEADS = (Level.EMERGENCY_NOW, Level.URGENT_SAME_DAY, Level.PROVIDER_SOON)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SignRecognizer(GraphComponent):
    """Adds `recognized_signs` to the parse: the likeliest sign of the highest level that is likely enough."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings; config.yml says why each has its value."""
        return {
            "sentences": "data/signs/sentences.yml",
            "signs": "data/content/warning_signs.yml",
            "sure": {"emergency_now": 0.3, "urgent_same_day": 0.4, "provider_soon": 0.5},
            "regularization": 8.0,
            "hidden": 384,
            "epochs": 10,
            "seed": 0,
        }

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SentenceEncoder]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config, self._storage, self._resource = config, model_storage, resource
        self._catalog = load_signs(Path(config["signs"]))
        self._labels: list[str] = []
        self._network: LabelAttention
        self._features: TextFeatures
        self._weights: np.ndarray
        self._bias: np.ndarray

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
        """Load the trained models from the model archive."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._labels = json.loads((folder / "signs.json").read_text())
            component._network = LabelAttention.load(folder / "signs.npz")
            component._features = TextFeatures.load(folder / "features.joblib")
            with np.load(folder / "regression.npz", allow_pickle=False) as stored:
                component._weights, component._bias = stored["weights"], stored["bias"]
        return component

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on the sign sentences, with the ordinary examples as messages that tell of no sign.

        Examples of `report_warning_sign` are left out: their label does not say which sign.
        """
        sentences = read_sentences(Path(self._config["sentences"]))
        ordinary = [
            one
            for one in training_data.training_examples
            if one.get(INTENT) and one.get(STATES) is not None and "red_flag" not in example_labels(one)
        ]
        self._labels = sorted({sign for one in sentences for sign in one.signs})
        targets = np.zeros((len(sentences) + len(ordinary), len(_HEADS) + len(self._labels)), np.float32)
        for row, one in enumerate(sentences):
            highest = max((self._catalog[sign].level for sign in one.signs), default=Level.PROVIDER_ROUTINE)
            targets[row, : len(_HEADS)] = [highest >= head for head in _HEADS]
            targets[row, [len(_HEADS) + self._labels.index(sign) for sign in one.signs]] = 1
        encoder = load_encoder()
        texts = [one.text for one in sentences] + [corrected(one) for one in ordinary]
        states = [encoder.states(one.text) for one in sentences] + [one.get(STATES) for one in ordinary]
        none = np.zeros((len(texts), 0), np.float32)
        self._network = train_label_attention(
            states,
            none,
            targets,
            hidden=self._config["hidden"],
            epochs=self._config["epochs"],
            seed=self._config["seed"],
            progress=lambda done, total: logger.info("Sign recogniser: step %d of %d.", done, total),
        )
        self._features = TextFeatures(()).fit(texts)
        matrix = self._features.matrix(texts, np.array([embedding(one) for one in states]), none)
        models = [
            LogisticRegression(C=self._config["regularization"], solver="liblinear", max_iter=300).fit(matrix, column)
            for column in targets[:, : len(_HEADS)].T
        ]
        self._weights = np.array([model.coef_[0] for model in models], np.float32).T.copy()
        self._bias = np.array([model.intercept_[0] for model in models], np.float32)
        with self._storage.write_to(self._resource) as folder:
            (folder / "signs.json").write_text(json.dumps(self._labels))
            self._network.save(folder / "signs.npz")
            self._features.save(folder / "features.joblib")
            np.savez(folder / "regression.npz", weights=self._weights, bias=self._bias)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Add what is recognised to each message."""
        for message in messages:
            if message.get(STATES) is not None:
                found = self.recognize(corrected(message), message.get(STATES))
                if found:
                    message.set(RECOGNIZED, found, add_to_output=True)
        return messages

    def recognize(self, text: str, states: np.ndarray) -> dict[str, float]:
        """Return the sign that a message most likely tells of, with the probability of its level; or nothing.

        Args:
            text: the message, spelling corrected.
            states: its hidden states (tokens, 384).
        """
        none = np.zeros(0, np.float32)
        logits = self._network.logits(states, none)
        row = self._features.matrix([text], embedding(states)[np.newaxis, :], none[np.newaxis, :])
        heads = (logits[: len(_HEADS)] + (row @ self._weights + self._bias)[0]) / 2
        likely = 1 / (1 + np.exp(-heads))
        for head, probability in zip(_HEADS, likely):
            if probability >= self._config["sure"][head.id]:
                own = [(logits[len(_HEADS) + i], s) for i, s in enumerate(self._labels) if self._catalog[s].level == head]
                return {max(own)[1]: round(float(probability), 4)} if own else {}
        return {}
