"""Notices warning signs before anything else is answered, and answers when the action server does not.

Runs inside the Rasa process: what it decides does not depend on any other process. For each message it makes signs of
what the detector found (with what earlier messages said), keeps the conversation's level, and at levels 3 and 4 takes
the turn. After an action that said nothing it sees to it that the user still gets a reply.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event, SlotSet, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from milia.conversation import State
from milia.nlg import ESCALATION, HELP_UNDER_WAY, UNAVAILABLE
from milia.nlu.message_network import DOUBTED, RECOGNIZED
from milia.nlu.warning_sign_detector import FINDINGS, findings_from_dict
from milia.warning_signs import (
    LASTING_ATOMS,
    AgeRange,
    Context,
    Findings,
    Level,
    SignCatalog,
    conversation_level,
    hypothetical_signs_in,
    load_signs,
    signs_in,
)

ACTION = "action_answer"
# How sure the evidence must be of a sign that the words put as a supposition, or in an answer to the check ("it's on my
# forearm"), which is too short to judge by likeness.
_SURER = 0.5
# And of a higher level than the rules found; config.yml has the figures.
_FURTHER = 0.3
# Beside the classifier: once somebody is told to get help, a plain word that it is coming must be enough.
_HELP_UNDER_WAY = re.compile(
    r"\b(?:(?:called|rang|phoned|ringing|calling|spoke (?:to|with)|speaking (?:to|with)|seeing|saw) (?:the |our |my |a |an |her |his )?"
    r"(?:doctor|doc|gp|pa?ediatrician|nurse|midwife|ambulance|911|999|112|111|er|hospital|health visitor)|"
    r"(?:appointment|appt) (?:at|in|for|today|this|tonight|now)|on (?:our|my|the) way|in the (?:waiting room|ambulance|car)|"
    r"(?:at|in|going to|heading to|off to|taking (?:him|her|them) to) (?:the )?(?:er|a&e|a and e|hospital|emergency|clinic|urgent care)|"
    r"ambulance is|help is (?:coming|on))\b",
    re.IGNORECASE,
)
# A denial, a question or a maybe anywhere in the message: then the warning is said again rather than praised away (HZ-15).
_NOT_UNDER_WAY = re.compile(
    r"\?|\b(?:not|no|nobody|none|never|cannot|nor|without|unless|if|should|shall|could|would|might|maybe|perhaps|whether|yet|"
    r"refus\w+|rather|instead|later|tomorrow|(?:ha[vs]e?|had|did|do|does|is|are|was|were|wo|ca|ai|could|would|should)n['\u2019]?t|"
    r"dunno|worth|need to|thinking (?:of|about)|waiting (?:until|till))\b",
    re.IGNORECASE,
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class SafetyPolicy(Policy):
    """Deterministic; nothing is learned. Its priority is above the RulePolicy's."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the settings."""
        return {"priority": 10, "signs": "data/content/warning_signs.yml"}

    @staticmethod
    def supported_data() -> SupportedData:
        """Accept rules and stories alike: neither is used."""
        return SupportedData.ML_AND_RULE_DATA

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> None:
        super().__init__(config, model_storage, resource, execution_context)
        self._catalog = load_signs(Path(config["signs"]))

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Learn nothing."""
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "nothing_learned").touch()
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SafetyPolicy:
        """Create the policy from its settings."""
        return cls(config, model_storage, resource, execution_context)

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Take the turn when care comes first, when a slash text was typed, or when the last action said nothing."""
        state = State.from_slots(tracker.current_slot_values())
        if tracker.latest_action_name == ACTION_LISTEN_NAME:
            return self._after_message(tracker, domain, state)
        # `rasa test` plays stories of bare intents without running actions: there silence is no failure.
        spoken = tracker.latest_message is not None and bool(tracker.latest_message.text)
        if tracker.latest_action_name == ACTION and spoken and not _said_something(tracker):
            urgent = Level.from_id(state.level) >= Level.URGENT_SAME_DAY and not state.help_under_way
            return self._act(ESCALATION if urgent else UNAVAILABLE, domain)
        if tracker.latest_action_name in (ACTION, ESCALATION, UNAVAILABLE, HELP_UNDER_WAY):
            return self._act(ACTION_LISTEN_NAME, domain)
        return self._prediction(self._default_predictions(domain))

    def _after_message(self, tracker: DialogueStateTracker, domain: Domain, state: State) -> PolicyPrediction:
        message = tracker.latest_message
        parse = message.parse_data if message else {}
        if not message or not message.text:
            return self._prediction(self._default_predictions(domain))
        after = read_signs(dict(parse), state, self._catalog)
        intent = (message.intent or {}).get("name")
        urgent = Level.from_id(after.level) >= Level.URGENT_SAME_DAY
        under_way = urgent and says_help_is_under_way(message.text, intent == "help_under_way")
        if under_way and not set(after.sign_now) - set(state.sign):
            after = replace(after, help_under_way=True)
        before = state.to_slots()
        changed = {name: value for name, value in after.to_slots().items() if value != before[name]}
        action = ACTION
        if urgent and not after.help_under_way:
            # Whatever else was going on gives way; the guided check can be started anew.
            changed |= {"check": None, "turn": state.turn + 1}
            if state.check is not None:
                changed["outcome"] = "warning_first"  # the check ends in this turn, and with this
            action = ESCALATION
        elif under_way:
            changed["turn"] = state.turn + 1
            action = HELP_UNDER_WAY
        return self._act(action, domain, [SlotSet(name, value) for name, value in changed.items()])

    def _act(self, action: str, domain: Domain, events: list[Event] | None = None) -> PolicyPrediction:
        probabilities = self._default_predictions(domain)
        probabilities[domain.index_for_action(action)] = 1.0
        return self._prediction(probabilities, events=events)


