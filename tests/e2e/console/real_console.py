"""The console of the real bot, as its local admin sees it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect
from running_bot import RealBot

MINUTE = 60_000


def log_in(bot: RealBot, new_visit: Callable[..., BrowserContext]) -> Page:
    """Open the console and log in with the name and password that the bot's first start printed."""
    page = new_visit().new_page()
    page.goto(f"{bot.url}/staff")
    name, password = bot.staff
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Try it")).to_be_visible(timeout=MINUTE)
    return page
