"""Stands for `milia.staff.worker` without a model: what it does is in the environment's STAFF_WORKER."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

KIND = os.environ.get("STAFF_WORKER", "pass")


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def train(task: dict[str, object]) -> None:
    """Tell of steps as a training does; the archive that it makes is none that could be loaded."""
    say(event="loaded", total=0)
    say(event="step", title="Checking")
    say(event="step-ended", state="ok", seconds=0.5)
    say(event="step", title="Learning")
    say(event="step-goes-on", seconds=1.5, detail="topics: 3 / 5")
    if KIND == "slow":
        time.sleep(60)
    if KIND == "fail":
        say(event="step-ended", state="failed", seconds=2.0)
        say(event="failed", reason="training ended with code 1. Its last lines:\n  ValueError: no examples of greet")
        return
    Path(str(task["model"])).write_bytes(b"a new model")
    say(event="step-ended", state="ok", seconds=2.0)
    say(event="end")


def main() -> None:
    task = json.loads(sys.stdin.readline())
    if KIND == "dies":
        sys.exit(3)
    if KIND == "reason":
        say(event="failed", reason="ValueError: no such model")
        return
    if task["kind"] == "training":
        train(task)
        return
    names = task["names"] or [one["id"] for one in task["dialogs"]]
    say(event="loaded", total=len(names))
    for number, name in enumerate(names):
        if KIND == "slow":
            time.sleep(0.5)
        passed = KIND == "pass" or number > 0
        turn = {
            "user": "hi", "line": 1, "differences": [] if passed else ["topics: expected a; got b"], "text": f"said {KIND}",
            "topics": ["duration"], "level": "provider_routine", "signs": [], "intent": "greet", "confidence": 0.9,
            "changed": [], "ms": 1.0,
        }  # fmt: skip
        say(event="result", result={"name": name, "passed": passed, "turns": [turn]})
    say(event="end")


main()
