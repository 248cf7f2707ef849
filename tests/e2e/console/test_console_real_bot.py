"""The console with the real bot behind it, started as `make run` starts it, by the user that it sets up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from real_console import MINUTE, log_in
from running_bot import RealBot

pytestmark = pytest.mark.e2e
Violations = Callable[[Page], list[str]]
Shot = Callable[[Page, str], None]
VIEWS = ("try", "conversations", "statistics", "reviews", "tests", "training", "content", "content/duration", "content/unanswered", "people", "audit")


@pytest.fixture
def real(running_bot: RealBot, new_visit: Callable[..., BrowserContext]) -> Page:
    """The console of the real bot, as its local admin."""
    running_bot.start()
    return log_in(running_bot, new_visit)


def say(page: Page, text: str) -> None:
    page.get_by_label("Message, as a person would write it").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    # The first message of all loads what the explanations need.
    expect(page.locator(".turn.chosen .bubble.me")).to_have_text(text, timeout=MINUTE)


def test_every_view_of_the_real_console_is_axe_clean_and_within_its_policy(real: Page, running_bot: RealBot, violations: Violations, shot: Shot) -> None:
    for view in VIEWS:
        real.goto(f"{running_bot.url}/staff/{view}")
        expect(real.locator("h1").first).to_be_visible()
        assert violations(real) == [], view
        expect(real.get_by_role("alert")).to_have_count(0)
        shot(real, f"real-{view.replace('/', '-')}")


def test_an_answer_is_explained_by_the_facts_and_a_warning_by_its_words(real: Page, violations: Violations, shot: Shot) -> None:
    say(real, "how long do milia last in newborns")
    xray = real.locator("milia-xray")
    expect(xray.locator(".lead")).to_contain_text("How long milia last")
    expect(xray).to_contain_text("duration.1")
    expect(xray.locator(".said mark.entity")).to_have_text("newborns")
    shot(real, "real-answer")
    say(real, "my eyelid is swollen and sore but i have no fever")
    expect(xray.locator(".sign").first).to_be_visible()
    assert "fever" in " ".join(xray.locator(".said mark.ruled_out").all_text_contents())
    assert violations(real) == []
    shot(real, "real-warning")


def test_what_a_person_wrote_is_found_marked_and_accepted_in_other_words(real: Page, running_bot: RealBot, shot: Shot) -> None:
    running_bot.write("will the zqxj spots vanish when he is older")
    real.get_by_role("link", name="Conversations").click()
    row = real.locator(".rows > li").filter(has_text="zqxj")
    for _ in range(20):
        expect(real.locator(".waiting")).to_have_count(0, timeout=MINUTE)
        if row.count():
            break
        real.wait_for_timeout(1000)
        real.reload()
    row.get_by_role("link").first.click()
    real.get_by_role("button", name="Something is wrong here").click()
    real.get_by_label("It was about something else").check()
    real.get_by_label("How long milia last").check()
    real.get_by_role("button", name="Send to review").click()
    real.get_by_role("link", name="Marked: open").click()
    sentence = real.get_by_label("A sentence that asks the same, in your own words")
    sentence.fill("will the zqxj spots vanish when he is older")
    real.get_by_role("button", name="Check first").click()
    expect(real.get_by_text("too near to what the person wrote")).to_be_visible(timeout=MINUTE)
    sentence.fill("do a toddler's tiny pearls keep hanging around until school")
    real.get_by_role("button", name="Accept").click()
    expect(real.get_by_role("heading", name="Accepted by")).to_be_visible(timeout=MINUTE)
    with real.expect_download() as download:
        real.get_by_role("button", name="Download the patch").click()
    patch = download.value.path().read_text(encoding="utf-8")
    assert "+" in patch
    assert "tiny pearls" in patch
    assert "zqxj" not in patch
    shot(real, "real-accepted")
