"""What comes in from a messaging platform, in one form for all: the request, and the messages read from it.

Pure: nothing of Rasa, Sanic or a database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

TEXT, PRESS = "text", "press"
# Characters of a message that are read; nobody describes bumps in more.
MOST_TEXT = 4_000
# Platforms send a few kilobytes at most.
MOST_BODY = 1_000_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Refused(Exception):
    """The request does not come from the platform, or not lately. The reason quotes nothing of it."""


class Malformed(Exception):
    """The platform's request is not of the documented form."""


@dataclass(frozen=True)
class Hook:
    """A request to a webhook, as bytes: what a signature is computed over.

    Attributes:
        method: GET or POST.
        path: below the channel's address: `webhook`.
        headers: by lower-case name.
        query: parameters of the address.
        body: as it came.
        query_string: the parameters as they came, which some signatures cover.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query_string: str = ""

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            Malformed: it is none.
        """
        return json_object(self.body)


def json_object(text: bytes | str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        Malformed: it is none.
    """
    try:
        value = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:
        raise Malformed("no JSON") from error
    if not isinstance(value, dict):
        raise Malformed("no JSON object")
    return value


@dataclass(frozen=True)
class Incoming:
    """One thing that a person did on a platform.

    Attributes:
        id: names it on the platform: the same in every retry, and for no other.
        sender: what makes a conversation: the person, and where it is not a private chat, the place.
        target: where the reply goes, as the channel's `send` needs it.
        kind: `text`, `press`, or one of `notices.KINDS`.
        text: what was written; with a photo or file, the words that came along.
        press: what the pressed button carried (`choices.reference`).
        extra: what the channel needs beside: to stop the wheel on a pressed button, to show that it types.
    """

    id: str
    sender: str
    target: Mapping[str, str]
    kind: str = TEXT
    text: str = ""
    press: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as it is kept until it is answered."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Incoming:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def cleaned(text: str) -> str:
    """Return a text without control characters, halves of characters and outer blanks."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROLS.sub("", whole.replace("\r\n", "\n").replace("\r", "\n")).strip()


def text_at(value: Any, *keys: str | int) -> str:
    """Return the text or whole number at a path into JSON, as text; empty if there is none."""
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return str(value)


def object_at(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object at a path into JSON; an empty one if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def list_at(value: Any, *keys: str) -> list[Any]:
    """Return the list at a path into JSON; an empty one if there is none."""
    found = object_at(value, *keys[:-1]).get(keys[-1])
    return found if isinstance(found, list) else []
