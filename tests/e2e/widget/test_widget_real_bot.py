"""The widget and the demo pages with the real bot behind them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from running_bot import RealBot
from widget_page import Chat

pytestmark = pytest.mark.e2e
Shot = Callable[[Page, str], None]
Violations = Callable[[Page], list[str]]


@pytest.fixture
def chat(page: Page, real_bot: RealBot) -> Chat:
    page.goto(f"{real_bot.url}/demo")
    return Chat(page).open()


def quick_replies(chat: Chat) -> list[str]:
    return chat.host.locator(".quick button").all_text_contents()


def test_a_whole_conversation(chat: Chat, shot: Shot, violations: Violations) -> None:
    expect(chat.log).to_contain_text("not a doctor")
    expect(chat.log).to_contain_text("erased after")
    chat.send("how long do milia last?")
    expect(chat.replies.last).to_contain_text("dermatology provider")
    chat.host.locator("summary").last.click()
    expect(chat.replies.last).to_contain_text("Reviewed by Katelyn Hagerty, FNP")
    chat.button("Yes, helpful").click()
    expect(chat.status).to_contain_text("Thank you")
    chat.send("/restart")  # typed: a text like any other
    chat.send("what are milia")
    chat.press(quick_replies(chat)[0])
    chat.send("my face is swelling and I can't breathe")
    expect(chat.replies.last.locator(".alert")).to_contain_text("Emergency: get help now")
    shot(chat.page, "real-conversation")
    assert violations(chat.page) == []
    turns = chat.mine.count()
    chat.page.reload()
    expect(chat.mine).to_have_count(turns)
    expect(chat.replies.last.locator(".alert")).to_contain_text("Emergency: get help now")


def test_a_guided_check_goes_on_after_a_reload(chat: Chat, shot: Shot) -> None:
    chat.press("Check my bumps")
    before = quick_replies(chat)
    assert len(before) >= 2
    chat.page.reload()
    chat.ready()
    assert quick_replies(chat) == before
    for _ in range(25):
        if not chat.host.locator(".quick button").count():
            break
        chat.press(quick_replies(chat)[-1])
        if "Are they harmless?" in quick_replies(chat) or "What are milia?" in quick_replies(chat):
            break
    expect(chat.log).to_contain_text("dermatology provider")
    shot(chat.page, "real-check")


def test_a_conversation_goes_on_after_the_server_was_restarted(chat: Chat, real_bot: RealBot) -> None:
    chat.send("how long do milia last?")
    chat.press("Check my bumps") if "Check my bumps" in quick_replies(chat) else chat.send("start the check")
    offered = quick_replies(chat)
    real_bot.stop()
    chat.button(offered[0]).click()
    expect(chat.status).to_contain_text("You were disconnected")
    chat.box.fill("half a sent")
    before = chat.replies.count()
    real_bot.start()
    # It tries by itself; what tells it that the network is back only makes it sooner.
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    expect(chat.replies).to_have_count(before + 1)
    expect(chat.box).to_have_value("half a sent")
    expect(chat.mine.last).to_contain_text(offered[0])


@pytest.mark.parametrize("how", ["menu", "words"])
def test_deleting_leaves_nothing(chat: Chat, real_bot: RealBot, how: str, shot: Shot) -> None:
    chat.send("how long do milia last?")
    stored = chat.page.evaluate("Object.values({...localStorage}).join()")
    token = stored.split('"token":"')[1].split('"')[0]
    if how == "menu":
        chat.choose("Delete my conversation")
        chat.button("Delete it").click()
        expect(chat.host.locator(".end")).to_contain_text("Nothing of it is left on the server.")
        shot(chat.page, "real-deleted")
    else:
        chat.send("delete my conversation")
        chat.press("Yes, delete it")
        expect(chat.button("Start a new conversation")).to_be_visible()
    status = chat.page.evaluate(
        "async (token) => (await fetch('/webhooks/web/messages', {headers: {Authorization: `Bearer ${token}`}})).status", token
    )
    assert status == 401
    chat.button("Start a new conversation").click()
    chat.send("what are milia")


def test_two_tabs_and_two_pages_are_one_conversation(chat: Chat, real_bot: RealBot) -> None:
    chat.send("how long do milia last?")
    other = Chat(chat.page.context.new_page())
    other.page.goto(f"{real_bot.url}/demo/embed.html")
    expect(other.mine).to_have_count(1)
    other.send("what are milia")
    expect(chat.mine).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_demo_pages_break_no_rule(
    new_context: Callable[..., BrowserContext], real_bot: RealBot, violations: Violations, shot: Shot, scheme: str
) -> None:
    page = new_context(color_scheme=scheme).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{real_bot.url}/demo")
    expect(Chat(page).launcher).to_be_visible()
    assert violations(page) == []
    shot(page, f"demo-{scheme}")
    page.get_by_role("button", name="Ask the assistant").first.click()
    Chat(page).ready()
    shot(page, f"demo-chat-{scheme}")
    page.goto(f"{real_bot.url}/demo/embed.html")
    Chat(page).ready()
    page.get_by_label("Honey").check()
    page.get_by_label("Square").check()
    expect(page.locator("#snippet")).to_contain_text('data-accent="#f2c14e"')
    Chat(page).ready()
    assert violations(page) == []
    shot(page, f"demo-embed-{scheme}")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{real_bot.url}/demo")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, f"demo-phone-{scheme}")
    assert said == []
