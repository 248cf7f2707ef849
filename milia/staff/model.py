"""The model that runs: what the console needs of Rasa's agent, also when another model is loaded meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from milia.staff.cues import ExplainingDetector
from milia.staff.knowledge import Knowledge
from milia.staff.problems import Problem
from milia.staff.trial import TrialProcessor, TriedTurn, detector_of
from milia.staff.xray import Material, xray


class RunningModel:
    """The agent of this server, for trying and explaining.

    Args:
        agent: returns it; None while it is not loaded.
        knowledge: the content.
    """

    def __init__(self, agent: Callable[[], Any], knowledge: Callable[[], Knowledge]) -> None:
        self._agent, self._knowledge = agent, knowledge
        self._of: Any = None
        self._trial: TrialProcessor | None = None
        self._detector: ExplainingDetector | None = None

    def processor(self) -> TrialProcessor:
        """Return what takes tried messages.

        Raises:
            Problem: No model is loaded.
        """
        processor = getattr(self._agent(), "processor", None)
        if processor is None:
            raise Problem("unavailable", retry_after=5)
        if self._of is not processor:
            self._of, self._trial, self._detector = processor, TrialProcessor.of(processor), None
        assert self._trial is not None
        return self._trial

    def detector(self) -> ExplainingDetector | None:
        """Return the model's detector of warning signs; None before its first message or without a model."""
        try:
            processor = self.processor()  # another one, perhaps, since the last time
        except Problem:
            return None
        if self._detector is None:
            self._detector = detector_of(processor.graph_runner)
        return self._detector

    def explain(self, turn: TriedTurn, number: int, title: str) -> dict[str, Any]:
        """Return the X-ray of a tried turn."""
        material = Material(turn.fresh, turn.before, number, title, True, turn.steps, turn.milliseconds)
        return xray(material, self._knowledge(), self.detector())

    @property
    def name(self) -> str:
        """File name of the model archive, empty if none is loaded."""
        processor = getattr(self._agent(), "processor", None)
        return Path(str(getattr(processor, "model_filename", ""))).name if processor else ""
