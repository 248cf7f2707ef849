"""The training page: what is new, a training from its start to its end, comparing, and which model serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from console_standin import ConsoleStandIn, Fail
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e
Enter = Callable[..., Page]
Shot = Callable[[Page, str], None]
Violations = Callable[[Page], list[str]]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}},
}


def still(page: Page) -> None:
    """Keep the page from asking on, so that a state of the training stands still."""
    page.evaluate("for (let one = setTimeout(() => 0); one > 0; one--) clearTimeout(one)")


def start(page: Page) -> None:
    page.get_by_role("button", name="Train a new model").click()
    expect(page.get_by_role("heading", name="A model is being trained")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS)
def test_every_state_of_a_training_is_axe_clean_and_does_not_scroll_sideways(
    console: ConsoleStandIn, enter: Enter, violations: Violations, shot: Shot, look: str
) -> None:
    console.world.fill(3)
    page = enter("/training", "ada", **LOOKS[look])
    found: dict[str, list[str]] = {}

    def hold(state: str) -> None:
        found[state] = violations(page)
        shot(page, f"{look}-training-{state}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[state].append("it scrolls sideways")

    expect(page.get_by_text("3 accepted changes are new to it.")).to_be_visible()
    page.get_by_text("Changed files").click()
    hold("new")
    start(page)
    expect(page.get_by_role("status").get_by_text("Learning: the topics")).to_be_visible()
    still(page)
    hold("going-on")
    page.reload()
    expect(page.get_by_role("heading", name="Latest training: done")).to_be_visible()
    hold("done")
    page.get_by_role("button", name="Put milia-2.tar.gz in service …").click()
    hold("asked")
    page.get_by_role("button", name="Put it in service", exact=True).click()
    expect(page.get_by_text("milia-2.tar.gz answers people now.")).to_be_visible()
    hold("in-service")
    console.world.training_error = "training ended with code 1. Its last lines:\n  ValueError: no examples of greet"
    console.world.models.pop("milia-2.tar.gz")
    console.world.running = "milia-1.tar.gz"
    page.reload()
    start(page)
    expect(page.get_by_role("heading", name="Latest training: broke off")).to_be_visible()
    hold("failed")
    console.world.training_off = "Training is turned off on this server (MILIA_STAFF_TRAINING=0)."
    page.reload()
    expect(page.get_by_text("Models cannot be trained on this server.")).to_be_visible()
    hold("off")
    assert {state: faults for state, faults in found.items() if faults} == {}


def test_a_training_takes_the_accepted_changes_along_that_are_ticked(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(3)
    page = enter("/training")
    expect(page.get_by_text("It is in the project’s files.")).to_have_count(1)
    page.get_by_label("Put it into the project’s files, and learn it").last.uncheck()
    start(page)
    assert console.asked("startTraining") == [{"take": ["r0"]}]
    expect(page.get_by_role("button", name="Train a new model")).to_be_disabled()


def test_with_nothing_ticked_there_is_nothing_to_train(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    console.world.models = {"milia-2.tar.gz": 1}
    console.world.running = "milia-2.tar.gz"
    page = enter("/training")
    expect(page.get_by_role("button", name="Train a new model")).to_be_enabled()
    page.get_by_role("checkbox").uncheck()
    expect(page.get_by_role("button", name="Train a new model")).to_be_disabled()
    expect(page.get_by_text("Tick what it is to learn.")).to_be_visible()
    console.world.accepted.clear()
    page.reload()
    expect(page.get_by_text("Nothing: it has learned all that is in the files.")).to_be_visible()
    expect(page.get_by_role("button", name="Train a new model")).to_be_disabled()


def test_a_training_in_progress_outlives_a_reload_and_is_cancelled(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/training")
    start(page)
    still(page)
    page.reload()
    expect(page.get_by_role("heading", name="A model is being trained")).to_be_visible()
    expect(page.get_by_text("of about 12 min 00 s")).to_be_visible()
    page.get_by_role("button", name="Cancel the training").click()
    expect(page.get_by_role("heading", name="Latest training: cancelled")).to_be_visible()
    expect(page.get_by_text("The training is cancelled. The running model was not touched.")).to_be_visible()
    assert console.world.running == "milia-1.tar.gz"


def test_a_training_that_fails_shows_why_and_what_still_runs(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    console.world.training_error = "training ended with code 1. Its last lines:\n  ValueError: no examples of greet"
    page = enter("/training")
    start(page)
    expect(page.get_by_role("region", name="Why it failed")).to_contain_text("no examples of greet")
    expect(page.get_by_text("The running model was not touched.", exact=False).first).to_be_visible()
    expect(page.locator(".rows > li", has_text="milia-1.tar.gz")).to_contain_text("In service")


def test_the_new_model_is_compared_on_all_tests_and_on_a_message(console: ConsoleStandIn, enter: Enter, shot: Shot) -> None:
    console.world.fill(3)
    console.world.models = {"milia-2.tar.gz": 1, **console.world.models}
    console.world.step = 6
    page = enter("/training")
    page.get_by_role("button", name="Run the tests with both").click()
    expect(page.get_by_text("The running model passes 11 of 12 tests, the other one 12.")).to_be_visible()
    expect(page.get_by_text("Right with the other model only")).to_be_visible()
    assert [body["model"] for body in console.asked("startJob")] == ["milia-1.tar.gz", "milia-2.tar.gz"]
    page.get_by_label("A message that both answer").fill("How long do milia last?")
    page.get_by_role("button", name="Ask both").click()
    expect(page.get_by_text("They differ in what it is about.")).to_be_visible()
    assert len(console.asked("startReplay")) == 1
    shot(page, "training-compared")
    page.reload()
    expect(page.get_by_text("The running model passes 11 of 12 tests, the other one 12.")).to_be_visible()


def test_a_model_is_put_in_service_and_taken_back_and_a_damaged_one_is_refused(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    console.world.models = {"milia-2.tar.gz": 1, **console.world.models}
    page = enter("/training", "ada")
    page.get_by_role("button", name="Put milia-2.tar.gz in service …").click()
    page.get_by_role("button", name="Put it in service", exact=True).click()
    expect(page.get_by_text("milia-2.tar.gz answers people now.")).to_be_visible()
    page.get_by_role("button", name="Go back to milia-1.tar.gz …").click()
    page.get_by_role("button", name="Put it in service", exact=True).click()
    expect(page.get_by_text("milia-1.tar.gz answers people now.")).to_be_visible()
    page.get_by_role("button", name="Put milia-0.tar.gz in service …").click()
    page.get_by_role("button", name="Put it in service", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("milia-0.tar.gz: ValueError: damaged")
    assert console.world.running == "milia-1.tar.gz"


def test_an_editor_trains_but_only_an_admin_puts_in_service_and_a_viewer_looks(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/training", "eda")
    expect(page.get_by_role("button", name="Train a new model")).to_be_enabled()
    expect(page.get_by_role("button", name="in service …")).to_have_count(0)
    viewer = enter("/training", "vera")
    expect(viewer.get_by_text("An editor can train a new model.")).to_be_visible()
    expect(viewer.get_by_role("button", name="Train a new model")).to_have_count(0)
    expect(viewer.get_by_role("checkbox")).to_have_count(0)


def test_where_a_run_is_in_progress_the_page_says_so(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    console.faults["startTraining"] = Fail(409, "busy", "A run is in progress already. Wait for it, or cancel it.")
    page = enter("/training")
    page.get_by_role("button", name="Train a new model").click()
    expect(page.get_by_role("alert")).to_contain_text("A run is in progress already")
