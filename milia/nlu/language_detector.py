"""Tells whether a message is in English, since the article's answers are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from spacy.lang.en.stop_words import STOP_WORDS

from milia.nlu.component import ConfiguredComponent
from milia.nlu.spelling_corrector import load_speller

LANGUAGE = "language"
# sure: probability from which another language is believed. few_words: below this many words Latin script counts as
# English ("hola" may be said by anybody). english_share: share of English function words from which a message is English
# whatever the identifier says; known_share: that of English words of all kinds. With at most strange_share of them, and
# more than few words, strange_sure is enough.
DEFAULTS: Mapping[str, float] = {
    "sure": 0.95,
    "few_words": 3,
    "english_share": 0.3,
    "known_share": 0.9,
    "strange_share": 0.35,
    "strange_sure": 0.3,
}
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)


def language_of(text: str, knows: Callable[[str], bool], settings: Mapping[str, float] = DEFAULTS) -> str:
    """Return `en`, another language's ISO 639-1 code, or an empty text when there are no words.

    Args:
        text: the message.
        knows: tells whether a lower-case word is an English one.
        settings: see `DEFAULTS`; typos and jargon must not be taken for another language.
    """
    words = _WORD.findall(text.lower())
    letters = "".join(words)
    if not letters:
        return ""
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters) / len(letters)
    if latin < 0.5:
        return str(_identifier().classify(text)[0])
    if len(words) < settings["few_words"] or sum(word in STOP_WORDS for word in words) / len(words) >= settings["english_share"]:
        return "en"
    # Short words are words of many languages.
    longer = [word for word in words if len(word) > 3]
    known = sum(map(knows, longer)) / max(1, len(longer))
    if longer and known >= settings["known_share"]:
        return "en"
    code, probability = _identifier().classify(" ".join(words))
    strange = known <= settings["strange_share"] and len(words) > settings["few_words"]
    return str(code) if float(probability) >= settings["strange_sure" if strange else "sure"] else "en"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class LanguageDetector(ConfiguredComponent):
    """Adds `language` to the parse of each message."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings of `language_of`, and the project's word lists, relative to where Rasa runs."""
        return {**DEFAULTS, "lexicon": "data/lexicon"}

    def __init__(self, config: dict[str, Any]) -> None:
        self._settings = {name: config[name] for name in DEFAULTS}
        self._knows = load_speller(config["lexicon"]).knows
        _identifier()  # loading takes a second: at the start, not at the first message

    @staticmethod
    def required_packages() -> list[str]:
        """Name the packages that Rasa has to find."""
        return ["py3langid", "symspellpy"]

    def process(self, messages: list[Message]) -> list[Message]:
        """Tell the language of each message."""
        for message in messages:
            message.set(LANGUAGE, language_of(message.get(TEXT) or "", self._knows, self._settings), add_to_output=True)
        return messages
