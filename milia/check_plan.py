"""Where a guided check stands: its state for the conversation's slot, and what is to be asked next.

The state keeps what was known at the start and the moves since, nothing else. Where the check stands is worked out by
playing the moves again, so going back is leaving out the last move, and a stored state can not contradict itself.
Owns the order of the check (triage table, section 2), the rules for "not sure" and "skip" (G4) and the repeat of the
sign items (G3). No wording.

A move is the tuple of what one message did: "where=arms" (an answer), "sign=ws.x", "baby=no", "none", "unsure", "skip",
"yes", "miss" (not understood), "ask=who" (to be asked again) and "keep" (a conflict is none).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from milia.check_reader import Asked
from milia.triage import ADULT, QUESTIONS, UNKNOWN, VALUES, Answers, Assessment, RatedSign, Screen, assess
from milia.triage_table import MOST_ITEMS, Item, TriageTable, ages_asked
from milia.warning_signs import Level

_SMALL = 3  # items of a group that is asked again in smaller steps (G4: at most five)
_OTHER_EMERGENCY = "ws.other_emergency"


class StateError(ValueError):
    """A stored state of the check that cannot be read."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """A check in progress, small enough for one slot.

    Attributes:
        known: Answers known before the first question; they are not asked.
        signs: Signs known before the first question.
        not_baby: The user has said that it is no baby under 3 months.
        moves: What each message did, in order.
    """

    known: tuple[tuple[str, str], ...] = ()
    signs: tuple[str, ...] = ()
    not_baby: bool = False
    moves: tuple[tuple[str, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {
            "known": dict(self.known),
            "signs": list(self.signs),
            "not_baby": self.not_baby,
            "moves": [list(move) for move in self.moves],
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> CheckState:
        """Return the state from its JSON values.

        Raises:
            StateError: A key is missing or unknown, or a value is not of its kind.
        """
        if set(raw) != {"known", "signs", "not_baby", "moves"}:
            raise StateError(f"check state: found keys {sorted(raw)}; needed: known, moves, not_baby, signs")
        if not isinstance(raw["known"], dict):
            raise StateError(f"check state: known is {raw['known']!r}; needed: answers by question")
        for question, value in raw["known"].items():
            if value not in VALUES.get(question, ()):
                raise StateError(f"check state: known: {question}={value!r} is no answer of the table")
        if not isinstance(raw["not_baby"], bool):
            raise StateError(f"check state: not_baby is {raw['not_baby']!r}; allowed: true, false")
        lists = {"signs": raw["signs"], "moves": raw["moves"]}
        lists.update(
            {f"moves[{n}]": move for n, move in enumerate(raw["moves"] if isinstance(raw["moves"], list) else ())}
        )
        for name, value in lists.items():
            if not isinstance(value, list):
                raise StateError(f"check state: {name} is {value!r}; needed: a list")
        return cls(
            tuple((question, raw["known"][question]) for question in QUESTIONS if question in raw["known"]),
            tuple(sorted(map(str, raw["signs"]))),
            raw["not_baby"],
            tuple(tuple(map(str, move)) for move in raw["moves"]),
        )


@dataclass(frozen=True, slots=True)
class Box:
    """An item as it is put to this person: its key in the state, its signs at this age, its button and cues."""

    key: str
    signs: tuple[str, ...]
    title: str
    cues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What is asked: a `question`, the `baby` question, a `conflict` or a `group` of boxes.

    Of a group: `part` is its part of the screen (A to D, or `repeat`), `rest` what is left of it for the next step,
    `partial` that some of its signs are told already, `smaller` that it is asked again in smaller steps.
    """

    kind: str
    id: str
    part: str = ""
    boxes: tuple[Box, ...] = ()
    rest: tuple[Box, ...] = ()
    partial: bool = False
    smaller: bool = False

    def asked(self, who: str = "") -> Asked:
        """Return it for the reader."""
        items = tuple((box.signs, box.cues) for box in self.boxes)
        return Asked(self.kind, self.id if self.kind == "question" else "", items, who)


@dataclass
class Standing:
    """Where a check stands after its moves; built by `Plan.standing` only."""

    answers: dict[str, str]
    signs: set[str]
    baby: str = ""
    settled: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    conflict_told: bool = False
    misses: int = 0
    step: Step | None = None

    @property
    def screen(self) -> Screen:
        """`skipped` when some item of a warning group stayed open (G4)."""
        return "skipped" if self.skipped else "answered"

    def full_answers(self, **assumed: str) -> Answers:
        """Return the answers, with what was not asked as unknown or as assumed."""
        values = {question: self.answers.get(question, assumed.get(question, UNKNOWN)) for question in QUESTIONS}
        return Answers(**values, not_baby=self.baby == "no")


