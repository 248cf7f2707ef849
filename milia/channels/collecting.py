"""An output channel that only gathers what the bot says; a channel sends it once the turn is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel as RasaCollectingOutputChannel

# Keys of a bot message that a channel may send. The rest (Rasa's ids of model and assistant, time) stays inside.
_KEPT = ("text", "buttons", "milia")


class CollectingOutputChannel(RasaCollectingOutputChannel):
    """Gathers the bot's messages whole: text, buttons, and the record `milia` (`milia.conversation.Turn.record`).

    Rasa's own one splits a text at blank lines and drops the record.

    Args:
        channel: name of the channel, by which a response of the domain may have a wording of its own.

    Attributes:
        messages: what the bot said, in order; each has `text` and `buttons` (title and payload), and `milia` if there is
            a record.
    """

    def __init__(self, channel: str) -> None:
        super().__init__()
        self._channel = channel

    def name(self) -> str:  # a class method in Rasa, which calls it on instances only
        """Return the channel's name."""
        return self._channel

    async def send_response(self, recipient_id: str, message: Mapping[str, Any]) -> None:
        """Keep a message; one without a text and buttons is none."""
        kept = {name: message[name] for name in _KEPT if message.get(name)}
        if kept.get("text") or kept.get("buttons"):
            self.messages.append({"text": "", "buttons": [], **kept})
