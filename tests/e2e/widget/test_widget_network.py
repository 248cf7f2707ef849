"""The widget on bad connections and with a server in trouble: nothing typed is lost, nothing is run twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from widget_page import Chat
from widget_standin import Fault, StandIn, says

pytestmark = pytest.mark.e2e


@pytest.fixture
def chat(page: Page, stand_in: StandIn) -> Chat:
    stand_in.answer = lambda said: [says(f"To {said}.")]
    page.goto(stand_in.page("/p"))
    return Chat(page).open()


def turns(stand_in: StandIn) -> list[str]:
    """Texts of all turns that were run."""
    return [turn["text"] for turns in stand_in.conversations.values() for turn in turns]


def test_offline_a_message_waits_and_goes_out_by_itself(
    chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None], violations: Callable[[Page], list[str]]
) -> None:
    chat.page.context.set_offline(True)
    chat.send("one", wait=False)
    expect(chat.status).to_contain_text("You are offline")
    expect(chat.status).to_contain_text("call 911")  # the server's emergency line, kept for this
    expect(chat.mine).to_contain_text("Not sent yet")
    chat.box.fill("half a sent")
    assert violations(chat.page) == []
    shot(chat.page, "offline")
    chat.page.context.set_offline(False)
    expect(chat.replies.last).to_contain_text("To one.")
    expect(chat.box).to_have_value("half a sent")
    expect(chat.status).not_to_contain_text("offline")
    assert turns(stand_in) == ["one"]


def test_messages_typed_offline_keep_their_order(chat: Chat, stand_in: StandIn) -> None:
    chat.page.context.set_offline(True)
    for text in ("one", "two", "three"):
        chat.send(text, wait=False)
    chat.page.context.set_offline(False)
    expect(chat.replies.last).to_contain_text("To three.")
    assert turns(stand_in) == ["one", "two", "three"]


def test_a_lost_reply_is_fetched_with_the_same_id_and_the_turn_runs_once(chat: Chat, stand_in: StandIn) -> None:
    stand_in.faults = [Fault("messages", 502, body="<h1>Bad gateway</h1>", after=True)]
    chat.send("one", wait=False)
    expect(chat.status).to_contain_text("You were disconnected")
    expect(chat.replies.last).to_contain_text("To one.")
    assert len({body["id"] for body in stand_in.sent("messages")}) == 1
    assert len(stand_in.sent("messages")) == 2
    assert turns(stand_in) == ["one"]


def test_a_message_without_a_reply_survives_a_reload(chat: Chat, stand_in: StandIn) -> None:
    stand_in.faults = [Fault("messages", 502, after=True, times=9)]
    chat.send("one", wait=False)
    expect(chat.mine).to_contain_text("Not sent yet")
    stand_in.faults = []
    chat.page.reload()
    expect(chat.replies.last).to_contain_text("To one.")
    expect(chat.mine).to_have_count(1)
    assert turns(stand_in) == ["one"]


def test_a_server_that_restarts_is_found_again(chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None]) -> None:
    chat.send("one")
    stand_in.stop()
    chat.send("two", wait=False)
    expect(chat.status).to_contain_text("You were disconnected")
    shot(chat.page, "disconnected")
    stand_in.start()
    chat.button("Try now").click()
    expect(chat.replies.last).to_contain_text("To two.")
    assert turns(stand_in) == ["one", "two"]
    expect(chat.button("Try now")).to_have_count(0)


def test_a_chat_opened_without_a_server_comes_up_when_there_is_one(page: Page, stand_in: StandIn) -> None:
    stand_in.faults = [Fault("conversations", 502, times=1)]
    page.goto(stand_in.page("/p"))
    chat = Chat(page)
    chat.launcher.click()
    expect(chat.log).to_contain_text("not a doctor")  # the notice does not need a server
    chat.box.fill("one")
    chat.box.press("Enter")
    expect(chat.replies.last).to_contain_text("provider")
    assert turns(stand_in) == ["one"]


def test_a_slow_reply_shows_that_it_is_being_written(chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None]) -> None:
    stand_in.delay = 1.5
    chat.send("one", wait=False)
    expect(chat.status).to_contain_text("is writing")
    expect(chat.host.locator(".dots")).to_be_visible()
    assert chat.in_view(chat.host.locator(".dots"))
    chat.box.fill("two")
    chat.box.press("Enter")  # sent after the first has its reply
    shot(chat.page, "writing")
    expect(chat.replies).to_have_count(3)
    expect(chat.host.locator(".dots")).to_have_count(0)
    assert turns(stand_in) == ["one", "two"]


def test_a_quick_reply_shows_no_writing_sign(chat: Chat) -> None:
    chat.page.evaluate(
        "() => { window.seen = 0; new MutationObserver(() => { seen += document.querySelector('milia-chat').shadowRoot"
        ".querySelectorAll('.dots').length }).observe(document.querySelector('milia-chat').shadowRoot, {subtree: true, childList: true}) }"
    )
    chat.send("one")
    assert chat.page.evaluate("seen") == 0


@pytest.mark.parametrize(("status", "code"), [(503, "busy"), (429, "too-many-messages")])
def test_a_busy_server_is_asked_again_after_the_time_it_names(chat: Chat, stand_in: StandIn, status: int, code: str) -> None:
    stand_in.faults = [Fault("messages", status, code, "Many people are writing. Call 911 in danger.", retry_after=1)]
    chat.send("one", wait=False)
    expect(chat.status).to_contain_text("Many people are writing.")
    expect(chat.replies.last).to_contain_text("To one.")
    assert len({body["id"] for body in stand_in.sent("messages")}) == 1


def test_an_ended_conversation_gives_way_to_a_new_one_and_the_text_is_sent_there(
    chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None]
) -> None:
    chat.send("one")
    stand_in.conversations.clear()
    chat.send("two")
    expect(chat.log).to_contain_text("That conversation has ended. This is a new one.")
    expect(chat.replies.last).to_contain_text("To two.")
    expect(chat.mine).to_have_count(2)
    assert turns(stand_in) == ["two"]
    shot(chat.page, "ended-by-itself")
    chat.page.reload()
    expect(chat.replies.last).to_contain_text("To two.")
    expect(chat.mine).to_have_count(1)


def test_a_text_that_is_too_long_stays_in_the_box(chat: Chat, stand_in: StandIn) -> None:
    chat.page.evaluate("0")
    stand_in.limit = 10  # smaller than what the widget was told
    chat.box.fill("12345678901234")
    chat.box.press("Enter")
    error = chat.host.get_by_role("alert")
    expect(error).to_contain_text("At most 10 characters, please.")
    expect(chat.box).to_have_value("12345678901234")
    expect(chat.box).to_have_attribute("aria-describedby", "error")
    chat.box.fill("short")
    expect(error).to_have_count(0)
    chat.box.press("Enter")
    expect(chat.replies.last).to_contain_text("To short.")


def test_a_known_limit_is_told_before_anything_is_sent(page: Page, stand_in: StandIn) -> None:
    stand_in.limit = 10
    page.goto(stand_in.page("/p"))
    chat = Chat(page).open()
    chat.box.fill("1234567890\U0001f600\U0001f600")
    chat.box.press("Enter")
    expect(chat.host.get_by_role("alert")).to_contain_text("2 characters too long")
    assert stand_in.sent("messages") == []


def test_a_button_that_is_no_longer_offered_brings_the_newest(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says(buttons={"Old": "/old"} if said == "one" else {"New": "/new"})]
    chat.send("one")
    turns_of = next(iter(stand_in.conversations.values()))
    turns_of.append({"id": "elsewhere-1", "text": "by phone", "time": turns_of[0]["time"], "replies": stand_in.answer("two")})
    chat.button("Old").click()
    expect(chat.host.get_by_role("alert")).to_contain_text("no longer works")
    expect(chat.button("New")).to_be_visible()
    expect(chat.mine).to_have_count(2)


def test_a_site_that_is_not_allowed_is_told_so(page: Page, stand_in: StandIn) -> None:
    stand_in.faults = [Fault("conversations", 403, "origin", "The chat does not work on this site.", times=9)]
    page.goto(stand_in.page("/p"))
    chat = Chat(page)
    chat.launcher.click()
    expect(chat.status).to_contain_text("The chat does not work on this site.")
    chat.box.fill("one")
    chat.box.press("Enter")
    expect(chat.mine).to_contain_text("Not sent yet")
    page.wait_for_timeout(500)
    assert len(stand_in.sent("conversations")) == 1
