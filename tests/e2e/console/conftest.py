"""The built console in a real browser, on a stand-in server made from the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_check import objections
from axe_playwright_python.sync_playwright import Axe
from console_standin import DIST, ConsoleStandIn
from console_world import PASSWORD
from playwright.sync_api import Browser, BrowserContext, Page, expect

SHOTS = Path(__file__).resolve().parents[3] / "results" / "console"


@pytest.fixture(scope="session")
def console_server() -> Iterator[ConsoleStandIn]:
    if not (DIST / "index.html").is_file():
        pytest.fail("the console is not built: run `make setup`", pytrace=False)
    server = ConsoleStandIn()
    yield server
    server.stop()


@pytest.fixture
def console(console_server: ConsoleStandIn) -> Iterator[ConsoleStandIn]:
    """The stand-in, as new; whatever did not fit the contract on either side fails the test."""
    console_server.reset()
    console_server.start()
    yield console_server
    assert console_server.broken == []


@pytest.fixture
def new_visit(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts; a script error, or anything that the policy of the page refuses, fails the test."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(**options: object) -> BrowserContext:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **options})  # type: ignore[arg-type]
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text or "Trusted" in said.text else None)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert errors == []


@pytest.fixture
def enter(console: ConsoleStandIn, new_visit: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Opens a view as somebody: `enter("/try", "eda")`."""

    def open_view(path: str = "", name: str = "eda", **options: object) -> Page:
        page = new_visit(**options).new_page()
        page.goto(f"{console.url}/staff{path}")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("header.top")).to_be_visible()
        return page

    return open_view


def at_rest(page: Page) -> None:
    """Wait until nothing is being loaded or moves."""
    expect(page.locator(".waiting")).to_have_count(0, timeout=60_000)
    page.evaluate(
        """async () => {
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
          await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => undefined)))
        }"""
    )


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Keeps a screenshot in results/console, for people to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        at_rest(page)
        page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)

    return take


@pytest.fixture
def violations(axe: Axe) -> Callable[[Page], list[str]]:
    """Lists what axe objects to on a page."""

    def find(page: Page) -> list[str]:
        at_rest(page)
        return objections(axe, page)

    return find
