"""The widget as a visitor handles it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class Chat:
    """The chat on a page.

    Attributes:
        page: the page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.host = page.locator("milia-chat")
        self.launcher = page.locator(".launcher")
        self.panel = page.locator(".panel")
        self.log = page.get_by_role("log")
        self.box = page.get_by_label("Your message")
        self.status = page.locator(".status[role=status]")
        self.mine = page.locator(".me")
        self.replies = page.locator(".turn:not(.me)")  # the first is the greeting

    def open(self) -> Chat:
        """Open the panel and wait for its conversation."""
        self.launcher.click()
        self.ready()
        return self

    def ready(self) -> None:
        """Wait until the conversation is open."""
        expect(self.replies.first).to_be_visible()

    def send(self, text: str, wait: bool = True) -> None:
        """Type a message and send it with Enter; wait for its reply."""
        before = self.replies.count()
        self.box.fill(text)
        self.box.press("Enter")
        if wait:
            expect(self.replies).to_have_count(before + 1)

    def press(self, title: str) -> None:
        """Press a quick reply and wait for what is said to it."""
        before = self.replies.count()
        self.button(title).click()
        expect(self.replies).to_have_count(before + 1)

    def button(self, name: str) -> Locator:
        """Return a button of the widget by its exact name."""
        return self.host.get_by_role("button", name=name, exact=True)

    def choose(self, item: str) -> None:
        """Choose something in the menu."""
        self.button("Menu").click()
        self.button(item).click()

    def in_view(self, target: Locator) -> bool:
        """Tell whether all of an element can be seen in the log."""
        box, log = target.bounding_box(), self.log.bounding_box()
        assert box and log
        return box["y"] >= log["y"] - 1 and box["y"] + box["height"] <= log["y"] + log["height"] + 1

    @property
    def focused(self) -> str:
        """Class or tag of what has the focus inside the widget."""
        script = "h => { const a = h.shadowRoot.activeElement; return a ? a.className || a.localName : '' }"
        return str(self.host.evaluate(script))
