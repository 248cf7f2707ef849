"""A real browser, the widget as it is built, a stand-in server, and the real bot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from widget_bot import RealBot
from widget_standin import DIST, StandIn

ROOT = Path(__file__).resolve().parents[3]
SHOTS = ROOT / "results" / "widget"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_BROWSERS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

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
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    if not (DIST / "widget.js").is_file():
        pytest.fail("the widget is not built: run `make setup`", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stand_in_server() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.stop()


@pytest.fixture
def stand_in(stand_in_server: StandIn) -> StandIn:
    """The stand-in, as new."""
    stand_in_server.start()
    stand_in_server.reset()
    return stand_in_server


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts (a visitor each) and closes them; a script error on a page fails the test."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})  # type: ignore[arg-type]
        context.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page of one visitor."""
    return new_context().new_page()


def at_rest(page: Page) -> None:
    """Wait until what moves has come to rest, and what scrolls has arrived."""
    page.evaluate(
        """async () => {
          const frame = () => new Promise((done) => requestAnimationFrame(done))
          const log = document.querySelector('milia-chat')?.shadowRoot?.querySelector('.log')
          for (let before = -1, still = 0; still < 3; before = log?.scrollTop ?? 0) {
            await frame()
            const moving = document.getAnimations().some((one) => isFinite(one.effect.getComputedTiming().endTime))
            still = !moving && (log?.scrollTop ?? 0) === before ? still + 1 : 0
          }
        }"""
    )


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps a screenshot in results/widget, for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        at_rest(page)
        page.screenshot(path=str(SHOTS / f"{name}.png"))

    return take


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture
def violations(axe: Axe) -> Callable[[Page], list[str]]:
    """Lists what axe objects to on a page, and what it cannot decide on colours inside the widget."""

    def find(page: Page) -> list[str]:
        at_rest(page)
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        result = axe.run(page, options=options)
        return [
            f"{one['id']}: {' '.join(node['html'].split())[:160]} {node.get('failureSummary', '')[:200]}"
            for one in result.response["violations"]
            for node in one["nodes"]
        ]

    return find


@pytest.fixture(scope="session")
def running_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBot]:
    bot = RealBot(tmp_path_factory.mktemp("widget-bot"))
    try:
        yield bot
    finally:
        bot.stop()


@pytest.fixture
def real_bot(running_bot: RealBot) -> RealBot:
    """The real bot, running."""
    running_bot.start()
    return running_bot
