"""What a conversation remembers between turns, and what one turn says: plain values, kept in Rasa's slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from milia.situation import Mentions


@dataclass(frozen=True)
class State:
    """The memory of one conversation; each field is a slot of the same name.

    Attributes:
        situation: whose bumps it is about and where they are, from all messages so far (`Mentions.to_dict`), and as
            `described` the words of the last description, from which the guided check takes what is known.
        topic: topics of the last answer, for follow-ups.
        theme: the theme of the last answer, when it was one that the article does not cover.
        option: payloads of the buttons of the bot's last message: what may be pressed.
        listed: topics that the last answer listed, in its order; else empty.
        offer: a question of the bot's that "yes" answers: `check`, or empty.
        check: the guided check in progress (`CheckState.to_dict`), or None.
        outcome: outcome of the guided check, when it ended at level 3 or 4 in this turn.
        sign: ids of the warning signs so far; `sign_now` those of this message, `sign_supposed` those that it only asks
            about ("what if ...").
        sign_context: what earlier messages established for the signs: age and lasting atoms.
        level: id of the conversation's level.
        help_under_way: the user has said that help is on the way.
        miss: messages in a row that were not understood.
        turn: number of the user's message.
    """

    situation: Mapping[str, Any] = field(default_factory=dict)
    topic: tuple[str, ...] = ()
    theme: str = ""
    option: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    offer: str = ""
    check: Mapping[str, Any] | None = None
    outcome: str = ""
    sign: tuple[str, ...] = ()
    sign_now: tuple[str, ...] = ()
    sign_supposed: tuple[str, ...] = ()
    sign_context: Mapping[str, Any] = field(default_factory=dict)
    level: str = "provider_routine"
    help_under_way: bool = False
    miss: int = 0
    turn: int = 0

    @property
    def mentions(self) -> Mentions:
        """What is known of the person and the bumps."""
        return Mentions.from_dict({key: value for key, value in self.situation.items() if key != "described"})

    @classmethod
    def from_slots(cls, slots: Mapping[str, Any]) -> State:
        """Read the slots; one that is not set has its start value."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            value = slots.get(one.name)
            if value is not None:
                values[one.name] = tuple(value) if one.name in _LISTS else value
        return cls(**values)

    def to_slots(self) -> dict[str, Any]:
        """Return the values of the slots, as JSON types."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


_LISTS = ("topic", "option", "listed", "sign", "sign_now", "sign_supposed")


@dataclass(frozen=True, slots=True)
class Button:
    """A quick reply: its title, and the payload that a press sends."""

    title: str
    payload: str


@dataclass(frozen=True)
class Turn:
    """What the bot says to one message, with the record that staff, metrics and `milia replay` read.

    Attributes:
        text: the whole reply; empty when `response` is set.
        response: name of a response of the domain, said instead of a text.
        buttons: quick replies.
        topics, facts, signs, outcome, check_question: as documented for `milia replay`.
        state: the memory after the turn.
        escalate: the reply is one of level 3 or 4, which is made inside the Rasa process.
    """

    state: State
    text: str = ""
    response: str = ""
    buttons: tuple[Button, ...] = ()
    topics: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    outcome: str | None = None
    check_question: bool = False
    escalate: bool = False

    def record(self, intent: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept with the bot's message under the key `milia`."""
        return {
            "topics": list(self.topics),
            "facts": list(self.facts),
            "signs": list(self.signs),
            "level": self.state.level,
            "outcome": self.outcome,
            "check_question": self.check_question,
            "intent": {"name": intent.get("name"), "confidence": intent.get("confidence")},
        }
