"""What a client may say, read from a request's bytes: exactly the documented form, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from milia.channels.web_problems import Problem

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
MAX_PAYLOAD = 1_000
# Control characters mean nothing in a message, and databases and terminals choke on them. New line and tab stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Message:
    """One message: a typed text, or the payload of a pressed button; the other one is empty."""

    id: str
    text: str = ""
    payload: str = ""


@dataclass(frozen=True)
class Feedback:
    """Whether the reply to a message was helpful."""

    id: str
    helpful: bool


def read_message(body: bytes, text_length: int) -> Message:
    """Read a message.

    Raises:
        Problem: It is malformed, or the text is too long.
    """
    value = _object(body)
    if set(value) not in ({"id", "text"}, {"id", "payload"}):
        raise Problem("malformed")
    identifier = _identifier(value["id"])
    if "payload" in value:
        payload = value["payload"]
        if not isinstance(payload, str) or not 0 < len(payload) <= MAX_PAYLOAD:
            raise Problem("malformed")
        return Message(identifier, payload=payload)
    if not isinstance(value["text"], str):
        raise Problem("malformed")
    text = cleaned(value["text"])
    if not text:
        raise Problem("malformed")
    if len(text) > text_length:
        raise Problem("text-too-long", limit=text_length, length=len(text))
    return Message(identifier, text=text)


def read_feedback(body: bytes) -> Feedback:
    """Read a word on an answer.

    Raises:
        Problem: It is malformed.
    """
    value = _object(body)
    if set(value) != {"id", "helpful"} or not isinstance(value["helpful"], bool):
        raise Problem("malformed")
    return Feedback(_identifier(value["id"]), value["helpful"])


def require_empty(body: bytes) -> None:
    """Accept no body, or an empty object.

    Raises:
        Problem: There is something in it.
    """
    if body.strip() and _object(body):
        raise Problem("malformed")


def cleaned(text: str) -> str:
    """Return a text without control characters, halves of characters and outer blanks."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROLS.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Problem("malformed")
    return value


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed") from error
    if not isinstance(value, dict):
        raise Problem("malformed")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
