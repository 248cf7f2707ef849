"""The dialog tests as files: listed with those that are broken, drafted from a conversation, checked before they are saved."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from milia.evaluation.dialog_format import DialogTest, known_names, load_dialog_tests
from milia.evaluation.yaml_reader import FileError
from milia.sign_catalog import Level

FOLDER = "tests/dialogs"
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,60}\.yml")


class DialogFileError(ValueError):
    """A file of dialog tests that is not in order.

    Attributes:
        faults: each with line and what is allowed.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class FileChanged(Exception):
    """The file is another one than when it was read."""


@dataclass(frozen=True)
class TestFile:
    """One file: its tests, or what is wrong with it."""

    name: str
    tests: tuple[DialogTest, ...]
    faults: tuple[str, ...]


class DialogFiles:
    """The files of tests/dialogs.

    Args:
        root: the project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def all(self) -> list[TestFile]:
        """Return every file, broken ones with what is wrong: a topic or sign that is gone is one."""
        known_names.cache_clear()  # content may have changed since
        found, names = [], dict[str, str]()
        for path in sorted(self.folder.glob("*.yml")):
            try:
                tests = load_dialog_tests(path)
            except FileError as error:
                found.append(TestFile(path.name, (), tuple(str(error).splitlines())))
                continue
            taken = [
                f"{path.name}:{test.line}: the name {test.name!r} is taken by {names[test.name]}"
                for test in tests
                if test.name in names
            ]
            names |= {test.name: path.name for test in tests}
            found.append(TestFile(path.name, () if taken else tuple(tests), tuple(taken)))
        return found

    def read(self, name: str) -> tuple[str, str]:
        """Return a file's text and version.

        Raises:
            KeyError: There is none.
        """
        path = self._path(name)
        if not path.is_file():
            raise KeyError(name)
        text = path.read_text(encoding="utf-8")
        return text, version_of(text)

    def write(self, name: str, text: str, version: str | None) -> None:
        """Save a file that is in order.

        Args:
            name: of the file.
            text: YAML.
            version: of the file as it was read; None: there was none.

        Raises:
            FileChanged: It is another one by now.
            DialogFileError: The text is not in order.
            OSError: It cannot be written.
        """
        path = self._path(name)
        self.check(name, text)
        present = version_of(path.read_text(encoding="utf-8")) if path.is_file() else None
        if present != version:
            raise FileChanged(name)
        handle, made = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.", suffix=".new")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(made, 0o644)
            os.replace(made, path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise

    def check(self, name: str, text: str) -> tuple[DialogTest, ...]:
        """Return the tests of a text.

        Raises:
            DialogFileError: It is not in order, or a name is taken by another file.
        """
        known_names.cache_clear()
        with tempfile.TemporaryDirectory(prefix="milia-dialogs-") as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            try:
                tests = load_dialog_tests(path)
            except FileError as error:
                raise DialogFileError([line.replace(str(path), name) for line in str(error).splitlines()]) from None
        others = {test.name: file.name for file in self.all() if file.name != name for test in file.tests}
        taken = [
            f"{name}:{test.line}: the name {test.name!r} is taken by {others[test.name]}" for test in tests if test.name in others
        ]
        if taken:
            raise DialogFileError(taken)
        return tuple(tests)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise DialogFileError([f"file: {name!r}; allowed: a-z, 0-9 and _ and the ending .yml"])
        return self.folder / name


def version_of(text: str) -> str:
    """Return a name for a text as it is."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class _Dumper(yaml.SafeDumper):
    """Writes lists under their key with an indent, as the files of tests/dialogs have them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists too."""
        super().increase_indent(flow, False)


def as_yaml(name: str, why: str, turns: Sequence[Mapping[str, Any]]) -> str:
    """Return a dialog test as an item of a file."""
    item = {"name": name, "why": why, "turns": [dict(turn) for turn in turns]}
    text: str = yaml.dump(
        [item], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
    )
    return text


def expected_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a turn brought as an expectation: enough to notice a change, no whole sentences."""
    expect: dict[str, Any] = {"topics": list(record["topics"])}
    if record["signs"]:
        expect["signs"] = list(record["signs"])
    expect["level"] = record["level"] or Level.PROVIDER_ROUTINE.id
    if record["outcome"]:
        expect["outcome"] = record["outcome"]
    if record["check_question"]:
        expect["check_question"] = True
    return expect
