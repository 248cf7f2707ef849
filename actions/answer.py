"""The one action that answers messages: reads the tracker, asks the dialogue, utters."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from milia.conversation import State
from milia.dialogue import load_dialogue
from milia.in_service import Content
from milia.reading import Reading

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent


# Changed wordings are said once a model that knows of them is put in service.
_dialogue = Content(ROOT, lambda: load_dialogue(ROOT, os.environ.get("MILIA_REGION", "")), load_dialogue.cache_clear)


class ActionAnswer(Action):
    """Compose the reply to the latest message and keep what the conversation has to remember."""

    def name(self) -> str:
        """Return the name in the domain."""
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer the latest message.

        A reply of level 3 or 4 is not uttered here: the slots make Rasa's safety policy say it in its own process.
        """
        dialogue = _dialogue.get()
        state = State.from_slots(tracker.slots)
        reading = Reading.from_parse(tracker.latest_message, state.option)
        turn = dialogue.respond(reading, state, tracker.sender_id)
        if not turn.escalate:
            record = turn.record(reading.intent)
            buttons = [{"title": button.title, "payload": button.payload} for button in turn.buttons]
            if turn.response:
                dispatcher.utter_message(response=turn.response, buttons=buttons, milia=record)
            else:
                dispatcher.utter_message(text=turn.text, buttons=buttons, milia=record)
        before = state.to_slots()
        return [SlotSet(name, value) for name, value in turn.state.to_slots().items() if value != before[name]]
