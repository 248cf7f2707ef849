"""Finds warning signs in a message, as a Rasa component around `milia.sign_detection`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from spacy.language import Language

from milia.nlu.component import ConfiguredComponent
from milia.nlu.spacy_words import SpacyWords
from milia.sign_detection import SignDetector
from milia.warning_signs import AgeRange, Findings, Mention, Temperature, load_signs

# Key of the parse with what was found; the policy makes signs of it, since that needs what earlier messages said.
FINDINGS = "warning_findings"


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False, model_from="SpacyWords"
)
class WarningSignDetector(ConfiguredComponent):
    """Adds `warning_findings` to the parse of each message that says anything about warning signs."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings: the list of signs, relative to where Rasa runs."""
        return {"signs": "data/content/warning_signs.yml"}

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to run before."""
        return [SpacyWords]

    def __init__(self, config: dict[str, Any]) -> None:
        self._catalog = load_signs(Path(config["signs"]))
        self._detector: tuple[Language, SignDetector] | None = None

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Look for signs in each message."""
        if self._detector is None or self._detector[0] is not model.model:
            self._detector = model.model, SignDetector(model.model, self._catalog)
        for message in messages:
            doc = message.get(SPACY_DOCS[TEXT])
            if doc is not None:
                findings = self._detector[1].detect(doc)
                if findings or findings.age or findings.dismissed:
                    message.set(FINDINGS, findings_to_dict(findings), add_to_output=True)
        return messages


def findings_to_dict(findings: Findings) -> dict[str, Any]:
    """Return findings as JSON types, without what is empty."""
    return {key: value for key, value in asdict(findings).items() if value}


def findings_from_dict(stored: dict[str, Any]) -> Findings:
    """Read what `findings_to_dict` wrote, also after a round through JSON."""
    lists = ("atoms", "signs", "hypothetical_atoms", "hypothetical_signs")
    values: dict[str, Any] = {key: tuple(Mention(**one) for one in stored.get(key, ())) for key in lists}
    for key in ("temperature", "hypothetical_temperature"):
        values[key] = Temperature(**stored[key]) if stored.get(key) else None
    values["dismissed"] = bool(stored.get("dismissed"))
    values["age"] = AgeRange(**stored["age"]) if stored.get("age") else None
    return Findings(**values)
