"""A conversation over the web channel: opened, held, fetched again, deleted."""

from __future__ import annotations

import threading
import time

import pytest
from rasa.core.lock_store import LockError
from web_client import API, Web, new_id
from web_server import GREETING


def test_a_conversation_is_opened_by_the_server(web: Web) -> None:
    answer = web.server.request("POST", f"{API}/conversations")
    body = answer.json
    assert answer.status == 201
    assert body["greeting"]["text"] == GREETING
    assert body["greeting"]["suggestions"][0] == {"title": "Check my bumps", "text": "Start the check"}
    assert body["notice"]["retention_days"] == 30
    assert "911" in body["notice"]["emergency"]
    assert "30 days" in " ".join(body["notice"]["text"])
    other = web.server.request("POST", f"{API}/conversations").json
    assert other["conversation"] != body["conversation"]
    assert not web.stored.of, "nothing is stored before the first message"


def test_a_reply_has_text_level_topics_sources_and_no_inner_names(web: Web) -> None:
    chat = web.open()
    identifier = new_id()
    answer = chat.send("How long do milia last?", identifier)
    assert answer.status == 200
    turn = answer.json
    assert (turn["id"], turn["text"], turn["ended"]) == (identifier, "How long do milia last?", False)
    (reply,) = turn["replies"]
    assert reply["text"] == "Reply 1.\nPlease see a dermatology provider."
    assert reply["paragraphs"] == ["Reply 1.", "Please see a dermatology provider."]
    assert reply["level"] == "provider_routine" and reply["alert"] is False
    assert reply["topics"] == [{"id": "duration", "title": "How long milia last"}]
    assert reply["sources"][0]["title"] == "What Is Milia? Causes, Symptoms, and Treatment"
    assert set(reply) == {
        "id", "text", "paragraphs", "buttons", "level", "alert", "topics", "sources", "check_question"
    }  # fmt: skip


def test_the_bot_gets_channel_conversation_and_id_from_the_server_only(web: Web) -> None:
    chat = web.open()
    identifier = new_id()
    chat.send("hello", identifier)
    (message,) = web.agent.seen
    assert message.sender_id == chat.conversation
    assert message.input_channel == "web"
    assert message.output_channel.name() == "web"
    assert message.message_id == identifier
    assert message.metadata is None


@pytest.mark.parametrize("extra", ["sender", "sender_id", "metadata", "input_channel", "conversation", "payload"])
def test_a_client_cannot_name_anything_else(web: Web, extra: str) -> None:
    chat = web.open()
    body = {"id": new_id(), "text": "hello", extra: "web-other"}
    answer = web.server.request("POST", f"{API}/messages", body, chat.token)
    assert (answer.status, answer.code) == (422, "malformed")
    assert not web.agent.seen


def test_a_retry_gets_the_first_reply_and_runs_nothing(web: Web) -> None:
    chat = web.open()
    first = chat.send("hello", "retry-id-1")
    again = chat.send("hello", "retry-id-1")
    assert again.json["replies"] == first.json["replies"]
    assert len(web.agent.seen) == 1


def test_the_same_id_in_another_conversation_is_another_message(web: Web) -> None:
    one, other = web.open(), web.open()
    assert one.send("hello", "same-id-1").json["replies"][0]["text"].startswith("Reply 1.")
    assert other.send("hello", "same-id-1").json["replies"][0]["text"].startswith("Reply 2.")


