"""Scores the labels and the warning signs of a message with networks over the encoder's hidden states.

The encoder's upper layers are trained on this project's messages for their labels, and from there further for warning signs
(`milia.nlu.sign_evidence`). `milia.nlu.topic_classifier` puts the labels'
scores beside those of regressions, whose mistakes differ.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from milia.labels import CHITCHAT, OUT_OF_SCOPE, PHOTO, RED_FLAG
from milia.nlu.component import TrainedComponent
from milia.nlu.encoder_graph import LayerSession, load_layers, save_layers
from milia.nlu.examples import example_labels
from milia.nlu.label_attention import LabelAttention
from milia.nlu.network_training import Examples, Schedule, train_network
from milia.nlu.sentence_encoder import STATES, SentenceEncoder, published_model, upper_layers
from milia.nlu.sign_evidence import SignEvidence, SignExample, train_evidence
from milia.nlu.sign_sentences import read_sentences
from milia.nlu.situation_extractor import CONCEPTS, SituationExtractor
from milia.nlu.spacy_words import SpacyWords
from milia.nlu.spelling_corrector import SpellingCorrector, corrected
from milia.nlu.transformer import TransformerLayer
from milia.nlu.warning_sign_detector import FINDINGS, WarningSignDetector, findings_from_dict
from milia.warning_signs import Findings, Level, fits_age, load_signs

logger = logging.getLogger(__name__)

# Message attribute with the labels' logits by label; not part of the parse.
LABEL_LOGITS = "label_logits"
# Keys of the parse: a sign that the evidence speaks for, with its probability; and signs that the rules found in a message of
# which the evidence says that it tells of none.
RECOGNIZED, DOUBTED = "recognized_signs", "doubted_signs"


_EVERYDAY = frozenset({*CHITCHAT, OUT_OF_SCOPE, PHOTO})


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True, model_from="SpacyWords")
class MessageNetwork(TrainedComponent):
    """Trains on the examples for labels, on `data/signs` and some of the examples for signs; scores messages."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings; config.yml says why each has its value."""
        return {
            "sentences": "data/signs/sentences.yml",
            "signs": "data/content/warning_signs.yml",
            "lexicon": "data/lexicon",
            "epochs": 5,
            "layer_rate": 1e-4,
            "head_rate": 1.5e-3,
            "hidden": 384,
            "sign_epochs": 3,
            "sign_head_epochs": 6,
            "sign_free": 8000,
            "sign_regularization": 8.0,
            "sure": {"emergency_now": 0.2, "urgent_same_day": 0.3, "provider_soon": 0.5},
            "doubt_below": 0.3,
            "seed": 0,
        }

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SpacyWords, SentenceEncoder, SituationExtractor]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(config, model_storage, resource)
        self._catalog = load_signs(Path(config["signs"]))
        self._sure = [(level, config["sure"][level.id]) for level in sorted(map(Level.from_id, config["sure"]), reverse=True)]
        self._labels: list[str] = []
        self._concepts: dict[str, int] = {}
        self._layers: LayerSession
        self._head: LabelAttention
        self._evidence: SignEvidence

    def _restore(self, folder: Path) -> None:
        names = json.loads((folder / "names.json").read_text())
        self._name(names["labels"], names["concepts"])
        self._head = LabelAttention.load(folder / "head.npz")
        self._layers = load_layers(folder, "layer")
        self._evidence = SignEvidence.load(folder, self._catalog)

    def train(self, training_data: TrainingData, model: SpacyModel) -> Resource:
        """Train the upper layers with the labels' head, then what weighs the evidence for signs.

        An example of `report_warning_sign` teaches its label only: which sign it tells of is not known.
        """
        ordinary = [one for one in training_data.training_examples if one.get(INTENT) and one.get(STATES) is not None]
        sets = [example_labels(one) for one in ordinary]
        sentences = read_sentences(Path(self._config["sentences"]))
        telling = self._prepared([one.text for one in sentences], model)
        self._name(
            sorted(set().union(*sets)),
            sorted({name for one in (*ordinary, *telling) for name in one.get(CONCEPTS) or ()}),
        )
        targets = np.array([[label in one for label in self._labels] for one in sets], np.float32)
        examples = Examples([one.get(STATES) for one in ordinary], np.array([self._flags(one) for one in ordinary]), targets)
        layers, self._head = train_network(
            examples, upper_layers(published_model()), self._schedule("Labels", self._config["epochs"])
        )
        self._layers = LayerSession(layers)
        free = self._sample(ordinary, sets)
        WarningSignDetector({"signs": self._config["signs"]}).process([*telling, *free], model)
        self._evidence, sign_layers = train_evidence(
            [
                *(self._sign_example(message, one.signs) for message, one in zip(telling, sentences)),
                *(self._sign_example(message) for message in free),
            ],
            self._catalog,
            layers,
            (
                self._schedule("Signs", self._config["sign_epochs"]),
                self._schedule("Weighing of signs", self._config["sign_head_epochs"]),
            ),
            self._config["sign_regularization"],
        )
        self._persist(layers, sign_layers)
        return self._resource

    def _prepared(self, texts: Sequence[str], model: SpacyModel) -> list[Message]:
        """Take the sign sentences through what an ordinary example has gone through before."""
        messages = [Message({TEXT: text, SPACY_DOCS[TEXT]: model.model(text)}) for text in texts]
        lexicon = {"lexicon": self._config["lexicon"]}
        SpellingCorrector(lexicon).process(messages)
        SentenceEncoder({}).process(messages)
        return SituationExtractor(lexicon).process(messages, model)

    def _sample(self, messages: Sequence[Message], sets: Sequence[Sequence[str]]) -> list[Message]:
        """Choose the messages without a sign that stand beside the sign sentences.

        All that are not about health, since everyday words of any kind must not alarm; of the others so many as do not drown
        the sign sentences.
        """
        everyday = [one for one, labels in zip(messages, sets) if _EVERYDAY.issuperset(labels)]
        others = [
            one for one, labels in zip(messages, sets) if RED_FLAG not in labels and not _EVERYDAY.issuperset(labels)
        ]
        count = min(self._config["sign_free"], len(others))
        chosen = np.random.default_rng(self._config["seed"]).choice(len(others), count, replace=False)
        return [*everyday, *(others[i] for i in chosen)]

    def _sign_example(self, message: Message, signs: tuple[str, ...] = ()) -> SignExample:
        found = message.get(FINDINGS)
        findings = findings_from_dict(found) if found else Findings()
        return SignExample(corrected(message), message.get(STATES), self._flags(message), findings, signs)

    def _schedule(self, what: str, epochs: int) -> Schedule:
        return Schedule(
            epochs=epochs,
            layer_rate=self._config["layer_rate"],
            head_rate=self._config["head_rate"],
            hidden=self._config["hidden"],
            seed=self._config["seed"],
            progress=lambda done, total: logger.info("%s: step %d of %d.", what, done, total),
        )

    def _name(self, labels: list[str], concepts: list[str]) -> None:
        self._labels, self._concepts = labels, {concept: place for place, concept in enumerate(concepts)}

    def _persist(self, layers: Sequence[TransformerLayer], sign_layers: Sequence[TransformerLayer]) -> None:
        with self._storage.write_to(self._resource) as folder:
            (folder / "names.json").write_text(json.dumps({"labels": self._labels, "concepts": list(self._concepts)}))
            save_layers(folder, "layer", layers)
            self._head.save(folder / "head.npz")
            self._evidence.save(folder, sign_layers)

    def _flags(self, message: Message) -> np.ndarray:
        flags = np.zeros(len(self._concepts), np.float32)
        flags[[self._concepts[name] for name in message.get(CONCEPTS) or () if name in self._concepts]] = 1
        return flags

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Add the labels' logits, and what the evidence says for or against warning signs, to each message.

        Args:
            messages: the messages.
            model: spaCy's pipeline; only training needs it, and Rasa wants both methods to take it.
        """
        for message in messages:
            if message.get(STATES) is not None:
                example = self._sign_example(message)
                logits = self._head.logits(self._layers(example.states), example.flags)
                message.set(LABEL_LOGITS, dict(zip(self._labels, logits)))
                self._judge(example, message)
        return messages

    def _judge(self, example: SignExample, message: Message) -> None:
        judged = self._evidence.judge(example)
        # The words may be those of a baby of weeks where the message says that the child is older: then it is a lower level.
        sure = [
            (sign, judged.levels[level])
            for level, least in self._sure
            if judged.levels[level] >= least
            and (sign := judged.likeliest.get(level))
            and fits_age(sign, example.findings.age, self._catalog)
        ]
        if sure:
            sign, probability = sure[0]
            message.set(RECOGNIZED, {sign: round(probability, 4)}, add_to_output=True)
        elif judged.levels[Level.PROVIDER_SOON] < self._config["doubt_below"]:
            doubted = sorted(
                sign
                for sign in judged.found
                if self._catalog[sign].blocking or self._catalog[sign].level >= Level.URGENT_SAME_DAY
            )
            if doubted:
                message.set(DOUBTED, doubted, add_to_output=True)
