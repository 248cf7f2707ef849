"""The guided check: questions in order, interruptible at any point, with a result at the end.

A state machine without any state of its own: `CheckState` goes in and comes out, and fits into one slot. What is asked
next is settled in `milia.check_plan`, what a message means in `milia.check_reader`, the result in `milia.check_result`,
all words in `data/content/triage.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from milia.check_plan import CheckState, Plan, Standing, StateError, Step
from milia.check_reader import Asked, Interpretation, Reader, words_of
from milia.check_result import compose, escalate, said_answers
from milia.triage import QUESTIONS, UNKNOWN, VALUES, Assessment
from milia.triage_table import Part, Repeat, TriageTable
from milia.warning_signs import Level, SignCatalog

__all__ = ["Check", "CheckState", "CheckTurn", "Interpretation", "StateError"]

Button = tuple[str, str]


@dataclass(frozen=True)
class CheckTurn:
    """What the check says in one turn.

    Attributes:
        state: The state to keep, or None when the check is over.
        text: What to say.
        buttons: Title and choice of each button; the choice goes back into `Check.take`.
        question: What is asked: a question's id, `baby`, `conflict`, or the group of the screen (`A1`); None at the end.
        progress: Number of the step in front, and of all steps.
        assessment: The result, when the check ends with one.
        notice: What happened besides: `changed: where`, `cancelled`, `not_understood`, `why`, `back`, `first`, `restarted`,
            `stale`, `again`, `smaller`, `which`, `urgent`, or empty.
        facts: Ids of the facts that the text states.
        signs: The signs that this turn brought in, by report or by answer.
        level: Level of all signs so far; with an assessment, its level.
    """

    state: CheckState | None
    text: str
    buttons: tuple[Button, ...] = ()
    question: str | None = None
    progress: tuple[int, int] = (0, 0)
    assessment: Assessment | None = None
    notice: str = ""
    facts: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    level: Level = Level.PROVIDER_ROUTINE


class Check:
    """The guided check for one table of words and one list of warning signs.

    Args:
        table: The words (`milia.triage_table.load_table`).
        catalog: The warning signs (`milia.warning_signs.load_signs`).
        region: Whose emergency numbers are named; empty for the default of the list.
    """

    def __init__(self, table: TriageTable, catalog: SignCatalog, region: str = "") -> None:
        self._table, self._catalog, self._region = table, catalog, region
        self._plan = Plan(table, catalog)
        self._reader = Reader(table)

    # -------------------------------------------------------------------------------------------------------- from outside
    def start(
        self, known: Mapping[str, str] | None = None, signs: Iterable[str] = (), not_baby: bool = False
    ) -> CheckTurn:
        """Begin a check.

        Args:
            known: Answers known from earlier messages, by question; they are not asked again.
            signs: Warning signs known from earlier messages.
            not_baby: The person is known to be no baby under 3 months.

        Raises:
            ValueError: An answer or a sign is not known.
        """
        told = {question: value for question, value in (known or {}).items() if value != UNKNOWN}
        for question, value in told.items():
            if value not in VALUES.get(question, ()):
                raise ValueError(
                    f"known: {question}={value!r} is no answer; allowed: {VALUES.get(question, QUESTIONS)}"
                )
        for sign in signs:
            self._catalog[sign]
        state = CheckState(tuple((q, told[q]) for q in QUESTIONS if q in told), tuple(sorted(set(signs))), not_baby)
        now = self._plan.standing(state)
        words = self._table.words
        intro = [self._table.fill(words["start"], now.answers.get("who", UNKNOWN))]
        if told:
            intro.append(words["known"].format(list=said_answers(self._table, told)))
        return self._turn(state, now, intro, before=None)

    def ask(self, state: CheckState) -> CheckTurn:
        """Put the question in front again, such as after a message that was about something else."""
        now = self._plan.standing(state)
        return self._turn(state, now, [], before=now)

    def interpret(self, state: CheckState | None, text: str) -> Interpretation:
        """Return what a typed message says for the check; empty when nothing was found.

        Without a state it reads a message before the check, for the `known` of `start`.
        """
        now = self._plan.standing(state) if state else None
        if state is None or now is None or now.step is None:
            return self._reader.read(text, Asked())
        typed = _bare(text)
        for title, choice in self._buttons(state, now, now.step):
            if _bare(title) == typed:  # a title that is typed, or sent by a platform without payloads
                return _of_choice(choice.partition("@")[0])
        return self._reader.read(text, now.step.asked(now.answers.get("who", "")))

    def take(self, state: CheckState, said: Interpretation | str) -> CheckTurn:
        """Go on with a message or with the choice of a pressed button.

        Args:
            state: The state of the last turn.
            said: What `interpret` found (an empty one counts as not understood), or a button's choice.
        """
        now = self._plan.standing(state)
        if now.step is None:
            return self._turn(state, now, [], before=now)
        if isinstance(said, str):
            tokens = self._tokens_of_choice(state, now, said)
            if tokens is None:
                return self._turn(state, now, [self._table.words["stale"]], "stale", now)
            return self._move(state, now, tokens)
        if said.control and said.control != "skip":
            return self._control(state, now, said.control)
        tokens = self._tokens(now, now.step, said)
        return self._move(state, now, tokens or ("miss",))

    # --------------------------------------------------------------------------------------------------- what was said
    def _tokens(self, now: Standing, step: Step, said: Interpretation) -> tuple[str, ...]:
        """Turn a message into the tokens of a move.

        An answer to an earlier question takes its place only when the message says so, or answers nothing else.
        """
        reply = "skip" if said.control == "skip" else said.reply
        current = bool(reply) or step.id in said.answers
        tokens = [f"sign={sign}" for sign in sorted(said.signs) if sign in set(self._catalog)]
        for question, value in said.answers.items():
            known = now.answers.get(question)
            if question == step.id or known in (None, UNKNOWN) or (known != value and (said.corrects or not current)):
                tokens.append(f"{question}={value}")
        if (reply and step.kind == "group") or reply in ("skip", "unsure"):
            tokens.append(reply)
        elif step.kind == "baby" and reply in ("yes", "no"):
            tokens.append(f"baby={reply}")
        elif step.kind == "conflict" and reply:
            tokens.append("keep" if reply == "keep" else f"ask={reply}")
        return tuple(tokens)

    def _tokens_of_choice(self, state: CheckState, now: Standing, choice: str) -> tuple[str, ...] | None:
        """Return the tokens of a button; None for one that belongs to another question or to none."""
        name, _, value = choice.partition("=")
        if name == "sign" and value and all(sign in set(self._catalog) for sign in value.split("+")):
            return (choice,)  # a sign counts whenever it is told
        if value in VALUES.get(name, ()):
            return (choice,)
        if now.step is not None and choice in {own for _, own in self._buttons(state, now, now.step)}:
            return (choice.partition("@")[0],)
        return None

    def _control(self, state: CheckState, now: Standing, control: str) -> CheckTurn:
        words = self._table.words
        if control == "cancel":
            who, level = now.answers.get("who", UNKNOWN), self._plan.level(now)
            action = [self._action(now)] if level >= Level.URGENT_SAME_DAY else []
            text = "\n".join([*action, self._table.fill(words["cancelled"], who)])
            return CheckTurn(None, text, notice="cancelled", level=level)
        if control == "restart":
            again = CheckState(signs=tuple(sorted(now.signs)))
            then = self._plan.standing(again)
            return replace(self._turn(again, then, [words["restarted"]]), notice="restarted", signs=())
        if control == "why":
            return self._turn(state, now, [self._why(now)], "why", now)
        moves = state.moves
        while moves and moves[-1] == ("miss",):
            moves = moves[:-1]
        if not moves:
            return self._turn(state, now, [words["first"]], "first", now)
        earlier = replace(state, moves=moves[:-1])
        return self._turn(earlier, self._plan.standing(earlier), [words["back"]], "back", now)

    # ------------------------------------------------------------------------------------------------------- what is said
    def _move(self, state: CheckState, now: Standing, tokens: tuple[str, ...]) -> CheckTurn:
        """Apply a move and say what came of it."""
        after = replace(state, moves=(*state.moves, tokens))
        then = self._plan.standing(after)
        words, step = self._table.words, now.step
        lead, notice = [], ""
        changed = {q: v for q, v in then.answers.items() if now.answers.get(q, v) != v}
        own = step.id if step else ""
        noted = {q: v for q, v in then.answers.items() if q not in now.answers and q != own and v != UNKNOWN}
        if changed:
            lead.append(words["changed"].format(list=said_answers(self._table, changed) or self._names(changed)))
            notice = "changed: " + ", ".join(changed)
        if noted:
            lead.append(words["noted"].format(list=said_answers(self._table, noted)))
        if tokens == ("miss",):
            notice = "not_understood"
        elif then.step is not None and then.step.id == own:
            if then.signs > now.signs:
                lead.append(words["item_noted"])
            elif then.step.smaller and step is not None and not step.smaller:
                notice = {"skip": "again", "yes": "which"}.get(tokens[-1], "smaller")
                lead.append(words[{"again": "skip_once"}.get(notice, notice)])
        return self._turn(after, then, lead, notice, before=now)

    def _turn(
        self, state: CheckState, now: Standing, lead: list[str], notice: str = "", before: Standing | None = None
    ) -> CheckTurn:
        """Build the turn for a standing: the next question, or the result."""
        table, step = self._table, now.step
        level, signs = self._plan.level(now), set(self._plan.signs(now))
        progress = self._plan.progress(state, now)
        known = set(self._plan.signs(before)) if before else set()
        new = tuple(sorted(signs - known))
        if step is None:
            found = self._plan.assessment(now)
            result = compose(table, self._catalog, now.full_answers(), found, self._region)
            text = result.text if found.outcome == "warning_first" else "\n".join([*lead, result.text])
            return CheckTurn(None, text, (), None, progress, found, notice, result.facts, new, found.level)
        rose = level >= Level.URGENT_SAME_DAY and level > (
            self._plan.level(before) if before else Level.PROVIDER_ROUTINE
        )
        if rose:
            lead, notice = [self._action(now), table.words["today_first"], *lead], notice or "urgent"
        done, total = progress
        where = table.words["progress"].format(done=done, total=total)
        text = "\n".join([*lead, f"{where} {self._question_text(now, step)}"])
        return CheckTurn(state, text, self._buttons(state, now, step), step.id, progress, None, notice, (), new, level)

    def _action(self, now: Standing) -> str:
        """Return the action for the most urgent signs so far."""
        signs, level = self._plan.signs(now), self._plan.level(now)
        urgent = [sign for sign in signs if self._catalog[sign].level == level]
        return escalate(self._table, self._catalog, urgent, now.answers.get("who", UNKNOWN), self._region)

    def _question_text(self, now: Standing, step: Step) -> str:
        table, words, again = self._table, self._table.words, now.misses > 0
        if step.kind == "conflict":
            return words["conflict"]
        if step.kind in ("question", "baby"):
            question = table.baby if step.kind == "baby" else table.questions[step.id]
            return f"{words['question_again']} {question.again}" if again else question.ask
        if again:
            details = [f"{box.title}: {' '.join(self._catalog[sign].sign for sign in box.signs)}" for box in step.boxes]
            return "\n".join([words["group_again"], *details])
        if step.partial and not step.smaller:
            return words["more"]
        part = self._part(step)
        return part.next if step.smaller or not step.id.endswith("1") else part.ask

    def _why(self, now: Standing) -> str:
        step = now.step
        if step is None or step.kind == "conflict":
            return self._table.words["conflict_why"]
        if step.kind == "group":
            return self._part(step).why
        return self._table.baby.why if step.kind == "baby" else self._table.questions[step.id].why

    def _part(self, step: Step) -> Part | Repeat:
        if step.part == "repeat":
            return self._table.repeat
        return next(part for part in self._table.parts if part.id == step.part)

    def _buttons(self, state: CheckState, now: Standing, step: Step) -> tuple[Button, ...]:
        """Return the buttons of a step. What only makes sense for the list in front carries the number of the move."""
        words = self._table.words
        if step.kind == "question":
            return tuple((value.title, f"{step.id}={value.code}") for value in self._table.questions[step.id].values)
        here = f"@{len(state.moves)}"
        if step.kind == "baby":
            return tuple((value.title, f"baby={value.code}{here}") for value in self._table.baby.values)
        if step.kind == "conflict":
            keys = {"conflict_who": "ask=who", "conflict_how_long": "ask=how_long", "conflict_keep": "keep"}
            return tuple((words[key], choice + here) for key, choice in keys.items())
        boxes = [(box.title, "sign=" + "+".join(box.signs)) for box in step.boxes]
        none = words["none_left" if step.partial else "none"]
        return (*boxes, (none, "none" + here), (words["unsure"], "unsure" + here), (words["skip"], "skip" + here))

    def _names(self, changed: Iterable[str]) -> str:
        return ", ".join(self._table.questions[question].name for question in changed)


def _of_choice(choice: str) -> Interpretation:
    """Return what a choice means, as if it had been read in a message."""
    name, _, value = choice.partition("=")
    if name == "sign":
        return Interpretation(signs=frozenset(value.split("+")))
    if name in VALUES:
        return Interpretation(answers={name: value})
    if name == "baby":
        return Interpretation(reply="unsure" if value == UNKNOWN else value)
    return Interpretation(reply=value or name)  # none, unsure, skip, keep, or what is to be asked again


def _bare(text: str) -> list[str]:
    return [word for word in words_of(text) if word not in (",", "?")]
