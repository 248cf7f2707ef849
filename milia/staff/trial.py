"""A model that staff try: the running one, with a memory of its own in which nothing of patients is, or is left.

Shares the loaded model with the server; messages go the whole way, to the real action server too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

from milia.channels.collecting import CollectingOutputChannel
from milia.nlu.warning_sign_detector import WarningSignDetector
from milia.reading import as_typed
from milia.staff import stopwatch
from milia.staff.cues import ExplainingDetector

CHANNEL = "staff"


@dataclass(frozen=True)
class TriedTurn:
    """What a message led to.

    Attributes:
        events: of the whole conversation after it, as Rasa keeps them.
        before: the slots before it.
        fresh: the events of this turn, as dicts.
        steps: as `stopwatch.summed` gives them.
        milliseconds: from the message to the stored turn.
    """

    events: Sequence[Event]
    before: Mapping[str, Any]
    fresh: Sequence[dict[str, Any]]
    steps: list[dict[str, Any]]
    milliseconds: float


class TrialProcessor(MessageProcessor):
    """Rasa's processor of a running agent, with another tracker store and a stopwatch on its actions."""

    @classmethod
    def of(cls, processor: MessageProcessor) -> TrialProcessor:
        """Return one that shares model, wording and action server with a processor."""
        made: TrialProcessor = cls.__new__(cls)
        made.__dict__.update(processor.__dict__)
        made.tracker_store = InMemoryTrackerStore(processor.domain)
        stopwatch.attach(processor.graph_runner)
        return made

    async def _run_action(self, action: Any, *arguments: Any, **options: Any) -> bool:
        start = time.perf_counter()
        again: bool = await super()._run_action(action, *arguments, **options)
        if action.name() != "action_listen":
            stopwatch.note(action.name(), stopwatch.ANSWERING, (time.perf_counter() - start) * 1000)
        return again

    async def take(self, name: str, before: Sequence[Event], text: str, pressed: bool = False) -> TriedTurn:
        """Take one turn.

        Args:
            name: of the conversation, which settles wordings.
            before: its events so far.
            text: what is typed, or the payload of a button that was offered.
            pressed: it is a payload.
        """
        store = self.tracker_store
        tracker = DialogueStateTracker.from_events(name, list(before), self.domain.slots, domain=self.domain)
        slots = dict(tracker.current_slot_values())
        if before:
            await store.save(tracker)
        try:
            with stopwatch.recording() as steps:
                start = time.perf_counter()
                sent = text if pressed else as_typed(text)
                await self.handle_message(
                    UserMessage(sent, CollectingOutputChannel("web"), name, input_channel=CHANNEL)
                )
                spent = (time.perf_counter() - start) * 1000
            after = await store.retrieve(name)
        finally:
            store.store.pop(name, None)
        assert after is not None
        events = list(after.events)
        fresh = [event.as_dict() for event in events[len(before) :]]
        return TriedTurn(events, slots, fresh, stopwatch.summed(steps), spent)


def detector_of(graph_runner: Any) -> ExplainingDetector | None:
    """Return the model's detector of warning signs, made to explain; None before its first message."""
    for node in graph_runner._instantiated_nodes.values():
        component = getattr(node, "_component", None)
        if isinstance(component, WarningSignDetector) and component._detector is not None:
            return ExplainingDetector.of(component._detector[1])
    return None
