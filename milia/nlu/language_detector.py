"""Tells whether a message is in English, since the article's answers are."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from spacy.lang.en.stop_words import STOP_WORDS

from milia.nlu.component import ConfiguredComponent

LANGUAGE = "language"
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)


def language_of(text: str, sure: float = 0.95, few_words: int = 3, english_share: float = 0.3) -> str:
    """Return `en`, another language's ISO 639-1 code, or an empty text when there are no words.

    Args:
        text: the message.
        sure: probability from which another language is believed. Typos and jargon must not be taken for one.
        few_words: below this many words Latin script counts as English: "hola" may be said by anybody.
        english_share: share of English function words from which a message is English whatever the identifier says.
    """
    words = _WORD.findall(text.lower())
    letters = "".join(words)
    if not letters:
        return ""
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters) / len(letters)
    if latin < 0.5:
        return str(_identifier().classify(text)[0])
    if len(words) < few_words or sum(word in STOP_WORDS for word in words) / len(words) >= english_share:
        return "en"
    code, probability = _identifier().classify(" ".join(words))
    return str(code) if float(probability) >= sure else "en"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class LanguageDetector(ConfiguredComponent):
    """Adds `language` to the parse of each message."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings of `language_of`."""
        return {"sure": 0.95, "few_words": 3, "english_share": 0.3}

    def __init__(self, config: dict[str, Any]) -> None:
        self._settings = {name: config[name] for name in self.get_default_config()}
        _identifier()  # loading takes a second: at the start, not at the first message

    @staticmethod
    def required_packages() -> list[str]:
        """Name the packages that Rasa has to find."""
        return ["py3langid"]

    def process(self, messages: list[Message]) -> list[Message]:
        """Tell the language of each message."""
        for message in messages:
            message.set(LANGUAGE, language_of(message.get(TEXT) or "", **self._settings), add_to_output=True)
        return messages
