"""Reads YAML files that people write by hand: every mistake is noted with its file and line, and what is allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER

_BOOL, _INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
_STR, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_TRUE = ("true", "yes", "on")


class FileError(ValueError):
    """Files that cannot be used; one mistake a line, each with its file and line."""


class Value:
    """A value in a file that knows where it stands. Reading it as the wrong thing notes a mistake and goes on."""

    def __init__(self, node: yaml.Node, file: str, faults: list[str]) -> None:
        self.node, self.file, self.faults = node, file, faults

    @property
    def line(self) -> int:
        """The line in the file, from 1."""
        return int(self.node.start_mark.line) + 1

    def fault(self, message: str, line: int = 0) -> None:
        """Note a mistake here, or at another line of the file."""
        self.faults.append(f"{self.file}:{line or self.line}: {message}")

    def keys(self, what: str, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Value]:
        """Return the values by key; unknown, repeated and missing keys are mistakes.

        Args:
            what: what this is, for the messages ("a turn").
            required: keys that must be there.
            optional: keys that may be there.
        """
        allowed = (*required, *optional)
        found: dict[str, Value] = {}
        if not isinstance(self.node, yaml.MappingNode):
            self.fault(f"{what} needs the keys {', '.join(allowed)}; found {self.said!r}")
            return found
        for key, node in self.node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name not in allowed:
                near = get_close_matches(name, allowed, 1)
                meant = f"; did you mean {near[0]!r}?" if near else ""
                self.fault(f"unknown key {name!r} in {what}; allowed: {', '.join(allowed)}{meant}", line)
            elif name in found:
                self.fault(f"the key {name!r} is there twice in {what}", line)
            else:
                found[name] = Value(node, self.file, self.faults)
        for name in required:
            if name not in found and isinstance(self.node, yaml.MappingNode):
                self.fault(f"{what} needs the key {name!r}")
        return found

    def items(self, what: str) -> list[Value]:
        """Return the values of a list that is not empty."""
        if isinstance(self.node, yaml.SequenceNode) and self.node.value:
            return [Value(node, self.file, self.faults) for node in self.node.value]
        self.fault(f"{what} must be a list with at least one entry, found {self.said!r}")
        return []

    def text(self, what: str, empty: bool = False) -> str:
        """Return a text as it stands."""
        if self._is(_STR) and (empty or self.said.strip()):
            return self.said
        hint = "" if self._is(_STR) or not isinstance(self.node, yaml.ScalarNode) else ' (put it in quotes: "...")'
        self.fault(f"{what} must be a text, found {self.said!r}{hint}")
        return ""

    def texts(self, what: str) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one, and [] is an empty list."""
        if isinstance(self.node, yaml.SequenceNode):
            return tuple(Value(node, self.file, self.faults).text(what) for node in self.node.value)
        return (self.text(what),)

    def known(self, what: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Return a list of texts that must be among the allowed ones."""
        texts = self.texts(what)
        for one in texts:
            self._check(what, one, allowed)
        return texts

    def one_of(self, what: str, allowed: Collection[str]) -> str:
        """Return a text that must be among the allowed ones."""
        text = self.text(what)
        self._check(what, text, allowed)
        return text

    def flag(self, what: str) -> bool:
        """Return true or false."""
        if not self._is(_BOOL):
            self.fault(f"{what} must be true or false, found {self.said!r}")
        return self.said.lower() in _TRUE

    def number(self, what: str, most: int) -> int:
        """Return a whole number from 1 to `most`."""
        value = int(self.said) if self._is(_INT) and self.said.isdecimal() else 0
        if not 1 <= value <= most:
            self.fault(f"{what} must be a whole number from 1 to {most}, found {self.said!r}")
            return 1
        return value

    @property
    def is_list(self) -> bool:
        """Whether a list stands here."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def said(self) -> str:
        """What stands here, for messages."""
        if isinstance(self.node, yaml.ScalarNode):
            return str(self.node.value)
        return "a list" if self.is_list else "keys and values"

    def _is(self, tag: str) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == tag

    def _check(self, what: str, text: str, allowed: Collection[str]) -> None:
        if text and text not in allowed:
            near = get_close_matches(text, allowed, 3, 0.5)
            choice = (
                f"did you mean {' or '.join(near)}?" if len(allowed) > 40 and near else "allowed: " + _listed(allowed)
            )
            self.fault(f"{what}: unknown value {text!r}; {choice}")


def read_file(path: Path, name: str, faults: list[str]) -> Value | None:
    """Return the root of a file; notes what is wrong and returns None when it is no YAML, or empty.

    Args:
        path: the file.
        name: how messages call it.
        faults: where mistakes are noted.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        faults.append(f"{name}:{line}: not valid YAML: {error.problem}")
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        faults.append(f"{name}:1: cannot be read: {error}")
        return None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag == _NULL):
        faults.append(f"{name}:1: the file is empty")
        return None
    return Value(root, name, faults)


def refuse(faults: Sequence[str]) -> None:
    """Raise when there are mistakes.

    Raises:
        FileError: lists them, in the order of files and lines.
    """
    if faults:
        files = list(dict.fromkeys(_place(fault)[0] for fault in faults))
        raise FileError("\n".join(sorted(faults, key=lambda fault: (files.index(_place(fault)[0]), _place(fault)[1]))))


def _place(fault: str) -> tuple[str, int]:
    file, line, _ = fault.split(":", 2)
    return file, int(line)


def yaml_files(path: Path) -> Iterator[Path]:
    """Yield the file itself, or the YAML files of a folder and of those in it, by name.

    Raises:
        FileError: there is no such file or folder.
    """
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(one for one in path.rglob("*") if one.suffix in (".yml", ".yaml") and one.is_file())
    else:
        raise FileError(f"{path}: no such file or folder")


def _listed(values: Collection[str]) -> str:
    return ", ".join(values if not isinstance(values, (set, frozenset, Mapping)) else sorted(values))


def shortened(text: Any, most: int = 100) -> str:
    """Return a text on one line, cut when it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[: most - 4]} ..."
