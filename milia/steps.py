"""The checks of `make check` and `make test`, in one table: `python -m milia.steps check|test|list [NAME ...]`.

Cheap ones come first; the first failure stops. CI runs the same table.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from milia import training
from milia.processes import QUIET_ENVIRONMENT

PACKAGES = ("milia", "actions")
PATHS = (*PACKAGES, "tests")
STORIES = Path("tests/stories")
RASA_FILES = ("--domain", "domain.yml", "--config", "config.yml", "--data", "data")


@dataclass(frozen=True)
class Step:
    """One check: its name, what it promises, its command, and whether `make check` runs it too."""

    name: str
    promise: str
    command: Callable[[Path], Sequence[str]]
    fast: bool = False


def _python(*arguments: str) -> Callable[[Path], Sequence[str]]:
    return lambda root: [sys.executable, *arguments]


def _milia(*arguments: str) -> Callable[[Path], Sequence[str]]:
    return lambda root: [str(Path(sys.executable).with_name("milia")), *arguments]


def _pytest(marks: str) -> Callable[[Path], Sequence[str]]:
    """Run tests in as many processes as there are cores, four at most: each may load the whole bot (1 GB).

    A file's tests stay in one process, since they share what is slow to start.
    """
    spread = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile")
    return _python("-m", "pytest", "-q", *spread, "-m", marks, "tests")


# One process: two Rasa servers and all else are started once. With their output: figures are of interest.
_CLUSTER = _python("-m", "pytest", "-q", "-m", "cluster and not benchmark", "tests/cluster")


def _stories(root: Path) -> Sequence[str]:
    model = training.model_path(root).relative_to(root)
    out = ["--out", "results", "--no-plot"]
    stories = ["--stories", str(STORIES), "--fail-on-prediction-errors"]
    return [sys.executable, "-m", "rasa", "test", "core", "--model", str(model), *stories, *out]


STEPS = (
    Step("lint", "the style of the code", _python("-m", "ruff", "check", *PATHS), fast=True),
    # Tests state promises in their names; the types of what they call are checked where it is defined.
    Step("types", "the types of the code", _python("-m", "mypy", *PACKAGES), fast=True),
    Step("content", "what the bot may say", _milia("content", "check"), fast=True),
    Step(
        "data",
        "domain, rules and examples agree",
        _python("-m", "rasa", "data", "validate", "--fail-on-warnings", *RASA_FILES),
    ),
    Step("model", "a model of the present data", _milia("train")),
    Step("unit", "the tests", _pytest("not e2e and not cluster and not benchmark"), fast=True),
    Step("stories", "the dialogue follows the stories", _stories),
    Step("cluster", "the bot on several servers, killed under load", _CLUSTER),
    Step("e2e", "the running bot", _pytest("e2e and not cluster and not benchmark")),
)


def run(steps: Sequence[Step], root: Path, call: Callable[[Sequence[str]], int]) -> int:
    """Run the steps in order until one fails; say which, and how long all of it took.

    The last line is of the form `checks: 8 passed, 0 failed`.

    Returns:
        The exit code of the step that failed, or 0.
    """
    began = time.monotonic()
    code, passed = 0, 0
    for position, step in enumerate(steps, start=1):
        print(f"\n== [{position}/{len(steps)}] {step.name}: {step.promise}", flush=True)
        step_began = time.monotonic()
        code = call(step.command(root))
        print(f"== {step.name} {'FAILED' if code else 'ok'} ({time.monotonic() - step_began:.1f} s)", flush=True)
        if code:
            print(
                f"\nStopped at the step '{step.name}'. To run it alone: .venv/bin/python -m milia.steps test {step.name}"
            )
            break
        passed += 1
    print(f"\nTotal time: {time.monotonic() - began:.0f} s")
    print(f"checks: {passed} passed, {int(code != 0)} failed", flush=True)
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m milia.steps", description="Run the project's checks.")
    parser.add_argument(
        "which", choices=("check", "test", "list"), help="the fast ones, all of them, or only their names"
    )
    parser.add_argument("names", nargs="*", help=f"only these: {', '.join(step.name for step in STEPS)}")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - {step.name for step in STEPS}
    if unknown:
        parser.error(f"unknown step {min(unknown)!r}; known: {', '.join(step.name for step in STEPS)}")
    steps = [
        step for step in STEPS if (step.fast or chosen.which != "check") and step.name in (chosen.names or step.name)
    ]
    if chosen.which == "list":
        for step in steps:
            print(f"{step.name:8} {'fast' if step.fast else '    '}  {step.promise}")
        return 0
    environment = {**os.environ, **QUIET_ENVIRONMENT}
    try:
        return run(steps, training.ROOT, lambda command: subprocess.call(command, cwd=training.ROOT, env=environment))
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
