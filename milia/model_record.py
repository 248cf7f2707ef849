"""What a model has learned from: kept beside its archive, so that one can say what it does not know yet.

An archive's name tells only whether anything changed. Its record (`milia-<fingerprint>.inputs.json`) has the digest of
each input, and a short digest of each line of the data.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ENDING, ARCHIVE = ".inputs.json", ".tar.gz"
# Where changes come from, by the start of a file's path; the first that fits.
KINDS = {
    "training": ("data/nlu/",),
    "signs": ("data/signs/",),
    "content": ("data/content/",),
    "configuration": ("config.yml", "domain.yml", "data/"),
    "code": ("milia/",),
    "packages": ("requirements.lock",),
}


@dataclass(frozen=True)
class Record:
    """The inputs of a training.

    Attributes:
        inputs: digest by file, as `milia.training.inputs` gives them.
        lines: the lines of each file of data, as short digests.
    """

    inputs: Mapping[str, str]
    lines: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def knows(self, file: str, texts: Iterable[str]) -> bool:
        """Tell whether a file had all these lines, wherever they stood in it."""
        return {_short(text) for text in texts} <= self.lines.get(file, frozenset())


@dataclass(frozen=True)
class Changed:
    """A file that differs from what a model has learned from; lines are counted where they were kept."""

    file: str
    kind: str
    added: int
    removed: int


def of_inputs(root: Path, inputs: Mapping[str, str]) -> Record:
    """Return the record of inputs as they stand on the disk."""
    data = [name for name in inputs if name.startswith("data/")]
    return Record(dict(inputs), {name: _lines(root / name) for name in data})


def path_of(model: Path) -> Path:
    """Return where the record of a model is."""
    return model.with_name(model.name.removesuffix(ARCHIVE) + ENDING)


def write(model: Path, record: Record) -> None:
    """Keep a record beside a model."""
    lines = {name: sorted(one) for name, one in record.lines.items()}
    made = path_of(model).with_suffix(".new")
    made.write_text(json.dumps({"inputs": dict(record.inputs), "lines": lines}), encoding="utf-8")
    made.replace(path_of(model))


def read(model: Path) -> Record | None:
    """Return the record of a model; None if it has none that can be read."""
    try:
        found = json.loads(path_of(model).read_text(encoding="utf-8"))
        return Record(dict(found["inputs"]), {name: frozenset(one) for name, one in found["lines"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remove(model: Path) -> None:
    """Remove a model with its record, whichever of them is there."""
    model.unlink(missing_ok=True)
    path_of(model).unlink(missing_ok=True)


def changes(before: Record, after: Record) -> list[Changed]:
    """Return the files that differ between two records, by name."""
    names = sorted(before.inputs.keys() | after.inputs.keys())
    return [
        _changed(name, before.lines.get(name, frozenset()), after.lines.get(name, frozenset()))
        for name in names
        if before.inputs.get(name) != after.inputs.get(name)
    ]


def _changed(name: str, before: frozenset[str], after: frozenset[str]) -> Changed:
    kind = next((kind for kind, starts in KINDS.items() if name.startswith(starts)), "code")
    return Changed(name, kind, len(after - before), len(before - after))


def _lines(path: Path) -> frozenset[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return frozenset(_short(line) for line in text.splitlines() if line.strip())


def _short(line: str) -> str:
    return f"{zlib.crc32(line.strip().encode()):08x}"
