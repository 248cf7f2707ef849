"""What the web channel says by itself, and what it knows of the content: titles of topics, the article, the region."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from milia.channels.web_problems import CODES
from milia.content import LOADER, Content, load_content
from milia.sign_catalog import Region
from milia.warning_signs import load_signs

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("web_texts.yml")


class TextsError(ValueError):
    """web_texts.yml lacks something, or names something that is not known."""


@dataclass(frozen=True)
class DeletionTexts:
    """How people ask for deletion, and what is said then; see web_texts.yml."""

    before: tuple[str, ...]
    verbs: tuple[str, ...]
    objects: tuple[str, ...]
    after: tuple[str, ...]
    confirm: tuple[str, ...]
    yes_button: str
    no_button: str
    typed_yes: tuple[str, ...]
    typed_no: tuple[str, ...]
    done: str
    kept: str
    receipt: str


@dataclass(frozen=True)
class WebTexts:
    """All texts, with the region's emergency number in them.

    Attributes:
        notice: paragraphs; `{retention_days}` filled.
        emergency: whom to turn to.
        suggestions: openings, as title and message.
        problems: a sentence for each code.
        deletion: as its class says.
        content: the reviewed answers.
    """

    notice: tuple[str, ...]
    emergency: str
    suggestions: tuple[tuple[str, str], ...]
    problems: Mapping[str, str]
    deletion: DeletionTexts
    content: Content


@lru_cache(maxsize=2)
def load_texts(root: Path = ROOT, retention_days: int = 30, region: str | None = None) -> WebTexts:
    """Load the channel's texts.

    Args:
        root: the project folder.
        retention_days: how long a silent conversation is kept.
        region: of warning_signs.yml; that of `MILIA_REGION` if None.

    Raises:
        TextsError: A text is missing, or a topic unknown.
    """
    texts: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=LOADER)
    content = load_content(root / "data" / "content")
    replies = yaml.load((root / "data" / "content" / "replies.yml").read_text(encoding="utf-8"), Loader=LOADER)
    name = os.environ.get("MILIA_REGION", "") if region is None else region
    place = load_signs(root / "data" / "content" / "warning_signs.yml").region(name)
    if set(texts["problems"]) != set(CODES):
        raise TextsError(f"{FILE.name}: problems: {sorted(set(texts['problems']) ^ set(CODES))} missing or unknown")
    unknown = [topic for topic in texts["suggestions"] if topic not in content.topics]
    if unknown:
        raise TextsError(f"{FILE.name}: suggestions: unknown topics {unknown}; known: {', '.join(content.topics)}")
    lists: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in texts["deletion"].items()}
    return WebTexts(
        notice=tuple(text.replace("{retention_days}", str(retention_days)) for text in texts["notice"]),
        emergency=_placed(texts["emergency"], place),
        suggestions=(
            (replies["replies"]["check_button"], texts["check_message"]),
            *((content.topics[topic].button, content.topics[topic].button) for topic in texts["suggestions"]),
        ),
        problems={code: _placed(text, place) for code, text in texts["problems"].items()},
        deletion=DeletionTexts(**lists),
        content=content,
    )


def _placed(text: str, region: Region) -> str:
    return text.replace("{emergency_number}", region.emergency_number)
