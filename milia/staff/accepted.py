"""Accepted changes on their way into a model: which of them are in the project's files, and putting them there.

Accepting a review makes a patch. Until somebody applies it, no training sees it; so a training may take it along.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from milia import content_check
from milia.content import LOADER
from milia.staff.changes import ChangeError
from milia.staff.checkout import Checkout, CheckoutError
from milia.staff.texts import said

CONTENT = "data/content"
# What a model learns from; a held-out sentence it must never see.
KINDS = ("training", "content")


@dataclass(frozen=True)
class Accepted:
    """What accepting a review made.

    Attributes:
        review, file, sentence, by, at: which review, the file, the new sentence (None: another change), who accepted it and when.
        patch: the change.
    """

    review: str
    file: str
    sentence: str | None
    by: str
    at: str
    patch: str

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> list[Accepted]:
        """Return those that a model learns from, of rows as `Reviews.accepted` gives them."""
        names = cls.__dataclass_fields__
        return [cls(**{name: row.get(name) for name in names}) for row in rows if row["kind"] in KINDS and row.get("patch")]  # type: ignore[arg-type]

    def told(self) -> dict[str, Any]:
        """Return what the contract tells of it."""
        return {name: value for name, value in vars(self).items() if name != "patch"}

    @property
    def added(self) -> list[str]:
        """The lines that it adds."""
        lines = self.patch.splitlines()
        return [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]


def in_files(root: Path, changes: Sequence[Accepted]) -> frozenset[str]:
    """Return the reviews whose lines are in their file as it stands, wherever."""
    lines = {file: _lines(root / file) for file in {change.file for change in changes}}
    return frozenset(one.review for one in changes if {line.strip() for line in one.added} <= lines[one.file])


def take(root: Path, changes: Sequence[Accepted]) -> list[str]:
    """Put accepted changes into the project's files: all of them, or none.

    Returns:
        The files that changed.

    Raises:
        ChangeError: One does not fit the files as they are, or they would not be in order with it.
        OSError: A file cannot be written.
    """
    files = sorted({change.file for change in changes})
    with tempfile.TemporaryDirectory(prefix="milia-take-") as folder:
        scratch = Path(folder)
        shutil.copytree(root / CONTENT, scratch / CONTENT)
        for file in files:
            (scratch / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, scratch / file)
        faults = [fault for change in changes for fault in _apply(scratch, change)] or _faults(scratch, files)
        if faults:
            raise ChangeError(*faults)
        for file in files:
            made = root / f"{file}.new~"
            shutil.copyfile(scratch / file, made)
            shutil.copymode(root / file, made)
            os.replace(made, root / file)
    return files


def _apply(scratch: Path, change: Accepted) -> list[str]:
    try:
        Checkout(scratch).apply(change.patch)
    except CheckoutError:
        return [said("training", "does_not_fit", review=change.review, file=change.file)]
    return []


def _faults(scratch: Path, files: Sequence[str]) -> list[str]:
    faults = []
    for file in files:
        try:
            yaml.load((scratch / file).read_text(encoding="utf-8"), Loader=LOADER)
        except yaml.YAMLError as error:
            faults.append(f"{file}: {' '.join(str(error).split())}")
    if not faults and any(file.startswith(CONTENT) for file in files):
        faults = [f"{one.file}:{one.line}: {one.message}" for one in content_check.check(scratch / CONTENT)]
    return faults


def _lines(path: Path) -> set[str]:
    try:
        return {line.strip() for line in path.read_text(encoding="utf-8").splitlines()}
    except OSError:
        return set()
