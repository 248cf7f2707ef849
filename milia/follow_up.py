"""Messages that lean on what came before: "and for adults?", "the last one", "no, on my arm", "how long does that take?"."""

from __future__ import annotations

import re
from dataclasses import replace

from milia.content import Content
from milia.conversation import State
from milia.labels import NO_ANSWER, TRIAGE, labels_of
from milia.reading import Reading
from milia.wording import Phrases

# How a fragment opens that changes one thing about the last question.
_OPENING = re.compile(
    r"^\W*(?:(?:and|ok|okay|but|so|or|no|nope|wait|actually|sorry|oh|well|hm+|then)\W+)*"
    r"(?:(?:what|how)\s*(?:about|if)|hows about|and|what of|same for|for|in|on|no|not|actually|i mean|i meant|its|it is|if its|"
    r"also|what if|does that go for|is that the same|is it the same)\b",
    re.IGNORECASE,
)
_ORDINAL = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "sixth": 5, "last": -1}
_CHOICE = re.compile(rf"\b(?:the|that)?\s*({'|'.join(_ORDINAL)})\s*(?:one|option|type|form|kind|bit|point|topic)?\W*$", re.IGNORECASE)
_POINTS_BACK = frozenset("that it this those they them these".split())
_QUESTION = frozenset("how what why when where who which can could do does did is are should will would may".split())
_FEW_WORDS = 9
_SURE = 0.75


def lean_on_context(reading: Reading, state: State, content: Content, phrases: Phrases) -> tuple[Reading, State]:
    """Read a message in the light of the conversation.

    Returns:
        The reading, with the labels that the context gives it, and the state with what the message says of the
        person and the bumps.
    """
    if reading.pressed:
        return reading, state
    chosen = _chosen_option(reading, state)
    if chosen:
        return replace(reading, labels=chosen, rivals=()), state
    known = state.mentions
    mentions = reading.mentions
    fragment = _is_fragment(reading, state)
    if TRIAGE in reading.labels:
        # A new description stands for itself: what the last person's bumps were like does not carry over.
        situation = (known.updated(mentions) if mentions.who is None else mentions).to_dict()
        situation["described"] = reading.text[:600]
    else:
        situation = {**state.situation, **known.updated(mentions).to_dict()}
        if mentions.who and mentions.who != known.who and known.updated(mentions) == mentions:
            situation.pop("described", None)
    state = replace(state, situation=situation)
    if fragment and state.topic and state.topic != (TRIAGE,):
        labels = state.topic
        if mentions.type and any(label.startswith("type_") for label in labels):
            labels = (f"type_{mentions.type}",)  # "and the juvenile one?"
        return replace(reading, labels=labels, rivals=()), state
    for rule in phrases.contexts:
        if rule.label in reading.labels and rule.after & set(state.topic) and _points_back(reading):
            labels = tuple(NO_ANSWER if label == rule.label else label for label in reading.labels)
            return replace(reading, labels=labels, theme=(rule.theme, 1.0)), state
    return reading, state


def _chosen_option(reading: Reading, state: State) -> tuple[str, ...]:
    """Return the labels of what was put to choose from, when the message picks one by its place or its number."""
    options = [f"/ask_{topic}" for topic in state.listed] or list(state.option)
    match = _CHOICE.search(reading.text) if len(reading.words) <= 6 else None
    place = _ORDINAL[match[1].lower()] if match else None
    if place is None and re.fullmatch(r"\W*[1-6]\W*", reading.text):
        place = int(re.sub(r"\W", "", reading.text)) - 1
    if place is None or not options or place >= len(options):
        return ()
    return labels_of(options[place].removeprefix("/").partition("{")[0])


def _is_fragment(reading: Reading, state: State) -> bool:
    """Tell whether a message only changes whom or what the last question is about."""
    changed = reading.mentions.to_dict().keys() & {"who", "area", "type", "before", "age"}
    if not changed or len(reading.words) > _FEW_WORDS:
        return False
    opening = _OPENING.match(reading.text.replace("\u2019", "'")) is not None
    if opening and "?" not in reading.text and _QUESTION.isdisjoint(reading.words):
        return True  # "no, on my arm" is no question, whatever it looks like
    best = max((p for label, p in reading.scores.items() if label != TRIAGE), default=0.0)
    asks_itself = any(label.startswith("type_") is False and label != TRIAGE for label in reading.labels) and best >= _SURE
    return opening and not asks_itself


def _points_back(reading: Reading) -> bool:
    return len(reading.words) <= _FEW_WORDS and not _POINTS_BACK.isdisjoint(reading.words)
