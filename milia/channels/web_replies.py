"""Turns as a client gets them: text, buttons, level, topics and sources, made from what is stored of a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from milia.channels.web_deletion import Deletion
from milia.channels.web_tokens import as_time
from milia.content import Content
from milia.sign_catalog import Level

# What `milia.reading.as_typed` puts before a text that starts with a slash.
_JOINER = "\u2060"


class Replies:
    """Makes what clients get.

    Args:
        content: the reviewed answers, for titles and the article.
        deletion: asks back where the bot's answer to a wish to delete would stand.
    """

    def __init__(self, content: Content, deletion: Deletion) -> None:
        self._content = content
        self._deletion = deletion
        sources = content.sources
        self._article = {
            "title": sources.title,
            "publisher": sources.publisher,
            "reviewer": sources.reviewer,
            "updated": sources.updated,
            "note": sources.disclaimer,
            "references": list(sources.references),
        }

    def turn(
        self, conversation: str, message_id: str, text: str, time: float, replies: Sequence[Mapping[str, Any]], latest: bool
    ) -> dict[str, Any]:
        """Return one turn.

        Args:
            conversation: whose.
            message_id: of the user's message.
            text: what the user wrote or pressed, as it is to be shown.
            time: seconds since 1970.
            replies: the bot's messages (`text`, `buttons`, `milia`).
            latest: the buttons may still be pressed.
        """
        # An older wish to delete is not asked about again.
        said = [self._question(conversation, one) for one in replies] if latest else replies
        made = [self._reply(f"{message_id}.{number}", one, latest) for number, one in enumerate(said, 1)]
        return {"id": message_id, "text": shown(text), "time": as_time(time), "replies": made}

    def _question(self, conversation: str, reply: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the bot's message, or the question whether to delete in the place of how to have it done."""
        return self._deletion.question(conversation) if self._deletion.asks_for(reply) else reply

    def _reply(self, identifier: str, reply: Mapping[str, Any], latest: bool) -> dict[str, Any]:
        record = reply.get("milia") or {}
        text = str(reply.get("text") or "")
        buttons = reply.get("buttons") or [] if latest else []
        return {
            "id": identifier,
            "text": text,
            "paragraphs": [part.strip() for part in text.split("\n") if part.strip()],
            "buttons": [{"title": str(one["title"]), "payload": str(one["payload"])} for one in buttons],
            "level": record.get("level"),
            "alert": is_alert(record),
            "topics": [{"id": topic, "title": self._title(topic)} for topic in record.get("topics") or () if self._title(topic)],
            "sources": [self._article] if record.get("facts") else [],
            "check_question": bool(record.get("check_question")),
        }

    def _title(self, topic: str) -> str:
        if topic in self._content.topics:
            return self._content.topics[topic].title
        theme = self._content.unanswered.themes.get(topic)
        return theme.title if theme else ""


def is_alert(record: Mapping[str, Any]) -> bool:
    """Tell whether a reply itself warns, by its record.

    At levels 3 and 4 the reply that sends to urgent care has no topics (`milia.nlg`); what is answered once help is under
    way has. At level 2 a sign in the message, or the end of the check, makes it a warning.
    """
    if not record.get("level"):
        return False
    level = Level.from_id(record["level"])
    if level >= Level.URGENT_SAME_DAY:
        return not record.get("topics")
    return level == Level.PROVIDER_SOON and bool(record.get("signs") or record.get("outcome"))


def shown(text: str) -> str:
    """Return a stored text as its writer typed it."""
    return text.removeprefix(_JOINER)


def title_of(payload: str, before: Sequence[Mapping[str, Any]]) -> str:
    """Return the title of the button that sent a payload, or an empty text.

    Args:
        payload: a stored text that may be one.
        before: the bot's messages of the turn before.
    """
    for reply in before:
        for button in reply.get("buttons") or ():
            if button.get("payload") == payload:
                return str(button.get("title") or "")
    return ""
