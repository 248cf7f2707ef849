"""One run of dialog tests, of a replay or of a training, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Row

from milia.staff.times import iso

WAITING, LOADING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "loading", "running", "done", "failed", "cancelled"
OPEN = (WAITING, LOADING, RUNNING)
TESTS, REPLAY, TRAINING = "tests", "replay", "training"


@dataclass
class Job:
    """One run.

    Attributes:
        id, kind, made_by, model, file: what, by whom, of which model (for a training: the one it makes), of which uploaded file.
        state, done, total, passed, error: how it goes.
        results: as the contract describes them; of a training its steps.
    """

    id: str
    kind: str
    made_by: str
    made_at: float
    model: str
    file: str | None = None
    state: str = WAITING
    done: int = 0
    total: int = 0
    passed: int = 0
    error: str | None = None
    ended_at: float | None = None
    results: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, row: Row, results: list[dict[str, Any]]) -> Job:
        """Return the run of a row of the database."""
        made = cls(
            row.id, row.kind, row.made_by, row.made_at, row.model, row.file, row.state, row.done, row.total, row.passed,
            row.error, row.ended_at, results,
        )  # fmt: skip
        if not made.is_open:  # its server may have been killed in the middle of a step
            made.break_off()
        return made

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.state in OPEN

    def to_dict(self, results: bool = True, failed: bool = False) -> dict[str, Any]:
        """Return it as the contract describes it."""
        is_training = self.kind == TRAINING
        tests = [] if is_training or not results else self.results
        shown = [one for one in tests if not failed or one["passed"] is False or _changed(one)]
        ended = self.ended_at or time.time()
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "made_by": self.made_by, "made_at": iso(self.made_at),
            "ended_at": iso(self.ended_at), "model": self.model, "done": self.done, "total": self.total,
            "passed": self.passed, "error": self.error, "file": self.file, "results": shown, "next": None,
            "seconds": round(ended - self.made_at, 1), "steps": self.results if is_training else [],
        }  # fmt: skip

    def take(self, said: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> None:
        """Note what the process of the run said.

        Args:
            said: `event` and what belongs to it (see `milia.staff.worker`).
            before: results of the run before, by name.
        """
        event = said["event"]
        if event == "loaded":
            self.state, self.total = RUNNING, said["total"]
        elif event == "result":
            _compare(said["result"], before.get(said["result"]["name"]))
            self.results.append(said["result"])
            self.done += 1
            self.passed += bool(said["result"]["passed"])
        elif event == "step":
            self.results.append({"title": said["title"], "state": RUNNING, "seconds": 0.0, "detail": ""})
        elif event == "step-goes-on":
            self.results[-1] |= {"seconds": said["seconds"], "detail": said["detail"]}
        elif event == "step-ended":
            self.results[-1] |= {"state": said["state"], "seconds": said["seconds"], "detail": ""}
            self.done += 1
        elif event == "failed":
            self.state, self.error = FAILED, said["reason"]
        elif event == "end":
            self.state = DONE

    def break_off(self) -> None:
        """Note, once it is over, that the step in progress did not end."""
        for step in self.results if self.kind == TRAINING else ():
            if step["state"] == RUNNING:
                step["state"] = CANCELLED if self.state == CANCELLED else FAILED


def _changed(result: Mapping[str, Any]) -> bool:
    before = result.get("before")
    return (before is not None and before != result["passed"]) or any(turn["changed"] for turn in result["turns"])


def _compare(result: dict[str, Any], before: Mapping[str, Any] | None) -> None:
    """Note what is other than in the run before."""
    result["before"] = before["passed"] if before else None
    for turn, was in zip(result["turns"], before["turns"] if before else (), strict=False):
        turn["changed"] = [
            f"{name}: was {_shown(was[name])}, is {_shown(turn[name])}"
            for name in ("topics", "signs", "level", "text")
            if was.get(name) != turn[name]
        ]


def _shown(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value if value is not None else "none")
