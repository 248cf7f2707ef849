"""`milia eval`: scores the whole bot on everything that is held out, and checks every reply of the run.

Writes `report.md`, `misses.csv`, `results.json` and four pictures. What "right" means stands in `scores`, what must hold
for every reply in `replies`. Sentences that the training data has too are left out and counted.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from milia.evaluation import plots, scores
from milia.evaluation.heldout import (
    FOLDER,
    Bot,
    HeldOutError,
    Message,
    known_labels,
    load_messages,
    load_sign_sentences,
    run_message,
    run_sign_sentence,
)
from milia.evaluation.overlap import overlaps, training_examples
from milia.evaluation.redaction_scores import REDACTION_FILE, RedactionScores, load_marked, score_redaction
from milia.evaluation.replay import find_model
from milia.evaluation.replies import Recorder, Violation, load_reply_rules
from milia.evaluation.scores import Answered, Goal, Share, SignCase, SignScores
from milia.evaluation.suites import Outcome, run_behavioural_suite, run_dialogs
from milia.evaluation.yaml_reader import FileError
from milia.sign_catalog import Level, load_signs

T = TypeVar("T")
CSV_COLUMNS = ("part", "source", "message", "expected", "got", "note")
MOST_CONFUSIONS = 40
HELD_OUT_DIALOGS = "held-out dialogs"
_RIGHT = (
    "*Right* is strict (exactly what was asked is answered) or allows one topic too many. Intervals are Wilson's. "
    "{left_out} held-out messages stand in the training data (greetings and the like) and are left out."
)


@dataclass
class Run:
    """All that one evaluation brought.

    Attributes:
        messages: held-out messages with what was answered.
        signs: sentences with warning signs, and traps.
        levels: the level of each warning sign.
        dialogs: outcomes by suite: `dialogs`, `held-out dialogs`, `behaviour`; a suite that is not there is missing.
        replies: number of replies that were checked.
        violations: replies that break a rule.
        left_out: held-out sentences that the training data has too.
        redaction: personal data found in messages, and what was removed that must stay.
    """

    messages: list[Answered] = field(default_factory=list)
    signs: list[SignCase] = field(default_factory=list)
    levels: dict[str, Level] = field(default_factory=dict)
    dialogs: dict[str, list[Outcome]] = field(default_factory=dict)
    replies: int = 0
    violations: list[Violation] = field(default_factory=list)
    left_out: int = 0
    redaction: RedactionScores = field(default_factory=RedactionScores)

    @property
    def sign_scores(self) -> SignScores:
        """The figures of the warning signs."""
        return scores.sign_scores(self.signs, self.levels)

    @property
    def goals(self) -> list[Goal]:
        """All goals, with what was reached."""
        goals = scores.message_goals(self.messages)
        if HELD_OUT_DIALOGS in self.dialogs:
            count = passed(self.dialogs[HELD_OUT_DIALOGS])
            goals.append(Goal("dialog turns right", count.rate, 0.92, count=count))
        for rule in ("provider", "figure", "wording"):
            broken = len({(v.user, v.text) for v in self.violations if v.rule == rule})
            count = Share(self.replies - broken, self.replies)
            goals.append(Goal(f"replies that keep the rule: {rule}", count.rate, 1.0, count=count))
        return goals + self.redaction.goals


def passed(outcomes: Sequence[Outcome]) -> Share:
    """Count the turns or pairs that passed."""
    return Share(sum(one.passed for one in outcomes), len(outcomes))


def evaluate(bot: Bot, root: Path) -> Run:
    """Take everything that is held out through the bot.

    Args:
        bot: the whole bot.
        root: the project folder.

    Raises:
        HeldOutError: a file of held-out sentences is not in order.
        FileError: a dialog test or the behavioural suite is not in order.
    """
    folder = root / FOLDER
    catalog = load_signs(root / "data" / "content" / "warning_signs.yml")
    messages, left_out = held_out_messages(root)
    sentences = load_sign_sentences(folder, catalog.signs)
    run = Run(levels={sign: catalog[sign].level for sign in catalog}, left_out=left_out)
    recorder = Recorder(bot)
    run.messages = [run_message(recorder, message) for message in track(messages, "messages")]
    run.signs = [run_sign_sentence(recorder, sentence) for sentence in track(sentences, "warning signs")]
    for name, path in (("dialogs", root / "tests" / "dialogs"), (HELD_OUT_DIALOGS, folder / "dialogs")):
        if path.is_dir():
            run.dialogs[name] = list(track(run_dialogs(recorder, path), name))
    if (folder / "behaviour.yml").is_file():
        run.dialogs["behaviour"] = list(track(run_behavioural_suite(recorder, folder / "behaviour.yml"), "behaviour"))
    if (folder / REDACTION_FILE).is_file():
        run.redaction = score_redaction(load_marked(folder / REDACTION_FILE))
    rules = load_reply_rules(root)
    run.replies = len(recorder.turns)
    for turn, after_question in track(recorder.turns, "every reply"):
        run.violations += rules.violations(turn, after_question)
    return run


def held_out_messages(root: Path) -> tuple[list[Message], int]:
    """Return the held-out messages that are scored, and how many are left out since the training data has them too.

    Raises:
        HeldOutError: a held-out file is not in order.
    """
    topics = [path.stem for path in (root / "data" / "content" / "topics").glob("*.yml")]
    messages = load_messages(root / FOLDER, known_labels(topics))
    known = {one.text for one in overlaps([m.text for m in messages], list(training_examples(root / "data" / "nlu")))}
    kept = [message for message in messages if message.text not in known]
    return kept, len(messages) - len(kept)


def track(items: Iterable[T], name: str) -> Iterator[T]:
    """Yield the items: with a progress bar on a terminal, else with a line every 250 items and at the end."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=name)
        return
    total = f"/{len(items)}" if isinstance(items, Sequence) else ""
    began, count = time.monotonic(), 0
    for count, item in enumerate(items, 1):
        yield item
        if count % 250 == 0:
            print(f"{name}: {count}{total} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    print(f"{name}: {count} done ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------------------------------- results
def commit(root: Path) -> dict[str, Any]:
    """Return the commit that the folder is at, and whether files differ from it."""
    try:
        name = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return {"id": "unknown", "dirty": None}
    return {"id": name, "dirty": bool(changes)}


def model_identity(model: Path, root: Path) -> dict[str, Any]:
    """Return a model's name, the digest of its file, and whether it was trained on the present data and code."""
    from milia.training import model_path

    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    return {"name": model.name, "sha256": digest, "current": model.name == model_path(root).name}


def as_json(count: Share) -> dict[str, Any]:
    """Return a share with its interval, as JSON values."""
    low, high = count.interval
    rate = round(count.rate, 4) if count.total else None
    return {"right": count.right, "total": count.total, "rate": rate, "low": round(low, 4), "high": round(high, 4)}


def results(run: Run, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return all figures as JSON values.

    Args:
        run: the evaluation.
        origin: commit, model and time, put first.
    """
    signs = run.sign_scores
    _, error = scores.reliability(confidence_points(run.messages))
    return {
        **origin,
        "goals": [
            {
                "name": g.name,
                "value": None if math.isnan(g.value) else g.value,
                "goal": g.bound,
                "at_most": g.at_most,
                "reached": g.reached,
            }
            for g in run.goals
        ],
        "messages": {name: as_json(count) for name, count in scores.message_scores(run.messages).items()},
        "left_out": run.left_out,
        "topics": {
            name: {key: as_json(getattr(one, key)) for key in ("recall", "precision", "lenient", "strict")}
            for name, one in scores.by_topic(run.messages).items()
        },
        "calibration_error": round(error, 4),
        "signs": {name: as_json(count) for name, count in sign_rows(signs)},
        "by_sign": {sign: as_json(count) for sign, count in signs.by_sign.items()},
        "levels": [{"expected": a, "given": b, "count": n} for (a, b), n in sorted(signs.levels.items())],
        "redaction": {name: as_json(count) for name, count in run.redaction.rows},
        "suites": {name: as_json(passed(outcomes)) for name, outcomes in run.dialogs.items()},
        "replies": {"checked": run.replies, "violations": dict(Counter(one.rule for one in run.violations))},
    }


def confidence_points(messages: Iterable[Answered]) -> list[tuple[float, bool]]:
    """Return the confidence of each message's intent, and whether all that the intent stands for is asked."""
    return [(one.confidence, bool(one.intent) and one.intent <= one.asked) for one in messages]


def sign_rows(signs: SignScores) -> list[tuple[str, Share]]:
    """Return the figures of the warning signs under the names of the report."""
    return [
        ("signs found", signs.all_signs),
        ("emergency signs found", signs.emergency),
        ("emergencies answered as such", signs.emergency_level),
        ("false alarms: a sign of level 2 or more on a trap", signs.false_alarms),
        ("sentences with a sign too many, of a higher level", signs.extra),
        ("at just the expected level", signs.exact_level),
        ("below the expected level", signs.under),
        ("above the expected level", signs.over),
    ]


# ------------------------------------------------------------------------------------------------------------ the report
def goal_table(goals: Iterable[Goal]) -> str:
    """Return the goals as a table in Markdown."""
    rows = []
    for goal in goals:
        low, high = goal.count.interval if goal.count else (goal.value, goal.value)
        counted = f"{goal.count.right}/{goal.count.total}" if goal.count else ""
        bound = f"{'at most' if goal.at_most else 'at least'} {goal.bound:g}"
        reached = "reached" if goal.reached else "**missed**"
        rows.append((goal.name, f"{goal.value:.3f}", f"{low:.3f} to {high:.3f}", counted, bound, reached))
    return table(("figure", "value", "95% interval", "of", "goal", ""), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines])


def _share(count: Share) -> str:
    low, high = count.interval
    return f"{count.rate:.3f} ({count.right}/{count.total}; {low:.3f} to {high:.3f})" if count.total else "-"


def _origin(origin: Mapping[str, Any]) -> str:
    made, model = origin["commit"], origin["model"]
    changed = " with uncommitted changes" if made["dirty"] else ""
    current = "of" if model["current"] else "**not of**"
    return f"Commit {made['id']}{changed}; model {model['name']} ({current} the present data and code); {origin['at']}."


def report(run: Run, origin: Mapping[str, Any]) -> str:
    """Return the report in Markdown."""
    topics = sorted(scores.by_topic(run.messages).items(), key=lambda item: item[1].lenient.rate)
    signs = run.sign_scores
    off = [row for row in sorted(signs.levels.items()) if row[0][0] != row[0][1]]
    bins, error = scores.reliability(confidence_points(run.messages))
    confusions = scores.mistakes(run.messages).most_common(MOST_CONFUSIONS)
    broken = Counter(one.rule for one in run.violations)
    return "\n\n".join(
        [
            "# Evaluation",
            _origin(origin),
            "## Goals",
            goal_table(run.goals),
            _RIGHT.format(left_out=run.left_out),
            "## Messages",
            table(("figure", "share"), [(n, _share(c)) for n, c in scores.message_scores(run.messages).items()]),
            "### By label",
            table(
                ("label", "messages", "found", "precision", "right, one extra allowed", "right, strict"),
                [
                    (
                        name,
                        one.recall.total,
                        f"{one.recall.rate:.2f}",
                        f"{one.precision.rate:.2f}" if one.precision.total else "-",
                        f"{one.lenient.rate:.2f}",
                        f"{one.strict.rate:.2f}",
                    )
                    for name, one in topics
                ],
            ),
            "### What is confused with what",
            "A label that was missed, and one that was given without being asked; `-` when nothing stands on that side.",
            table(("missed", "given", "messages"), [(a, b, n) for (a, b), n in confusions]),
            "![Confusion matrix](confusion.png)",
            "### Confidence",
            f"Expected calibration error of the intent: {error:.3f}.",
            table(
                ("confidence", "messages", "mean", "right"),
                [(f"{b.low:.1f} to {b.high:.1f}", b.count, f"{b.confidence:.2f}", f"{b.accuracy:.2f}") for b in bins],
            ),
            "![Reliability](reliability.png)\n![Coverage against rejection](coverage.png)",
            "## Warning signs",
            table(("figure", "share"), [(name, _share(count)) for name, count in sign_rows(signs)]),
            "### Levels that differ",
            table(("expected", "given", "sentences"), [(a, b, n) for (a, b), n in off]),
            "### By sign",
            table(
                ("sign", "level", "found"),
                [
                    (sign, run.levels[sign].id, f"{count.right}/{count.total}")
                    for sign, count in sorted(signs.by_sign.items(), key=lambda one: (one[1].rate, one[0]))
                ],
            ),
            "![Warning signs](signs.png)",
            "## Dialogs and behaviour",
            table(
                ("suite", "right"),
                [(name, _share(passed(outcomes))) for name, outcomes in run.dialogs.items()],
            ),
            "## Personal data",
            "Messages with and without personal data, through the redaction alone (`docs/privacy.md`).",
            table(("figure", "share"), [(name, _share(count)) for name, count in run.redaction.rows]),
            "## Every reply",
            f"{run.replies} replies were checked; rules broken: "
            + (", ".join(f"{rule} {count} times" for rule, count in sorted(broken.items())) or "none")
            + ". `misses.csv` has each miss.\n",
        ]
    )


def misses(run: Run) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield each miss as a row of the CSV file."""
    for one in run.messages:
        if not one.strict:
            note = f"confidence {one.confidence:.2f}{', one topic too many' if one.lenient else ''}"
            yield "message", one.source, one.text, _listed(one.asked), _listed(one.topics) or one.instead, note
    for case in run.signs:
        expected = scores.expected_level(case, run.levels)
        if not case.expected <= case.signs or scores.alarmed(case, run.levels) or case.level != expected:
            note = f"level {expected.id}, given {case.level.id}"
            yield "sign", "trap" if case.trap else "sign", case.text, _listed(case.expected), _listed(case.signs), note
    for name, outcomes in run.dialogs.items():
        for outcome in outcomes:
            if not outcome.passed:
                yield name, outcome.name, outcome.said, "", "", outcome.difference
    for text, fault, piece in run.redaction.misses:
        yield "redaction", fault, text, "", piece, ""
    for broken in run.violations:
        yield "reply", broken.rule, broken.user, "", broken.text, broken.fault


def _listed(names: Iterable[str]) -> str:
    return " ".join(sorted(names))


def write(run: Run, origin: Mapping[str, Any], out: Path) -> None:
    """Write report, misses, results and pictures into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(report(run, origin), encoding="utf-8")
    (out / "results.json").write_text(json.dumps(results(run, origin), indent=1) + "\n", encoding="utf-8")
    with (out / "misses.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        writer.writerows(misses(run))
    bins, error = scores.reliability(confidence_points(run.messages))
    plots.plot_confusion(scores.confusion(run.messages), out / "confusion.png")
    plots.plot_reliability(bins, error, out / "reliability.png")
    plots.plot_coverage(scores.coverage_curve(run.messages), out / "coverage.png")
    plots.plot_signs(run.sign_scores.by_sign, {k: int(v) for k, v in run.levels.items()}, out / "signs.png")


# ----------------------------------------------------------------------------------------------------------- the command
def command(arguments: argparse.Namespace) -> int:
    """Run `milia eval`; returns 0, 1 when a reply breaks a rule, 2 when it can not run."""
    root = Path.cwd()
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    from milia.evaluation.bot import Bot as WholeBot

    print(f"Loading {model.name} ...", file=sys.stderr, flush=True)
    try:
        run = evaluate(WholeBot(model, root), root)
    except (HeldOutError, FileError, OSError) as error:
        print(f"milia eval: {error}", file=sys.stderr)
        return 2
    at = time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC"
    origin = {"commit": commit(root), "model": model_identity(model, root), "at": at}
    write(run, origin, arguments.out)
    print(goal_table(run.goals))
    signs = sign_rows(run.sign_scores)[:4]
    print("\nWarning signs: " + ", ".join(f"{name} {count.rate:.3f}" for name, count in signs))
    print("Suites: " + ", ".join(f"{name} {passed(outcomes).rate:.3f}" for name, outcomes in run.dialogs.items()))
    print(f"Written to {arguments.out}: report.md, misses.csv, results.json and four pictures.")
    if run.violations:
        broken = Counter(one.rule for one in run.violations)
        print(f"Replies that break a rule: {dict(broken)} of {run.replies}; see misses.csv.", file=sys.stderr)
    return 1 if run.violations else 0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia eval`."""
    parser = subparsers.add_parser("eval", help="score the bot on everything that is held out")
    parser.add_argument("--model", type=Path, help="model archive (default: the one that `milia train` made last)")
    parser.add_argument("--out", type=Path, default=Path("results/eval"), help="folder for the report")
    parser.set_defaults(func=command)
