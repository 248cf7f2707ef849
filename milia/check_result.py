"""The text of a result of the guided check.

Owns the order of what is said after the last question (triage table, sections 7 and 8) and which facts may be said to
whom (G10). All words come from `data/content/triage.yml` and, for warning signs, from `milia.warning_signs.escalation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from milia.triage import QUESTIONS, UNKNOWN, Answers, Assessment
from milia.triage_table import FactList, Line, TriageTable, audience
from milia.warning_signs import Level, SignCatalog, escalation

_ESCALATION_AUDIENCE = {"baby": "baby", "child": "child", "teen": "child", "adult": "adult", "unknown": "unknown"}


@dataclass(frozen=True)
class Result:
    """A whole reply and the ids of the facts that it states."""

    text: str
    facts: tuple[str, ...]


def said_answers(table: TriageTable, answers: Mapping[str, str]) -> str:
    """Return what was answered, as the user read it on the buttons."""
    told = (table.questions[q] for q in QUESTIONS if answers.get(q, UNKNOWN) != UNKNOWN)
    return "; ".join(f"{question.name}: {question.title(answers[question.id])}" for question in told)


def escalate(table: TriageTable, catalog: SignCatalog, signs: Iterable[str], who: str, region: str = "") -> str:
    """Return the action for signs of level 2 and above."""
    return escalation(signs, catalog, region, _ESCALATION_AUDIENCE[table.provider_of[who]]).text


def compose(
    table: TriageTable, catalog: SignCatalog, answers: Answers, assessment: Assessment, region: str = ""
) -> Result:
    """Put a result into words.

    Args:
        table: The words.
        catalog: The warning signs.
        answers: What was answered.
        assessment: What the triage table says about it.
        region: Whose emergency numbers are named; empty for the default.
    """
    if assessment.outcome == "warning_first":
        return _Composer(table, catalog, answers, assessment, region).warning()
    return _Composer(table, catalog, answers, assessment, region).comparison()


class _Composer:
    """Collects sentences and their facts for one result."""

    def __init__(
        self, table: TriageTable, catalog: SignCatalog, answers: Answers, assessment: Assessment, region: str
    ) -> None:
        self._table, self._catalog, self._region = table, catalog, region
        self._told = {question: getattr(answers, question) for question in QUESTIONS}
        self._who, self._found = answers.who, assessment
        self._lines: list[str] = []
        self._facts: dict[str, None] = {}

    def warning(self) -> Result:
        """Return a result that puts the action first: at level 4 nothing else, at level 3 no facts (G7)."""
        level = self._found.level
        at_level = [sign for sign in self._found.signs if self._catalog[sign].level == level]
        if level == Level.PROVIDER_SOON:
            at_level = [sign for sign in at_level if self._catalog[sign].blocking]
        if at_level:
            self._lines.append(escalate(self._table, self._catalog, at_level, self._who, self._region))
        else:  # the level comes from the skipped screen (G4)
            self._say(self._table.reasons["R_SCREEN_SKIPPED"].today)
            self._message("today_afterwards")
        if level == Level.EMERGENCY_NOW:
            return self._result()
        if level == Level.PROVIDER_SOON:
            if "R_SCREEN_SKIPPED" in self._found.reasons:
                self._say(self._table.reasons["R_SCREEN_SKIPPED"].text)
            self._notes(first=True, with_facts=False)
            self._notes(first=False, with_facts=False)
        self._message("sooner")
        if level == Level.PROVIDER_SOON:
            self._message("close")
        return self._result()

    def comparison(self) -> Result:
        """Return a result with a comparison: answers, outcome, reasons, facts, level, safety net, close."""
        self._notes(first=True)
        told = said_answers(self._table, self._told)
        if told and self._found.reasons != ("R_SCREEN_SKIPPED",):
            self._message("compared", list=told)
        self._outcome()
        self._reasons()
        self._article()
        self._notes(first=False)
        self._message("soon" if self._found.level == Level.PROVIDER_SOON else "routine")
        self._message("sooner")
        self._message("close")
        return self._result()

    def _result(self) -> Result:
        return Result("\n".join(dict.fromkeys(self._lines)), tuple(self._facts))

    def _say(self, text: str, facts: Iterable[str] = ()) -> None:
        if text:
            self._lines.append(text)
            self._facts.update(dict.fromkeys(facts))

    def _message(self, name: str, **more: str) -> None:
        text = self._table.fill(self._table.messages[name], self._who, **more)
        self._say(text, self._table.message_facts.get(name, ()))

    def _outcome(self) -> None:
        types = [self._table.types[name] for name in self._found.fits]
        if self._found.outcome != "fits":
            self._message(self._found.outcome)
        elif len(types) == 1:
            self._message("fits", type=types[0])
        else:
            self._message("fits_several", types=", ".join(types[:-1]) + " and " + types[-1])

    def _reasons(self) -> None:
        reasons = [self._table.reasons[code] for code in self._found.reasons]
        names = [reason.names for reason in reasons if reason.names]
        if names:
            self._message("not_known", list=", ".join(names))
        for reason in reasons:
            self._say(reason.text, reason.facts)

    def _notes(self, first: bool, with_facts: bool = True) -> None:
        for case, line, leads in self._table.notes:
            if leads == first and case.holds(self._told, self._found.signs) and (with_facts or not line.facts):
                self._say(line.text, line.facts)

    def _article(self) -> None:
        """Say the article's facts for the outcome: not withheld, most important first, of each type in turn."""
        lists = [self._table.facts[name] for name in (self._found.fits or (self._found.outcome,))]
        left = self._table.most_sentences
        turns = [self._sayable(facts) for facts in lists]
        for place in range(max(map(len, turns), default=0)):
            for lines in turns:
                if place < len(lines) and lines[place].text not in self._lines:
                    count = len(re.findall(r"[.?](?:\s|$)", lines[place].text))
                    if count <= left:
                        left -= count
                        self._say(lines[place].text, lines[place].facts)

    def _sayable(self, facts: FactList) -> list[Line]:
        allowed = facts.allowed[audience(self._who)]
        return [
            line
            for line in facts.say
            if set(line.facts) <= allowed
            and all(self._table.may_say(fact, self._told, self._found.signs) for fact in line.facts)
        ]
