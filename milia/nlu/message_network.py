"""Scores the labels and the warning signs of a message with one network over the encoder's hidden states.

The encoder's upper layers are trained on this project's messages for their labels; what they give also carries the evidence
for warning signs (`milia.nlu.sign_evidence`), which so costs no further layer. `milia.nlu.topic_classifier` puts the labels'
scores beside those of regressions, whose mistakes differ.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import partial
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

from milia.labels import RED_FLAG
from milia.nlu.component import TrainedComponent
from milia.nlu.examples import example_labels
from milia.nlu.label_attention import LabelAttention
from milia.nlu.network_training import Examples, Schedule, train_network
from milia.nlu.sentence_encoder import STATES, SentenceEncoder, in_parallel, load_encoder
from milia.nlu.sign_evidence import SignEvidence, SignExample, train_evidence
from milia.nlu.sign_sentences import SignSentence, read_sentences
from milia.nlu.situation_extractor import CONCEPTS, SituationExtractor
from milia.nlu.spacy_words import SpacyWords
from milia.nlu.spelling_corrector import SpellingCorrector, corrected
from milia.nlu.transformer import TransformerLayer, through
from milia.nlu.warning_sign_detector import FINDINGS, WarningSignDetector, findings_from_dict
from milia.warning_signs import Findings, Level, load_signs

logger = logging.getLogger(__name__)

# Message attribute with the labels' logits by label; not part of the parse.
LABEL_LOGITS = "label_logits"
# Keys of the parse: a sign that the evidence speaks for, with its probability; and signs that the rules found in a message of
# which the evidence says that it tells of none.
RECOGNIZED, DOUBTED = "recognized_signs", "doubted_signs"


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
            "sign_epochs": 6,
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
        self._layers: tuple[TransformerLayer, ...] = ()
        self._head: LabelAttention
        self._evidence: SignEvidence

    def _restore(self, folder: Path) -> None:
        names = json.loads((folder / "names.json").read_text())
        self._name(names["labels"], names["concepts"])
        self._head = LabelAttention.load(folder / "head.npz")
        self._layers = tuple(TransformerLayer.load(folder / f"layer{i}.npz") for i in range(names["layers"]))
        self._evidence = SignEvidence.load(folder, self._catalog)

    def train(self, training_data: TrainingData, model: SpacyModel) -> Resource:
        """Train the upper layers with the labels' head, then what weighs the evidence for signs over them.

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
        self._layers, self._head = train_network(
            examples, load_encoder().upper, self._schedule("Labels", self._config["epochs"])
        )
        free = self._sample([one for one, labels in zip(ordinary, sets) if RED_FLAG not in labels])
        WarningSignDetector({"signs": self._config["signs"]}).process([*telling, *free], model)
        self._evidence = train_evidence(
            self._sign_examples([*telling, *free], [*sentences, *[SignSentence("", ())] * len(free)]),
            self._catalog,
            self._train_sign_head,
            self._config["sign_regularization"],
            self._config["seed"],
        )
        self._persist()
        return self._resource

    def _prepared(self, texts: Sequence[str], model: SpacyModel) -> list[Message]:
        """Take the sign sentences through what an ordinary example has gone through before."""
        messages = [Message({TEXT: text, SPACY_DOCS[TEXT]: model.model(text)}) for text in texts]
        lexicon = {"lexicon": self._config["lexicon"]}
        SpellingCorrector(lexicon).process(messages)
        SentenceEncoder({}).process(messages)
        return SituationExtractor(lexicon).process(messages, model)

    def _sample(self, messages: Sequence[Message]) -> list[Message]:
        """Choose the messages without a sign that stand beside the sign sentences: more would drown those."""
        count = min(self._config["sign_free"], len(messages))
        chosen = np.random.default_rng(self._config["seed"]).choice(len(messages), count, replace=False)
        return [messages[i] for i in chosen]

    def _sign_examples(self, messages: Sequence[Message], sentences: Sequence[SignSentence]) -> list[SignExample]:
        states = in_parallel(partial(through, self._layers), [one.get(STATES) for one in messages])
        return [
            self._sign_example(message, through, sentence.signs)
            for message, through, sentence in zip(messages, states, sentences)
        ]

    def _sign_example(self, message: Message, states: np.ndarray, signs: tuple[str, ...] = ()) -> SignExample:
        found = message.get(FINDINGS)
        findings = findings_from_dict(found) if found else Findings()
        return SignExample(corrected(message), states, self._flags(message), findings, signs)

    def _train_sign_head(self, examples: Sequence[SignExample], targets: np.ndarray) -> LabelAttention:
        flags = np.array([one.flags for one in examples])
        schedule = self._schedule("Signs", self._config["sign_epochs"])
        return train_network(Examples([one.states for one in examples], flags, targets), (), schedule)[1]

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

    def _persist(self) -> None:
        names = {"labels": self._labels, "concepts": list(self._concepts), "layers": len(self._layers)}
        with self._storage.write_to(self._resource) as folder:
            (folder / "names.json").write_text(json.dumps(names))
            self._head.save(folder / "head.npz")
            for number, layer in enumerate(self._layers):
                layer.save(folder / f"layer{number}.npz")
            self._evidence.save(folder)

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
                example = self._sign_example(message, through(self._layers, message.get(STATES)))
                logits = self._head.logits(example.states, example.flags)
                message.set(LABEL_LOGITS, dict(zip(self._labels, logits)))
                self._judge(example, message)
        return messages

    def _judge(self, example: SignExample, message: Message) -> None:
        judged = self._evidence.judge(example)
        level = next((level for level, least in self._sure if judged.levels[level] >= least), None)
        if level is not None and level in judged.likeliest:
            recognized = {judged.likeliest[level]: round(judged.levels[level], 4)}
            message.set(RECOGNIZED, recognized, add_to_output=True)
        elif judged.levels[Level.PROVIDER_SOON] < self._config["doubt_below"]:
            doubted = sorted(
                sign
                for sign in judged.found
                if self._catalog[sign].blocking or self._catalog[sign].level >= Level.URGENT_SAME_DAY
            )
            if doubted:
                message.set(DOUBTED, doubted, add_to_output=True)
