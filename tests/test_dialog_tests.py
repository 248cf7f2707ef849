"""Running dialog tests: what differs is said turn by turn, and the command's exit code tells whether all passed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from milia.evaluation import dialog_tests
from milia.evaluation.dialog_tests import load_dialog_tests, run_dialog_tests

REPLY: dict[str, Any] = {
    "text": "Milia are small.\nThe article\u2019s words.",
    "buttons": [{"title": "Why?", "payload": "/ask_causes"}],
    "topics": ["definition", "causes"],
    "facts": ["definition.1"],
    "signs": ["ws.face_swelling"],
    "level": "provider_soon",
    "outcome": None,
    "check_question": False,
    "intent": {"name": "greet", "confidence": 1.0},
    "ms": 1.0,
}


class FakeBot:
    """Says the same to everything."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, str | Mapping[str, str]]] = []

    def conversation(self, name: str) -> str:
        return name

    def turn(self, conversation: Any, user: str | Mapping[str, str]) -> dict[str, Any]:
        self.heard.append((conversation, user))
        return {"user": user, **REPLY}


def outcome(folder: Path, expect: str, turn: str = 'user: "hi"') -> tuple[str, ...]:
    path = folder / "one.yml"
    path.write_text(f'name: One\nwhy: so\nturns:\n  - user: "hello"\n  - {turn}\n    expect: {expect}\n')
    (result,) = run_dialog_tests(FakeBot(), load_dialog_tests(path))
    assert result.passed == (not result.turns[1].differences)
    return result.turns[1].differences


@pytest.mark.parametrize(
    "expect",
    [
        "{}",
        "{topics: [causes, definition], topics_include: [causes], signs_include: []}",
        "{signs: [ws.face_swelling], level: provider_soon, outcome: none, check_question: false, intent: greet}",
        "{buttons_include: [Why?], says: [MILIA, article's words, large | small], says_not: [big, huge | vast]}",
    ],
)
def test_what_comes_as_expected_passes(tmp_path: Path, expect: str) -> None:
    assert outcome(tmp_path, expect) == ()


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("{topics: [causes]}", "topics: expected causes; got definition, causes"),
        ("{topics: []}", "topics: expected none; got definition, causes"),
        ("{topics_include: [triage]}", "topics: expected at least triage; got definition, causes"),
        ("{signs: []}", "signs: expected none; got ws.face_swelling"),
        ("{level: emergency_now}", "level: expected emergency_now; got provider_soon"),
        ("{outcome: fits}", "outcome: expected fits; got none"),
        ("{check_question: true}", "expected a question of the guided check"),
        ("{buttons_include: [Nope]}", "buttons: Nope not offered; offered: Why?"),
        ("{says: [vast | huge]}", "says: 'vast | huge' is not in the text"),
        ("{says_not: [nothing, small]}", "says_not: 'small' is in the text"),
        ("{intent: thank}", "intent: expected thank; got greet"),
    ],
)
def test_what_differs_is_said(tmp_path: Path, expect: str, said: str) -> None:
    assert outcome(tmp_path, expect) == (said,)


def test_a_press_needs_an_offer(tmp_path: Path) -> None:
    assert outcome(tmp_path, "{topics: [definition, causes]}", 'press: "Why?"') == ()
    (said,) = outcome(tmp_path, "{}", 'press: "No"')
    assert said == "the button 'No' was not offered; offered: 'Why?'"
    assert outcome(tmp_path, "{offered: false}", 'press: "No"') == ()
    assert outcome(tmp_path, "{offered: false}", 'press: "Why?"') == ("the button 'Why?' was offered",)


def test_each_dialog_is_a_conversation_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "two.yml").write_text(
        '- {name: A, why: so, turns: [{user: "1"}, {press: "Why?"}]}\n- {name: B, why: so, turns: [{user: "2"}]}\n'
    )
    bot = FakeBot()
    assert all(result.passed for result in run_dialog_tests(bot, load_dialog_tests(tmp_path)))
    assert bot.heard == [("A", "1"), ("A", {"press": "Why?"}), ("B", "2")]


@pytest.mark.parametrize(("expect", "code"), [("{level: provider_soon}", 0), ("{level: emergency_now}", 1)])
def test_the_command_tells_whether_all_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], expect: str, code: int
) -> None:
    path = tmp_path / "one.yml"
    path.write_text(f'name: One\nwhy: so\nturns:\n  - user: "hello"\n    expect: {expect}\n')
    model = tmp_path / "model.tar.gz"
    model.touch()
    import milia.evaluation.bot

    monkeypatch.setattr(milia.evaluation.bot, "Bot", lambda *_: FakeBot())
    assert dialog_tests.run(SimpleNamespace(paths=[path], model=model, heldout=False)) == code  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert "1 of 1 turns right" in said if code == 0 else "0 of 1 turns right" in said
    if code:
        assert "level: expected emergency_now; got provider_soon" in said
        assert "line 4" in said


def test_the_command_refuses_files_that_are_not_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.yml"
    path.write_text("name: One\nwhy: so\nturns:\n  - usr: hello\n")
    assert dialog_tests.run(SimpleNamespace(paths=[path], model=None, heldout=False)) == 2  # type: ignore[arg-type]
    assert "one.yml:4: unknown key 'usr'" in capsys.readouterr().err
