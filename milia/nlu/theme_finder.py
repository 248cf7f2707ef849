"""Finds which question that the article does not answer a message is nearest to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.content import load_content
from milia.labels import NO_ANSWER
from milia.nlu.component import TrainedComponent
from milia.nlu.sentence_encoder import STATES, SentenceEncoder, load_encoder
from milia.nlu.topic_classifier import UNDERSTANDING

THEME = "theme"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ThemeFinder(TrainedComponent):
    """Nearest neighbour among the examples of `data/content/unanswered.yml`; adds `theme` to the parse."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: the content folder, relative to where Rasa runs."""
        return {"content": "data/content"}

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SentenceEncoder]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(config, model_storage, resource)
        self._themes: list[str] = []
        self._examples = np.zeros((0, 0), np.float32)

    def _restore(self, folder: Path) -> None:
        self._themes = json.loads((folder / "themes.json").read_text())
        self._examples = np.load(folder / "examples.npy", allow_pickle=False)

    def train(self, training_data: TrainingData) -> Resource:
        """Encode the themes' examples; the training data plays no part."""
        themes = load_content(Path(self._config["content"])).unanswered.themes
        pairs = [(theme.id, example) for theme in themes.values() for example in (theme.title, *theme.examples)]
        encoder = load_encoder()
        self._themes = [theme for theme, _ in pairs]
        self._examples = np.array([encoder.embedding(encoder.states(text)) for _, text in pairs], np.float32)
        with self._storage.write_to(self._resource) as folder:
            (folder / "themes.json").write_text(json.dumps(self._themes))
            np.save(folder / "examples.npy", self._examples)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the nearest theme and its cosine similarity to each message that may need one.

        Comparing takes two more layers of the encoder, so a message that the article answers is spared it.
        """
        encoder = load_encoder()
        for message in messages:
            states, labels = message.get(STATES), (message.get(UNDERSTANDING) or {}).get("labels")
            if states is not None and (not labels or NO_ANSWER in labels):
                likeness = self._examples @ encoder.embedding(states)
                best = int(likeness.argmax())
                theme = {"id": self._themes[best], "similarity": round(float(likeness[best]), 4)}
                message.set(THEME, theme, add_to_output=True)
        return messages
