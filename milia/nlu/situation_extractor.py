"""Reads whose bumps a message is about, where they are, of which type, what came before: as Rasa entities.

Also notes which concepts of the lexicon a message names, for the classifier after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from spacy.language import Language

from milia.lexicon import Found, WordLists, concepts, situation_words
from milia.nlu.component import ConfiguredComponent
from milia.nlu.spacy_words import SpacyWords
from milia.situation import read_mentions

# Message attributes: concepts named (not part of the parse), and what the message says of the person and the bumps.
CONCEPTS = "concepts"
MENTIONS = "mentions"
_NAME = "SituationExtractor"


# Registered as a featurizer, since Rasa shows the training data to those only.
@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False, model_from="SpacyWords")
class SituationExtractor(ConfiguredComponent):
    """Matches the word lists of `data/lexicon`, and reads ages and durations."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: the folder of the word lists, relative to where Rasa runs."""
        return {"lexicon": "data/lexicon"}

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SpacyWords]

    def __init__(self, config: dict[str, Any]) -> None:
        folder = Path(config["lexicon"])
        self._concepts = concepts(folder / "concepts.yml")
        self._situation = situation_words(folder / "situation.yml", folder / "concepts.yml")
        self._order = {key: place for place, key in enumerate(self._situation)}
        self._lists: tuple[Language, WordLists, WordLists] | None = None

    def _matchers(self, nlp: Language) -> tuple[WordLists, WordLists]:
        # Matchers belong to one vocabulary; Rasa hands the model over with each call.
        if self._lists is None or self._lists[0] is not nlp:
            # Everything here works on tokens; tags, lemmas and entities took a quarter of a message's time for nothing.
            for name in list(nlp.pipe_names):
                nlp.disable_pipe(name)
            named = {("concept", concept): words for concept, words in self._concepts.items()}
            self._lists = nlp, WordLists(named, nlp), WordLists(self._situation, nlp)
        return self._lists[1:]

    def process_training_data(self, training_data: TrainingData, model: SpacyModel) -> TrainingData:
        """Note the concepts of every training example."""
        named, _ = self._matchers(model.model)
        for message in training_data.training_examples:
            doc = message.get(SPACY_DOCS[TEXT])
            if doc is not None:
                message.set(CONCEPTS, [found.value for found in named.find(doc)])
        return training_data

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Add concepts, entities and mentions to each message."""
        named, situation = self._matchers(model.model)
        for message in messages:
            doc = message.get(SPACY_DOCS[TEXT])
            if doc is None:
                continue
            message.set(CONCEPTS, [found.value for found in named.find(doc)])
            found = sorted(situation.find(doc), key=lambda one: self._order[one.name, one.value])
            mentions = read_mentions(message.get(TEXT), found)
            entities = message.get(ENTITIES, []) + [_entity(one) for one in found]
            message.set(ENTITIES, entities, add_to_output=True)
            message.set(MENTIONS, mentions.to_dict(), add_to_output=True)
        return messages


def _entity(found: Found) -> dict[str, Any]:
    return {"entity": found.name, "value": found.value, "start": found.start, "end": found.end, "extractor": _NAME}
