"""What can go wrong with the store, as channels and commands see it.

A channel that hands a message to Rasa catches `TurnAlreadyStored` (send the stored reply), then `StorageUnavailable`
(nothing was stored: say so, with the provider suggestion, and let the platform or the person try again).
"""

from __future__ import annotations

from typing import Any


class StorageError(Exception):
    """Something is wrong with the store. The message names no person and quotes no text."""


class StorageUnavailable(StorageError):
    """The database does not answer, or refuses to write: the turn is not acknowledged and may be tried again."""


class ConversationChanged(StorageUnavailable):
    """Another server has stored a turn of this conversation meanwhile: nothing of this one was stored; try it again."""


class TurnAlreadyStored(StorageError):
    """The message has its turn already, so this run of it was not stored.

    Attributes:
        replies: what the bot said to the message then, as `Conversations.reply_to` gives it.
    """

    def __init__(self, replies: list[dict[str, Any]]) -> None:
        super().__init__("the message has its turn already")
        self.replies = replies


class DataKeyError(StorageError):
    """What is stored cannot be read with the keys of `MILIA_DATA_KEY`, or a key is of no use."""
