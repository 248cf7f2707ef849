"""Trying messages with the real model: the X-ray says why, one can go back, and nothing is stored among patients' turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from milia.storage.database import Database
from milia.storage.tables import conversation

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

    from milia.evaluation.bot import Bot

pytestmark = pytest.mark.model


@pytest.fixture
def person(serve_staff: Callable[..., StaffServer], people: dict[str, str], bot: Bot) -> Iterator[Callable[[str], Person]]:
    """Logs somebody in on a console with the real model."""
    from staff_server import Person

    bot.parse("hello")  # as `milia run` does: what a model loads at its first message takes seconds
    server = serve_staff(agent=bot.agent)
    yield lambda role: Person.login(server, people[role])


def say(person: Person, name: str, text: str, **more: Any) -> dict[str, Any]:
    answer = person.post(f"/tries/{name}/messages", {"text": text, **more})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def begin(person: Person, **body: Any) -> str:
    answer = person.post("/tries", body)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def test_the_xray_of_an_answer_leads_from_the_words_to_the_facts(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    turn = say(viewer, begin(viewer), "how long do milia last in newborns")
    assert turn["record"]["topics"] == ["duration"]
    assert "How long milia last" in turn["why"] and "fact" in turn["why"]
    assert turn["understood"]["labels"] == ["duration"]
    scores = turn["understood"]["scores"]
    assert scores[0] == {**scores[0], "label": "duration", "chosen": True}
    assert [one["score"] for one in scores] == sorted((one["score"] for one in scores), reverse=True)
    (entity, *_) = turn["understood"]["entities"]
    assert turn["user"]["text"][entity["start"] : entity["end"]] == entity["text"] == "newborns"
    said = turn["replies"][0]["sentences"]
    assert " ".join(one["text"] for one in said) == turn["replies"][0]["text"]
    assert said[0]["kind"] == "fact" and said[0]["facts"][0]["id"].startswith("duration.")
    assert said[0]["place"].startswith("topics/duration.yml")
    assert said[-1]["kind"] == "provider"
    assert {fact["id"] for one in said for fact in one["facts"]} == set(turn["record"]["facts"])
    changed = {slot["name"] for slot in turn["slots"] if slot["changed"]}
    assert {"topic", "turn", "situation"} <= changed
    assert [one["action"] for one in turn["actions"]] == ["action_answer", "action_listen"]
    assert turn["actions"][0]["policy"] == "SafetyPolicy"
    steps = {one["name"]: one for one in turn["steps"]}
    assert {"TopicClassifier", "WarningSignDetector", "SafetyPolicy", "action_answer"} <= set(steps)
    assert 0 < sum(one["ms"] for one in turn["steps"]) <= turn["total_ms"]


def test_the_xray_of_a_warning_names_the_words_and_what_was_ruled_out(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    turn = say(viewer, begin(viewer), "my 2 week old has a fever of 101 but no blisters")
    (sign,) = turn["signs"]["present"]
    assert (sign["id"], sign["level"], sign["by"]) == ("ws.infant_u3m_temp", "emergency_now", "rules")
    assert {one["text"] for one in sign["words"]} == {"2 week old", "101"}
    assert "2 week old" in sign["because"] and "101" in sign["because"]
    ruled_out = [one for one in turn["signs"]["marks"] if one["status"] == "ruled_out"]
    assert {(one["text"], one["cues"][0]["kind"], one["cues"][0]["text"]) for one in ruled_out} == {("blisters", "negated", "no")}
    assert turn["level"]["before"] == "provider_routine" and turn["level"]["after"] == "emergency_now"
    assert sign["title"] in turn["level"]["why"][0]
    assert sign["title"] in turn["why"]
    assert turn["actions"][0]["action"] == "utter_escalation"
    assert {one["kind"] for one in turn["replies"][0]["sentences"]} == {"warning"}
    later = say(viewer, begin(viewer, scene="warning"), "thanks")
    assert sign["title"] in later["level"]["why"][0] and later["level"]["before"] == "emergency_now"


def test_one_goes_back_to_a_turn_and_tries_another_message_from_there(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    name = begin(viewer)
    first = say(viewer, name, "my baby is 2 weeks old and has tiny white bumps")
    adult = say(viewer, name, "how long do they last")
    again = say(viewer, name, "are they harmless", after=first["id"])
    fresh = say(viewer, name, "how long do they last", after=None)
    assert adult["parent"] == again["parent"] == first["id"] and fresh["parent"] is None
    before = {slot["name"]: slot["before"] for slot in again["slots"]}
    assert before["situation"]["who"] in ("newborn", "baby")
    assert not any(slot["before"] for slot in fresh["slots"])  # nothing of the other branches
    assert fresh["number"] == 0 and again["number"] == 1
    tree = viewer.get(f"/tries/{name}").json["turns"]
    assert [(one["id"], one["parent"]) for one in tree] == [
        (first["id"], None), (adult["id"], first["id"]), (again["id"], first["id"]), (fresh["id"], None),
    ]  # fmt: skip


def test_the_same_message_from_the_same_turn_gets_the_same_reply(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    name = begin(viewer)
    first = say(viewer, name, "what are milia")
    replies = {say(viewer, name, "how long do they last", after=first["id"])["replies"][0]["text"] for _ in range(3)}
    assert len(replies) == 1


def test_every_scene_sets_the_conversation_up(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    levels, in_check = {}, {}
    for scene in viewer.get("/about").json["scenes"]:
        answer = viewer.post("/tries", {"scene": scene["id"]})
        last = answer.json["turns"][-1]
        assert last["scene"] and answer.json["scene"] == scene["id"]
        levels[scene["id"]], in_check[scene["id"]] = last["level"]["after"], last["record"]["check_question"]
    assert levels["warning"] in ("emergency_now", "urgent_same_day") and levels["soon"] == "provider_soon"
    assert levels["newborn"] == levels["adult"] == "provider_routine"
    assert in_check["check"] and not in_check["newborn"]
    unknown = viewer.post("/tries", {"scene": "space"})
    assert unknown.status == 422 and "allowed: newborn" in unknown.json["faults"][0]


def test_a_button_is_pressed_only_where_it_was_offered(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    name = begin(viewer)
    first = say(viewer, name, "what are milia")
    button = first["replies"][0]["buttons"][0]
    pressed = viewer.post(f"/tries/{name}/messages", {"payload": button["payload"]}).json
    assert pressed["user"] == {"text": button["title"], "pressed": True, "payload": button["payload"]}
    refused = viewer.post(f"/tries/{name}/messages", {"payload": "/restart"})
    assert (refused.status, refused.code) == (422, "not-offered")
    typed = say(viewer, name, "/restart")  # typed text is never a command
    assert typed["user"] == {"text": "/restart", "pressed": False, "payload": None}
    assert typed["slots"]


def test_nothing_that_staff_try_is_stored_among_the_conversations(person: Callable[[str], Person], database: Database) -> None:
    viewer = person("viewer")
    say(viewer, begin(viewer), "how long do milia last")
    assert database.run_now(lambda c: c.execute(select(func.count()).select_from(conversation)).scalar()) == 0
    assert viewer.get("/conversations").json["conversations"] == []


def test_a_tried_conversation_is_ones_own(person: Callable[[str], Person]) -> None:
    viewer, editor = person("viewer"), person("editor")
    name = begin(viewer)
    for answer in (editor.get(f"/tries/{name}"), editor.post(f"/tries/{name}/messages", {"text": "hi"})):
        assert (answer.status, answer.code) == (404, "try-gone")
    assert viewer.send("DELETE", f"/tries/{name}").status == 204
    assert viewer.get(f"/tries/{name}").code == "try-gone"


def test_odd_messages_get_an_xray_too(person: Callable[[str], Person]) -> None:
    viewer = person("viewer")
    name = begin(viewer)
    for text in ("", " ", "😀👶", "x" * 8000, "\u202ehow long", "a\x00b", "¿cuánto duran los milios en los bebés?", "/ask_duration"):
        turn = say(viewer, name, text)
        assert turn["why"] and turn["replies"] and turn["total_ms"] > 0, text
    assert viewer.post(f"/tries/{name}/messages", {"text": "x" * 8001}).status == 422
    assert viewer.post(f"/tries/{name}/messages", {"text": "a", "payload": "b"}).status == 422


def test_the_patients_path_is_left_as_it_was(person: Callable[[str], Person], bot: Bot) -> None:
    """The stopwatch hangs on the nodes of the shared model; a turn outside the console records nothing and says the same."""
    before = bot.turn(bot.conversation("untouched"), "how long do milia last")
    viewer = person("viewer")
    say(viewer, begin(viewer), "how long do milia last")
    after = bot.turn(bot.conversation("untouched"), "how long do milia last")
    assert {**before, "ms": 0} == {**after, "ms": 0}
