"""What a training example is labelled with."""

from __future__ import annotations

from rasa.shared.nlu.constants import INTENT, METADATA
from rasa.shared.nlu.training_data.message import Message

from milia.labels import labels_of


def example_labels(message: Message) -> tuple[str, ...]:
    """Return all labels of a training example: those of its intent, then those of the intents under `also`."""
    metadata = message.get(METADATA) or {}
    also = (metadata.get("intent") or {}).get("also", ())
    intents = (message.get(INTENT), *also)
    return tuple(dict.fromkeys(label for intent in intents for label in labels_of(intent)))
