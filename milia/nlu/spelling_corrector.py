"""Gives the classifier a message with plain spelling mistakes corrected; the message itself stays as typed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.lexicon import concepts
from milia.nlu.component import ConfiguredComponent
from milia.spelling import Speller

# Message attribute with the corrected text; not part of the parse.
CORRECTED = "corrected_text"


def corrected(message: Message) -> str:
    """Return the text to understand: corrected where a SpellingCorrector ran before."""
    return str(message.get(CORRECTED) or message.get(TEXT) or "")


@lru_cache(maxsize=1)
def load_speller(lexicon: str) -> Speller:
    """Return the process's one speller, which knows the words of a folder of word lists too."""
    return Speller(word for words in concepts(Path(lexicon, "concepts.yml")).values() for word in words)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SpellingCorrector(ConfiguredComponent):
    """Corrects training examples and messages alike."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: the project's word lists, relative to where Rasa runs."""
        return {"lexicon": "data/lexicon"}

    def __init__(self, config: dict[str, Any]) -> None:
        self._spell = load_speller(config["lexicon"])

    @staticmethod
    def required_packages() -> list[str]:
        """Name the packages that Rasa has to find."""
        return ["symspellpy"]

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Correct every training example."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Note the corrected text beside each message's own."""
        for message in messages:
            if message.get(TEXT):
                message.set(CORRECTED, self._spell(message.get(TEXT)))
        return messages
