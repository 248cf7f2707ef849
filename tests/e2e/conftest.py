"""One real browser and one real bot for all tests in a browser: Playwright runs once in a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright
from running_bot import RealBot

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_BROWSERS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")

expect.set_options(timeout=10_000)


def find_browser() -> str:
    """Return the Chromium or Chrome of this machine; MILIA_CHROMIUM names another.

    Without one the tests fail: they are never passed unseen.
    """
    named = [os.environ.get("MILIA_CHROMIUM", ""), *(shutil.which(name) or "" for name in BROWSERS), *MAC_BROWSERS]
    found = next((path for path in named if path and Path(path).exists()), None)
    if found is None:
        pytest.fail(
            "there is no Chromium or Chrome: install one (Debian: apt-get install chromium), or name it: "
            "MILIA_CHROMIUM=/path/to/chrome",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture(scope="session")
def running_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBot]:
    """The real bot; not yet started."""
    bot = RealBot(tmp_path_factory.mktemp("bot"))
    try:
        yield bot
    finally:
        bot.stop()
