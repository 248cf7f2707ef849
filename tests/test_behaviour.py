"""The behavioural suite: its file is in order, and each kind of expectation tells a right pair from a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from milia.evaluation.behaviour import EXPECT, load_pairs, run_behaviour
from milia.evaluation.yaml_reader import FileError

SUITE = Path(__file__).parent / "heldout" / "behaviour.yml"


class FakeBot:
    """Knows four messages; the last of several turns counts."""

    replies = {
        "plain": {"topics": ["duration"], "facts": ["duration.3"], "level": "provider_routine"},
        "same": {"topics": ["duration"], "facts": ["duration.1"], "level": "provider_routine"},
        "other": {"topics": ["causes", "harmless"], "facts": ["causes.1"], "level": "provider_routine"},
        "worse": {"topics": [], "facts": [], "level": "emergency_now"},
    }

    def conversation(self, name: str) -> str:
        return name

    def turn(self, conversation: Any, user: str | Mapping[str, str]) -> dict[str, Any]:
        assert isinstance(user, str)
        return {"user": user, **self.replies[user]}


def passed(folder: Path, before: str, after: str, expect: str) -> bool:
    path = folder / "pairs.yml"
    path.write_text(f"pairs:\n  - {{name: a, kind: b, before: {before}, after: {after}, expect: {{{expect}}}}}\n")
    (result,) = run_behaviour(FakeBot(), path)
    assert result.passed == (result.difference == "")
    assert result.name == "b: a"
    assert "->" in result.said
    return result.passed


@pytest.mark.parametrize(
    ("expect", "right", "wrong"),
    [
        ("same_topics: true", "same", "other"),
        ("same_level: true", "other", "worse"),
        ("level_rises: true", "worse", "same"),
        ("topics_change_to: [harmless, causes]", "other", "same"),
        ("topics_change_to: []", "worse", "same"),
        ("facts_include: [duration.1]", "same", "plain"),
        ("facts_include: [causes.*]", "other", "same"),
        ("facts_exclude: [duration.3]", "same", "plain"),
        ("facts_exclude: [causes.*]", "same", "other"),
    ],
)
def test_each_expectation(tmp_path: Path, expect: str, right: str, wrong: str) -> None:
    assert passed(tmp_path, "plain", right, expect)
    assert not passed(tmp_path, "plain", wrong, expect)


def test_the_last_of_several_turns_counts(tmp_path: Path) -> None:
    assert passed(tmp_path, "[plain]", "[worse, same]", "same_topics: true")
    assert not passed(tmp_path, "[plain]", "[same, worse]", "same_topics: true")


@pytest.mark.parametrize(
    ("pair", "fault"),
    [
        ("{name: a, kind: b, before: c, after: d}", "a pair needs the key 'expect'"),
        ("{name: a, kind: b, before: c, after: d, expect: {}}", "'expect' needs at least one of same_topics, "),
        ("{name: a, kind: b, before: c, after: d, expect: {same: true}}", "unknown key 'same' in 'expect'"),
        ("{name: a, kind: b, before: 1, after: d, expect: {same_topics: true}}", "before must be a text, found '1'"),
        (
            "{name: a, kind: b, before: c, after: d, expect: {facts_include: [duration.99]}}",
            "facts_include: unknown value 'duration.99'; did you mean",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, pair: str, fault: str) -> None:
    path = tmp_path / "pairs.yml"
    path.write_text(f"pairs:\n  - {pair}\n")
    with pytest.raises(FileError) as caught:
        load_pairs(path)
    assert f"pairs.yml:2: {fault}" in str(caught.value)


def test_a_name_is_there_once(tmp_path: Path) -> None:
    one = "{name: a, kind: b, before: c, after: d, expect: {same_topics: true}}"
    path = tmp_path / "pairs.yml"
    path.write_text(f"pairs:\n  - {one}\n  - {one}\n")
    with pytest.raises(FileError, match="there twice"):
        load_pairs(path)


def test_the_suite_is_in_order() -> None:
    pairs = load_pairs(SUITE)
    assert len(pairs) >= 60
    assert {pair.kind for pair in pairs} >= {"typos", "apostrophes", "case", "irrelevant", "reordering", "politeness"}
    assert {pair.kind for pair in pairs} >= {"third person", "emoji", "negation", "person", "sign"}
    head = SUITE.read_text(encoding="utf-8").partition("pairs:")[0]
    assert all(f"{key}:" in head for key in EXPECT)
