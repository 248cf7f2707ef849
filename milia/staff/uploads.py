"""Files of messages to replay: CSV or JSON lines. All mistakes are told, each with its line and what was expected."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from milia.evaluation.replay import Dialog, InputError, read_dialogs

CSV, JSON_LINES = "text/csv", "application/x-ndjson"
MOST_CHARACTERS, MOST_FAULTS = 8_000, 20
_COLUMNS = ("text", "conversation")


class UploadError(ValueError):
    """A file that cannot be replayed.

    Attributes:
        faults: file, line and what was expected.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        more = len(faults) - MOST_FAULTS
        self.faults = [*faults[:MOST_FAULTS], *([f"... and {more} more"] if more > 0 else [])]


def read_upload(body: bytes, kind: str, name: str, rows: int) -> list[Dialog]:
    """Read an uploaded file.

    Args:
        body: its bytes.
        kind: `text/csv` or `application/x-ndjson`.
        name: of the file, for messages.
        rows: how many messages it may have.

    Raises:
        UploadError: It is not what it says.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise UploadError(f"{name}:{line}: not UTF-8; expected: a text file in UTF-8") from None
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise UploadError(f"{name}:{line}: has a zero byte; expected: a text file")
    if not text.strip():
        raise UploadError(f"{name}:1: the file is empty; expected: messages")
    dialogs = _csv(text, name) if kind == CSV else _json_lines(text, name)
    count = sum(len(dialog.turns) for dialog in dialogs)
    if count > rows:
        raise UploadError(f"{name}: has {count} messages; allowed: {rows} at most")
    long = [
        f"{name}: {dialog.id}, turn {place}: has {len(turn)} characters; allowed: {MOST_CHARACTERS} at most"
        for dialog in dialogs
        for place, turn in enumerate(dialog.turns, 1)
        if isinstance(turn, str) and len(turn) > MOST_CHARACTERS
    ]
    if long:
        raise UploadError(*long)
    return dialogs


def _csv(text: str, name: str) -> list[Dialog]:
    first = text.splitlines()[0]
    if first.lstrip().startswith(("{", "[")):
        raise UploadError(f"{name}:1: looks like JSON; expected: CSV with a head line that has the column 'text'")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    faults: list[str] = []
    of: dict[str, list[str]] = {}
    try:
        head = [column.strip().lower() for column in next(reader)]
        if "text" not in head or len(set(head)) != len(head):
            raise UploadError(f"{name}:1: has the columns {head}; expected: a column 'text', and perhaps 'conversation'")
        unknown = sorted(set(head) - set(_COLUMNS))
        if unknown:
            raise UploadError(f"{name}:1: unknown columns {unknown}; allowed: {', '.join(_COLUMNS)}")
        for row in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(head):
                faults.append(f"{name}:{line}: has {len(row)} cells; expected: {len(head)}, as the head line")
                continue
            values = dict(zip(head, row, strict=True))
            if not values["text"].strip():
                faults.append(f"{name}:{line}: text is empty; expected: a message")
                continue
            of.setdefault(values.get("conversation", "").strip() or f"line {line}", []).append(values["text"])
    except csv.Error as error:
        raise UploadError(f"{name}:{reader.line_num}: no CSV ({error}); expected: cells, quoted with \"") from None
    if faults:
        raise UploadError(*faults)
    if not of:
        raise UploadError(f"{name}:2: no messages; expected: a line for each")
    return [Dialog(identifier, tuple(turns)) for identifier, turns in of.items()]


def _json_lines(text: str, name: str) -> list[Dialog]:
    try:
        return read_dialogs(_whole(text))
    except InputError as error:
        faults = [f"{name}:{line.removeprefix('line ')}" for line in str(error).splitlines()]
        raise UploadError(*faults) from None
    except RecursionError:
        raise UploadError(f"{name}: nested too deeply; expected: a JSON object a line") from None


def _whole(text: str) -> Iterator[str]:
    """Yield the lines, a bare message `{"text": ...}` made a dialog of one turn."""
    for number, line in enumerate(text.split("\n"), 1):
        try:
            value: Any = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and set(value) == {"text"} and isinstance(value["text"], str):
            line = json.dumps({"id": f"line {number}", "turns": [value["text"]]})
        yield line
