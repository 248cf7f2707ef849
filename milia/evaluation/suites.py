"""Dialog tests and the behavioural suite as the evaluation counts them: one outcome a turn, or a pair."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milia.evaluation.heldout import Bot


@dataclass(frozen=True)
class Outcome:
    """A turn of a dialog test, or a pair of the behavioural suite.

    Attributes:
        name: of the dialog or pair.
        said: what the user typed or pressed.
        passed: whether all that was expected came.
        difference: what differed, in words.
    """

    name: str
    said: str
    passed: bool
    difference: str = ""


def run_dialogs(bot: Bot, folder: Path) -> Iterator[Outcome]:
    """Run the dialog tests of a folder; yields nothing for files of other folders below it."""
    module: Any = importlib.import_module("milia.evaluation.dialog_tests")
    for result in module.run_dialog_tests(bot, module.load_dialog_tests(folder)):
        for turn in result.turns:
            yield Outcome(result.name, str(turn.user), bool(turn.passed), "; ".join(turn.differences))


def run_behavioural_suite(bot: Bot, path: Path) -> Iterator[Outcome]:
    """Run the pairs of the behavioural suite."""
    module: Any = importlib.import_module("milia.evaluation.behaviour")
    for result in module.run_behaviour(bot, path):
        yield Outcome(str(result.name), str(result.said), bool(result.passed), str(result.difference))
