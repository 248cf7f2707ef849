"""The X-ray of a turn: what was understood, what was noticed, which rule chose, on which facts the reply rests.

Works on events as dicts, so that a turn tried just now and one that was stored go the same way; what was not stored is
left empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from milia.channels.web_replies import shown
from milia.conversation import State
from milia.sign_catalog import Level
from milia.sign_messages import sentences
from milia.staff import knowledge as kinds
from milia.staff import reasons
from milia.staff.cues import ExplainingDetector, Mark
from milia.staff.knowledge import Knowledge
from milia.staff.times import iso

# Below this confidence of the intent a turn counts as unsure.
LOW_CONFIDENCE = 0.5
_SCORES = 8


@dataclass(frozen=True)
class Material:
    """What an X-ray is made from.

    Attributes:
        events: of the turn, as dicts.
        before: the slots before it.
        number: of the turn, from 0.
        title: of the pressed button, empty for a typed message.
        complete: the parse is whole, not what the store keeps of it.
        steps, milliseconds: times, if they were taken.
    """

    events: Sequence[Mapping[str, Any]]
    before: Mapping[str, Any]
    number: int
    title: str = ""
    complete: bool = True
    steps: Sequence[Mapping[str, Any]] = field(default_factory=list)
    milliseconds: float | None = None


def slots_after(before: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the slots after some events."""
    after = dict(before)
    for event in events:
        if event.get("event") == "slot":
            after[str(event.get("name"))] = event.get("value")
    return after


def record_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the record of a turn, that of its last reply; empty values if it has none."""
    found: Mapping[str, Any] = {}
    for event in events:
        if event.get("event") == "bot":
            found = (event.get("metadata") or {}).get("milia") or found
    return {
        "topics": list(found.get("topics") or ()), "facts": list(found.get("facts") or ()),
        "signs": list(found.get("signs") or ()), "level": found.get("level"), "outcome": found.get("outcome"),
        "check_question": bool(found.get("check_question")),
    }  # fmt: skip


def xray(material: Material, known: Knowledge, detector: ExplainingDetector | None) -> dict[str, Any]:
    """Return the X-ray of a turn, as docs/openapi/staff.yml describes `Turn`, without its id."""
    events = material.events
    user = next((event for event in events if event.get("event") == "user"), {})
    parse: Mapping[str, Any] = user.get("parse_data") or {}
    text = str(user.get("text") or "")
    pressed = bool(material.title) or text.startswith("/")
    after = slots_after(material.before, events)
    state_before, state = State.from_slots(_known(material.before)), State.from_slots(_known(after))
    record = record_of(events)
    marks = [] if pressed or detector is None else detector.marks(text)
    found = reasons.found_signs(parse, state_before, state, record, known, pressed)
    supposed = [_supposed(sign, marks, known) for sign in state.sign_supposed]
    understood = _understood(parse, text, known, pressed)
    facts = reasons.Facts(parse, understood, record, found, supposed, state_before, state, pressed, _actions_of(events))
    return {
        "parent": None,
        "number": material.number,
        "scene": False,
        "time": iso(float(user.get("timestamp") or (events[0].get("timestamp") if events else 0) or 0)),
        "complete": material.complete,
        "user": {"text": material.title or shown(text), "pressed": pressed, "payload": text if pressed else None},
        "replies": _replies(events, record, known),
        "why": reasons.why(facts, known),
        "understood": understood,
        "signs": {"present": found, "supposed": supposed, "marks": [_mark(mark, known) for mark in marks]},
        "slots": _slots(material.before, after),
        "actions": reasons.actions(events, facts, known),
        "level": {
            "before": state_before.level,
            "after": record["level"] or state.level,
            "why": reasons.level_why(facts, known),
        },
        "record": record,
        "steps": list(material.steps),
        "total_ms": None if material.milliseconds is None else round(material.milliseconds, 2),
        "helpful": None,
        "message_id": user.get("message_id"),
        "reviews": [],
    }


def _known(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Return the slots of the dialogue's state: others do not belong to it."""
    return {name: slots[name] for name in State.__dataclass_fields__ if name in slots}


