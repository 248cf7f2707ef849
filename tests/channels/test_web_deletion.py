"""A conversation is deleted by its owner alone, on purpose, and really."""

from __future__ import annotations

import threading
import time

import pytest
from web_client import Web, new_id

from milia.channels.keys import Keys
from milia.channels.web_deletion import CONFIRM_SECONDS, TYPED_SECONDS, Deletion
from milia.channels.web_texts import load_texts

TEXTS = load_texts().deletion


def deletion(clock: list[float] | None = None) -> Deletion:
    now = clock or [1_000_000.0]
    return Deletion(Keys(bytes(range(64))), TEXTS, lambda: now[0])


@pytest.mark.parametrize(
    "text",
    ["delete my conversation", "Delete my conversation!", "please delete this chat", "Can you erase everything I told you?", "erase all of my data now",
     "Could you please remove my messages, thanks", "wipe this conversation", "I'd like to delete my chat history", "I\u2019d like to delete my chat history"],
)  # fmt: skip
def test_plain_wishes_are_noticed(text: str) -> None:
    assert deletion().wished(text)


@pytest.mark.parametrize(
    "text",
    ["delete", "how can I remove them", "can you remove the bumps", "remove my milia", "delete my conversation with the doctor", "don't delete my conversation",
     "clear my skin", "my chat", "what happens when I delete my conversation", "delete my conversation, I can't breathe", "x " * 3_000],
)  # fmt: skip
def test_other_sentences_are_left_to_the_bot(text: str) -> None:
    assert not deletion().wished(text)


def test_the_wish_is_asked_about_and_nothing_is_gone_yet(web: Web) -> None:
    chat = web.open()
    chat.send("hello")
    turn = chat.send("please delete my conversation").json
    assert turn["ended"] is False
    assert [button["title"] for button in turn["replies"][0]["buttons"]] == ["Yes, delete it", "No, keep it"]
    assert "dermatology provider" in turn["replies"][0]["text"] or "dermatology" in turn["replies"][0]["text"]
    assert len(web.stored.of[chat.conversation]) == 1
    assert len(web.agent.seen) == 1


@pytest.mark.parametrize("way", ["press", "type"])
def test_after_a_yes_it_is_gone_and_its_token_of_no_use(web: Web, way: str) -> None:
    chat, other = web.open(), web.open()
    chat.send("hello")
    other.send("hello")
    yes = chat.send("delete my conversation").json["replies"][0]["buttons"][0]["payload"]
    answer = chat.press(yes) if way == "press" else chat.send("Yes, delete it.")
    assert answer.status == 200 and answer.json["ended"] is True
    assert "session" not in answer.json
    assert list(web.stored.of) == [other.conversation]
    for later in (chat.send("hello"), chat.history(), chat.delete()):
        assert (later.status, later.code) == (401, "conversation-ended")
    assert other.send("hello").status == 200


@pytest.mark.parametrize("way", ["press", "type"])
def test_after_a_no_it_goes_on_with_its_buttons(web: Web, way: str) -> None:
    chat = web.open()
    web.agent.buttons = [{"title": "Check my bumps", "payload": "/start_check"}]
    chat.send("hello")
    no = chat.send("delete my conversation").json["replies"][0]["buttons"][1]["payload"]
    turn = (chat.press(no) if way == "press" else chat.send("no")).json
    assert turn["ended"] is False
    assert turn["replies"][0]["buttons"] == web.agent.buttons
    assert chat.press("/start_check").status == 200
    chat.send("yes")
    assert web.agent.seen[-1].text == "yes", "a later yes is for the bot"


def test_a_yes_after_something_else_is_for_the_bot(web: Web) -> None:
    chat = web.open()
    chat.send("delete my conversation")
    chat.send("how long do they last")
    chat.send("yes")
    assert [message.text for message in web.agent.seen] == ["how long do they last", "yes"]


def test_a_typed_yes_after_a_reload_is_for_the_bot(web: Web) -> None:
    chat = web.open()
    chat.send("hello")
    chat.send("delete my conversation")
    chat.history()  # the question is out of sight
    chat.send("yes")
    assert web.agent.seen[-1].text == "yes"
    assert chat.history().status == 200


def test_the_yes_of_another_conversation_is_none(web: Web) -> None:
    mine, other = web.open(), web.open()
    mine.send("hello")
    yes = other.send("delete my conversation").json["replies"][0]["buttons"][0]["payload"]
    mine.send("delete my conversation")
    assert mine.press(yes).code == "not-offered"
    for made_up in ("delete:", "delete:x", "delete:" + mine.token, "keep:" + yes.removeprefix("delete:")):
        assert mine.press(made_up).code == "not-offered"
    assert mine.conversation in web.stored.of


def test_an_answer_has_its_time() -> None:
    now = [1_000_000.0]
    found = deletion(now)
    yes = found.question("web-a")["buttons"][0]["payload"]
    now[0] += TYPED_SECONDS + 1
    assert found.answer("web-a", text="yes") is None
    assert found.answer("web-a", payload=yes) is True
    now[0] += CONFIRM_SECONDS
    assert found.answer("web-a", payload=yes) is None


def test_the_bots_own_understanding_leads_to_the_question(web: Web) -> None:
    chat = web.open()
    wish = {"name": "delete_conversation", "confidence": 0.9}
    web.agent.record = {**web.agent.record, "topics": ["chitchat"], "facts": [], "intent": wish}
    turn = chat.send("bin the lot, i dont want it stored").json
    assert turn["replies"][0]["text"] == "\n\n".join(TEXTS.confirm)
    assert chat.history().json["messages"][-1]["replies"][0]["text"] == "\n\n".join(TEXTS.confirm)
    web.agent.record = {**web.agent.record, "topics": [], "level": "emergency_now", "signs": ["ws.breathing"]}
    turn = chat.send("bin the lot, i can't breathe").json
    assert turn["replies"][0]["alert"] is True
    assert turn["replies"][0]["text"].startswith("Reply"), "a warning is never replaced"
    shown = [turn["replies"][0]["text"] for turn in chat.history().json["messages"]]
    assert shown[0].startswith("Reply"), "an older wish is not asked about again"


def test_delete_waits_for_the_turn_in_progress_and_takes_it_too(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.4
    sent: list[int] = []
    thread = threading.Thread(target=lambda: sent.append(chat.send("hello").status))
    thread.start()
    time.sleep(0.15)
    receipt = chat.delete()
    thread.join()
    assert sent == [200] and receipt.status == 200
    assert receipt.json["turns"] == 1
    assert receipt.json["conversation"] == chat.conversation
    assert chat.conversation not in web.stored.of


def test_a_message_that_waits_behind_the_deletion_does_not_bring_it_back(web: Web) -> None:
    chat = web.open()
    web.agent.delay = 0.3
    threads = [threading.Thread(target=chat.send, args=("first",)), threading.Thread(target=chat.delete)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    late = chat.send("second", new_id())
    for thread in threads:
        thread.join()
    assert (late.status, late.code) == (401, "conversation-ended")
    assert chat.conversation not in web.stored.of
