"""The bot's wording on messaging platforms beside its answers: `notices.yml`, checked when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER

FILE = Path(__file__).with_name("notices.yml")
PROVIDER = "dermatology provider"
# What may come instead of text; each has its notice.
KINDS = ("photo", "video", "voice", "file", "sticker", "location", "contact", "reaction", "edit", "other", "join")
# With one of these, words may come along.
WITH_WORDS = frozenset({"photo", "video", "voice", "file"})
# Said together with an answer, which has a provider suggestion of its own, or as a label.
_BESIDE = ("with_words", "too_long", "check_open", "choose", "chosen", "part")
_ALONE = ("stale", "too_many", "unavailable")
_WORDS = ("stop_words", "check_words", "start_words", "start_words_if_stopped", "help_words")


class NoticeError(ValueError):
    """The file of the notices is wrong; the message names the place, the value and what is allowed."""


@dataclass(frozen=True)
class Notices:
    """All notices.

    Attributes:
        welcome: by name: `any`, `sms`.
        kinds: by what came instead of text.
        said: the other ones, by name.
        erase: what is said about deleting.
        carrier: answers to `stop`, `start` and `help` on text messages.
        carrier_words: words that ask for them, by name of the list.
        commands: what a slash command stands for.
        command_menu: what the platform's menu says about a command.
    """

    welcome: Mapping[str, str]
    kinds: Mapping[str, str]
    said: Mapping[str, str]
    erase: Mapping[str, str]
    carrier: Mapping[str, str]
    carrier_words: Mapping[str, frozenset[str]]
    commands: Mapping[str, str]
    command_menu: Mapping[str, str]


@lru_cache(maxsize=2)
def load_notices(path: Path = FILE) -> Notices:
    """Read the notices.

    Raises:
        NoticeError: something is missing or unknown, or a notice does not suggest a dermatology provider.
    """
    root = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    if not isinstance(root, dict) or list(root) != ["notices"]:
        raise NoticeError(f"{path.name}: expected the one root key 'notices'")
    said = dict(root["notices"])
    parts = {name: _table(path, name, said.pop(name, None)) for name in ("welcome", "kinds", "erase", "carrier", "commands", "command_menu")}
    words = {name: frozenset(_words(path, name, parts["carrier"].pop(name, None))) for name in _WORDS}
    _exactly(path, "notices", said, (*_BESIDE, *_ALONE))
    _exactly(path, "welcome", parts["welcome"], ("any", "sms"))
    _exactly(path, "kinds", parts["kinds"], KINDS)
    _exactly(path, "erase", parts["erase"], ("ask", "done", "kept", "none"))
    _exactly(path, "carrier", parts["carrier"], ("stop", "start", "help"))
    _exactly(path, "command_menu", parts["command_menu"], tuple(set(parts["commands"]) & set(parts["command_menu"])))
    alone = {f"notices.{name}": said[name] for name in _ALONE}
    alone |= {f"{part}.{name}": text for part in ("welcome", "kinds", "erase") for name, text in parts[part].items()}
    for place, text in alone.items():
        if PROVIDER not in text:
            raise NoticeError(f"{path.name}: {place}: no {PROVIDER} is suggested in {text!r}")
    return Notices(
        parts["welcome"], parts["kinds"], said, parts["erase"], parts["carrier"], words, parts["commands"], parts["command_menu"]
    )


def _table(path: Path, name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NoticeError(f"{path.name}: {name}: expected names and texts, found {type(value).__name__}")
    return dict(value)


def _words(path: Path, name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise NoticeError(f"{path.name}: carrier.{name}: expected a list of words, found {value!r}")
    return [one.casefold() for one in value]


def _exactly(path: Path, place: str, found: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    unknown, missing = sorted(set(found) - set(allowed)), sorted(set(allowed) - set(found))
    if unknown or missing:
        what = f"unknown {', '.join(unknown)}" if unknown else f"missing {', '.join(missing)}"
        raise NoticeError(f"{path.name}: {place}: {what}; allowed: {', '.join(sorted(allowed))}")
    for name, text in found.items():
        if not isinstance(text, str) or not text.strip():
            raise NoticeError(f"{path.name}: {place}.{name}: expected a text, found {text!r}")