def _understood(parse: Mapping[str, Any], text: str, known: Knowledge, pressed: bool) -> dict[str, Any]:
    intent = parse.get("intent") or {}
    understanding = parse.get("understanding") or {}
    labels = list(understanding.get("labels") or ())
    scores = [
        {"label": label, "title": known.label(label), "score": float(score), "chosen": label in labels}
        for label, score in (understanding.get("scores") or {}).items()
    ]
    if not scores and not pressed:  # stored: the likeliest intents are all there is
        scores = [
            {"label": str(one.get("name")), "title": known.label(str(one.get("name", "")).removeprefix("ask_")),
             "score": float(one.get("confidence") or 0), "chosen": one.get("name") == intent.get("name")}
            for one in parse.get("intent_ranking") or ()
        ]  # fmt: skip
    theme = parse.get("theme") or {}
    entities = [
        {
            "entity": str(one.get("entity")), "value": str(one.get("value")), "start": int(one.get("start") or 0),
            "end": int(one.get("end") or 0), "text": text[int(one.get("start") or 0) : int(one.get("end") or 0)],
        }
        for one in parse.get("entities") or ()
    ]  # fmt: skip
    return {
        "intent": {"name": intent.get("name"), "confidence": intent.get("confidence")},
        "labels": labels,
        "confidence": understanding.get("confidence"),
        "rivals": list(understanding.get("rivals") or ()),
        "scores": sorted(scores, key=lambda one: -float(str(one["score"])))[:_SCORES],
        "entities": entities,
        "language": parse.get("language"),
        "theme": {"id": theme["id"], "title": known.theme(theme["id"]), "similarity": theme["similarity"]}
        if theme.get("id") else None,
        "corrected": None,
    }  # fmt: skip


def _replies(
    events: Sequence[Mapping[str, Any]], record: Mapping[str, Any], known: Knowledge
) -> list[dict[str, Any]]:
    made = []
    for event in events:
        if event.get("event") != "bot":
            continue
        text, data = str(event.get("text") or ""), event.get("data") or {}
        buttons = [{"title": str(one["title"]), "payload": str(one["payload"])} for one in data.get("buttons") or ()]
        said = [_sentence(one, record, known) for line in text.split("\n") for one in sentences(line)]
        made.append({"text": text, "buttons": buttons, "sentences": said})
    return made


def _sentence(text: str, record: Mapping[str, Any], known: Knowledge) -> dict[str, Any]:
    origin = known.origin(text)
    if origin is None:
        urgent = record.get("level") in (Level.URGENT_SAME_DAY.id, Level.EMERGENCY_NOW.id) and not record["topics"]
        in_check = record["check_question"] or record["outcome"]
        kind = kinds.WARNING if urgent else kinds.CHECK if in_check else kinds.UNKNOWN
        origin = kinds.Origin(kind)
    facts = [known.content.facts[fact] for fact in origin.facts if fact in known.content.facts]
    return {
        "text": text,
        "kind": origin.kind,
        "facts": [{"id": one.id, "text": one.text, "section": one.section, "status": one.status} for one in facts],
        "place": origin.place,
        "topic": origin.topic,
    }


def _supposed(sign: str, marks: Sequence[Mark], known: Knowledge) -> dict[str, Any]:
    words = [{"start": one.start, "end": one.end, "text": one.text} for one in marks if one.status == "supposed"]
    level = known.catalog[sign].level.id if sign in known.catalog.signs else Level.PROVIDER_ROUTINE.id
    return {
        "id": sign, "title": known.sign(sign), "level": level, "by": "rules", "words": words, "because": "", "confidence": None,
    }  # fmt: skip


def _mark(mark: Mark, known: Knowledge) -> dict[str, Any]:
    title = known.sign(mark.name) if mark.kind == "sign" else mark.name.replace("_", " ")
    return {
        "name": mark.name, "title": title, "kind": mark.kind, "status": mark.status,
        "start": mark.start, "end": mark.end, "text": mark.text,
        "cues": [{"kind": cue.kind, "start": cue.start, "end": cue.end, "text": cue.text} for cue in mark.cues],
    }  # fmt: skip


def _slots(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the slots that hold something, the changed ones first."""
    names = [name for name in State.__dataclass_fields__ if name in before or name in after]
    rows = [
        {"name": n, "before": before.get(n), "after": after.get(n), "changed": before.get(n) != after.get(n)} for n in names
    ]
    held = [row for row in rows if row["changed"] or row["before"] not in (None, [], {}, "", 0, 0.0, False)]
    return sorted(held, key=lambda row: not row["changed"])


def _actions_of(events: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(event.get("name")) for event in events if event.get("event") == "action")
