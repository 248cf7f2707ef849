"""Why: which words, parts or likeness made a sign, what chose an action, why a level stands, all of it in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from milia.conversation import State
from milia.labels import CHITCHAT, NO_ANSWER, OUT_OF_SCOPE, PHOTO, TRIAGE
from milia.sign_catalog import Level
from milia.staff.knowledge import Knowledge
from milia.staff.texts import said, texts
from milia.warning_signs import UNKNOWN_AGE, AgeRange, Findings, Mention, Temperature

ESCALATION, UNAVAILABLE, HELP = "utter_escalation", "utter_unavailable", "utter_help_under_way"


@dataclass(frozen=True)
class Facts:
    """What the reasons are read from: parse and what was made of it, the record, signs, states, actions."""

    parse: Mapping[str, Any]
    understood: Mapping[str, Any]
    record: Mapping[str, Any]
    found: Sequence[Mapping[str, Any]]
    supposed: Sequence[Mapping[str, Any]]
    before: State
    after: State
    pressed: bool
    actions: tuple[str, ...]


def found_signs(
    parse: Mapping[str, Any], before: State, after: State, record: Mapping[str, Any], known: Knowledge, pressed: bool
) -> list[dict[str, Any]]:
    """Return the signs noticed in a turn, each with what said it."""
    now = tuple(dict.fromkeys((*record["signs"], *(after.sign_now if after.turn != before.turn else ()))))
    findings = _findings(parse.get("warning_findings") or {})
    recognised: Mapping[str, float] = parse.get("recognized_signs") or {}
    return [_found(sign, findings, recognised, before, known, pressed) for sign in now if sign in known.catalog.signs]


def _found(
    sign: str, findings: Findings, recognised: Mapping[str, float], before: State, known: Knowledge, pressed: bool
) -> dict[str, Any]:
    by, words, because, confidence = "check" if before.check else "rules", [], "", None
    direct = [one for one in findings.signs if one.name == sign]
    parts = _parts(sign, findings, before, known)
    if pressed:
        by, because = "button", said("sign", "button")
    elif direct:
        by, words = "rules", [_span(one) for one in direct]
        because = said("sign", "rules", words="”, “".join(one.text for one in direct))
    elif parts is not None:
        by, words = "rules", [_span(one) for one in parts[0]]
        because = said("sign", "parts", parts=_listed(parts[1]))
    elif sign in recognised:
        by, confidence = "recogniser", float(recognised[sign])
        because = said("sign", "recogniser", confidence=_percent(confidence))
    elif by == "check":
        because = said("sign", "check")
    return {
        "id": sign, "title": known.sign(sign), "level": known.catalog[sign].level.id, "by": by, "words": words,
        "because": because, "confidence": confidence,
    }  # fmt: skip


def _parts(
    sign: str, findings: Findings, before: State, known: Knowledge
) -> tuple[list[Mention | Temperature | AgeRange], list[str]] | None:
    """Return the words and the names of the combination that set a sign; None if none did."""
    mentions = {one.name: one for one in findings.atoms}
    earlier = set(before.sign_context.get("atoms", ()))
    stored_age = before.sign_context.get("age")
    age = findings.age or (AgeRange(**stored_age) if stored_age else None)
    years = set(age.atoms()) if age else set(UNKNOWN_AGE)
    heat: set[str] = set()
    if findings.temperature is not None:
        celsius = findings.temperature.celsius
        heat = {"temp_high"} if celsius >= 38.0 else {"temp_low"} if celsius < 36.0 else {"temp_borderline"} if celsius >= 37.5 else set()
    elif {"fever", "feels_hot"} & (set(mentions) | earlier):
        heat = {"temp_high"}
    elif "feels_cold" in mentions:
        heat = {"temp_low"}
    everything = frozenset(set(mentions) | earlier | years | heat)
    for combination in known.catalog.combinations:
        if sign not in combination.sets or not combination.holds(everything):
            continue
        words: list[Mention | Temperature | AgeRange] = []
        names: list[str] = []
        for need in combination.needs:
            atom = sorted(need & everything, key=lambda one: (one not in mentions, one in earlier, one))[0]
            title = atom.replace("_", " ")
            if atom in mentions:
                words.append(mentions[atom])
                names.append(f"{title} (“{mentions[atom].text}”)")
            elif atom in heat and findings.temperature is not None:
                words.append(findings.temperature)
                names.append(f"{title} (“{findings.temperature.text}”)")
            elif atom in heat and "fever" in mentions:
                words.append(mentions["fever"])
                names.append(f"{title} (“{mentions['fever'].text}”)")
            elif atom in years and findings.age is not None and findings.age.end:
                words.append(findings.age)
                names.append(f"{title} (“{findings.age.text}”)")
            elif atom in earlier or stored_age:
                names.append(said("sign", "earlier", part=title))
            else:
                names.append(title)
        return words, names
    return None


def why(facts: Facts, known: Knowledge) -> str:
    """Return in one or two sentences why the bot said what it said."""
    line = _main_reason(facts, known)
    if facts.supposed:
        line += said("why", "also_supposed", signs=_titles(facts.supposed))
    if facts.found and ESCALATION not in facts.actions and "level 2" not in line:
        named = {one["title"] for one in facts.found}
        if not any(title in line for title in named):
            line += said("why", "also_signs", signs=_titles(facts.found))
    return line


def _main_reason(facts: Facts, known: Knowledge) -> str:
    record, understood = facts.record, facts.understood
    sure = _percent(understood["confidence"] or understood["intent"]["confidence"] or 0.0)
    if UNAVAILABLE in facts.actions:
        return said("why", "unavailable")
    if HELP in facts.actions:
        return said("why", "help_under_way")
    if ESCALATION in facts.actions:
        if facts.found:
            level = texts()["levels"].get(record["level"], record["level"])
            return said("why", "escalation", signs=_titles(facts.found), level=level)
        return said("why", "still_urgent", signs=_listed(known.sign(one) for one in facts.before.sign))
    if record["outcome"]:
        return said("why", "check_end", outcome=str(record["outcome"]).replace("_", " "))
    if record["check_question"]:
        return said("why", "check_question")
    topics = list(record["topics"])
    answered = [topic for topic in topics if topic in known.content.topics]
    if answered:
        count = len(record["facts"])
        names = _listed(known.label(one) for one in answered)
        if not count:
            return said("why", "no_facts", topics=names, confidence=sure)
        stated = f"{count} fact{'s' * (count != 1)}"
        return said("why", "answered_pressed" if facts.pressed else "answered", topics=names, confidence=sure, facts=stated)
    soon = [one for one in facts.found if one["level"] == Level.PROVIDER_SOON.id]
    if soon and topics == [TRIAGE]:
        return said("why", "soon", signs=_titles(soon))
    for kind in (NO_ANSWER, OUT_OF_SCOPE, PHOTO, TRIAGE):
        if kind in topics:
            theme = f" (“{known.theme(facts.after.theme)}”)" if known.theme(facts.after.theme) else ""
            return said("why", kind, theme=theme, confidence=sure)
    if "chitchat" in topics or understood["intent"]["name"] in CHITCHAT:
        return said("why", "small_talk", intent=known.label(str(understood["intent"]["name"])), confidence=sure)
    if understood["language"] not in ("en", "", None):
        return said("why", "foreign", language=understood["language"])
    if understood["rivals"] and understood["labels"]:
        return said("why", "rivals", topics=_listed(known.label(one) for one in understood["rivals"]))
    best = understood["scores"][0] if understood["scores"] else None
    likeliest, score = (best["title"], _percent(best["score"])) if best else ("?", "0%")
    return said("why", "not_understood", topics=likeliest, confidence=score)


def level_why(facts: Facts, known: Knowledge) -> list[str]:
    """Return why the level stands where it stands, a reason each."""
    before, after = Level.from_id(facts.before.level), Level.from_id(facts.record["level"] or facts.after.level)
    names = texts()["levels"]
    reasons = []
    for one in facts.found:
        level = Level.from_id(one["level"])
        if level == Level.PROVIDER_ROUTINE:
            continue
        if level == after and after > before:
            reasons.append(said("level", "raised", sign=one["title"], level=names[one["level"]]) + f" {one['because']}".rstrip())
        elif level == after:
            reasons.append(said("level", "same_sign", sign=one["title"], level=names[one["level"]]))
    if reasons:
        return reasons
    if after > before:
        return [said("level", "check")]
    if before > Level.PROVIDER_ROUTINE:
        signs = _listed(known.sign(one) for one in facts.before.sign) or said("level", "check")
        return [said("level", "kept", level=names[before.id], signs=signs)]
    return [said("level", "unchanged")]


def actions(events: Iterable[Mapping[str, Any]], facts: Facts, known: Knowledge) -> list[dict[str, Any]]:
    """Return the actions of a turn with the policy, and rule, that chose each."""
    found = []
    every = list(events)
    # The start of the session comes before the message, and says nothing of it.
    first = next((at for at, event in enumerate(every) if event.get("event") == "user"), 0)
    for event in every[first:]:
        if event.get("event") != "action" or not event.get("name"):
            continue
        name = str(event["name"])
        policy = str(event.get("policy") or "").rpartition("_")[2] or None
        rule = known.rules.get(str(facts.understood["intent"]["name"])) if policy == "RulePolicy" else None
        found.append(
            {
                "action": name,
                "policy": policy,
                "confidence": event.get("confidence"),
                "rule": rule if name == "action_answer" else None,
                "why": _action_why(name, policy, rule),
            }
        )
    return found


def _action_why(name: str, policy: str | None, rule: str | None) -> str:
    if name == "action_listen":
        return said("policy", "listen")
    what = {ESCALATION: "urgent", HELP: "under_way", UNAVAILABLE: "unavailable"}.get(name, "ordinary")
    if policy == "SafetyPolicy":
        return said("policy", "SafetyPolicy", what=texts()["policy"][what])
    if policy == "RulePolicy":
        return said("policy", "RulePolicy", rule=rule or "-")
    return said("policy", "other", policy=policy or "-")


def _findings(stored: Mapping[str, Any]) -> Findings:
    """Read what the parse has of the detector; other modules of the model need not be loaded for it."""
    lists = ("atoms", "signs", "hypothetical_atoms", "hypothetical_signs")
    values: dict[str, Any] = {name: tuple(Mention(**one) for one in stored.get(name, ())) for name in lists}
    for name in ("temperature", "hypothetical_temperature"):
        values[name] = Temperature(**stored[name]) if stored.get(name) else None
    values["age"] = AgeRange(**stored["age"]) if stored.get("age") else None
    return Findings(dismissed=bool(stored.get("dismissed")), **values)


def _span(one: Mention | Temperature | AgeRange) -> dict[str, Any]:
    return {"start": one.start, "end": one.end, "text": one.text}


def _titles(signs: Iterable[Mapping[str, Any]]) -> str:
    return _listed(str(one["title"]) for one in signs)


def _listed(names: Iterable[str]) -> str:
    every = list(dict.fromkeys(names))
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}" if every else ""


def _percent(value: float) -> str:
    return f"{value * 100:.0f}%"
