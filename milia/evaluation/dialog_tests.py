"""Runs dialog tests through a bot and says what differed; the command `milia dialogs run`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milia.evaluation.dialog_format import ROOT, DialogTest, DialogTurn, Expected, load_dialog_tests, shown
from milia.evaluation.heldout import Bot
from milia.evaluation.replay import find_model
from milia.evaluation.yaml_reader import FileError, shortened

__all__ = ["DialogResult", "DialogTest", "TurnResult", "load_dialog_tests", "run_dialog_tests"]

FOLDER, HELD_OUT = ROOT / "tests" / "dialogs", ROOT / "tests" / "heldout" / "dialogs"


@dataclass(frozen=True)
class TurnResult:
    """What came of one turn.

    Attributes:
        user: what was typed; a pressed button in brackets.
        line: of the turn in its file.
        differences: what differed from the expectations, one sentence each.
        turn: the bot's turn as `milia replay` writes it; None when the pressed button was not offered.
    """

    user: str
    line: int
    differences: tuple[str, ...]
    turn: Mapping[str, Any] | None

    @property
    def passed(self) -> bool:
        """Whether all that was expected came."""
        return not self.differences


@dataclass(frozen=True)
class DialogResult:
    """What came of one dialog test."""

    test: DialogTest
    turns: tuple[TurnResult, ...]

    @property
    def name(self) -> str:
        """The name of the dialog test."""
        return self.test.name

    @property
    def passed(self) -> bool:
        """Whether every turn passed."""
        return all(turn.passed for turn in self.turns)


def run_dialog_tests(bot: Bot, tests: Iterable[DialogTest]) -> Iterator[DialogResult]:
    """Run dialog tests, each as a new conversation.

    Args:
        bot: `milia.evaluation.bot.Bot`, or whatever takes turns like it.
        tests: from `load_dialog_tests`.
    """
    for test in tests:
        conversation = bot.conversation(test.name)
        results: list[TurnResult] = []
        offered: tuple[str, ...] = ()
        for one in test.turns:
            result = _run_turn(bot, conversation, one, offered)
            if result.turn is not None:  # what was offered stays so after a press that was refused
                offered = tuple(button["title"] for button in result.turn["buttons"])
            results.append(result)
        yield DialogResult(test, tuple(results))


def _run_turn(bot: Bot, conversation: Any, one: DialogTurn, offered: Sequence[str]) -> TurnResult:
    if isinstance(one.user, str):
        turn = bot.turn(conversation, one.user)
        return TurnResult(one.user, one.line, tuple(differences(one.expected, turn)), turn)
    title = one.user["press"]
    if title not in offered:
        listed = ", ".join(map(repr, offered)) or "none"
        fault = (f"the button {title!r} was not offered; offered: {listed}",) if one.expected.offered else ()
        return TurnResult(f"[{title}]", one.line, fault, None)
    turn = bot.turn(conversation, one.user)
    found = list(differences(one.expected, turn))
    if not one.expected.offered:
        found.insert(0, f"the button {title!r} was offered")
    return TurnResult(f"[{title}]", one.line, tuple(found), turn)


def differences(expected: Expected, turn: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs between a turn and what is expected of it, one sentence each."""
    for name, exact, least in (
        ("topics", expected.topics, expected.topics_include),
        ("signs", expected.signs, expected.signs_include),
    ):
        got = turn[name]
        if exact is not None and set(exact) != set(got):
            yield f"{name}: expected {_listed(exact)}; got {_listed(got)}"
        if not set(least) <= set(got):
            yield f"{name}: expected at least {_listed(least)}; got {_listed(got)}"
    if expected.level is not None and expected.level != turn["level"]:
        yield f"level: expected {expected.level}; got {turn['level']}"
    if expected.outcome is not None and expected.outcome != (turn["outcome"] or "none"):
        yield f"outcome: expected {expected.outcome}; got {turn['outcome'] or 'none'}"
    if expected.check_question is not None and expected.check_question != turn["check_question"]:
        yield "expected a question of the guided check" if expected.check_question else "the guided check still asks"
    titles = [button["title"] for button in turn["buttons"]]
    if missing := [title for title in expected.buttons_include if title not in titles]:
        yield f"buttons: {_listed(missing)} not offered; offered: {_listed(titles)}"
    text = _plain(turn["text"])
    yield from (f"says: {phrase!r} is not in the text" for phrase in expected.says if not _said(phrase, text))
    yield from (f"says_not: {phrase!r} is in the text" for phrase in expected.says_not if _said(phrase, text))
    intent = turn["intent"]["name"]
    if expected.intent is not None and expected.intent != intent:
        yield f"intent: expected {expected.intent}; got {intent}"


def _said(phrase: str, text: str) -> bool:
    return any(_plain(one) in text for one in phrase.split("|"))


def _plain(text: str) -> str:
    return " ".join(str(text).replace("\u2019", "'").lower().split())


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values) or "none"


# ------------------------------------------------------------------------------------------------------------- the command
def report(result: DialogResult) -> Iterator[str]:
    """Yield the lines that tell of a dialog: one when it passed, else what differed in which turn."""
    if result.passed:
        yield f"ok    {result.name}"
        return
    yield f"FAIL  {result.name}   ({result.test.place})"
    for number, turn in enumerate(result.turns, 1):
        if turn.passed:
            continue
        yield f"      turn {number}, line {turn.line}"
        yield f"        user: {shortened(turn.user)}"
        if turn.turn is not None:
            yield f"        bot:  {shortened(turn.turn['text'], 300)}"
        yield from (f"        - {difference}" for difference in turn.differences)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; returns 0, 1 when a dialog failed, 2 when it could not run."""
    paths = arguments.paths or [HELD_OUT if arguments.heldout else FOLDER]
    try:
        tests = [test for path in paths for test in load_dialog_tests(path)]
    except FileError as error:
        print(error, file=sys.stderr)
        return 2
    model = find_model(ROOT, arguments.model)
    if model is None:
        return 2
    print(f"{len(tests)} dialogs from {', '.join(map(shown, paths))}; loading {model.name} ...", flush=True)
    from milia.evaluation.bot import Bot as WholeBot

    return _run(WholeBot(model, ROOT), tests)


def _run(bot: Bot, tests: Sequence[DialogTest]) -> int:
    from tqdm import tqdm

    results: list[DialogResult] = []
    terminal = sys.stderr.isatty()
    for result in tqdm(run_dialog_tests(bot, tests), total=len(tests), unit="dialog", disable=not terminal):
        results.append(result)
        if not terminal or not result.passed:
            tqdm.write("\n".join(report(result)), file=sys.stdout)
            sys.stdout.flush()
    failed = sum(not result.passed for result in results)
    turns = [turn for result in results for turn in result.turns]
    right = sum(turn.passed for turn in turns)
    print(f"\n{len(results) - failed} dialogs passed, {failed} failed; {right} of {len(turns)} turns right")
    return int(failed > 0)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia dialogs`."""
    parser = subparsers.add_parser("dialogs", help="run conversations with expectations (tests/dialogs)")
    commands = parser.add_subparsers(dest="dialogs_command", required=True, metavar="COMMAND")
    one = commands.add_parser("run", help="run dialog tests and show what differed")
    one.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files or folders (default: tests/dialogs)")
    one.add_argument("--model", type=Path, help="model archive (default: the one that `milia train` made last)")
    one.add_argument("--heldout", action="store_true", help="the held-out dialogs instead of tests/dialogs")
    one.set_defaults(func=run)
