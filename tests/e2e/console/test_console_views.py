"""Every view, with nothing, one and many, light and dark, wide and narrow: axe clean, no sideways scrolling, within the policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from console_standin import ConsoleStandIn
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e
Enter = Callable[..., Page]
Shot = Callable[[Page, str], None]
Violations = Callable[[Page], list[str]]
VIEWS = {
    "try": "/try",
    "conversations": "/conversations",
    "conversation": "/conversations/c0",
    "statistics": "/statistics",
    "reviews": "/reviews",
    "review": "/reviews/r0",
    "tests": "/tests",
    "test-new": "/tests/new?conversation=c0",
    "test-file": "/tests/file?name=topics.yml",
    "run": "/tests/runs/j0",
    "training": "/training",
    "content": "/content",
    "topic": "/content/duration",
    "unanswered": "/content/unanswered",
    "people": "/people",
    "audit": "/audit",
    "nowhere": "/nowhere",
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}},
}


def prepare(console: ConsoleStandIn, conversations: int) -> None:
    console.world.fill(conversations)
    if conversations:
        console.world.go_on(console.world.new_job("tests", 3, "eda"))


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_any_view_and_nothing_scrolls_sideways(
    console: ConsoleStandIn, enter: Enter, violations: Violations, shot: Shot, look: str
) -> None:
    prepare(console, 200)
    page = enter("/audit", "ada", **LOOKS[look])
    found: dict[str, Any] = {}
    for name, path in VIEWS.items():
        page.goto(f"{console.url}/staff{path}")
        expect(page.locator("h1, #why").first).to_be_visible()
        if name == "try":
            page.get_by_role("button", name="My eyelid is swollen").click()
            expect(page.locator(".xray .lead")).to_contain_text("warning sign")
        found[name] = violations(page)
        shot(page, f"{look}-{name}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[name] = [*found[name], "it scrolls sideways"]
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("conversations", [0, 1])
def test_every_view_works_and_says_what_to_do_with_nothing_and_with_one(
    console: ConsoleStandIn, enter: Enter, violations: Violations, shot: Shot, conversations: int
) -> None:
    prepare(console, conversations)
    page = enter("/audit", "ada")
    for name, path in VIEWS.items():
        if conversations == 0 and name in ("conversation", "review", "test-new", "test-file", "run"):
            continue
        page.goto(f"{console.url}/staff{path}")
        expect(page.locator("h1").first).to_be_visible()
        assert violations(page) == [], name
        shot(page, f"with-{conversations}-{name}")
        if conversations == 0 and name not in ("training", "content", "topic", "people"):
            expect(page.locator(".empty").first).to_be_visible()


def test_ten_thousand_conversations_come_page_by_page(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(10_000)
    page = enter("/conversations")
    rows = page.locator(".rows > li")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(100)
    expect(rows.nth(50).get_by_role("link").first).to_be_focused()
    assert [query.get("cursor") for name, _, query in console.requests if name == "listConversations"] == [None, "50"]


def test_a_conversation_that_is_gone_says_so_and_leads_back(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter("/conversations/c7")
    expect(page.get_by_role("alert")).to_contain_text("not there any more")
    page.get_by_role("link", name="All conversations").click()
    expect(page.get_by_text("No conversations yet.")).to_be_visible()
