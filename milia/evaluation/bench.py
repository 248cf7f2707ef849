"""`milia bench`: this project's pipeline beside Rasa's stock one, on the same data, in one run.

Both have the same policies, rules, domain, store and action code. Each measurement runs in a process of its own
(`bench_worker`), and the two models take turns, so that what else the machine does falls on both. Takes long the first
time: the stock pipeline is trained (`stock`), hours for all of the data. `--examples N` lets both learn from the same
sample of N, with all their epochs. `--quick` tries it all out on a sample; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from milia.content import LOADER
from milia.evaluation import scores
from milia.evaluation.report import as_json, commit, table
from milia.evaluation.scores import Answered
from milia.evaluation.stock import (
    QUICK_EXAMPLES,
    Trained,
    TrainingError,
    cpu_name,
    sample_examples,
    stock_model,
    train_model,
)
from milia.processes import QUIET_ENVIRONMENT
from milia.sign_catalog import Level

OURS, STOCK = "ours", "stock"
MIN_EXAMPLES = 300
# Results by model and task, one for each round.
Measured = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
ACCURACY = ("right, one extra topic allowed", "right, strict", "no_answer recognised", "out_of_scope recognised")


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds of each task, and the messages or conversations of one."""

    rounds: Mapping[str, int]
    counts: Mapping[str, int]


FULL = Plan(
    {"start": 5, "speed": 3, "long": 1, "profile": 1, "score": 1},
    {"start": 0, "speed": 200, "long": 3, "profile": 200, "score": 0},
)
QUICK = Plan(
    {"start": 1, "speed": 1, "long": 1, "profile": 1, "score": 1},
    {"start": 0, "speed": 40, "long": 1, "profile": 40, "score": 100},
)


@dataclass(frozen=True)
class Row:
    """A figure of both models.

    Attributes:
        name: what is measured, with its unit.
        ours: our value.
        stock: the stock pipeline's.
        bound: what our value may be at most, as a share of the other's; None when it is only reported.
        digits: decimals shown.
    """

    name: str
    ours: float
    stock: float
    bound: float | None = None
    digits: int = 1

    @property
    def ratio(self) -> float:
        """Ours over the stock's."""
        return self.ours / self.stock if self.stock else math.nan

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is within its bound; None when there is none."""
        return None if self.bound is None else self.ratio <= self.bound


# ----------------------------------------------------------------------------------------------------------- measuring
def measure(root: Path, models: Mapping[str, Trained], plan: Plan) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Run every task on both models, taking turns; the first of a pair changes from round to round.

    Returns:
        The results by model and task, one for each round.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {name: {task: [] for task in plan.rounds} for name in models}
    steps = [(task, number) for task, rounds in plan.rounds.items() for number in range(rounds)]
    for done, (task, number) in enumerate(steps):
        for name in sorted(models, reverse=bool(number % 2)):
            print(f"[{done + 1}/{len(steps)}] {task}, round {number + 1}: {name}", file=sys.stderr, flush=True)
            found[name][task].append(run_worker(root, task, models[name].model, plan.counts[task]))
    return found


def run_worker(root: Path, task: str, model: Path, count: int) -> dict[str, Any]:
    """Run one task in a process of its own; its result gets the time at which the process was started.

    Raises:
        RuntimeError: the task failed; its output was shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        command = [sys.executable, "-W", "ignore", "-m", "milia.evaluation.bench_worker", task, str(model), str(out)]
        log = Path(folder) / "log"
        started_at = time.time()
        with log.open("w") as file:
            code = subprocess.call(
                [*command, str(count)],
                cwd=root,
                env={**os.environ, **QUIET_ENVIRONMENT},
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        if code:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise RuntimeError(f"{task} with {model.name} ended with {code}:\n" + "\n".join(lines[-15:]))
        return {"started_at": started_at, **json.loads(out.read_text(encoding="utf-8"))}


# ------------------------------------------------------------------------------------------------------------- figures
def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that so many per cent of the values do not exceed (nearest rank).

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def answered_of(rows: Iterable[Mapping[str, Any]]) -> list[Answered]:
    """Return the messages that a worker answered."""
    return [
        Answered(
            row["text"],
            frozenset(row["asked"]),
            frozenset(row["topics"]),
            Level.from_id(row["level"]),
            asked_which=row["asked_which"],
        )
        for row in rows
    ]


def speed_figures(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, float]:
    """Return one model's times and memory from its measurements."""
    times = [value for one in found["speed"] for value in one["ms"]]
    turns = [run for one in found["long"] for run in one["ms"]]
    return {
        "start_s": statistics.median(one["answered_at"] - one["started_at"] for one in found["start"]),
        "memory_mb": statistics.median(one["memory_mb"] for one in found["start"]),
        "p50_ms": percentile(times, 50),
        "p99_ms": percentile(times, 99),
        "turn_2_ms": statistics.median(run[1] for run in turns),
        # The turns around the hundredth, so that one slow message does not decide.
        "turn_100_ms": statistics.median(value for run in turns for value in run[-5:]),
    }


def rows(models: Mapping[str, Trained], sizes: Mapping[str, int], found: Measured) -> list[Row]:
    """Return the table's rows.

    Args:
        models: both trained models.
        sizes: bytes of each model.
        found: from `measure`.
    """
    figures = {name: speed_figures(found[name]) for name in models}
    accuracy = {name: scores.message_scores(answered_of(found[name]["score"][-1]["messages"])) for name in models}

    def row(name: str, value: Callable[[str], float], bound: float | None = None, digits: int = 1) -> Row:
        return Row(name, value(OURS), value(STOCK), bound, digits)

    def share(key: str) -> Row:
        return row(f"held-out: {key}", lambda n: accuracy[n][key].rate, digits=3)

    def errors(key: str) -> Row:
        return row(
            f"held-out: errors ({key})", lambda n: float(accuracy[n][key].total - accuracy[n][key].right), 1 / 3, 0
        )

    return [
        *map(share, ACCURACY),
        *map(errors, ACCURACY[:2]),
        row("training, s", lambda n: models[n].seconds, 0.1, 0),
        row("model, MB", lambda n: sizes[n] / 1e6, digits=2),
        row("resident memory, MB", lambda n: figures[n]["memory_mb"], 0.8, 0),
        row("start to first answer, s", lambda n: figures[n]["start_s"], 0.6),
        row("a message, p50, ms", lambda n: figures[n]["p50_ms"], 0.6),
        row("a message, p99, ms", lambda n: figures[n]["p99_ms"]),
        row("turn 2 of a conversation, ms", lambda n: figures[n]["turn_2_ms"]),
        row("turn 100 of a conversation, ms", lambda n: figures[n]["turn_100_ms"]),
    ]


def discordant(first: Sequence[Answered], second: Sequence[Answered]) -> tuple[int, int]:
    """Return how many messages only the first, and only the second model has right (one extra topic allowed)."""
    pairs = [(a.lenient, b.lenient) for a, b in zip(first, second, strict=True)]
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)


