"""Stands for `milia.staff.worker` without a model: what it does is in the environment's STAFF_WORKER."""

from __future__ import annotations

import json
import os
import sys
import time

KIND = os.environ.get("STAFF_WORKER", "pass")


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    task = json.loads(sys.stdin.readline())
    if KIND == "dies":
        sys.exit(3)
    if KIND == "reason":
        say(event="failed", reason="ValueError: no such model")
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
