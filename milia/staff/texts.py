"""What the console says by itself, from texts.yml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER
from milia.staff.problems import CODES

FILE = Path(__file__).with_name("texts.yml")


@lru_cache(maxsize=1)
def texts() -> Mapping[str, Mapping[str, Any]]:
    """Return all texts.

    Raises:
        ValueError: A problem has no sentence, or a sentence no problem.
    """
    found: dict[str, Mapping[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=LOADER)
    if set(found["problems"]) != set(CODES):
        raise ValueError(f"{FILE.name}: problems: {sorted(set(found['problems']) ^ set(CODES))} missing or unknown")
    return found


def said(part: str, name: str, /, **values: Any) -> str:
    """Return one text with values filled in."""
    return str(texts()[part][name]).format(**values)