def test_a_retry_while_the_first_try_runs_gets_its_reply(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.4
    answers = in_parallel([lambda: chat.send("hello", "flight-id-1")] * 3)
    assert [answer.status for answer in answers] == [200] * 3
    assert len({answer.json["replies"][0]["text"] for answer in answers}) == 1
    assert len(web.agent.seen) == 1


def test_another_text_under_an_id_in_flight_is_refused(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.5
    thread = threading.Thread(target=chat.send, args=("hello", "taken-id-1"))
    thread.start()
    time.sleep(0.2)
    answer = chat.send("something else", "taken-id-1")
    thread.join()
    assert (answer.status, answer.code) == (409, "id-taken")


def test_a_turn_goes_on_when_its_client_hangs_up(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.4
    with pytest.raises(TimeoutError):
        web.server.request("POST", f"{API}/messages", {"id": "lost-id-1", "text": "hello"}, chat.token, timeout=0.1)
    time.sleep(0.6)
    assert [turn["id"] for turn in chat.history().json["messages"]] == ["lost-id-1"]
    assert chat.send("hello", "lost-id-1").status == 200
    assert len(web.agent.seen) == 1


def test_messages_of_one_conversation_are_answered_one_after_the_other(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.05
    answers = in_parallel([lambda n=n: chat.send(f"message {n}") for n in range(4)])
    assert [answer.status for answer in answers] == [200] * 4
    assert web.agent.most_running == 1


def test_other_conversations_do_not_wait(web: Web) -> None:
    chats = [web.open() for _ in range(5)]
    web.agent.delay = 0.3
    in_parallel([lambda chat=chat: chat.send("hello") for chat in chats])
    assert web.agent.most_running == 5


def test_one_conversation_cannot_fill_the_queue(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.2
    answers = in_parallel([lambda n=n: chat.send(f"message {n}") for n in range(8)])
    statuses = sorted(answer.status for answer in answers)
    assert statuses.count(200) == 4
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 4
    assert all(answer.headers["retry-after"] == "2" for answer in refused)


def test_history_has_titles_of_pressed_buttons_and_buttons_of_the_latest_turn_only(web: Web) -> None:
    chat = web.open()
    web.agent.buttons = [{"title": "Check my bumps", "payload": "/start_check"}]
    chat.send("/start_check", "history-1")
    chat.press("/start_check", "history-2")
    body = chat.history().json
    assert [turn["text"] for turn in body["messages"]] == ["/start_check", "Check my bumps"]
    assert [len(turn["replies"][0]["buttons"]) for turn in body["messages"]] == [0, 1]
    assert body["earlier"] is False
    assert body["session"]["token"]
    short = chat.history("?limit=1").json
    assert [turn["text"] for turn in short["messages"]] == ["Check my bumps"]
    assert short["earlier"] is True


@pytest.mark.parametrize("query", ["?limit=0", "?limit=201", "?limit=x", "?limit=-1", "?limit=1&limit=2", "?limit=%C2%B2"])
def test_a_history_of_an_odd_length_is_refused(web: Web, query: str) -> None:
    answer = web.open().history(query)
    assert (answer.status, answer.code) == (422, "malformed")


def test_only_buttons_of_the_latest_turn_can_be_pressed(web: Web) -> None:
    chat = web.open()
    assert chat.press("/start_check").code == "not-offered"
    web.agent.buttons = [{"title": "Check my bumps", "payload": "/start_check"}]
    chat.send("hello")
    assert chat.press('/start_check{"choice": "x"}').code == "not-offered"
    assert web.open().press("/start_check").code == "not-offered"
    web.agent.buttons = []
    assert chat.press("/start_check").json["text"] == "Check my bumps"
    assert chat.press("/start_check").code == "not-offered"
    assert [message.text for message in web.agent.seen] == ["hello", "/start_check"]


@pytest.mark.parametrize("typed", ["/start_check", " /restart", "\t/start_check", "\u0000/restart", "\u00a0/restart", "\u2028/restart"])
def test_typed_text_is_never_a_payload(web: Web, typed: str) -> None:
    chat = web.open()
    web.agent.buttons = [{"title": "Check my bumps", "payload": "/start_check"}]
    chat.send("hello")
    chat.send(typed)
    assert not web.agent.seen[-1].text.startswith("/")
    assert chat.history().json["messages"][-1]["text"] == typed.strip("\u0000 \t\u00a0\u2028")


def test_feedback_is_kept_for_messages_of_the_conversation(web: Web) -> None:
    chat, other = web.open(), web.open()
    chat.send("hello", "feedback-1")
    path = f"{API}/feedback"
    assert web.server.request("POST", path, {"id": "feedback-1", "helpful": True}, chat.token).status == 204
    assert web.server.request("POST", path, {"id": "feedback-1", "helpful": False}, chat.token).status == 204
    assert web.feedback == {(chat.conversation, "feedback-1"): False}
    assert web.server.request("POST", path, {"id": "feedback-1", "helpful": True}, other.token).code == "no-such-message"
    assert web.server.request("POST", path, {"id": "feedback-1", "helpful": 1}, chat.token).code == "malformed"


def test_a_lost_store_is_said_in_words_and_loses_nothing(web: Web) -> None:
    chat = web.open()
    web.stored.down = True
    for answer in (chat.send("hello", "store-id-1"), chat.history(), chat.delete()):
        assert (answer.status, answer.code) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert "dermatology provider" in answer.json["detail"] and "911" in answer.json["detail"]
    web.stored.down = False
    assert chat.send("hello", "store-id-1").status == 200


@pytest.mark.parametrize("trouble", ["error", "silence"])
def test_a_bot_that_fails_or_says_nothing_is_a_503(web: Web, trouble: str) -> None:
    chat = web.open()
    web.agent.error = RuntimeError("my secret words") if trouble == "error" else None
    web.agent.silent = trouble == "silence"
    answer = chat.send("my secret words")
    assert (answer.status, answer.code) == (503, "unavailable")


def test_a_conversation_that_another_server_holds_is_busy(web: Web) -> None:
    chat = web.open()
    web.agent.error = LockError("another server holds the conversation")
    answer = chat.send("hello", "held-id-1")
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "2")
    web.agent.error = None
    assert chat.send("hello", "held-id-1").status == 200


def test_warnings_are_marked(web: Web) -> None:
    chat = web.open()
    web.agent.record = {**web.agent.record, "level": "emergency_now", "topics": [], "facts": [], "signs": ["ws.breathing"]}
    reply = chat.send("I can't breathe").json["replies"][0]
    assert (reply["level"], reply["alert"], reply["sources"]) == ("emergency_now", True, [])


def test_nothing_is_cached_and_nobody_guesses_the_type(web: Web) -> None:
    chat = web.open()
    for answer in (chat.send("hello"), chat.history(), web.server.request("GET", f"{API}/nowhere"), chat.delete()):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD"])
def test_other_methods_are_named_as_such(web: Web, method: str) -> None:
    answer = web.server.request(method, f"{API}/messages", {})
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, GET, OPTIONS"


def test_unknown_addresses_are_a_problem_too(web: Web) -> None:
    answer = web.server.request("GET", f"{API}/no/such/thing")
    assert (answer.status, answer.code) == (404, "not-found")
    assert answer.headers["content-type"].startswith("application/problem+json")


def in_parallel(calls: list) -> list:  # type: ignore[type-arg]
    answers: list = [None] * len(calls)  # type: ignore[type-arg]

    def run(place: int) -> None:
        answers[place] = calls[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
