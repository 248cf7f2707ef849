"""Turns as the server explains them, for the stand-in: an answer, a warning, a negated sign, something not understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

LEVELS = ("provider_routine", "provider_soon", "urgent_same_day", "emergency_now")
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
STEPS = (("spelling", "understanding", 2.5), ("encoder", "understanding", 9.0), ("policies", "deciding", 4.2), ("answer", "answering", 6.1))
TITLES = {"duration": "How long milia last", "removal_self": "Removing them oneself", "location": "Where they appear", "no_answer": "Not in the article"}


def at(minutes: float) -> str:
    """Return a moment some minutes before the stand-in's present."""
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def span(text: str, words: str) -> dict[str, Any]:
    """Return where some words stand, in code points."""
    start = text.lower().index(words.lower())
    return {"start": start, "end": start + len(words), "text": text[start : start + len(words)]}


def sentence(text: str, kind: str = "fact", facts: Sequence[str] = (), topic: str | None = None) -> dict[str, Any]:
    known = {"duration.1": "It typically disappears unaided during the first weeks of life.", "duration.4": "No time is named for the other forms."}
    return {
        "text": text,
        "kind": kind,
        "facts": [{"id": one, "text": known[one], "section": "S2", "status": "I" if one == "duration.4" else "E"} for one in facts],
        "place": f"topics/{topic}.yml: answers[0].lead" if topic else None,
        "topic": topic,
    }


def turn(text: str, number: int = 0, *, pressed: bool = False, parent: str | None = None, stored: bool = False, scene: bool = False) -> dict[str, Any]:
    """Return what the stand-in makes of a message: by the words in it."""
    low = text.lower()
    negated = "not swollen" in low
    warned = "swollen" in low and not negated
    lost = "zebra" in low
    topics = [] if warned or lost else ["duration"]
    level = "urgent_same_day" if warned else "provider_routine"
    said = {
        True: [sentence("Please have this looked at today.", "warning"), sentence("A provider can follow up afterwards.", "provider")],
        False: [
            sentence("In newborns, milia mostly clear on their own within the first weeks of life.", "fact", ["duration.1"], "duration"),
            sentence("For the other forms the article gives no time.", "fact", ["duration.4"], "duration"),
            sentence("A dermatology provider can tell you more.", "provider"),
        ],
    }[warned]
    if lost:
        said = [sentence("I did not understand that. Could you say it in other words?", "small_talk")]
    found = span(text, "swollen") if "swollen" in low else None
    cues = [{"kind": "negated", **span(text, "not")}] if negated else []
    mark = {"name": "ws.swelling", "title": "Swelling near the eye", "kind": "sign", "status": "ruled_out" if negated else "present", "cues": cues}
    because = "The word “swollen” with an eyelid is a sign to be seen today."
    present = {"id": "ws.swelling", "title": "Swelling near the eye", "level": level, "by": "rules", "words": [found], "because": because, "confidence": None}
    why = (
        "The message tells of swelling near the eye, a warning sign: that comes before any answer."
        if warned
        else "The bot did not understand the message: no topic was likely enough."
        if lost
        else "The message asks how long milia last, and the article answers that in two facts."
    )
    return {
        "id": f"t{number}" if stored else f"try-{number}",
        "parent": parent,
        "number": number,
        "time": at(60 - number),
        "scene": scene,
        "complete": not stored,
        "user": {"text": text, "pressed": pressed, "payload": "/ask_duration" if pressed else None},
        "replies": [
            {
                "text": "\n".join(one["text"] for one in said),
                "buttons": [] if warned else [{"title": "Are they harmless?", "payload": "/ask_harmless"}],
                "sentences": said,
            }
        ],
        "why": why,
        "understood": {
            "intent": {"name": "ask_duration", "confidence": 0.91},
            "labels": topics,
            "confidence": 0.34 if lost else 0.91,
            "rivals": [],
            "scores": [
                {"label": "duration", "title": TITLES["duration"], "score": 0.91, "chosen": bool(topics)},
                {"label": "removal_self", "title": TITLES["removal_self"], "score": 0.22, "chosen": False},
                {"label": "location", "title": TITLES["location"], "score": 0.08, "chosen": False},
            ],
            "entities": [{"entity": "who", "value": "newborn", **span(text, "baby")}] if "baby" in low else [],
            "language": "en",
            "theme": {"id": "unanswered.3", "title": "What it costs", "similarity": 0.31} if lost else None,
            "corrected": None,
        },
        "signs": {"present": [present] if warned else [], "supposed": [], "marks": [{**mark, **found}] if found else []},
        "slots": [
            {"name": "who", "before": None, "after": "newborn" if "baby" in low else None, "changed": "baby" in low},
            {"name": "topics_seen", "before": [], "after": topics, "changed": bool(topics)},
            {"name": "area", "before": None, "after": None, "changed": False},
        ],
        "actions": [
            {"action": "action_answer", "policy": "SafetyPolicy" if warned else "RulePolicy", "confidence": 1.0, "rule": None if warned else "answer a question", "why": "A warning sign comes first." if warned else "A rule says: a question is answered."}
        ],
        "level": {"before": "provider_routine", "after": level, "why": ["“Swelling near the eye” asks for a look today."] if warned else ["No warning sign was noticed."]},
        "record": {"topics": topics, "facts": ["duration.1", "duration.4"] if topics else [], "signs": ["ws.swelling"] if warned else [], "level": level, "outcome": None, "check_question": False},
        "steps": [] if stored else [{"name": name, "kind": kind, "ms": ms} for name, kind, ms in STEPS],
        "total_ms": None if stored else sum(ms for _, _, ms in STEPS),
        "helpful": (number % 2 == 0) if stored else None,
        "message_id": f"m{number}",
        "reviews": [],
    }  # fmt: skip
