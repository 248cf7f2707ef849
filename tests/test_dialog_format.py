"""Files of dialog tests: what they say is what is run, and each mistake is named with its line and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from milia.evaluation.dialog_format import EXPECT, ROOT, DialogTest, Expected, load_dialog_tests
from milia.evaluation.yaml_reader import FileError


def load(folder: Path, text: str) -> list[DialogTest]:
    (folder / "one.yml").write_text(dedent(text), encoding="utf-8")
    return load_dialog_tests(folder)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileError) as caught:
        load(folder, text)
    return [
        line.removeprefix(f"{folder.resolve()}/").removeprefix(f"{folder}/") for line in str(caught.value).splitlines()
    ]


ONE = """\
    name: Greeting
    why: It says hello.
    turns:
      - user: "hi"
        expect: {expect}
    """


def test_a_file_holds_one_test_or_a_list(tmp_path: Path) -> None:
    (single,) = load(tmp_path, ONE.format(expect="{}"))
    assert (single.name, single.why, single.line) == ("Greeting", "It says hello.", 1)
    both = load(
        tmp_path,
        """\
        - {name: a, why: b, turns: [{user: "x"}]}
        - name: c
          why: d
          turns:
            - press: "Yes"
        """,
    )
    assert [test.name for test in both] == ["a", "c"]
    assert both[1].turns[0].user == {"press": "Yes"}
    assert both[1].turns[0].line == 5


def test_files_of_folders_below_come_along(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.yaml").write_text(dedent(ONE.format(expect="{}")).replace("Greeting", "Two"))
    assert [test.name for test in load(tmp_path, ONE.format(expect="{}"))] == ["Two", "Greeting"]
    assert [test.name for test in load_dialog_tests(tmp_path / "one.yml")] == ["Greeting"]


def test_every_expectation_is_read(tmp_path: Path) -> None:
    text = """\
    {topics: [], topics_include: [triage], signs: [ws.face_swelling], signs_include: ws.face_swelling, level: emergency_now,
     outcome: none, check_question: true, buttons_include: [Yes please], says: one, says_not: [two, three], intent: greet}"""
    (test,) = load(tmp_path, ONE.format(expect=text))
    assert test.turns[0].expected == Expected(
        topics=(),
        topics_include=("triage",),
        signs=("ws.face_swelling",),
        signs_include=("ws.face_swelling",),
        level="emergency_now",
        outcome="none",
        check_question=True,
        buttons_include=("Yes please",),
        says=("one",),
        says_not=("two", "three"),
        intent="greet",
    )


def test_a_text_can_be_repeated(tmp_path: Path) -> None:
    (test,) = load(tmp_path, '{name: a, why: b, turns: [{user: "ab ", times: 3}, {user: ""}]}')
    assert [turn.user for turn in test.turns] == ["ab ab ab ", ""]


@pytest.mark.parametrize(
    ("expect", "fault"),
    [
        ("{topic: [a]}", "unknown key 'topic' in 'expect'; allowed: topics, "),
        ("{topics: [dragons]}", "topics: unknown value 'dragons'; allowed: causes, definition, "),
        ("{signs: [ws.face_sweling]}", "signs: unknown value 'ws.face_sweling'; did you mean ws.face_swelling"),
        ("{level: high}", "level: unknown value 'high'; allowed: provider_routine, provider_soon, "),
        ("{outcome: milia}", "outcome: unknown value 'milia'; allowed: fits, does_not_fit, "),
        ("{check_question: perhaps}", "check_question must be true or false, found 'perhaps'"),
        ("{intent: gret}", "intent: unknown value 'gret'; did you mean greet"),
        ("{says: [30]}", "says must be a text, found '30' (put it in quotes"),
        ("{says: a, says: b}", "the key 'says' is there twice in 'expect'"),
        ("{offered: false}", "'offered' goes with 'press' only"),
        ("[topics]", "'expect' needs the keys topics, "),
    ],
)
def test_a_wrong_expectation_is_named_with_its_line(tmp_path: Path, expect: str, fault: str) -> None:
    (found,) = faults(tmp_path, ONE.format(expect=expect))
    assert re.match(r"one.yml:[45]: ", found), found
    assert fault in found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["one.yml:1: the file is empty"]),
        ("a: [}", ["one.yml:1: not valid YAML"]),
        ("- {name: a, why: b}", ["one.yml:1: a dialog test needs the key 'turns'"]),
        ("{name: a, why: b, turns: []}", ["one.yml:1: turns must be a list with at least one entry"]),
        ("{name: a, why: b, turns: [hi]}", ["one.yml:1: a turn needs the keys user, press, times, expect; found 'hi'"]),
        ("{name: a, why: b, turns: [{user: x, press: y}]}", ["one.yml:1: a turn needs either 'user' "]),
        ("{name: a, why: b, turns: [{user: no}]}", ["one.yml:1: user must be a text, found 'no' (put it in quotes"]),
        ("{name: a, why: b, turns: [{user: x, times: 0}]}", ["one.yml:1: times must be a whole number from 1"]),
        (
            "- {name: a, why: b, turns: [{user: x}]}\n- {name: a, why: b, turns: [{user: x}]}",
            ["one.yml:2: the name 'a' is taken by "],
        ),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, found: list[str]) -> None:
    got = faults(tmp_path, text)
    assert len(got) == len(found)
    for one, start in zip(got, found):
        assert one.startswith(start)


def test_all_mistakes_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """\
    - name: a
      turns:
        - usr: "x"
    - nam: b
    """
    lines = [int(one.split(":")[1]) for one in faults(tmp_path, text)]
    assert len(lines) >= 4
    assert lines == sorted(lines)


def test_no_tests_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no dialog tests"):
        load_dialog_tests(tmp_path)
    with pytest.raises(FileError, match="no such file or folder"):
        load_dialog_tests(tmp_path / "nowhere")


def test_the_page_on_the_format_names_every_key() -> None:
    page = (ROOT / "tests" / "dialogs" / "README.md").read_text(encoding="utf-8")
    for key in (*EXPECT, "name", "why", "turns", "user", "press", "times", "expect"):
        assert f"| `{key}` |" in page, key


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    page = (ROOT / "tests" / "dialogs" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (test,) = load(tmp_path, example)
    assert len(test.turns) == 2
