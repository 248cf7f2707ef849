"""A real browser, the widget as it is built, a stand-in server, and the real bot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_check import objections
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from running_bot import RealBot
from widget_standin import DIST, StandIn

ROOT = Path(__file__).resolve().parents[3]
SHOTS = ROOT / "results" / "widget"


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    """The machine's Chromium, once the widget is built."""
    if not (DIST / "widget.js").is_file():
        pytest.fail("the widget is not built: run `make setup`", pytrace=False)
    return chromium


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


@pytest.fixture
def violations(axe: Axe) -> Callable[[Page], list[str]]:
    """Lists what axe objects to on a page, and what it cannot decide on colours inside the widget."""

    def find(page: Page) -> list[str]:
        at_rest(page)
        return objections(axe, page)

    return find


@pytest.fixture
def real_bot(running_bot: RealBot) -> RealBot:
    """The real bot, running."""
    running_bot.start()
    return running_bot