def profile_rows(profile: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return (part, milliseconds a message, share) from the slowest part on; what no part accounts for comes last."""
    total, parts = float(profile["total_ms"]), dict(profile["parts_ms"])
    named = [(name, ms, ms / total) for name, ms in sorted(parts.items(), key=lambda one: -one[1])]
    rest = total - sum(parts.values())
    return [*named, ("rest: Rasa's processor, policies' features, events", rest, rest / total)]


# -------------------------------------------------------------------------------------------------------------- report
def bench_table(made: Iterable[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = []
    for row in made:
        goal = "" if row.bound is None else f"ratio at most {row.bound:.2g}"
        reached = {None: "", True: "reached", False: "**missed**"}[row.reached]
        ratio = "-" if math.isnan(row.ratio) else f"{row.ratio:.2f}"
        lines.append((row.name, f"{row.ours:.{row.digits}f}", f"{row.stock:.{row.digits}f}", ratio, goal, reached))
    return table(("figure", "ours", "stock", "ratio", "goal", ""), lines)


def report(data: Mapping[str, Any], made: Sequence[Row]) -> str:
    """Return the report in Markdown."""
    quick = "\n\n**QUICK: a trial on a sample with 2 epochs; these figures mean nothing.**" if data["quick"] else ""
    changed = " with uncommitted changes" if data["commit"]["dirty"] else ""
    machine, trained_on = f"{data['cpu']}, {data['cores']} cores", data["models"][STOCK]
    origin = (
        f"Commit {data['commit']['id']}{changed}; {data['at']}; {machine}. The stock model was trained on "
        f"{trained_on['cpu']}, {trained_on['cores']} cores."
    )
    only_ours, only_stock = data["only_right"]
    compared = (
        f"Of the held-out messages, only ours has {only_ours} right, only the stock pipeline {only_stock} (one extra "
        f"topic allowed; exact McNemar test: p = {data['p']:.2g}). The stock pipeline gives one intent a message, so a "
        "message with two questions for which no one intent stands is wrong there by design."
    )
    title = f"# Benchmark: our pipeline and Rasa's stock pipeline{quick}"
    if data["examples"]:
        origin += f" Both learned from the same sample of {data['examples']} training examples, not from all."
    parts = [title, origin, bench_table(made), compared, "## Where the time of a message goes"]
    for name in (OURS, STOCK):
        shown = [(part, f"{ms:.2f}", f"{share:.0%}") for part, ms, share in data["profile"][name]]
        parts += [f"### {name}: {data['profile_ms'][name]:.1f} ms on average", table(("part", "ms", "share"), shown)]
    return "\n\n".join(parts) + "\n"


def command(arguments: argparse.Namespace) -> int:
    """Run `milia bench`; returns 0, or 1 when a training or measurement failed."""
    root = Path.cwd()
    config = yaml.load((root / "config.yml").read_text(encoding="utf-8"), Loader=LOADER)
    at = time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC"
    count = QUICK_EXAMPLES if arguments.quick else arguments.examples
    if count is not None and count < MIN_EXAMPLES:
        print(f"milia bench: --examples {count} is too few; allowed: {MIN_EXAMPLES} or more", file=sys.stderr)
        return 2
    origin = {"commit": commit(root), "at": at, "cpu": cpu_name(), "cores": os.cpu_count(), "quick": arguments.quick}
    origin["examples"] = count
    if arguments.quick:
        print("QUICK: a trial on a sample with 2 epochs; its figures mean nothing.", flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            nlu = root / "data" / "nlu"
            if count is not None:
                nlu = Path(folder) / "nlu"
                sample_examples(root / "data" / "nlu", nlu, count)
            kept = Path(folder) if arguments.quick else root / "models"
            stock = stock_model(root, config, nlu, kept, arguments.quick)
            print("Training our pipeline ...", file=sys.stderr, flush=True)
            ours = train_model(root, config, nlu, Path(folder) / "models", "ours", arguments.quick)
            models = {OURS: ours, STOCK: stock}
            found = measure(root, models, QUICK if arguments.quick else FULL)
            sizes = {name: models[name].model.stat().st_size for name in models}
            made = rows(models, sizes, found)
    except (TrainingError, RuntimeError, OSError) as error:
        print(f"milia bench: {error}", file=sys.stderr)
        return 1
    data = results(origin, models, sizes, found, made)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(report(data, made), encoding="utf-8")
    print(bench_table(made))
    mark = " (QUICK: they mean nothing)" if arguments.quick else ""
    print(f"\nWritten to {out}{mark}: report.md with the profile, results.json.")
    return 0


def results(
    origin: Mapping[str, Any],
    models: Mapping[str, Trained],
    sizes: Mapping[str, int],
    found: Measured,
    made: Sequence[Row],
) -> dict[str, Any]:
    """Return all that was measured as JSON values: no message's text is in it."""
    answered = {name: answered_of(found[name]["score"][-1]["messages"]) for name in models}
    only = discordant(answered[OURS], answered[STOCK])
    return {
        **origin,
        "models": {n: {**models[n].facts(), "name": models[n].model.name, "bytes": sizes[n]} for n in models},
        "rows": [
            {"name": r.name, "ours": r.ours, "stock": r.stock, "ratio": r.ratio, "goal": r.bound, "reached": r.reached}
            for r in made
        ],
        "held_out": {n: {k: as_json(v) for k, v in scores.message_scores(answered[n]).items()} for n in models},
        "only_right": only,
        "p": scores.sign_test(*only),
        "profile": {n: profile_rows(found[n]["profile"][-1]) for n in models},
        "profile_ms": {n: found[n]["profile"][-1]["total_ms"] for n in models},
        "measured": {n: {task: found[n][task] for task in ("start", "speed", "long")} for n in models},
    }


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia bench`."""
    parser = subparsers.add_parser("bench", help="compare with Rasa's stock pipeline (long: trains it the first time)")
    parser.add_argument("--out", type=Path, default=Path("results/bench"), help="folder for the report")
    parser.add_argument("--quick", action="store_true", help="a trial on a sample; its figures mean nothing")
    parser.add_argument("--examples", type=int, metavar="N", help="both learn from the same sample of N examples")
    parser.set_defaults(func=command)
