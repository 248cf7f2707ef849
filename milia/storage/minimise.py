"""What is kept of an event: the words without personal data, what the bot made of them, and nothing else of the message.

A channel may put anything into a message's metadata, and the NLU pipeline copies the text several times; so this is a
list of what is kept, not of what is dropped.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

Redact = Callable[[str], str]

# Who computed it; and what the channel itself wants to be kept with the message, redacted like the text.
_KEPT_METADATA = ("model_id", "assistant_id", "milia")
_KEPT_PARSE = ("intent", "entities", "intent_ranking")
_RANKED = 3
# Rasa copies the metadata of the message that starts a session into this slot.
_DROPPED_SLOTS = ("session_started_metadata",)
# Ids and payloads of the program are one word or start with a slash; what people wrote may be one word too long ago lost.
_ID = re.compile(r"[a-z0-9_.+=:-]*|/.*", re.DOTALL)


class Minimiser:
    """Makes the stored form of events and slots.

    Args:
        redact: replaces personal data in a text by placeholders.
    """

    def __init__(self, redact: Redact) -> None:
        # The same words stand in the text, the parse data and a slot; they are read once.
        self._redact = functools.lru_cache(maxsize=64)(redact)

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the stored form of an event, as Rasa's own dict of it.

        Args:
            event: from `Event.as_dict`; it is left as it is.
        """
        kept = dict(event)
        kind = kept.get("event")
        if kind == "bot":  # the bot's own words, which hold emergency numbers
            return kept
        kept["metadata"] = self._metadata(kept.get("metadata"))
        if kind == "user":
            kept["text"] = self.text(kept.get("text"))
            kept["parse_data"] = self._parse_data(kept.get("parse_data") or {}, kept["text"])
        elif kind == "slot":
            kept["value"] = self.slot(str(kept.get("name")), kept.get("value"))
        elif kind == "entities":
            kept["entities"] = self._free(kept.get("entities"))
        return kept

    def slot(self, name: str, value: Any) -> Any:
        """Return the stored value of a slot."""
        return None if name in _DROPPED_SLOTS else self._free(value)

    def text(self, text: Any) -> Any:
        """Return a text of a person without personal data; what is no text as it is."""
        return self._redact(text) if isinstance(text, str) and text else text

    def _parse_data(self, parse: Mapping[str, Any], text: Any) -> dict[str, Any]:
        kept = {name: parse[name] for name in _KEPT_PARSE if name in parse}
        if "entities" in kept:
            kept["entities"] = self._free(kept["entities"])
        if "intent_ranking" in kept:
            kept["intent_ranking"] = list(kept["intent_ranking"] or ())[:_RANKED]
        return {"text": text, **kept}

    def _metadata(self, metadata: Any) -> dict[str, Any]:
        metadata = metadata if isinstance(metadata, Mapping) else {}
        kept = {name: metadata[name] for name in _KEPT_METADATA if name in metadata}
        if "milia" in kept:
            kept["milia"] = self._free(kept["milia"])
        return kept

    def _free(self, value: Any) -> Any:
        """Redact the texts of a value of lists and dicts, leaving alone what is an id or a payload of the program."""
        if isinstance(value, str):
            return value if _ID.fullmatch(value) else self.text(value)
        if isinstance(value, Mapping):
            return {key: self._free(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._free(one) for one in value]
        return value
