"""`milia replay`: the documented interface, key by key, and what bad lines, wrong presses and slash texts get."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from milia.cli import main
from milia.evaluation.dialog_format import KINDS, ROOT
from milia.evaluation.replay import InputError, read_dialogs
from milia.sign_catalog import Level, load_signs

if TYPE_CHECKING:
    from milia.evaluation.bot import Bot

Replay = Callable[..., list[dict[str, Any]]]

TOPICS = {
    *"definition harmless location duration causes types type_neonatal type_primary type_secondary type_juvenile".split(),
    *"type_en_plaque type_multiple_eruptive diagnosis milia_vs_acne removal_self treatment_home".split(),
    *"treatment_professional prevention prevention_sun prevention_wash prevention_exfoliate see_provider sources".split(),
    *KINDS,
}
KEYS = {
    "user",
    "text",
    "buttons",
    "topics",
    "facts",
    "signs",
    "level",
    "outcome",
    "check_question",
    "intent",
    "ms",
}
# One turn of each kind: small talk, an answer, a description, the check, an escalation, help, a miss, another language.
DIALOGS: list[dict[str, Any]] = [
    {
        "id": "talk",
        "turns": ["hello", "what are milia exactly?", "zxcv", "der Wetterbericht von heute ist leider sehr schlecht"],
    },
    {"id": "check", "turns": ["white bump on my cheek, what is it?", {"press": "Check my bumps"}, "none"]},
    {
        "id": "urgent",
        "turns": ["my lips and tongue are swelling up", "the ambulance is here", "what are milia exactly?"],
    },
    {"id": "photo", "turns": ["can i send a photo?", "are milia contagious?", "write me a poem about the sea"]},
]


@pytest.fixture
def replay(bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Runs the command on dialogs, with the model that the session has loaded and an empty store, as a new process has."""
    import milia.evaluation.bot

    def loaded(*_: object) -> Bot:
        bot.agent.tracker_store.store.clear()
        return bot

    monkeypatch.setattr(milia.evaluation.bot, "Bot", loaded)
    monkeypatch.chdir(ROOT)

    def run(*dialogs: dict[str, Any] | str) -> list[dict[str, Any]]:
        lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in dialogs]
        given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        given.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        assert main(["replay", str(given), "--out", str(out)]) == 0
        return [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]

    return run


@pytest.mark.model
def test_every_key_is_as_documented(replay: Replay) -> None:
    catalog = load_signs(ROOT / "data" / "content" / "warning_signs.yml")
    facts = (ROOT / "data" / "content" / "facts.yml").read_text(encoding="utf-8")
    replies = replay(*DIALOGS)
    assert [one["id"] for one in replies] == ["talk", "check", "urgent", "photo"]
    for dialog, reply in zip(DIALOGS, replies):
        assert set(reply) == {"id", "turns"}
        assert [turn["user"] for turn in reply["turns"]] == dialog["turns"]
        for turn in reply["turns"]:
            assert set(turn) == KEYS
            assert isinstance(turn["text"], str) and turn["text"].strip()
            for button in turn["buttons"]:
                assert set(button) == {"title", "payload"}
                assert button["title"] and button["payload"].startswith("/")
            assert set(turn["topics"]) <= TOPICS and len(set(turn["topics"])) == len(turn["topics"])
            assert all(f"id: {fact}," in facts for fact in turn["facts"])
            assert all(sign.startswith("ws.") and sign in catalog.signs for sign in turn["signs"])
            assert turn["level"] in {level.id for level in Level}
            assert turn["outcome"] in {None, "fits", "does_not_fit", "cannot_tell", "warning_first"}
            assert isinstance(turn["check_question"], bool)
            assert set(turn["intent"]) == {"name", "confidence"}
            assert 0.0 <= turn["intent"]["confidence"] <= 1.0
            assert turn["ms"] > 0


@pytest.mark.model
def test_the_values_fit_the_turns(replay: Replay) -> None:
    talk, check, urgent, photo = (one["turns"] for one in replay(*DIALOGS))
    assert [turn["topics"] for turn in talk] == [["chitchat"], ["definition"], [], []]
    assert "definition.1" in talk[1]["facts"]
    assert [turn["topics"] for turn in check] == [["triage"]] * 3
    assert [turn["check_question"] for turn in check] == [False, True, True]
    assert "ws.face_swelling" in urgent[0]["signs"]
    assert urgent[0]["topics"] == []
    assert [turn["level"] for turn in urgent] == ["emergency_now"] * 3
    assert urgent[1]["signs"] == urgent[2]["signs"] == []
    assert [turn["topics"] for turn in photo] == [["photo"], ["no_answer"], ["out_of_scope"]]


