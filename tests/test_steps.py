"""One table of checks: cheap ones first, the first failure stops and is named, CI and people run the same."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from milia import steps, training

ROOT = Path(__file__).resolve().parent.parent
NAMES = [step.name for step in steps.STEPS]


class Calls(list[Sequence[str]]):
    """Takes commands instead of running them."""

    def __call__(self, command: Sequence[str], **options: object) -> int:
        self.append(command)
        return 0


def test_every_step_runs_and_the_total_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    called = Calls()
    assert steps.run(steps.STEPS, ROOT, called) == 0
    said = capsys.readouterr().out
    assert len(called) == len(steps.STEPS)
    assert [name for name in NAMES if f"] {name}: " not in said] == []
    assert re.search(rf"Total time: \d+ s\nchecks: {len(NAMES)} passed, 0 failed\n$", said)


def test_the_first_failure_stops_with_its_name_and_code(capsys: pytest.CaptureFixture[str]) -> None:
    codes = iter([0, 0, 3])
    assert steps.run(steps.STEPS, ROOT, lambda command: next(codes)) == 3
    said = capsys.readouterr().out
    assert f"Stopped at the step '{NAMES[2]}'" in said
    assert f"] {NAMES[3]}: " not in said
    assert said.endswith("checks: 2 passed, 1 failed\n")


def test_the_fast_checks_are_the_ones_without_a_model() -> None:
    assert [step.name for step in steps.STEPS if step.fast] == ["lint", "types", "content", "unit"]


def test_the_running_bot_is_tested_last_with_the_model_of_the_present_data() -> None:
    assert NAMES[-1] == "e2e"
    assert NAMES.index("model") < NAMES.index("stories")
    stories = next(step for step in steps.STEPS if step.name == "stories")
    assert str(training.model_path(ROOT).relative_to(ROOT)) in stories.command(ROOT)


def test_named_steps_run_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    called = Calls()
    monkeypatch.setattr(subprocess, "call", called)
    assert steps.main(["test", "lint"]) == 0
    assert [command[2:4] for command in called] == [["ruff", "check"]]
    with pytest.raises(SystemExit):
        steps.main(["test", "lnit"])
    assert "unknown step 'lnit'; known: lint, types" in capsys.readouterr().err


def test_the_makefile_and_ci_run_the_table() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(STEPS) test" in makefile
    assert "$(STEPS) check" in makefile
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().endswith("make test")
