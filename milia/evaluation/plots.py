"""The pictures of the evaluation report, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from milia.evaluation.scores import Bin, Operating, Share

_BLUE, _GREY, _RED = "#2b6ca3", "#8a8f98", "#b3402e"


def _figure(width: float, height: float) -> tuple[Any, Any]:
    """Return a figure and its axes, drawn without any screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def plot_confusion(counts: Mapping[tuple[str, str], int], path: Path) -> None:
    """Draw the confusion matrix of main labels, each row a share of its messages."""
    import numpy as np

    asked = sorted({row for row, _ in counts})
    given = [*asked, *sorted({column for _, column in counts} - set(asked))]
    table = np.zeros((len(asked), len(given)))
    for (main, answer), count in counts.items():
        table[asked.index(main), given.index(answer)] = count
    totals = table.sum(axis=1, keepdims=True)
    figure, axes = _figure(0.36 * len(given) + 3, 0.33 * len(asked) + 2.6)
    axes.imshow(table / totals, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row in range(len(asked)):
        for column in range(len(given)):
            if table[row, column]:
                dark = table[row, column] / totals[row, 0] > 0.5
                color = "white" if dark else "black"
                axes.text(column, row, int(table[row, column]), ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(len(given)), given, rotation=90, fontsize=8)
    axes.set_yticks(range(len(asked)), asked, fontsize=8)
    axes.set_xlabel("answered")
    axes.set_ylabel("asked (main label)")
    axes.set_title("What was answered for what was asked (messages)")
    figure.savefig(path)


def plot_reliability(bins: Sequence[Bin], error: float, path: Path) -> None:
    """Draw confidence against how often it is right, with the number of messages of each bin."""
    figure, axes = _figure(5.5, 5)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="perfectly calibrated")
    axes.plot([one.confidence for one in bins], [one.accuracy for one in bins], color=_BLUE, marker="o", label="intent")
    for one in bins:
        axes.annotate(str(one.count), (one.confidence, one.accuracy), (4, -11), textcoords="offset points", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence of the intent", ylabel="share that is right")
    axes.set_title(f"Reliability (expected calibration error {error:.3f})")
    axes.legend(loc="upper left")
    figure.savefig(path)


def plot_coverage(curve: Sequence[Operating], path: Path) -> None:
    """Draw how many answerable messages stay answered as more of the unanswerable are rejected."""
    figure, axes = _figure(5.5, 5)
    rejection = [one.rejection for one in curve]
    axes.plot(rejection, [one.coverage for one in curve], color=_BLUE, label="answerable messages answered")
    axes.plot(rejection, [one.accuracy for one in curve], color=_RED, label="of those, right")
    axes.plot(rejection[:1], [curve[0].coverage], color=_BLUE, marker="o")
    axes.annotate("as the bot is", (rejection[0], curve[0].coverage), (6, -14), textcoords="offset points", fontsize=8)
    axes.set(xlim=(min(rejection) - 0.02, 1.01), ylim=(0, 1.02))
    axes.set_xlabel("messages that the article does not answer: share rejected")
    axes.set_title("Coverage against rejection, as a confidence threshold rises", fontsize=11)
    axes.legend(loc="lower left")
    figure.savefig(path)


def plot_signs(recall: Mapping[str, Share], levels: Mapping[str, int], path: Path) -> None:
    """Draw how often each warning sign is found, the gravest level first.

    Args:
        recall: counts by sign.
        levels: the level of each sign, 1 to 4.
        path: the PNG file.
    """
    signs = sorted(recall, key=lambda sign: (levels[sign], recall[sign].rate, sign))
    colors = {1: _GREY, 2: "#c9a227", 3: "#d9742b", 4: _RED}
    figure, axes = _figure(8, 0.2 * len(signs) + 1.4)
    axes.barh(range(len(signs)), [recall[sign].rate for sign in signs], color=[colors[levels[sign]] for sign in signs])
    for place, sign in enumerate(signs):
        axes.text(1.01, place, f"{recall[sign].right}/{recall[sign].total}", va="center", fontsize=7)
    axes.set_yticks(range(len(signs)), [f"{sign} ({levels[sign]})" for sign in signs], fontsize=7)
    axes.set(xlim=(0, 1.1), ylim=(-0.7, len(signs) - 0.3), xlabel="share of sentences in which the sign is found")
    axes.set_title("Warning signs found, by sign (level)")
    figure.savefig(path)
