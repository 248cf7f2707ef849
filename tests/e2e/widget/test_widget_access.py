"""The widget by keyboard, for screen readers, in every state and scheme, on small windows and at 400% zoom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from widget_page import Chat
from widget_standin import Fault, StandIn, says

pytestmark = pytest.mark.e2e
Shot = Callable[[Page, str], None]
Violations = Callable[[Page], list[str]]
SCHEMES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}


def answer(said: str) -> list[dict[str, Any]]:
    """A guided check of two questions, warnings, and answers."""
    levels = {"soon": "provider_soon", "today": "urgent_same_day", "now": "emergency_now"}
    if said in levels:
        return [says("Please have this looked at.", level=levels[said], alert=True)]
    if said in ("Check my bumps", "/yes"):
        return [says("Do they hurt?", buttons={"Yes": "/yes", "No": "/no", "I don't know": "/unknown"}, check_question=True, sources=False)]
    return [says(buttons={"Check my bumps": "/yes", "Are they harmless?": "/harmless", "When should I see someone about them?": "/see"})]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_any_state(
    new_context: Callable[..., BrowserContext], stand_in: StandIn, violations: Violations, shot: Shot, scheme: str
) -> None:
    stand_in.answer = answer
    page = new_context(**SCHEMES[scheme]).new_page()
    page.goto(stand_in.page("/p"))
    chat = Chat(page)
    found: dict[str, list[str]] = {}

    def check(state: str) -> None:
        found[state] = violations(page)
        shot(page, f"{scheme}-{state}")

    check("closed")
    chat.open()
    check("notice")
    chat.press("Check my bumps")
    check("quick-replies")
    chat.send("how long")
    chat.host.locator("summary").click()
    chat.button("Yes, helpful").click()
    check("sources-and-rating")
    for text in ("soon", "today", "now"):
        chat.send(text)
    check("warnings")
    chat.button("Menu").click()
    check("menu")
    chat.button("Start over").click()
    check("question")
    chat.button("Cancel").click()
    stand_in.delay = 1.5
    chat.send("slow", wait=False)
    expect(chat.host.locator(".dots")).to_be_visible()
    check("writing")
    stand_in.delay = 0
    expect(chat.host.locator(".dots")).to_have_count(0)
    stand_in.faults = [Fault("messages", 502, times=2)]
    chat.send("lost", wait=False)
    expect(chat.button("Try now")).to_be_visible()
    check("disconnected")
    expect(chat.button("Try now")).to_have_count(0)
    stand_in.limit = 5
    chat.box.fill("far too long")
    chat.box.press("Enter")
    expect(chat.host.get_by_role("alert")).to_be_visible()
    check("error")
    chat.choose("Delete my conversation")
    chat.button("Delete it").click()
    expect(chat.host.locator(".end")).to_be_visible()
    check("deleted")
    assert {state: one for state, one in found.items() if one} == {}


def test_a_whole_conversation_by_keyboard_alone(page: Page, stand_in: StandIn) -> None:
    stand_in.answer = answer
    page.goto(stand_in.page("/p", body='<h1>A page</h1><a href="#x">A link</a>'))
    chat = Chat(page)
    keys = page.keyboard
    keys.press("Tab")
    keys.press("Tab")
    expect(chat.launcher).to_be_focused()
    keys.press("Enter")
    chat.ready()
    expect(chat.box).to_be_focused()
    keys.press("Shift+Tab")  # the suggestions come before the box
    expect(chat.button("How long do they last?")).to_be_focused()
    keys.press("Shift+Tab")
    expect(chat.button("Check my bumps")).to_be_focused()
    keys.press("Enter")
    expect(chat.button("Yes")).to_be_visible()
    assert chat.focused.startswith("turn me")
    keys.press("Tab")
    expect(chat.button("Yes")).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    expect(chat.button("I don't know")).to_be_focused()
    keys.press("Space")
    expect(chat.button("Are they harmless?")).to_be_visible()
    keys.press("Tab")
    assert chat.focused == "summary"
    keys.press("Enter")
    expect(chat.replies.last.get_by_text("Published by")).to_be_visible()
    keys.press("Tab")
    expect(chat.button("Yes, helpful")).to_be_focused()
    keys.press("Space")
    expect(chat.status).to_contain_text("Thank you")
    chat.button("Menu").focus()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Tab")
    expect(chat.button("Copy the conversation")).to_be_focused()
    keys.press("Escape")
    expect(chat.button("Copy the conversation")).to_have_count(0)
    expect(chat.button("Menu")).to_be_focused()
    keys.press("Escape")
    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()
    keys.press("Space")
    expect(chat.box).to_be_focused()
    expect(chat.mine).to_have_count(2)


def test_beside_the_page_the_focus_can_leave_and_over_all_of_it_it_stays(
    new_context: Callable[..., BrowserContext], stand_in: StandIn
) -> None:
    body = '<h1>A page</h1><a href="#x" id="link">A link</a>'
    for width, leaves in ((1280, True), (390, False)):
        page = new_context(viewport={"width": width, "height": 800}).new_page()
        page.goto(stand_in.page("/p", body=body))
        Chat(page).open()
        visited = set()
        for _ in range(14):
            page.keyboard.press("Tab")
            visited.add(page.evaluate("document.activeElement.id || document.activeElement.localName"))
        assert ("link" in visited) == leaves


def test_replies_are_announced_and_what_is_old_or_ones_own_is_not(page: Page, stand_in: StandIn) -> None:
    page.goto(stand_in.page("/p"))
    chat = Chat(page).open()
    expect(chat.log).to_have_attribute("aria-live", "polite")
    chat.send("one")
    assert chat.mine.last.get_attribute("aria-live") == "off"
    speaker = chat.replies.last.locator(".sr").first
    expect(speaker).to_have_text("Milia assistant:")
    page.evaluate(
        """() => { const observe = (log) => new MutationObserver((all) => { for (const one of all) for (const node of one.addedNodes)
        if (node.textContent.includes('Most go')) window.spoken = log.getAttribute('aria-live') }).observe(log, {childList: true, subtree: true});
        observe(document.querySelector('milia-chat').shadowRoot.querySelector('.log')) }"""
    )
    chat.send("two")
    assert page.evaluate("window.spoken") == "polite"
    # After a reload the log comes back silent, then speaks again.
    page.add_init_script(
        """addEventListener('DOMContentLoaded', () => { const root = document.querySelector('milia-chat')?.shadowRoot; if (!root) return;
        const log = root.querySelector('.log'); window.live = []; new MutationObserver(() => { if (log.querySelector('.me')) live.push(log.getAttribute('aria-live')) })
        .observe(log, {childList: true}) })"""
    )
    page.reload()
    expect(chat.mine).to_have_count(2)
    assert page.evaluate("window.live")[0] == "off"
    expect(chat.log).to_have_attribute("aria-live", "polite")


SIZES = {"phone": (320, 568), "zoom-400": (320, 256), "landscape": (640, 320), "tablet": (768, 1024)}


@pytest.mark.parametrize("size", SIZES)
def test_on_any_window_the_send_button_the_log_and_quick_replies_can_be_used(
    new_context: Callable[..., BrowserContext], stand_in: StandIn, shot: Shot, violations: Violations, size: str
) -> None:
    stand_in.answer = answer
    width, height = SIZES[size]
    page = new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(stand_in.page("/p"))
    chat = Chat(page)
    shot(page, f"{size}-closed")
    assert inside(chat.launcher.bounding_box(), width, height)
    chat.open()
    chat.press("Check my bumps")
    page.wait_for_timeout(500)
    assert inside(chat.button("Send").bounding_box(), width, height)
    assert inside(chat.button("Close the chat").bounding_box(), width, height)
    log = chat.log.bounding_box()
    assert log
    assert log["height"] >= 110
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert chat.log.evaluate("e => e.scrollWidth <= e.clientWidth")
    quick = chat.button("I don't know")
    if size == "zoom-400":
        quick.scroll_into_view_if_needed()
    assert chat.in_view(quick)
    chat.box.fill("a line\n" * 12)
    assert inside(chat.button("Send").bounding_box(), width, height)
    assert violations(page) == []
    shot(page, f"{size}-open")


def inside(box: dict[str, float] | None, width: int, height: int) -> bool:
    """Tell whether a box is not clipped by a window of this size."""
    assert box
    return box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height


@pytest.mark.parametrize("width", [320, 1280])
def test_what_is_pressed_is_44_pixels_large(new_context: Callable[..., BrowserContext], stand_in: StandIn, width: int) -> None:
    stand_in.answer = answer
    page = new_context(viewport={"width": width, "height": 700}).new_page()
    page.goto(stand_in.page("/p"))
    chat = Chat(page)
    assert targets(chat)
    chat.open()
    chat.send("how long")
    chat.button("Menu").click()
    sizes = targets(chat)
    assert len(sizes) >= 12
    assert [one for one in sizes if one[1] < 44 or one[2] < 44] == []


def targets(chat: Chat) -> list[tuple[str, float, float]]:
    """Return the name, width and height of each control in view."""
    controls = chat.host.locator("button, summary, textarea")
    boxes = [(one.text_content() or "", one.bounding_box()) for one in controls.all() if one.is_visible()]
    return [(name, box["width"], box["height"]) for name, box in boxes if box]


def test_with_larger_letters_nothing_is_cut_off(page: Page, stand_in: StandIn) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    page.goto(stand_in.page("/p"))
    chat = Chat(page).open()
    assert chat.box.evaluate("e => getComputedStyle(e).fontSize") == "32px"
    assert inside(chat.panel.bounding_box(), 1280, 800)
    assert inside(chat.button("Send").bounding_box(), 1280, 800)


def test_nothing_moves_for_those_who_want_no_motion(new_context: Callable[..., BrowserContext], stand_in: StandIn) -> None:
    for motion, name, behavior in (("reduce", "none", "auto"), ("no-preference", "rise", "smooth")):
        page = new_context(reduced_motion=motion).new_page()
        page.goto(stand_in.page("/p"))
        chat = Chat(page).open()
        chat.send("one")
        for part in (chat.panel, chat.replies.last):
            assert part.evaluate("e => getComputedStyle(e).animationName") == name
        assert chat.log.evaluate("e => getComputedStyle(e).scrollBehavior") == behavior


def test_keys_typed_into_the_box_are_not_the_pages(page: Page, stand_in: StandIn) -> None:
    page.goto(stand_in.page("/p"))
    page.evaluate("document.addEventListener('keydown', (event) => { document.title += event.key })")
    chat = Chat(page).open()
    chat.box.press_sequentially("abc")
    assert page.title() == "Test page"


def test_a_reply_that_comes_while_the_panel_is_closed_is_marked(page: Page, stand_in: StandIn, violations: Violations) -> None:
    page.goto(stand_in.page("/p"))
    chat = Chat(page).open()
    stand_in.delay = 0.7
    chat.send("one", wait=False)
    chat.button("Close the chat").click()
    expect(chat.launcher).to_contain_text("new reply")
    assert violations(page) == []
    chat.open()
    chat.button("Close the chat").click()
    expect(chat.launcher).not_to_contain_text("new reply")
