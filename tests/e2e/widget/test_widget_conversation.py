"""A conversation in the widget: what is said, offered, kept, taken along and deleted (against a stand-in server)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from widget_page import Chat
from widget_standin import Fault, StandIn, says

pytestmark = pytest.mark.e2e
HOSTILE_TEXT = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script> **bold** [a](javascript:x)"


@pytest.fixture
def chat(page: Page, stand_in: StandIn) -> Chat:
    page.goto(stand_in.page("/p"))
    return Chat(page).open()


def test_nothing_is_asked_of_the_server_before_the_chat_is_opened(page: Page, stand_in: StandIn) -> None:
    page.goto(stand_in.page("/p"))
    expect(Chat(page).launcher).to_be_visible()
    page.wait_for_timeout(300)
    assert stand_in.requests == []


def test_the_notice_comes_before_the_first_message(chat: Chat) -> None:
    expect(chat.log).to_contain_text("not a doctor")
    expect(chat.log).to_contain_text("erased after 30 days")


def test_a_suggestion_is_sent_as_typed_and_goes_away(chat: Chat, stand_in: StandIn) -> None:
    chat.press("How long do they last?")
    assert [list(body) for body in stand_in.sent("messages")] == [["id", "text"]]
    expect(chat.button("How long do they last?")).to_have_count(0)


def test_a_quick_reply_sends_its_payload_shows_its_title_and_vanishes(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says(buttons={"Yes": "/yes", "No": "/no"}, check_question=True)]
    chat.send("check")
    chat.press("Yes")
    assert stand_in.sent("messages")[-1]["payload"] == "/yes"
    expect(chat.mine.last).to_contain_text("Yes")
    expect(chat.button("Yes")).to_have_count(1)  # the one of the new reply
    assert chat.focused.startswith("turn me")  # the next Tab leads to the answer


def test_shift_enter_makes_a_line_and_enter_sends(chat: Chat, stand_in: StandIn) -> None:
    chat.box.press_sequentially("one")
    chat.box.press("Shift+Enter")
    chat.box.press_sequentially("two")
    chat.box.press("Enter")
    expect(chat.replies).to_have_count(2)
    assert stand_in.sent("messages")[0]["text"] == "one\ntwo"
    chat.box.press("Enter")
    assert len(stand_in.sent("messages")) == 1  # nothing typed, nothing sent


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("provider_soon", "See a provider soon"),
        ("urgent_same_day", "Get care today"),
        ("emergency_now", "Emergency: get help now"),
    ],
)
def test_a_warning_has_a_word_a_shape_and_a_border(chat: Chat, stand_in: StandIn, level: str, words: str) -> None:
    stand_in.answer = lambda said: [says("Please call.", level=level, alert=True)]
    chat.send("help")
    bubble = chat.replies.last.locator(".alert")
    expect(bubble).to_contain_text(words)
    expect(bubble.locator("svg")).to_be_visible()
    assert float(bubble.evaluate("e => parseFloat(getComputedStyle(e).borderTopWidth)")) >= 2
    expect(chat.replies.last.get_by_role("group")).to_have_count(0)  # no asking whether it was helpful


def test_levels_that_this_reply_does_not_warn_of_do_not_stand_out(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says(level="emergency_now", alert=False)]
    chat.send("hello")
    expect(chat.host.locator(".alert")).to_have_count(0)


def test_sources_can_be_opened(chat: Chat) -> None:
    chat.send("how long")
    text = chat.replies.last.get_by_text("Reviewed by Katelyn Hagerty, FNP")
    expect(text).to_be_hidden()
    chat.host.locator("summary").click()
    expect(text).to_be_visible()
    expect(chat.replies.last.get_by_role("listitem")).to_have_count(2)


def test_an_answer_can_be_rated_and_rated_again(chat: Chat, stand_in: StandIn) -> None:
    chat.send("how long")
    chat.button("Yes, helpful").click()
    expect(chat.status).to_contain_text("Thank you")
    chat.button("No, not helpful").click()
    expect(chat.button("No, not helpful")).to_have_attribute("aria-pressed", "true")
    expect(chat.button("Yes, helpful")).to_have_attribute("aria-pressed", "false")
    sent = stand_in.sent("messages")[0]["id"]
    assert stand_in.sent("feedback") == [{"id": sent, "helpful": True}, {"id": sent, "helpful": False}]


def test_a_rating_that_failed_is_taken_back(chat: Chat, stand_in: StandIn) -> None:
    chat.send("how long")
    stand_in.faults = [Fault("feedback", 500)]
    chat.button("Yes, helpful").click()
    expect(chat.status).to_contain_text("did not work")
    expect(chat.button("Yes, helpful")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("who", ["visitor", "bot"])
def test_html_is_never_more_than_text(chat: Chat, stand_in: StandIn, who: str) -> None:
    stand_in.answer = lambda said: [says(HOSTILE_TEXT if who == "bot" else "Fine.", buttons={HOSTILE_TEXT: "/x"})]
    chat.send(HOSTILE_TEXT if who == "visitor" else "hello")
    expect((chat.replies if who == "bot" else chat.mine).last).to_contain_text(HOSTILE_TEXT)
    assert chat.host.locator(":is(.bubble, .quick) :is(img, script, b, a)").count() == 0
    assert chat.page.title() == "Test page"


def test_five_thousand_characters_stay_inside(chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None]) -> None:
    text = "a" * 2500 + "\n" + "word " * 500
    chat.box.fill(text)
    height = chat.box.bounding_box()["height"]  # type: ignore[index]
    assert height < 160
    chat.box.press("Enter")
    expect(chat.replies).to_have_count(2)
    assert stand_in.sent("messages")[0]["text"] == text.strip()
    assert chat.log.evaluate("e => e.scrollWidth <= e.clientWidth")
    shot(chat.page, "long-message")


def test_right_to_left_text_reads_right_to_left_under_english_labels(
    chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None]
) -> None:
    stand_in.answer = lambda said: [says("مرحبا، هذه إجابة.\nAn English line.")]
    chat.send("كم تدوم هذه الحبوب؟")
    directions = "e => [...e.querySelectorAll('.bubble p')].map(p => getComputedStyle(p).direction)"
    assert chat.mine.last.evaluate(directions) == ["rtl"]
    assert chat.replies.last.evaluate(directions) == ["rtl", "ltr"]
    label = chat.mine.last.locator(".sr")
    assert label.evaluate("e => getComputedStyle(e).direction") == "ltr"
    shot(chat.page, "right-to-left-message")


def test_the_conversation_is_kept_over_a_reload_and_over_pages(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says(f"To {said}.", buttons={"More": "/more"})]
    chat.send("one")
    chat.box.fill("half a sent")
    chat.page.reload()
    chat.ready()
    expect(chat.mine).to_have_count(1)
    expect(chat.replies.last).to_contain_text("To one.")
    expect(chat.box).to_have_value("half a sent")
    expect(chat.button("More")).to_be_visible()
    chat.page.goto(stand_in.page("/other"))
    expect(chat.replies.last).to_contain_text("To one.")
    assert len(stand_in.sent("conversations")) == 1


def test_messages_are_not_kept_in_the_browser_once_answered(chat: Chat) -> None:
    chat.send("my secret question")
    stores = chat.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "secret" not in stores
    assert "provider" not in stores


@pytest.mark.parametrize(("keep", "survives"), [("site", True), ("tab", True), ("page", False)])
def test_how_long_a_conversation_is_kept_is_the_sites_choice(page: Page, stand_in: StandIn, keep: str, survives: bool) -> None:
    page.goto(stand_in.page("/p", script=f'data-keep="{keep}"'))
    chat = Chat(page).open()
    chat.send("one")
    assert (page.evaluate("localStorage.length") > 0) == (keep == "site")
    page.reload()
    if not survives:
        chat.launcher.click()
    chat.ready()
    expect(chat.mine).to_have_count(int(survives))


def test_two_tabs_are_one_conversation(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says(f"To {said}.", buttons={"More": "/more"})]
    chat.send("from the first tab")
    other = Chat(chat.page.context.new_page())
    other.page.goto(stand_in.page("/p"))
    other.open()
    expect(other.replies.last).to_contain_text("To from the first tab.")
    other.send("from the second tab")
    expect(chat.mine).to_have_count(2)
    expect(chat.replies.last).to_contain_text("To from the second tab.")
    assert len(stand_in.sent("conversations")) == 1


def test_two_tabs_start_over_and_delete_together(chat: Chat, stand_in: StandIn) -> None:
    chat.send("one")
    other = Chat(chat.page.context.new_page())
    other.page.goto(stand_in.page("/p"))
    other.open()
    other.choose("Start over")
    other.button("Start over").click()
    expect(other.mine).to_have_count(0)
    expect(chat.mine).to_have_count(0)
    chat.page.bring_to_front()
    chat.send("two")
    expect(other.mine).to_have_count(1)
    chat.choose("Delete my conversation")
    chat.button("Delete it").click()
    expect(chat.host.locator(".end")).to_contain_text("was deleted")
    expect(other.host.locator(".end")).to_contain_text("deleted in another tab")
    assert stand_in.conversations == {}


def test_deleting_asks_first_then_gives_a_receipt(chat: Chat, stand_in: StandIn, shot: Callable[[Page, str], None]) -> None:
    chat.send("one")
    chat.choose("Delete my conversation")
    dialog = chat.host.get_by_role("alertdialog")
    expect(chat.button("Cancel")).to_be_focused()
    shot(chat.page, "delete-question")
    chat.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert len(stand_in.conversations) == 1
    chat.choose("Delete my conversation")
    chat.button("Delete it").click()
    end = chat.host.locator(".end")
    expect(end).to_contain_text("Nothing of it is left on the server.")
    expect(end).to_contain_text("Reference c-")
    assert stand_in.conversations == {}
    assert chat.focused == "title"
    assert chat.page.evaluate("JSON.stringify({...localStorage})").count("token") == 0
    shot(chat.page, "deleted")
    chat.button("Start a new conversation").click()
    chat.send("new")
    assert len(stand_in.conversations) == 1


def test_deleting_takes_the_conversations_before_start_over_too(chat: Chat, stand_in: StandIn) -> None:
    chat.send("one")
    chat.choose("Start over")
    chat.button("Start over").click()
    expect(chat.mine).to_have_count(0)
    assert len(stand_in.conversations) == 2
    chat.choose("Delete my conversation")
    chat.button("Delete it").click()
    expect(chat.host.locator(".end")).to_be_visible()
    assert stand_in.conversations == {}


def test_a_deletion_that_failed_says_so(chat: Chat, stand_in: StandIn) -> None:
    chat.send("one")
    stand_in.faults = [Fault("conversations", 500)]
    chat.choose("Delete my conversation")
    chat.button("Delete it").click()
    expect(chat.status).to_contain_text("did not work")
    expect(chat.mine).to_have_count(1)
    assert len(stand_in.conversations) == 1


def test_deletion_by_the_bot_ends_the_conversation(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says("Shall I?" if "delete my" in said else "It is gone.", buttons={"Yes, delete it": "/yes"})]
    chat.send("delete my conversation")
    chat.press("Yes, delete it")
    expect(chat.replies.last).to_contain_text("It is gone.")
    expect(chat.box).to_be_hidden()
    chat.button("Start a new conversation").click()
    expect(chat.mine).to_have_count(0)
    chat.send("hello again")


def test_it_can_be_copied_saved_and_printed(new_context: Callable[..., BrowserContext], stand_in: StandIn) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    context.add_init_script("window.printed = []; const p = function () { top.printed.push(document.body.innerText) }; window.print = p")
    page = context.new_page()
    page.goto(stand_in.page("/p"))
    chat = Chat(page).open()
    stand_in.answer = lambda said: [says("Call now.", level="emergency_now", alert=True)]
    chat.send("what is it")
    chat.choose("Copy the conversation")
    expect(chat.status).to_contain_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as download:
        chat.choose("Save as a file")
    assert download.value.suggested_filename == "milia-conversation.txt"
    saved = download.value.path().read_text(encoding="utf-8")
    chat.choose("Print")
    page.wait_for_function("printed.length === 1")
    for text in (copied, saved, page.evaluate("printed[0]")):
        assert "what is it" in text
        assert "Emergency: get help now" in text
        assert "Call now." in text
        assert "not a doctor" in text
        assert "A page" not in text


def test_who_scrolled_back_to_read_is_left_there(chat: Chat, stand_in: StandIn) -> None:
    stand_in.answer = lambda said: [says("A line.\n" * 20)]
    for text in ("one", "two"):
        chat.send(text)
    chat.page.wait_for_timeout(400)
    chat.log.evaluate("e => e.scrollTo({top: 0, behavior: 'instant'})")
    chat.page.wait_for_timeout(100)
    other: Any = chat.page.context.new_page()
    other.goto(stand_in.page("/p"))
    second = Chat(other).open()
    second.send("three")
    expect(chat.mine).to_have_count(3)
    chat.page.wait_for_timeout(300)
    assert chat.log.evaluate("e => e.scrollTop") == 0
