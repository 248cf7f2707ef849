"""The lay sentences about warning signs that the recogniser learns from: `data/signs/sentences.yml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from milia.sign_catalog import SignCatalog
from milia.warning_signs import Level

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Targets beside those of the single signs: whether any sign of at least this level is there. They see far more examples
# than each sign does, so they decide, and the signs' own scores only say which.
LEVEL_HEADS = (Level.EMERGENCY_NOW, Level.URGENT_SAME_DAY, Level.PROVIDER_SOON)


@dataclass(frozen=True)
class SignSentence:
    """A lay sentence, with the ids of the signs that are present in it (none: it only looks like one)."""

    text: str
    signs: tuple[str, ...]


def read_sentences(path: Path) -> list[SignSentence]:
    """Read the sentences by the signs that they tell of.

    Raises:
        ValueError: the file is not of the documented form.
    """
    root = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    if not isinstance(root, dict) or list(root) != ["sign_sentences"]:
        raise ValueError(f"{path.name}: expected the one root key 'sign_sentences'")
    return [
        SignSentence(str(text), tuple(entry["signs"])) for entry in root["sign_sentences"] for text in entry["sentences"]
    ]


def sign_targets(present: Sequence[Sequence[str]], signs: Sequence[str], catalog: SignCatalog) -> np.ndarray:
    """Return 0/1 targets (messages, levels + signs): the levels of `LEVEL_HEADS`, then each sign.

    Args:
        present: the signs that are present in each message.
        signs: the signs that have a target of their own, in its order.
        catalog: the list of signs.
    """
    targets = np.zeros((len(present), len(LEVEL_HEADS) + len(signs)), np.float32)
    for row, found in enumerate(present):
        highest = catalog.level(tuple(found))
        targets[row, : len(LEVEL_HEADS)] = [highest >= head for head in LEVEL_HEADS]
        targets[row, [len(LEVEL_HEADS) + signs.index(sign) for sign in found if sign in signs]] = 1
    return targets