@pytest.mark.model
def test_the_record_is_kept_with_the_last_bot_message(bot: Bot) -> None:
    from rasa.shared.core.events import BotUttered

    conversation = bot.conversation("record")
    for text in ("what are milia exactly?", "my lips and tongue are swelling up"):
        turn = bot.turn(conversation, text)
        tracker = bot._loop.run_until_complete(bot.agent.tracker_store.retrieve(conversation.id))
        assert tracker is not None
        said = [event for event in tracker.events if isinstance(event, BotUttered)]
        kept = {key: turn[key] for key in KEYS - {"user", "text", "buttons", "ms"}}
        assert said[-1].metadata["milia"] == kept


@pytest.mark.model
def test_a_press_that_was_not_offered_is_an_error_in_its_place(replay: Replay) -> None:
    (reply,) = replay({"id": "d", "turns": ["what are milia exactly?", {"press": "Buy"}, "how long do they last?"]})
    first, error, last = reply["turns"]
    assert set(error) == {"error"}
    assert "'Buy'" in error["error"] and repr(first["buttons"][0]["title"]) in error["error"]
    assert last["topics"] == ["duration"]


@pytest.mark.model
def test_a_press_in_the_first_turn_is_an_error(replay: Replay) -> None:
    (reply,) = replay({"id": "d", "turns": [{"press": "Yes"}, "hello"]})
    assert "offered: none" in reply["turns"][0]["error"]
    assert reply["turns"][1]["topics"] == ["chitchat"]


@pytest.mark.model
@pytest.mark.parametrize("text", ["/ask_causes", "/start_check", "/restart", "  /ask_duration", "/", "/session_start"])
def test_typed_slash_text_is_text(replay: Replay, text: str) -> None:
    (reply,) = replay({"id": "d", "turns": [text, "what are milia exactly?"]})
    first, second = reply["turns"]
    assert first["user"] == text
    assert first["check_question"] is False
    assert first["intent"]["confidence"] < 1.0  # read as words: an intent that is sent has 1
    assert first["text"]
    assert second["topics"] == ["definition"]


@pytest.mark.model
def test_a_second_run_says_the_same(replay: Replay) -> None:
    def said(replies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: turn[key] for key in KEYS - {"ms"}} for reply in replies for turn in reply["turns"]]

    assert said(replay(*DIALOGS)) == said(replay(*DIALOGS))


@pytest.mark.model
def test_two_dialogs_do_not_know_of_each_other(replay: Replay) -> None:
    urgent, calm = replay(
        {"id": "a", "turns": ["my lips and tongue are swelling up"]}, {"id": "b", "turns": ["what are milia exactly?"]}
    )
    assert urgent["turns"][0]["level"] == "emergency_now"
    assert calm["turns"][0]["level"] == "provider_routine"


@pytest.mark.model
def test_blank_lines_and_odd_characters_are_no_fault(replay: Replay) -> None:
    text = "what are milia exactly?\u2028\x85 caf\u00e9 \U0001f600"
    (reply,) = replay("", {"id": "d \u2028", "turns": [text]}, "   ")
    assert reply["id"] == "d \u2028"
    assert reply["turns"][0]["user"] == text


@pytest.mark.model
def test_half_a_character_gets_a_reply(replay: Replay) -> None:
    (reply,) = replay(r'{"id": "d", "turns": ["what are milia exactly? \ud83d"]}')
    assert reply["turns"][0]["topics"] == ["definition"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "line 2: "),
        ("[]", "line 2: expected an object with the keys id and turns, found list"),
        ('{"id": "x"}', "line 2: expected an object with the keys id and turns, found ['id']"),
        ('{"id": "x", "turns": ["a"], "more": 1}', "line 2: expected an object with the keys id and turns"),
        ('{"id": "", "turns": ["a"]}', "line 2: id is ''"),
        ('{"id": 7, "turns": ["a"]}', "line 2: id is 7"),
        ('{"id": "x", "turns": []}', "line 2: turns must be a list with at least one turn"),
        ('{"id": "x", "turns": "a"}', "line 2: turns must be a list"),
        ('{"id": "x", "turns": ["a", 5]}', "line 2: turn 2 is 5"),
        ('{"id": "x", "turns": [{"press": 5}]}', "line 2: turn 1 is "),
        ('{"id": "x", "turns": [{"press": "a", "say": "b"}]}', "line 2: turn 1 is "),
        ('{"id": "ok", "turns": ["a"]}', "line 2: id 'ok' is there twice"),
    ],
)
def test_a_line_that_is_not_valid_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, fault: str
) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text('{"id": "ok", "turns": ["a"]}\n' + line + "\n", encoding="utf-8")
    assert main(["replay", str(given), "--out", str(out)]) == 2
    assert fault in capsys.readouterr().err
    assert not out.exists()


def test_all_bad_lines_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_dialogs(["{", '{"id": "a", "turns": ["b"]}', "7"])
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["line 1", "line 3"]


def test_an_old_result_stays_when_the_input_is_bad(tmp_path: Path) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text("{\n", encoding="utf-8")
    out.write_text("old\n", encoding="utf-8")
    assert main(["replay", str(given), "--out", str(out)]) == 2
    assert out.read_text(encoding="utf-8") == "old\n"


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "out.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
