"""What a message can ask: topics and kinds, and the Rasa intents that stand for them.

A label is a topic of `data/content/topics` or a kind of message. An intent is Rasa's name for a message's main label;
`ask_treatment` is the one intent that stands for two labels, since people ask for both treatments in one breath.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TRIAGE, NO_ANSWER, OUT_OF_SCOPE, PHOTO, RED_FLAG = "triage", "no_answer", "out_of_scope", "photo", "red_flag"

# Each has a reply of its own; `milia replay` reports them all as the topic `chitchat`.
CHITCHAT = (
    "greet",
    "thank",
    "goodbye",
    "ask_bot",
    "ask_human",
    "ask_help",
    "ask_more",
    "start_over",
    "delete_conversation",
    "abuse",
    "affirm",
    "deny",
    "help_under_way",
    "small_talk",
)

TREATMENTS = ("treatment_home", "treatment_professional")

_INTENT_OF_KIND = {
    TRIAGE: "describe_bumps",
    NO_ANSWER: "ask_unanswered",
    OUT_OF_SCOPE: "out_of_scope",
    PHOTO: "send_photo",
    RED_FLAG: "report_warning_sign",
    **{kind: kind for kind in CHITCHAT},
}
_KIND_OF_INTENT = {intent: kind for kind, intent in _INTENT_OF_KIND.items()}


def labels_of(intent: str) -> tuple[str, ...]:
    """Return the labels that an intent stands for; an intent without a label (a button's) has none."""
    if intent == "ask_treatment":
        return TREATMENTS
    if intent in _KIND_OF_INTENT:
        return (_KIND_OF_INTENT[intent],)
    return (intent.removeprefix("ask_"),) if intent.startswith("ask_") else ()


def main_intent(labels: Sequence[str]) -> str:
    """Return the intent for a message with these labels, the first or heaviest of them deciding.

    Raises:
        ValueError: there is no label.
    """
    if not labels:
        raise ValueError("a message needs at least one label to have an intent")
    for kind in (RED_FLAG, TRIAGE, PHOTO):
        if kind in labels:
            return _INTENT_OF_KIND[kind]
    if set(TREATMENTS) <= set(labels):
        return "ask_treatment"
    return _INTENT_OF_KIND.get(labels[0], f"ask_{labels[0]}")


def intents_of(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the main intent first, then those that the other labels add."""
    main = main_intent(labels)
    rest = [label for label in labels if label not in labels_of(main)]
    if set(TREATMENTS) <= set(rest):
        rest = ["treatment", *(label for label in rest if label not in TREATMENTS)]
    return (main, *(_INTENT_OF_KIND.get(label, f"ask_{label}") for label in rest))


def reported(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the labels as `milia replay` names them: every small talk is `chitchat`."""
    return tuple(dict.fromkeys("chitchat" if label in CHITCHAT else label for label in labels))
