"""From a wrong answer to a model that has learned: found, marked, accepted, trained, compared, put in service, kept as a test.

All of it is the real bot, `milia run` in a copy of the project, and the real console in a browser. Only the training differs: the
test for every day uses `train_quickly.py`, whose docstring says what of it is real; the other one, marked `benchmark`, trains
the whole model, which takes ten minutes or more of two cores, and is never part of `make test`.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from project_copy import copy_project
from real_console import MINUTE, log_in
from running_bot import RealBot

pytestmark = pytest.mark.e2e
Shot = Callable[[Page, str], None]
QUICKLY = f"{shlex.quote(sys.executable)} -W ignore {shlex.quote(str(Path(__file__).with_name('train_quickly.py')))}"
# What somebody wrote and the bot did not understand, and how an editor says it.
WRITTEN = "what season do these pearls call it quits"
SENTENCE = "which season will the pearls on her nose call it quits"
# More of the same, for a training that learns twelve thousand other sentences too.
MORE = (
    "in what season might a nose pearl finally call it quits",
    "do the pearls on his cheeks call it quits before the next season",
    "is there a season of life in which face pearls quit for good",
)
ABOUT = "How long milia last"
# How the explanation begins of a reply that has understood; what a model takes it for before is its own affair.
RIGHT = f"It took the message to ask about {ABOUT}"
KEPT_TESTS = "topics.yml"


def start_bot(folder: Path, **settings: str) -> RealBot:
    """Start the bot in a copy of the project with few dialog tests."""
    root = copy_project(folder / "project")
    for path in (root / "tests/dialogs").glob("*.yml"):
        if path.name != KEPT_TESTS:
            path.unlink()
    (folder / "var").mkdir()
    bot = RealBot(folder / "var", root, settings)
    bot.start()
    return bot


@pytest.fixture
def quick_bot(tmp_path: Path) -> Iterator[RealBot]:
    bot = start_bot(tmp_path, MILIA_TRAINING_COMMAND=QUICKLY)
    yield bot
    bot.stop()


@pytest.fixture
def slow_bot(tmp_path: Path) -> Iterator[RealBot]:
    bot = start_bot(tmp_path)
    yield bot
    bot.stop()


def mark_and_accept(page: Page, sentence: str) -> None:
    """Find the conversation, mark its turn, and accept that in other words."""
    page.get_by_role("link", name="Conversations").click()
    row = page.locator(".rows > li").filter(has_text=WRITTEN)
    for _ in range(20):  # the list is made up to date when somebody looks
        expect(page.locator(".waiting")).to_have_count(0, timeout=MINUTE)
        if row.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    row.first.get_by_role("link").first.click()
    page.get_by_role("button", name="Something is wrong here").click()
    page.get_by_label("It was about something else").check()
    page.get_by_label(ABOUT).check()
    page.get_by_role("button", name="Send to review").click()
    page.get_by_role("link", name="Marked: open").last.click()
    page.get_by_label("A sentence that asks the same, in your own words").fill(sentence)
    page.get_by_role("button", name="Accept").click()
    anyway = page.get_by_label("I have seen them, and want it anyway")
    accepted = page.get_by_role("heading", name="Accepted by")
    expect(anyway.or_(accepted)).to_be_visible(timeout=MINUTE)
    if anyway.is_visible():
        anyway.check()
        page.get_by_role("button", name="Accept").click()
    expect(accepted).to_be_visible(timeout=MINUTE)


def train(page: Page, changes: int, minutes: int) -> None:
    """Train a model with the accepted changes, and look away meanwhile."""
    page.get_by_role("link", name="Training", exact=True).click()
    new = "1 accepted change is new to it." if changes == 1 else f"{changes} accepted changes are new to it."
    expect(page.get_by_text(new)).to_be_visible(timeout=MINUTE)
    page.get_by_role("button", name="Train a new model").click()
    expect(page.get_by_role("heading", name="A model is being trained")).to_be_visible(timeout=MINUTE)
    page.reload()
    over = page.get_by_role("heading", name="Latest training")
    expect(over).to_be_visible(timeout=minutes * MINUTE)
    expect(over).to_have_text("Latest training: done")


def compare(page: Page) -> None:
    """Ask both models the message, and run the tests with both."""
    page.get_by_label("A message that both answer").fill(WRITTEN)
    page.get_by_role("button", name="Ask both").click()
    expect(page.get_by_text("They differ in what it is about")).to_be_visible(timeout=2 * MINUTE)
    page.get_by_role("button", name="Run the tests with both").click()
    expect(page.get_by_text("The running model passes")).to_be_visible(timeout=5 * MINUTE)
    expect(page.get_by_text("Right with the running model only")).to_have_count(0)


def put_in_service(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    page.get_by_role("button", name="Put it in service", exact=True).click()
    expect(page.get_by_text("answers people now.")).to_be_visible(timeout=2 * MINUTE)


def why(page: Page, text: str) -> str:
    """Try a message in a new conversation; returns the sentence that explains the reply."""
    page.evaluate("sessionStorage.removeItem('milia-try')")
    page.goto(f"{page.url.partition('/staff')[0]}/staff/try")
    page.get_by_label("Message, as a person would write it").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".turn.chosen .bubble.me")).to_have_text(text, timeout=MINUTE)
    return page.locator("milia-xray .lead").text_content() or ""


def keep_and_run(page: Page) -> None:
    """Keep the conversation that is being tried as a test, and run that alone."""
    page.get_by_role("link", name="Keep this conversation as a test").click()
    page.get_by_label("Name of the test").fill("The season of pearls")
    page.get_by_label("Why does it matter?").fill("It was not understood once.")
    page.get_by_role("button", name="Save the test").click()
    expect(page.get_by_role("heading", name="“The season of pearls” is saved")).to_be_visible(timeout=MINUTE)
    page.get_by_role("link", name="Tests", exact=True).first.click()
    page.get_by_label("Find a test").fill("The season of pearls")
    page.get_by_label("The season of pearls").check()
    page.get_by_role("button", name="Run the 1 ticked").click()
    expect(page.get_by_text("1 of 1 passed.", exact=True)).to_be_visible(timeout=2 * MINUTE)


def the_whole_loop(page: Page, bot: RealBot, sentences: tuple[str, ...], minutes: int, shot: Shot) -> None:
    before = bot.write(WRITTEN)
    assert not why(page, WRITTEN).startswith(RIGHT)
    for sentence in sentences:
        mark_and_accept(page, sentence)
    train(page, len(sentences), minutes)
    compare(page)
    shot(page, "loop-compared")
    assert not why(page, WRITTEN).startswith(RIGHT)  # until then, the model before answers
    page.get_by_role("link", name="Training", exact=True).click()
    put_in_service(page, "in service …")
    shot(page, "loop-in-service")
    expect(page.get_by_text("Nothing: it has learned all that is in the files.")).to_be_visible()
    assert why(page, WRITTEN).startswith(RIGHT)
    assert bot.write(WRITTEN) != before
    keep_and_run(page)


def test_a_wrong_answer_is_put_right_by_a_model_that_has_learned(
    quick_bot: RealBot, new_visit: Callable[..., BrowserContext], shot: Shot
) -> None:
    page = log_in(quick_bot, new_visit)
    the_whole_loop(page, quick_bot, (SENTENCE,), 5, shot)
    page.get_by_role("link", name="Training", exact=True).click()
    put_in_service(page, "Go back to")
    assert not why(page, WRITTEN).startswith(RIGHT)


@pytest.mark.benchmark
def test_a_wrong_answer_is_put_right_by_a_true_training(
    slow_bot: RealBot, new_visit: Callable[..., BrowserContext], shot: Shot
) -> None:
    """Run it with `.venv/bin/python -m pytest -m benchmark tests/e2e/console/test_console_whole_loop.py`."""
    the_whole_loop(log_in(slow_bot, new_visit), slow_bot, (SENTENCE, *MORE), 60, shot)
