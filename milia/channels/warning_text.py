"""Which sentences of a reply are warnings: those that are never torn apart, and that stand out where a platform can.

A warning is known by its words: those of `warning_signs.yml`, of the guided check's "sooner" line and of the domain's
emergency responses. Nothing here has wording of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER
from milia.sign_messages import sentences

ROOT = Path(__file__).resolve().parents[2]
# Responses that name an emergency number or say what to do at once.
_RESPONSES = ("utter_escalation", "utter_help_under_way", "utter_unavailable", "utter_english_only")
_TRIAGE_MESSAGES = ("sooner", "soon", "today_afterwards")
_PLACE = re.compile(r"\{\w+\}")
_ACTION = "{action}"


class WarningText:
    """Tells warnings from other sentences.

    Args:
        texts: what is said in warnings; `{name}` stands for anything. One that ends in `{action}` is an opening: any
            sentence that starts so is a warning.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        whole, openings = set(), set()
        for text in texts:
            for sentence in sentences(" ".join(text.split())):
                if sentence.endswith(_ACTION):
                    openings.add(_pattern(sentence.removesuffix(_ACTION)))
                else:
                    whole.add(_pattern(sentence))
        whole.discard(".+?")
        self._whole = re.compile("|".join(sorted(whole)), re.IGNORECASE)
        self._opening = re.compile("|".join(sorted(openings)), re.IGNORECASE) if openings else None

    def __contains__(self, sentence: object) -> bool:
        """Tell whether a sentence is (part of) a warning."""
        if not isinstance(sentence, str):
            return False
        if self._opening is not None and self._opening.match(sentence):
            return True
        return self._whole.fullmatch(sentence) is not None


def _pattern(text: str) -> str:
    return ".+?".join(re.escape(part) for part in _PLACE.split(text))


@lru_cache(maxsize=2)
def load_warning_text(root: Path = ROOT) -> WarningText:
    """Load the warnings of a project folder."""
    return WarningText(_texts(root))


def _texts(root: Path) -> Iterator[str]:
    signs = _read(root / "data" / "content" / "warning_signs.yml")["warning_signs"]
    for name, text in signs["texts"].items():
        if name == "safety_net":
            yield from text.values()
        elif isinstance(text, str):
            yield text
    for sign in signs["signs"]:
        yield sign["say"]
    triage = _read(root / "data" / "content" / "triage.yml")["triage"]
    yield from (triage["messages"][name] for name in _TRIAGE_MESSAGES)
    yield triage["reasons"]["R_SCREEN_SKIPPED"]["today"]
    responses = _read(root / "domain.yml")["responses"]
    for name in _RESPONSES:
        yield from (variant["text"] for variant in responses[name])


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
