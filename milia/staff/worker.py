"""Runs dialog tests, a replay or a training in a process of its own: `python -m milia.staff.worker`.

The first line of standard input says what to run (JSON); the pipe stays open, and its end ends this process too. Standard
output gets a JSON object a line: `loaded`, a `result` for each dialog or `step`, `step-goes-on`, `step-ended` of a training, and
`end`; or `failed` with the reason.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from milia.evaluation.dialog_format import DialogTest, load_dialog_tests
from milia.evaluation.dialog_tests import DialogResult, run_dialog_tests
from milia.evaluation.replay import Dialog, run_dialog
from milia.launch import end_with_parent
from milia.processes import CommandError
from milia.staff.job import TESTS, TRAINING

# Patients' turns come first.
_NICE = 10


Say = Callable[..., None]


def run(task: Mapping[str, Any], say: Say) -> None:
    """Do a task: `root`, `model`, `kind`, and `names` of tests, `dialogs` to replay or archives to `keep`; `say` reports."""
    root = Path(task["root"])
    os.chdir(root)  # the model's components look for content from here
    if task["kind"] == TRAINING:
        from milia.staff.training_run import train

        train(root, Path(task["model"]), task["keep"], say)
    elif task["kind"] == TESTS:
        tests = list(_tests(root / "tests" / "dialogs", frozenset(task["names"])))
        bot = _bot(task, root)
        say("loaded", total=len(tests))
        for result in run_dialog_tests(bot, tests):
            say("result", result=of_test(result))
    else:
        dialogs = [Dialog(one["id"], tuple(one["turns"])) for one in task["dialogs"]]
        from milia.storage.redaction import redact  # what is reported is stored: without personal data

        bot = _bot(task, root)
        say("loaded", total=len(dialogs))
        for dialog in dialogs:
            say("result", result=of_replay(run_dialog(bot, dialog), dialog, redact))
    say("end")


def _bot(task: Mapping[str, Any], root: Path) -> Any:
    from milia.evaluation.bot import Bot

    return Bot(Path(task["model"]), root)


def _tests(folder: Path, names: frozenset[str]) -> Iterator[DialogTest]:
    for path in sorted(folder.glob("*.yml")):
        try:
            tests = load_dialog_tests(path)
        except ValueError:  # listed as broken
            continue
        yield from (test for test in tests if test.name in names)


def of_test(result: DialogResult) -> dict[str, Any]:
    """Return the result of a dialog test as the contract describes it."""
    turns = [_turn(one.user, one.turn, one.line, list(one.differences)) for one in result.turns]
    return {"name": result.name, "passed": result.passed, "turns": turns}


def of_replay(reply: Mapping[str, Any], dialog: Dialog, redact: Any) -> dict[str, Any]:
    """Return the result of a replayed dialog, what was written in it without personal data."""
    turns = []
    for user, turn in zip(dialog.turns, reply["turns"], strict=True):
        words = redact(user) if isinstance(user, str) else f"[{user['press']}]"
        error = [turn["error"]] if "error" in turn else []
        turns.append(_turn(words, None if error else turn, None, error))
    return {"name": redact(dialog.id), "passed": None, "turns": turns}


def _turn(user: str, turn: Mapping[str, Any] | None, line: int | None, differences: list[str]) -> dict[str, Any]:
    found: Mapping[str, Any] = turn or {}
    intent = found.get("intent") or {}
    return {
        "user": user[:2000], "line": line, "differences": differences, "text": found.get("text"),
        "topics": list(found.get("topics") or ()), "level": found.get("level"), "signs": list(found.get("signs") or ()),
        "intent": intent.get("name"), "confidence": intent.get("confidence"), "changed": [], "ms": found.get("ms"),
    }  # fmt: skip


def main() -> int:
    """Read the task and do it."""
    os.nice(_NICE)
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore")
    # Byte by byte: what a buffer takes ahead would be lost to the thread that waits for the end.
    task = json.loads(_first_line())
    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    # Libraries print what they like to standard output; the lines must stay alone there.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(kind: str, **values: Any) -> None:
        line = json.dumps({"event": kind, **values})
        out.write(f"{line}\n")
        out.flush()

    try:
        run(task, say)
    except CommandError as error:  # of a training: its last lines are the reason
        say("failed", reason=str(error)[:6000])
        return 1
    except Exception as error:  # the boundary of the process: the console tells the reason
        say("failed", reason=f"{type(error).__name__}: {str(error)[:500]}")
        return 1
    return 0


def _first_line() -> bytes:
    parts = []
    while (part := os.read(0, 1)) not in (b"", b"\n"):
        parts.append(part)
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(main())
