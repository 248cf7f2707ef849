"""The held-out sentences (`tests/heldout`): reading them, and taking each through the whole bot as a new conversation."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from milia.evaluation.scores import Answered, SignCase
from milia.labels import RED_FLAG, labels_of, reported
from milia.sign_catalog import Level

FOLDER = Path("tests/heldout")
MESSAGE_FILES = ("topics.jsonl", "kinds.jsonl", "visitors.jsonl")
SIGN_FILE = "signs.jsonl"


class HeldOutError(ValueError):
    """Lines of a held-out file that cannot be used; one message a line."""


class Bot(Protocol):
    """What the evaluation needs of a bot: `milia.evaluation.bot.Bot`, or a fake."""

    def conversation(self, name: str) -> Any:
        """Start a conversation."""

    def turn(self, conversation: Any, user: str | Mapping[str, str]) -> dict[str, Any]:
        """Take one turn; returns it as `milia replay` writes it."""


@dataclass(frozen=True)
class Message:
    """A held-out message and its labels."""

    text: str
    labels: frozenset[str]
    source: str = ""


@dataclass(frozen=True)
class SignSentence:
    """A held-out sentence with warning signs, or a trap."""

    text: str
    signs: frozenset[str]
    trap: bool
    hypothetical: frozenset[str] = frozenset()


def load_messages(folder: Path, labels: Collection[str]) -> list[Message]:
    """Read the labelled messages.

    Args:
        folder: `tests/heldout`.
        labels: what a message may be labelled with, small talk as `chitchat`.

    Raises:
        HeldOutError: lists each line that is not `{"text", "labels"}` with known labels.
    """
    messages: list[Message] = []
    faults: list[str] = []
    for name in MESSAGE_FILES:
        for place, row in _rows(folder / name, {"text", "labels"}, {"kind"}, faults):
            given = frozenset(reported(row["labels"]))
            if not given or not given <= set(labels):
                faults.append(f"{place}: labels {row['labels']!r}; allowed: one or more of {', '.join(sorted(labels))}")
            messages.append(Message(row["text"], given, name))
    _refuse(faults)
    return messages


def load_sign_sentences(folder: Path, known: Collection[str]) -> list[SignSentence]:
    """Read the sentences with warning signs and the traps.

    Args:
        folder: `tests/heldout`.
        known: ids of the warning signs.

    Raises:
        HeldOutError: lists each line that is not `{"text", "signs", "trap"}` with known signs.
    """
    sentences: list[SignSentence] = []
    faults: list[str] = []
    for place, row in _rows(folder / SIGN_FILE, {"text", "signs", "trap"}, {"hypothetical"}, faults):
        signs, supposed = frozenset(row["signs"]), frozenset(row.get("hypothetical", ()))
        if unknown := sorted((signs | supposed) - set(known)):
            faults.append(f"{place}: unknown sign {unknown[0]!r}")
        if bool(row["trap"]) == bool(signs):
            faults.append(f"{place}: a trap has no signs, every other sentence has one or more")
        sentences.append(SignSentence(row["text"], signs, bool(row["trap"]), supposed))
    _refuse(faults)
    return sentences


def _rows(
    path: Path, required: set[str], optional: set[str], faults: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path.name}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            faults.append(f"{place}: not JSON: {error}")
            continue
        if not isinstance(row, dict) or not required <= set(row) <= required | optional:
            faults.append(f"{place}: keys {sorted(row)}; needed: {sorted(required)}, allowed too: {sorted(optional)}")
        elif not isinstance(row["text"], str) or not row["text"].strip():
            faults.append(f"{place}: text is {row['text']!r}; needed: words")
        else:
            yield place, row


def _refuse(faults: Iterable[str]) -> None:
    if faults := list(faults):
        raise HeldOutError("\n".join(faults))


def answered(message: Message, turn: Mapping[str, Any]) -> Answered:
    """Put a message and its turn together for scoring."""
    intent = turn.get("intent") or {}
    payloads = [button["payload"] for button in turn["buttons"]]
    offered = {label for payload in payloads for label in labels_of(payload.removeprefix("/"))}
    asks = not turn["topics"] and len(payloads) == 2 and all(payload.startswith("/ask_") for payload in payloads)
    return Answered(
        message.text,
        message.labels,
        frozenset(turn["topics"]),
        Level.from_id(turn["level"]),
        float(intent.get("confidence") or 0.0),
        frozenset(reported(labels_of(intent.get("name") or ""))),
        asks and bool(offered & message.labels),
        message.source,
    )


def run_message(bot: Bot, message: Message) -> Answered:
    """Take a message through the bot as a new conversation."""
    return answered(message, bot.turn(bot.conversation(message.text), message.text))


def run_sign_sentence(bot: Bot, sentence: SignSentence) -> SignCase:
    """Take a sentence with warning signs, or a trap, through the bot as a new conversation."""
    turn = bot.turn(bot.conversation(sentence.text), sentence.text)
    return SignCase(
        sentence.text,
        sentence.signs,
        frozenset(turn["signs"]),
        Level.from_id(turn["level"]),
        sentence.trap,
        sentence.hypothetical,
    )


def known_labels(topics: Iterable[str]) -> frozenset[str]:
    """Return what a message may be labelled with: the topics of the content, and the kinds."""
    return frozenset({*topics, "triage", "no_answer", "out_of_scope", "chitchat", "photo", RED_FLAG})
