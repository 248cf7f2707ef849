"""What of a log line stays: no message, no name, no key.

This project's own loggers name kinds and places; only secrets are taken out of their lines. Other libraries quote what they work on
(Rasa puts messages into its lines and its errors), so from the moment that people are served, of their lines only the place in
the code, the level and the kind of an error stay. Before that, at the start, there is no text of anybody, and the lines say what
an operator has to know.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

from milia.observability.turns import running_turn

OWN = ("milia", "actions")
HIDDEN = "[secret]"
# Settings whose values never stand in a line; DATABASE_URL has a password in it.
_SECRET_NAME = re.compile(r"(SECRET|TOKEN|PASSWORD|_KEY$|^DATABASE_URL$|_SID$|_HEADERS$)")
_MIN_SECRET = 6
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]+(?=@)")
_QUERY = re.compile(r"\?[^\s'\"<>]+")
# The name of an event, as structlog's users give it: `processor.message.parse`.
_EVENT = re.compile(r"[a-z0-9_]+(?:[.\-][a-z0-9_]+)+")
_FRAMES = 12

EventDict = MutableMapping[str, Any]


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """Return the values of settings that are secret, longest first, each of a list of keys by itself too."""
    values: set[str] = set()
    for name, value in environment.items():
        if _SECRET_NAME.search(name):
            values.update(part for part in (value.strip(), *(one.strip() for one in value.split(","))) if len(part) >= _MIN_SECRET)
    return sorted(values, key=len, reverse=True)


class Privacy:
    """The processor that every line of the log goes through, before it is written in any form.

    Args:
        secrets: values that are replaced wherever they stand.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = list(secrets)
        self._secrets = re.compile("|".join(map(re.escape, found))) if found else None
        self.serving = False

    @classmethod
    def from_environment(cls) -> Privacy:
        """Know the secrets of this process."""
        return cls(secrets_of(os.environ))

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        """Return what is written of a line."""
        record: logging.LogRecord | None = event.pop("_record", None)
        structured = bool(event.pop("_from_structlog", False))
        name = record.name if record is not None else str(event.get("logger", ""))
        own = name.partition(".")[0] in OWN
        error = _error_of(event, record)
        if not own and self.serving:
            event = _place_only(event, record, structured)
        event["logger"] = name
        if event.get("level") == "exception":  # structlog's name of the method, which is no level
            event["level"] = "error"
        turn = running_turn()
        if turn is not None:
            event["turn"] = turn.id
        if error is not None:
            event["error"] = type(error).__name__
            event["at"] = frames_of(error.__traceback__)
            if not self.serving:
                event["says"] = str(error)
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            value = _PASSWORD.sub(HIDDEN, _QUERY.sub("?...", value)) if "://" in value or "?" in value else value
            return self._secrets.sub(HIDDEN, value) if self._secrets is not None else value
        if isinstance(value, Mapping):
            return {str(key): self._clean(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(one) for one in value]
        return value if value is None or isinstance(value, (bool, int, float)) else self._clean(str(value))


def frames_of(trace: TracebackType | None) -> list[str]:
    """Return where an error happened, the innermost place last: files and lines, no code and no values."""
    found = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{short(frame.filename)}:{frame.lineno} {frame.name}" for frame in found]


def short(path: str) -> str:
    """Return the end of a file's path, from its package on."""
    parts = Path(path).parts
    for mark in ("site-packages", "lib"):
        if mark in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(mark) :])
    return "/".join(parts[-3:])


def _place_only(event: EventDict, record: logging.LogRecord | None, structured: bool) -> EventDict:
    kept: EventDict = {key: event[key] for key in ("level", "timestamp") if key in event}
    named = structured and _EVENT.fullmatch(str(event.get("event", ""))) is not None
    place = f"{short(record.pathname)}:{record.lineno}" if record is not None and not structured else "elsewhere"
    kept["event"] = str(event["event"]) if named else place
    kept["withheld"] = True
    return kept


def _error_of(event: EventDict, record: logging.LogRecord | None) -> BaseException | None:
    """Take the error out of a line, in each of the forms that loggers have for it."""
    given = event.pop("exc_info", None) or (record.exc_info if record is not None else None)
    event.pop("exception", None)
    event.pop("stack", None)
    if given is True:
        import sys

        given = sys.exc_info()
    if isinstance(given, tuple):
        given = given[1]
    return given if isinstance(given, BaseException) else None
