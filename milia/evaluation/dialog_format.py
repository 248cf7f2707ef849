"""Dialog tests as files: conversations that people can read, with what is expected of each turn.

The format is documented in `tests/dialogs/README.md`; the staff console writes the same files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from milia.content import LOADER
from milia.evaluation.yaml_reader import FileError, Value, read_file, refuse, yaml_files
from milia.labels import NO_ANSWER, OUT_OF_SCOPE, PHOTO, TRIAGE
from milia.sign_catalog import Level, load_signs

ROOT = Path(__file__).resolve().parents[2]
KINDS = (TRIAGE, NO_ANSWER, OUT_OF_SCOPE, "chitchat", PHOTO)
OUTCOMES = ("fits", "does_not_fit", "cannot_tell", "warning_first", "none")
EXPECT = (
    "topics",
    "topics_include",
    "signs",
    "signs_include",
    "level",
    "outcome",
    "check_question",
    "buttons_include",
    "says",
    "says_not",
    "intent",
    "offered",
)
_MOST_TIMES = 20_000


@dataclass(frozen=True)
class Expected:
    """What a turn must bring; None, or an empty tuple, is not looked at (an empty `topics` or `signs` is).

    Attributes:
        topics, signs: exactly these; `topics_include`, `signs_include`: at least these.
        level: of the conversation after the turn.
        outcome: of the guided check in this turn, `none` for no result.
        check_question: whether the turn ends in a question of the guided check.
        buttons_include: titles that must be offered.
        says, says_not: words that the text has, or has not; `a | b` is either of the two.
        intent: name of the intent.
        offered: whether the pressed button was offered at all.
    """

    topics: tuple[str, ...] | None = None
    topics_include: tuple[str, ...] = ()
    signs: tuple[str, ...] | None = None
    signs_include: tuple[str, ...] = ()
    level: str | None = None
    outcome: str | None = None
    check_question: bool | None = None
    buttons_include: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    says_not: tuple[str, ...] = ()
    intent: str | None = None
    offered: bool = True


@dataclass(frozen=True)
class DialogTurn:
    """One turn: what is typed, or the title of the button that is pressed; what is expected; its line."""

    user: str | Mapping[str, str]
    expected: Expected
    line: int


@dataclass(frozen=True)
class DialogTest:
    """One conversation with expectations. `why` says in a sentence what it is there for."""

    name: str
    why: str
    turns: tuple[DialogTurn, ...]
    file: Path
    line: int

    @property
    def place(self) -> str:
        """Where it stands: file and line."""
        return f"{shown(self.file)}:{self.line}"


def load_dialog_tests(folder: Path) -> list[DialogTest]:
    """Read the dialog tests of a folder and those below it, or of one file.

    Raises:
        FileError: lists every mistake with its file and line, and what is allowed.
    """
    faults: list[str] = []
    tests: list[DialogTest] = []
    names: dict[str, DialogTest] = {}
    for path in yaml_files(folder):
        root = read_file(path, shown(path), faults)
        if root is None:
            continue
        for item in root.items("the file") if root.is_list else [root]:
            test = _test(item, path)
            first = names.setdefault(test.name, test)
            if first is not test and test.name:
                item.fault(f"the name {test.name!r} is taken by {first.place}; each dialog needs a name of its own")
            tests.append(test)
    refuse(faults)
    if not tests:
        raise FileError(f"{folder}: no dialog tests (*.yml) here")
    return tests


def _test(item: Value, path: Path) -> DialogTest:
    keys = item.keys("a dialog test", ("name", "why", "turns"))
    turns = [_turn(one) for one in keys["turns"].items("turns")] if "turns" in keys else []
    name = keys["name"].text("name") if "name" in keys else ""
    why = keys["why"].text("why") if "why" in keys else ""
    return DialogTest(name, why, tuple(turns), path, item.line)


def _turn(item: Value) -> DialogTurn:
    keys = item.keys("a turn", (), ("user", "press", "times", "expect"))
    if keys and ("user" in keys) == ("press" in keys):
        item.fault("a turn needs either 'user' (what is typed) or 'press' (the title of a button)")
    user: str | Mapping[str, str] = ""
    if "press" in keys:
        user = {"press": keys["press"].text("press")}
        if "times" in keys:
            keys["times"].fault("'times' goes with 'user' only")
    elif "user" in keys:
        times = keys["times"].number("times", _MOST_TIMES) if "times" in keys else 1
        user = keys["user"].text("user", empty=True) * times
    expected = _expected(keys["expect"]) if "expect" in keys else Expected()
    if not expected.offered and "press" not in keys:
        item.fault("'offered' goes with 'press' only")
    return DialogTurn(user, expected, item.line)


def _expected(item: Value) -> Expected:
    keys = item.keys("'expect'", (), EXPECT)
    known = known_names()

    def several(name: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        if name not in keys:
            return ()
        return keys[name].texts(name) if allowed is None else keys[name].known(name, allowed)

    def single(name: str, allowed: Collection[str]) -> str | None:
        return keys[name].one_of(name, allowed) if name in keys else None

    return Expected(
        topics=several("topics", known.topics) if "topics" in keys else None,
        topics_include=several("topics_include", known.topics),
        signs=several("signs", known.signs) if "signs" in keys else None,
        signs_include=several("signs_include", known.signs),
        level=single("level", known.levels),
        outcome=single("outcome", OUTCOMES),
        check_question=keys["check_question"].flag("check_question") if "check_question" in keys else None,
        buttons_include=several("buttons_include"),
        says=several("says"),
        says_not=several("says_not"),
        intent=single("intent", known.intents),
        offered=keys["offered"].flag("offered") if "offered" in keys else True,
    )


@dataclass(frozen=True)
class Known:
    """The names that an expectation may use."""

    topics: tuple[str, ...]
    signs: tuple[str, ...]
    levels: tuple[str, ...]
    intents: tuple[str, ...]
    facts: tuple[str, ...]


@lru_cache(maxsize=1)
def known_names() -> Known:
    """Return the topics, kinds of reply, warning signs, levels, intents and facts of this project."""
    content = ROOT / "data" / "content"
    domain = yaml.load((ROOT / "domain.yml").read_text(encoding="utf-8"), Loader=LOADER)
    facts = yaml.load((content / "facts.yml").read_text(encoding="utf-8"), Loader=LOADER)["facts"]
    return Known(
        (*sorted(path.stem for path in (content / "topics").glob("*.yml")), *KINDS),
        tuple(load_signs(content / "warning_signs.yml")),
        tuple(level.id for level in Level),
        tuple(domain["intents"]),
        tuple(fact["id"] for fact in facts),
    )


def shown(path: Path) -> str:
    """Return a path as messages name it: relative to the project where it lies there."""
    resolved = path.resolve()
    return str(resolved.relative_to(ROOT)) if resolved.is_relative_to(ROOT) else str(path)
