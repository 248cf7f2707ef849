"""A training for the staff console: checks the content, trains, tries the new model out; tells each step as it happens.

Runs in the process of `milia.staff.worker`, beside the server, at a lower priority.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from milia import model_record, training
from milia.processes import CommandError, stop_on_signals
from milia.progress import Progress
from milia.staff.texts import texts

Say = Callable[..., None]
# What Rasa and the network print of their progress.
_COMPONENT = re.compile(r"Starting to train component '(\w+)'")
_INNER = re.compile(r"- (\w+): step (\d+) of (\d+)\.")
_TOLD_SECONDS = 2.0
_TRIED = "how long do milia last"


class TrainingLog:
    """What a training has printed since one looked last.

    Args:
        path: of its log; need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0

    def fresh(self) -> str:
        """Return the lines that are new and whole; a log that began anew is read from its start."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(self._read if size >= self._read else 0)
                new = file.read()
        except OSError:
            return ""
        whole = new[: new.rfind(b"\n") + 1]
        self._read = (self._read if size >= self._read else 0) + len(whole)
        return whole.decode(errors="replace")


class TrainingProgress(Progress):
    """Tells the console of each step, and within a training of each component's.

    Nothing is told while the training prints nothing: so one that hangs is noticed.

    Args:
        say: reports.
        log: of the training.
    """

    def __init__(self, say: Say, log: Path) -> None:
        super().__init__(0)
        self._report, self._log = say, TrainingLog(log)
        self._named: dict[str, Any] = dict(texts()["training"])
        self._detail, self._told = "", 0.0

    def tick(self) -> None:
        """Tell how far the training is, if it has printed anything."""
        printed = self._log.fresh()
        if not printed:
            return
        for line in printed.splitlines():
            component, inner = _COMPONENT.search(line), _INNER.search(line)
            if component:
                self._finish("ok")
                self._began = time.monotonic()
                self._begin(self._named["component"].format(name=self._named["components"].get(component[1], component[1])))
            elif inner:
                self._detail = f"{self._named['parts'].get(inner[1], inner[1])}: {int(inner[2]):,} / {int(inner[3]):,}"
        if time.monotonic() - self._told > _TOLD_SECONDS:
            self._told = time.monotonic()
            self._report("step-goes-on", seconds=self._seconds, detail=self._detail)

    def say(self, text: str) -> None:
        """Tell nothing: the steps are what is shown."""

    def _begin(self, title: str) -> None:
        self._detail, self._told = "", time.monotonic()
        self._report("step", title=title)

    def _finish(self, word: str) -> None:
        self._report("step-ended", state=word, seconds=self._seconds)

    @property
    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 1)


def train(root: Path, model: Path, keep: Collection[str], say: Say) -> None:
    """Train the model of the present inputs.

    Args:
        root: the project's folder.
        model: the archive that it has to become; another one means that the inputs have changed since it was asked for.
        keep: names of archives that stay.
        say: reports.

    Raises:
        CommandError: The content is not in order, the training failed or was stopped, or what came of it does not answer.
    """
    named = texts()["training"]
    progress = TrainingProgress(say, root / training.LOG)
    say("loaded", total=0)
    with stop_on_signals() as request:
        with progress.step(named["checking"]):
            training.refuse_content_problems(training.content_problems(root))
            if training.model_path(root) != model:
                raise CommandError("the files have changed since the training was asked for: start it again")
        with progress.step(named["preparing"]):
            made = training.train(root, progress=progress, request=request, keep=keep)
    # From here on a signal ends the process at once: the new model is whole, and what serves is another one.
    with progress.step(named["trying"]):
        _try_out(made, root)
    say("end")


def _try_out(model: Path, root: Path) -> None:
    """Load a model and ask it something; one that does not answer is removed."""
    from milia.evaluation.bot import Bot  # Rasa: seconds that the steps before need not wait

    try:
        bot = Bot(model, root)
        said = bot.turn(bot.conversation("training"), _TRIED)["text"]
        if not said:
            raise CommandError("the new model gives an empty answer")
    except Exception as error:
        model_record.remove(model)
        raise CommandError(f"the new model does not answer, and was removed: {type(error).__name__}: {error}") from error
