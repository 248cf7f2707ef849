"""The console by keyboard alone, for screen readers, and on a narrow window."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from console_standin import ConsoleStandIn
from console_world import PASSWORD
from playwright.sync_api import BrowserContext, Locator, Page, expect

pytestmark = pytest.mark.e2e
Enter = Callable[..., Page]
NARROW = {"viewport": {"width": 390, "height": 844}}


def tab_to(page: Page, wanted: Locator, most: int = 60, keys: str = "Tab") -> None:
    """Press Tab until the control has the focus; on the way every focus can be seen."""
    for _ in range(most):
        if wanted.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press(keys)
        seen = page.evaluate(
            "() => { const e = document.activeElement; return e === document.body || getComputedStyle(e).outlineStyle !== 'none' }"
        )
        assert seen, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"{wanted} was not reached by {most} presses of {keys}")


def test_from_the_login_to_a_mark_in_the_queue_without_a_mouse(console: ConsoleStandIn, new_visit: Callable[..., BrowserContext]) -> None:
    page = new_visit().new_page()
    page.goto(f"{console.url}/staff")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("eda")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message, as a person would write it")).to_be_focused()
    page.keyboard.type("How long do milia last?")
    page.keyboard.press("Enter")
    why = page.get_by_role("button", name="Why did the bot say this?")
    expect(why).to_be_visible()
    expect(page.get_by_label("Message, as a person would write it")).to_be_focused()
    tab_to(page, why, keys="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Why the bot said this")).to_be_focused()
    wrong = page.get_by_role("button", name="Something is wrong here")
    tab_to(page, wrong, 3)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("It was about something else"), 5)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Removing them oneself"), 8)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Send to review"), 20)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Marked: open")).to_be_visible()
    assert console.asked("addReview")[0]["should"] == {"topics": ["removal_self"]}
    tab_to(page, page.get_by_role("link", name="Review queue"), keys="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Review queue")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_title("Review queue – Staff console")


def test_the_first_press_of_tab_skips_to_the_view(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter("/conversations")
    page.reload()
    skip = page.get_by_role("link", name="Skip to the view")
    expect(skip).to_be_attached()
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Words that people wrote")).to_be_focused()


def test_on_a_narrow_window_one_comes_to_the_x_ray_and_back(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter(**NARROW)
    page.get_by_label("Message, as a person would write it").fill("How long do milia last?")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Why did the bot say this?").click()
    heading = page.get_by_role("heading", name="Why the bot said this")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    page.get_by_role("button", name="Back to the conversation").click()
    expect(page.get_by_role("button", name="Why did the bot say this?")).to_be_focused()


def test_on_a_narrow_window_the_menu_opens_and_closes(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter(**NARROW)
    menu = page.get_by_role("button", name="Menu")
    views = page.get_by_role("navigation", name="Views")
    expect(views).to_be_hidden()
    menu.press("Enter")
    expect(views).to_be_visible()
    page.keyboard.press("Escape")
    expect(views).to_be_hidden()
    menu.click()
    views.get_by_role("link", name="Statistics").click()
    expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
    expect(views).to_be_hidden()


@pytest.mark.parametrize("path", ["/try", "/conversations", "/conversations/c0", "/reviews/r0", "/tests", "/people"])
def test_what_is_pressed_is_44_pixels_high(console: ConsoleStandIn, enter: Enter, path: str) -> None:
    console.world.fill(3)
    page = enter(path, "ada", **NARROW)
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator("main button, main input").first).to_be_visible()
    low = page.evaluate(
        """() => [...document.querySelectorAll('button, select, textarea, summary, input:not([type=checkbox], [type=radio]), .tick, .pill')]
          .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert low == []


def test_a_reply_is_read_out_and_the_picture_of_figures_has_words(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(500)
    page = enter()
    expect(page.get_by_role("log", name="Conversation with the bot")).to_be_visible()
    page.get_by_role("link", name="Statistics").click()
    picture = page.get_by_role("img", name="Messages each day")
    expect(picture).to_be_visible()
    assert "were answered from the article" in (picture.get_attribute("aria-label") or "")
    figure = page.locator("figure").first
    figure.get_by_text("Show the figures as a table").click()
    rows = figure.locator("tbody tr")
    total = sum(int(cell) for row in rows.all() for cell in row.locator("td").all_text_contents())
    assert total == console.world.statistics()["totals"]["turns"]


def test_with_letters_twice_as_large_nothing_scrolls_sideways(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(3)
    page = enter("/conversations/c0")
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    for path in ("/conversations/c0", "/try", "/statistics", "/reviews/r0"):
        page.goto(f"{console.url}/staff{path}")
        expect(page.locator("h1, #why").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