class Plan:
    """The order of the check for one table and list of signs."""

    def __init__(self, table: TriageTable, catalog: Mapping[str, RatedSign]) -> None:
        self._table = table
        self._catalog = catalog
        self._parts = {part.id: part for part in table.parts}

    def standing(self, state: CheckState) -> Standing:
        """Play the moves of a state."""
        now = Standing(dict(state.known), set(state.signs), "no" if state.not_baby else "")
        now.step = self.next_step(now)
        for move in state.moves:
            before = now.step
            for token in move:
                self._play(now, token, before)
            now.step = self.next_step(now)
            if now.step != before:
                now.misses = 0
        return now

    def assessment(self, now: Standing) -> Assessment:
        """Return what the table says about everything that was told.

        A check that ends early has not asked for everything; what it has not asked for makes no sign.
        """
        early = self.level(now) >= Level.URGENT_SAME_DAY
        return assess(self._so_far(now) if early else now.full_answers(), now.signs, self._catalog, now.screen)

    def signs(self, now: Standing) -> tuple[str, ...]:
        """Return the signs so far, those that follow from answers included."""
        return assess(self._so_far(now), now.signs, self._catalog).signs

    def level(self, now: Standing) -> Level:
        """Return the highest level of the signs so far, those that follow from answers included."""
        return max((self._catalog[sign].level for sign in self.signs(now)), default=Level.PROVIDER_ROUTINE)

    @staticmethod
    def _so_far(now: Standing) -> Answers:
        """Return the answers so that only what was asked for and told makes a sign, unlike what is not known."""
        if "who" not in now.answers:
            return Answers(where="face", not_baby=True)
        answers = now.full_answers(where="face")
        return replace(answers, not_baby=True) if answers.who == UNKNOWN and not now.baby else answers

    # ------------------------------------------------------------------------------------------------------------ moves
    def _play(self, now: Standing, token: str, step: Step | None) -> None:
        name, _, value = token.partition("=")
        if step is not None and step.kind == "conflict":
            now.conflict_told = True
        if name == "sign":
            now.signs.update(sign for sign in value.split("+") if sign in set(self._catalog))
        elif name == "baby":
            now.baby = value
        elif name == "ask":
            now.answers.pop(value, None)
        elif value in VALUES.get(name, ()):
            now.answers[name] = value
        elif step is not None:
            self._reply(now, name, step)

    def _reply(self, now: Standing, reply: str, step: Step) -> None:
        if reply == "miss":
            now.misses += 1
            if now.misses < 2:
                return
            reply = "unsure"
        if step.kind == "question":
            now.answers[step.id] = UNKNOWN
        elif step.kind == "baby":
            now.baby = reply if reply in ("yes", "no") else UNKNOWN
        elif step.kind == "group":
            self._reply_to_group(now, reply, step)

    def _reply_to_group(self, now: Standing, reply: str, step: Step) -> None:
        """Settle a group (G4).

        The first "not sure" or "skip" lets it be asked once more, in smaller steps; the second leaves it open for good,
        "skip" with all that is left of it. "Not sure" about a single item, and "yes" to a small group, mean present.
        """
        boxes = {box.key: box.signs for box in step.boxes}
        signs = [sign for its in boxes.values() for sign in its]
        emergency = all(self._catalog[sign].level == Level.EMERGENCY_NOW for sign in signs)
        if reply == "none":
            now.settled |= set(boxes)
        elif reply == "yes" and emergency and len(boxes) > 1:
            now.signs.add(_OTHER_EMERGENCY)  # one of them is there: no question before the action
        elif (reply in ("yes", "unsure") and len(boxes) == 1) or (reply == "yes" and step.smaller):
            now.signs.update(signs)
        elif not step.smaller:
            now.unsure |= set(boxes)
        else:
            left = set(boxes) if reply != "skip" else set(boxes) | {box.key for box in step.rest}
            now.settled |= left
            now.skipped |= left

    # ------------------------------------------------------------------------------------------------------------ order
    def next_step(self, now: Standing) -> Step | None:
        """Return what to ask next, or None when the check is over (section 2)."""
        return next(self._open_steps(now), None)

    def _open_steps(self, now: Standing) -> Iterator[Step]:
        level = self.level(now)
        if level == Level.EMERGENCY_NOW:
            return
        yield from self._open_groups(now, "A")
        if "who" not in now.answers:
            yield Step("question", "who")
        elif now.answers["who"] == UNKNOWN and not now.baby:
            yield Step("baby", "baby")
        yield from self._open_groups(now, "B")
        yield from self._open_groups(now, "C")
        if level >= Level.URGENT_SAME_DAY:
            # Nothing below can change the outcome, but in a baby two answers can still make it an emergency.
            if "who" in now.answers and now.full_answers().maybe_baby:
                yield from (
                    Step("question", question) for question in ("look", "before") if question not in now.answers
                )
            return
        yield from self._open_groups(now, "D")
        for question in QUESTIONS:
            if question != "who" and question not in now.answers:
                yield Step("question", question)
            if question == "how_long" and self._conflict(now):
                yield Step("conflict", "conflict")
        if any(now.answers.get(question) == UNKNOWN for question in self._table.repeat.after):
            yield from self._open_groups(now, "repeat")

    def _conflict(self, now: Standing) -> bool:
        """Tell whether age and duration do not go together, and nobody has been asked about it."""
        who, how_long = now.answers.get("who"), now.answers.get("how_long")
        too_long = (who == "newborn" and how_long in ("weeks_4_to_12", "over_3_months")) or (
            who == "infant_u3m" and how_long == "over_3_months"
        )
        return too_long and not now.conflict_told

    def _open_groups(self, now: Standing, part: str) -> Iterator[Step]:
        for number, boxes in enumerate(self._groups(now, part), start=1):
            told = [box for box in boxes if set(box.signs) & now.signs]
            open_ = tuple(box for box in boxes if box.key not in now.settled and box not in told)
            small = tuple(box for box in open_ if box.key in now.unsure)
            if small:
                yield Step("group", f"{part}{number}", part, small[:_SMALL], small[_SMALL:], bool(told), smaller=True)
            elif open_:
                yield Step("group", f"{part}{number}", part, open_, (), bool(told))

    def _groups(self, now: Standing, part: str) -> list[tuple[Box, ...]]:
        """Return the groups of a part for this age, neighbours joined while they have six items or less.

        Before the age is asked, the count of an adult is taken.
        """
        ages = ages_asked(now.answers["who"], now.baby) if "who" in now.answers else ADULT[:1]
        if part == "repeat":
            return [tuple(self._boxes(self._table.repeat.items, ages, "again:", now))]
        found = self._parts[part]
        joined: list[tuple[Box, ...]] = []
        if part != "A" and not set(ages) & set(found.ages):
            return joined
        for group in found.groups:
            boxes = tuple(self._boxes(group, ages, "", now))
            if joined and len(joined[-1]) + len(boxes) <= MOST_ITEMS:
                joined[-1] += boxes
            elif boxes:
                joined.append(boxes)
        return joined

    @staticmethod
    def _boxes(items: Iterable[Item], ages: tuple[str, ...], prefix: str, now: Standing) -> list[Box]:
        where = now.answers.get("where", UNKNOWN)
        return [
            Box(prefix + "+".join(item.signs), signs, item.title, item.cues)
            for item in items
            if (signs := item.signs_at(ages)) and (not item.where or where in item.where)
        ]

    # --------------------------------------------------------------------------------------------------------- progress
    def progress(self, state: CheckState, now: Standing) -> tuple[int, int]:
        """Return the number of the step in front and how many there are; what was known at the start is not counted."""
        known = dict(state.known)
        urgent = self.level(now) >= Level.URGENT_SAME_DAY
        parts = ("A", "B", "C") if urgent else ("A", "B", "C", "D")
        total = sum(len(self._groups(now, part)) for part in parts)
        asked = [question for question in QUESTIONS if question not in known]
        if urgent:
            open_ = {step.id for step in self._open_steps(now)}
            asked = [question for question in asked if question in now.answers or question in open_]
        step = now.step
        total += len(asked) + (now.baby != "" and not state.not_baby) + now.conflict_told
        total += step is not None and step.kind in ("baby", "conflict")
        total += not urgent and any(now.answers.get(question) == UNKNOWN for question in self._table.repeat.after)
        left = sum(1 for _ in self._open_steps(now))
        return (total, total) if step is None else (max(1, total - left + 1), total)
