"""The Rasa process's own replies: domain responses, and those that must come when the action server does not.

Replies at levels 3 and 4 are made here, from slots that the safety policy filled inside this process.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from milia.conversation import State, Turn
from milia.rasa_tuning import compile_action_schema, limit_action_time
from milia.sign_messages import escalation
from milia.warning_signs import Level, load_signs
from milia.wording import Chooser

ESCALATION, UNAVAILABLE, HELP_UNDER_WAY = "utter_escalation", "utter_unavailable", "utter_help_under_way"
_AUDIENCE = {"newborn": "baby", "baby": "baby", "infant": "baby", "child": "child", "teen": "child", "adult": "adult"}


class ContentNLG(TemplatedNaturalLanguageGenerator):
    """Domain responses in a wording settled by the conversation, and escalations from the list of warning signs.

    Set in endpoints.yml: `nlg: {type: milia.nlg.ContentNLG, content: data/content}`.
    """

    def __init__(self, endpoint_config: EndpointConfig, domain: Domain) -> None:
        super().__init__(domain.responses)
        folder = Path(endpoint_config.kwargs.get("content", "data/content"))
        self._catalog = load_signs(folder / "warning_signs.yml")
        self._region = os.environ.get("MILIA_REGION", "")
        if self._region:
            self._catalog.region(self._region)  # a wrong setting stops the start, not a conversation
        compile_action_schema()
        limit_action_time(float(os.environ.get("MILIA_ACTION_TIMEOUT", "3")))

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """Make a reply; those that no action made carry the record that staff and metrics read."""
        slots = tracker.current_slot_values()
        state = State.from_slots(slots)
        reply = self._response(utter_action, output_channel, slots, tracker.sender_id, state.turn, kwargs)
        if utter_action == ESCALATION:
            reply = {"text": self._escalation(state)}
        if reply is not None and utter_action in (ESCALATION, UNAVAILABLE, HELP_UNDER_WAY):
            topics = ("chitchat",) if utter_action == HELP_UNDER_WAY else ()
            turn = Turn(state, topics=topics, signs=state.sign_now, outcome=state.outcome or None)
            reply["milia"] = turn.record(tracker.latest_message.intent if tracker.latest_message else {})
        return reply

    def _escalation(self, state: State) -> str:
        urgent = [s for s in state.sign if self._catalog[s].level >= Level.URGENT_SAME_DAY]
        if not urgent:  # the level came from a warning screen that was skipped
            return str(self.responses[ESCALATION][0]["text"])
        return escalation(urgent, self._catalog, self._region, _AUDIENCE.get(state.mentions.who or "", "unknown")).text

    def _response(
        self,
        name: str,
        channel: str,
        slots: Mapping[str, Any],
        conversation: str,
        turn: int,
        kwargs: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        if name not in self.responses:
            return None
        fitting = ResponseVariationFilter(self.responses).responses_for_utter_action(name, channel, dict(slots))
        if not fitting:
            return None
        by_text = {one.get("text", ""): one for one in fitting}
        chosen = copy.deepcopy(by_text[Chooser(conversation, turn).of(list(by_text))])
        return self._fill_response(chosen, dict(slots), **kwargs)