def says_help_is_under_way(text: str, understood: bool) -> bool:
    """Tell whether somebody says that help is on the way or was asked.

    Args:
        text: the message.
        understood: the classifier takes it for that.
    """
    return (understood or _HELP_UNDER_WAY.search(text) is not None) and _NOT_UNDER_WAY.search(text) is None


def read_signs(parse: dict[str, Any], state: State, catalog: SignCatalog) -> State:
    """Return the state with the warning signs of one message.

    Args:
        parse: Rasa's parse data of the message.
        state: the state before it.
        catalog: the list of signs.
    """
    findings = findings_from_dict(parse[FINDINGS]) if parse.get(FINDINGS) else Findings()
    context = _context(state)
    doubted = frozenset(parse.get(DOUBTED) or ())
    now = (signs_in(findings, context, catalog) - doubted) | _pressed_signs(parse, catalog)
    # What the evidence speaks against is not dropped: it is answered as "if that happens", like "what if ...".
    supposed = (hypothetical_signs_in(findings, context, catalog) | doubted) - now
    now |= _recognized_signs(parse, catalog.level(now), bool(supposed) or state.check is not None, catalog)
    supposed -= now
    known = {**state.sign_context, "atoms": sorted(context.atoms | (findings.atom_names & LASTING_ATOMS))}
    if findings.age is not None and (findings.age.group == "" or context.age is None):
        known["age"] = {"low": findings.age.low, "high": findings.age.high, "group": findings.age.group}
    fresh = [sign for sign in sorted(now) if sign not in state.sign]
    urgent = any(catalog[sign].level >= Level.URGENT_SAME_DAY for sign in fresh)
    return replace(
        state,
        outcome="",
        sign=(*state.sign, *fresh),
        sign_now=tuple(sorted(now)),
        sign_supposed=tuple(sorted(s for s in supposed if catalog[s].level >= Level.PROVIDER_SOON)),
        sign_context=known if known != {"atoms": []} else state.sign_context,
        level=conversation_level(Level.from_id(state.level), now, catalog).id,
        help_under_way=state.help_under_way and not urgent,
    )


def _context(state: State) -> Context:
    age = state.sign_context.get("age")
    return Context(AgeRange(**age) if age else None, frozenset(state.sign_context.get("atoms", ())))


def _recognized_signs(parse: dict[str, Any], level: Level, surer: bool, catalog: SignCatalog) -> frozenset[str]:
    """Return what the evidence adds to the rules: a sign of a higher level than they found.

    Args:
        parse: Rasa's parse data of the message.
        level: the level of what the rules found.
        surer: whether the bar is higher.
        catalog: the list of signs.
    """
    least = _SURER if surer else _FURTHER if level >= Level.PROVIDER_SOON else 0.0
    found = parse.get(RECOGNIZED) or {}
    return frozenset(s for s, p in found.items() if s in catalog and catalog[s].level > level and p >= least)


def _pressed_signs(parse: dict[str, Any], catalog: SignCatalog) -> frozenset[str]:
    """Return the signs of a pressed button of the guided check ("sign=ws.x+ws.y")."""
    for entity in parse.get("entities") or ():
        name, _, value = str(entity.get("value") or "").partition("=")
        if entity.get("entity") == "choice" and name == "sign":
            return frozenset(value.split("+")) & frozenset(catalog)
    return frozenset()


def _said_something(tracker: DialogueStateTracker) -> bool:
    """Tell whether the bot has spoken since the user's last message."""
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            return True
        if isinstance(event, UserUttered):
            return False
    return False

