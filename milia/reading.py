"""One message as the dialogue sees it: what the NLU pipeline read out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from milia.labels import labels_of
from milia.situation import Mentions


@dataclass(frozen=True)
class Reading:
    """A message with what was understood.

    Attributes:
        text: as typed; a pressed button has its payload here.
        intent: Rasa's intent: name and confidence.
        labels: what it asks, likeliest first; empty when nothing was understood.
        scores: a probability for each of the likeliest labels.
        rivals: two labels that explain it about equally well, or empty.
        mentions: what it says of the person and the bumps.
        theme: the theme of `unanswered.yml` that it is nearest to, and how near (cosine, 0 to 1).
        pressed: whether a button was pressed: the text is a payload that was offered.
        choice: what the pressed button chose in the guided check.
        language: `en`, another language's code, or empty when it has no words.
    """

    text: str
    intent: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    rivals: tuple[str, ...] = ()
    mentions: Mentions = Mentions()
    theme: tuple[str, float] = ("", 0.0)
    pressed: bool = False
    choice: str = ""
    language: str = "en"

    @classmethod
    def from_parse(cls, parse: Mapping[str, Any], offered: tuple[str, ...]) -> Reading:
        """Read Rasa's parse data.

        Args:
            parse: `tracker.latest_message`.
            offered: payloads of the buttons of the bot's last message. Anything else that starts with a slash was
                typed by somebody and means nothing.
        """
        text = parse.get("text") or ""
        intent = {key: (parse.get("intent") or {}).get(key) for key in ("name", "confidence")}
        if text.startswith("/") and text not in offered and "understanding" not in parse:
            return cls(text, {"name": None, "confidence": 0.0}, language="")
        if text in offered:
            entities = {one.get("entity"): one.get("value") for one in parse.get("entities") or ()}
            labels = labels_of(intent["name"] or "")
            return cls(text, intent, labels, {}, pressed=True, choice=str(entities.get("choice") or ""))
        # Another NLU pipeline than ours gives an intent alone: that of the benchmark does.
        understood = parse.get("understanding", {"labels": labels_of(intent["name"] or "")})
        theme = parse.get("theme") or {}
        return cls(
            text,
            intent,
            tuple(understood.get("labels", ())),
            dict(understood.get("scores", {})),
            tuple(understood.get("rivals", ())),
            Mentions.from_dict(dict(parse.get("mentions") or {})),
            (str(theme.get("id", "")), float(theme.get("similarity", 0.0))),
            language=str(parse.get("language", "en")),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The words, lower case, without apostrophes."""
        return tuple(re.findall(r"[a-z0-9]+", self.text.lower().replace("'", "").replace("\u2019", "")))


# A word joiner: no blank (Rasa strips those), no sign that anybody sees.
_JOINER = "\u2060"


def as_typed(text: str) -> str:
    """Return a typed text as it may go to Rasa: one that starts with a slash would be taken for an intent."""
    # Half of a surrogate pair, as a cut-off emoji leaves it, is no character that anything behind this could store.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f"{_JOINER}{text}" if text.lstrip().startswith("/") else text
