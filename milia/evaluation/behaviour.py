"""The behavioural suite: pairs of messages of which the second changes one thing, and what that may change in the reply.

After CheckList (Ribeiro et al., "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", ACL 2020): an
invariance pair must keep topics or level, a directional pair must change them in the way that it names. The format
stands at the head of `tests/heldout/behaviour.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milia.evaluation.dialog_format import known_names, shown
from milia.evaluation.heldout import Bot
from milia.evaluation.yaml_reader import FileError, Value, read_file, refuse
from milia.sign_catalog import Level

Turn = Mapping[str, Any]
EXPECT = (
    "same_topics",
    "same_level",
    "level_rises",
    "topics_change_to",
    "facts_include",
    "facts_exclude",
)


@dataclass(frozen=True)
class Change:
    """What a pair expects of the reply to its second message; see the head of the file for each."""

    same_topics: bool = False
    same_level: bool = False
    level_rises: bool = False
    topics_change_to: tuple[str, ...] | None = None
    facts_include: tuple[str, ...] = ()
    facts_exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Two messages, or two lists of turns whose last replies are compared."""

    name: str
    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    expect: Change
    line: int


@dataclass(frozen=True)
class PairResult:
    """What came of a pair: whether it passed, and in words what differed."""

    pair: Pair
    differences: tuple[str, ...]
    before: Turn
    after: Turn

    @property
    def name(self) -> str:
        """Kind and name of the pair."""
        return f"{self.pair.kind}: {self.pair.name}"

    @property
    def said(self) -> str:
        """Both messages."""
        return f"{' / '.join(self.pair.before)} -> {' / '.join(self.pair.after)}"

    @property
    def passed(self) -> bool:
        """Whether all that was expected came."""
        return not self.differences

    @property
    def difference(self) -> str:
        """What differed, in one line."""
        return "; ".join(self.differences)


def load_pairs(path: Path) -> list[Pair]:
    """Read a behavioural suite.

    Raises:
        FileError: lists every mistake with its file and line, and what is allowed.
    """
    if not path.is_file():
        raise FileError(f"{path}: no such file")
    faults: list[str] = []
    root = read_file(path, shown(path), faults)
    keys = root.keys("the file", ("pairs",)) if root else {}
    pairs, names = [], set()
    for item in keys["pairs"].items("pairs") if "pairs" in keys else []:
        pair = _pair(item)
        if (pair.kind, pair.name) in names:
            item.fault(f"the name {pair.name!r} is there twice among {pair.kind!r}")
        names.add((pair.kind, pair.name))
        pairs.append(pair)
    refuse(faults)
    return pairs


def _pair(item: Value) -> Pair:
    keys = item.keys("a pair", ("name", "kind", "before", "after", "expect"))
    name, kind = (keys[key].text(key) if key in keys else "" for key in ("name", "kind"))
    before, after = (keys[key].texts(key) if key in keys else () for key in ("before", "after"))
    return Pair(name, kind, before, after, _change(keys["expect"]) if "expect" in keys else Change(), item.line)


def _change(item: Value) -> Change:
    keys = item.keys("'expect'", (), EXPECT)
    if not keys:
        item.fault(f"'expect' needs at least one of {', '.join(EXPECT)}")
    known = known_names()
    facts = (*known.facts, *dict.fromkeys(f"{fact.partition('.')[0]}.*" for fact in known.facts))
    flags = {name: keys[name].flag(name) for name in EXPECT[:3] if name in keys}
    return Change(
        topics_change_to=keys["topics_change_to"].known("topics_change_to", known.topics)
        if "topics_change_to" in keys
        else None,
        facts_include=keys["facts_include"].known("facts_include", facts) if "facts_include" in keys else (),
        facts_exclude=keys["facts_exclude"].known("facts_exclude", facts) if "facts_exclude" in keys else (),
        **flags,
    )


def run_behaviour(bot: Bot, path: Path) -> Iterator[PairResult]:
    """Run the pairs of a file, each message in a new conversation.

    Args:
        bot: `milia.evaluation.bot.Bot`, or whatever takes turns like it.
        path: `tests/heldout/behaviour.yml`.

    Raises:
        FileError: the file is not in order.
    """
    for pair in load_pairs(path):
        before, after = (_last_turn(bot, pair, turns) for turns in (pair.before, pair.after))
        yield PairResult(pair, tuple(_differences(pair.expect, before, after)), before, after)


def _last_turn(bot: Bot, pair: Pair, turns: Sequence[str]) -> Turn:
    conversation = bot.conversation(f"{pair.kind} {pair.name}: {' / '.join(turns)}")
    return [bot.turn(conversation, text) for text in turns][-1]


def _differences(expect: Change, before: Turn, after: Turn) -> Iterator[str]:
    topics, level = set(after["topics"]), Level.from_id(after["level"])
    earlier = Level.from_id(before["level"])
    if expect.same_topics and topics != set(before["topics"]):
        yield f"topics: {_listed(before['topics'])} became {_listed(after['topics'])}"
    if expect.same_level and level != earlier:
        yield f"level: {before['level']} became {after['level']}"
    if expect.level_rises and level <= earlier:
        yield f"level: {before['level']} did not rise, it is {after['level']}"
    if expect.topics_change_to is not None and topics != set(expect.topics_change_to):
        yield f"topics: expected {_listed(expect.topics_change_to)}; got {_listed(after['topics'])}"
    facts = after["facts"]
    if missing := [fact for fact in expect.facts_include if not _states(facts, fact)]:
        yield f"facts: {_listed(missing)} not stated; stated: {_listed(facts)}"
    if stated := [fact for fact in expect.facts_exclude if _states(facts, fact)]:
        yield f"facts: {_listed(stated)} must not be stated"


def _states(facts: Sequence[str], fact: str) -> bool:
    if fact.endswith(".*"):
        return any(one.startswith(fact[:-1]) for one in facts)
    return fact in facts


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "none"
