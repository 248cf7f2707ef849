"""Dialog tests and the behavioural suite as the evaluation counts them: one outcome a turn, or a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from milia.evaluation.behaviour import run_behaviour
from milia.evaluation.dialog_tests import load_dialog_tests, run_dialog_tests
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
    """Run the dialog tests of a folder: one outcome a turn."""
    for result in run_dialog_tests(bot, load_dialog_tests(folder)):
        for turn in result.turns:
            yield Outcome(result.name, turn.user, turn.passed, "; ".join(turn.differences))


def run_behavioural_suite(bot: Bot, path: Path) -> Iterator[Outcome]:
    """Run the behavioural suite: one outcome a pair."""
    for pair in run_behaviour(bot, path):
        yield Outcome(pair.name, pair.said, pair.passed, pair.difference)
