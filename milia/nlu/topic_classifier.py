"""Decides what a message asks: the topics, whether it describes bumps, whether the article answers it.

Each label is scored on its own, by two models whose mistakes differ: logistic regression over words, characters and
concepts, and `milia.nlu.message_network`. `milia.nlu.decision` turns the scores into a set. The main label becomes the Rasa intent; all of it is in the parse under `understanding`.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.labels import CHITCHAT, TREATMENTS, main_intent
from milia.nlu.component import TrainedComponent
from milia.nlu.decision import Decision, LabelSets
from milia.nlu.examples import example_labels
from milia.nlu.message_network import LABEL_LOGITS
from milia.nlu.situation_extractor import CONCEPTS, SituationExtractor
from milia.nlu.spelling_corrector import corrected
from milia.nlu.text_features import TextFeatures, fit_regressions
from milia.nlu.weights import Regression

logger = logging.getLogger(__name__)

# Key of the parse with what the message asks: labels, scores, confidence, rivals.
UNDERSTANDING = "understanding"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(TrainedComponent):
    """Multi-label classifier; labels come from an example's intent and the intents under `also` in its metadata."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings; config.yml says why each has its value."""
        return {
            "regularization": 4.0,
            "network_weight": 0.7,
            "exact": 0.6,
            "unseen": 8.0,
            "floor": 0.25,
            "candidates": 6,
            "unsure_below": 0.2,
        }

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SituationExtractor]

    @staticmethod
    def required_packages() -> list[str]:
        """Name the packages that Rasa has to find."""
        return ["sklearn", "scipy", "joblib"]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(config, model_storage, resource)
        self._features: TextFeatures
        self._regression: Regression
        self._sets: LabelSets

    def _restore(self, folder: Path) -> None:
        self._features = TextFeatures.load(folder / "features.joblib")
        self._regression = Regression.load(folder / "regression.npz")
        self._sets = LabelSets.from_dict(json.loads((folder / "sets.json").read_text()), **self._settings)

    @property
    def _settings(self) -> dict[str, Any]:
        names = ("exact", "unseen", "floor", "candidates")
        return {"together": TREATMENTS, "apart": CHITCHAT, **{name: self._config[name] for name in names}}

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the regressions on every example that has an intent."""
        examples = [one for one in training_data.training_examples if one.get(INTENT) and one.get(TEXT)]
        sets = [frozenset(example_labels(one)) for one in examples]
        labels = sorted(set().union(*sets))
        targets = np.array([[label in one for label in labels] for one in sets], dtype=np.float32)
        texts = [corrected(one) for one in examples]
        named = [one.get(CONCEPTS) or () for one in examples]
        self._features = TextFeatures(sorted({name for names in named for name in names})).fit(texts)
        self._regression = fit_regressions(self._features.matrix(texts, named), targets, self._config["regularization"])
        logger.info("Trained %d label regressions on %d examples.", len(labels), len(texts))
        self._sets = LabelSets.from_messages(labels, sets, **self._settings)
        self._persist()
        return self._resource

    def _persist(self) -> None:
        with self._storage.write_to(self._resource) as folder:
            self._features.save(folder / "features.joblib")
            self._regression.save(folder / "regression.npz")
            (folder / "sets.json").write_text(json.dumps(self._sets.to_dict()))

    def scores(self, message: Message) -> np.ndarray:
        """Return a probability for each label (labels,), each on its own."""
        row = self._features.row(corrected(message), message.get(CONCEPTS) or ())
        regression = self._regression.logits(row)[0]
        found = message.get(LABEL_LOGITS)
        network = np.array([found[label] for label in self._sets.labels])
        share = self._config["network_weight"]
        return np.asarray(1 / (1 + np.exp(-((1 - share) * regression + share * network))))

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the intent, its ranking and the understanding to each message; Rasa then swaps in a button's intent."""
        for message in messages:
            if message.get(TEXT) and message.get(LABEL_LOGITS):
                self._understand(message)
        return messages

    def _understand(self, message: Message) -> None:
        scores = self.scores(message)
        order = np.argsort(-scores)
        decision: Decision = self._sets.decide(scores)
        sure = float(scores[order[0]]) >= self._config["unsure_below"] and self._features.knows(corrected(message))
        name = main_intent(decision.labels)
        first = max(float(scores[self._sets.labels.index(label)]) for label in decision.labels)
        ranking = [{"name": name, "confidence": first}]
        # The set as a whole may speak for a label that is not the likeliest alone; nothing ranks above what was chosen.
        ranking += [
            {"name": other, "confidence": min(float(scores[i]), first)}
            for i in order[:10]
            if (other := main_intent([self._sets.labels[i]])) != name
        ]
        message.set(INTENT, ranking[0], add_to_output=True)
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        understanding = {
            "labels": list(decision.labels) if sure else [],
            "confidence": round(decision.confidence, 4),
            "rivals": list(decision.rivals),
            "scores": {self._sets.labels[i]: round(float(scores[i]), 4) for i in order[:10]},
        }
        message.set(UNDERSTANDING, understanding, add_to_output=True)

