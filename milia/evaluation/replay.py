"""`milia replay`: many conversations through the whole bot, one file in, one file out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milia.evaluation.bot import Bot


class InputError(ValueError):
    """Lines of the input that are not dialogs; one message a line, with its number."""


@dataclass(frozen=True)
class Dialog:
    """One conversation to run: what the user types or presses, turn by turn."""

    id: str
    turns: tuple[str | Mapping[str, str], ...]


def read_dialogs(lines: Iterable[str]) -> list[Dialog]:
    """Read dialogs, one JSON object a line.

    Raises:
        InputError: names each line that is not valid, and what is wrong with it.
    """
    dialogs, faults, seen = [], [], set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            dialog = _dialog(json.loads(line))
        except ValueError as error:
            faults.append(f"line {number}: {error}")
            continue
        if dialog.id in seen:
            faults.append(f"line {number}: id {dialog.id!r} is there twice")
        seen.add(dialog.id)
        dialogs.append(dialog)
    if faults:
        raise InputError("\n".join(faults))
    return dialogs


def _dialog(value: Any) -> Dialog:
    if not isinstance(value, dict) or set(value) != {"id", "turns"}:
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise ValueError(f"expected an object with the keys id and turns, found {found}")
    if not isinstance(value["id"], str) or not value["id"]:
        raise ValueError(f"id is {value['id']!r}; allowed: a text that is not empty")
    if not isinstance(value["turns"], list) or not value["turns"]:
        raise ValueError("turns must be a list with at least one turn")
    for place, turn in enumerate(value["turns"], 1):
        pressed = isinstance(turn, dict) and set(turn) == {"press"} and isinstance(turn["press"], str)
        if not isinstance(turn, str) and not pressed:
            raise ValueError(f'turn {place} is {turn!r}; allowed: a text, or {{"press": "title of a button"}}')
    return Dialog(value["id"], tuple(value["turns"]))


def run_dialog(bot: Bot, dialog: Dialog) -> dict[str, Any]:
    """Run one dialog as a new conversation; a press that was not offered becomes an error in its place."""
    from milia.evaluation.bot import PressError

    conversation, turns = bot.conversation(dialog.id), []
    for user in dialog.turns:
        try:
            turns.append(bot.turn(conversation, user))
        except PressError as error:
            turns.append({"error": str(error)})
    return {"id": dialog.id, "turns": turns}


def run_dialogs(bot: Bot, dialogs: list[Dialog], name: str = "dialogs") -> Iterator[dict[str, Any]]:
    """Run dialogs one after the other, with a progress bar on a terminal."""
    from tqdm import tqdm

    for dialog in tqdm(dialogs, desc=name, unit="dialog", disable=not sys.stderr.isatty()):
        yield run_dialog(bot, dialog)


def replay(arguments: argparse.Namespace) -> int:
    """Run the command."""
    root = Path.cwd()
    try:
        dialogs = read_dialogs(arguments.dialogs.read_text(encoding="utf-8").split("\n"))
    except (OSError, UnicodeDecodeError, InputError) as error:
        for line in str(error).splitlines():
            print(f"{arguments.dialogs}: {line}", file=sys.stderr)
        return 2
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    from milia.evaluation.bot import Bot

    bot = Bot(model, root)
    lines = [_line(reply) for reply in run_dialogs(bot, dialogs)]
    arguments.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return 0


def _line(reply: Mapping[str, Any]) -> str:
    line = json.dumps(reply, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # half a character in the user's turn can only be written escaped
        return json.dumps(reply)
    return line


def find_model(root: Path, given: Path | None = None) -> Path | None:
    """Return the model to run: the given one, that of the present data, or the newest; says so when it is not current."""
    from milia.training import current_model

    if given is not None:
        if not given.is_file():
            print(f"{given}: no such model", file=sys.stderr)
            return None
        return given
    current = current_model(root)
    if current is not None:
        return current
    models = [path for path in (root / "models").glob("*.tar.gz") if not path.name.startswith("stock-")]  # the benchmark's
    models.sort(key=lambda path: path.stat().st_mtime)
    if not models:
        print("no trained model in models/: run `make train` first", file=sys.stderr)
        return None
    print(f"note: data, content or code changed since {models[-1].name} was trained", file=sys.stderr)
    return models[-1]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia replay`."""
    parser = subparsers.add_parser("replay", help="run many conversations through the whole bot")
    parser.add_argument("dialogs", type=Path, metavar="DIALOGS.jsonl", help="one dialog a line: id and turns")
    parser.add_argument("--out", type=Path, required=True, metavar="REPLIES.jsonl", help="where the replies go")
    parser.add_argument("--model", type=Path, help="model archive (default: the one that `milia train` made last)")
    parser.set_defaults(func=replay)
