"""What staff do with the console: find why, go back, mark, decide, keep as a test, run; and what happens when it goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from console_standin import ConsoleStandIn, Fail
from console_world import PASSWORD
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.e2e
Enter = Callable[..., Page]
Shot = Callable[[Page, str], None]


def say(page: Page, text: str) -> None:
    """Send a message in "Try it"."""
    page.get_by_label("Message, as a person would write it").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".turn.chosen .bubble.me")).to_have_text(text)


def test_the_explanation_of_a_reply_stands_first_and_in_words(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    say(page, "How long do milia last?")
    xray = page.locator("milia-xray")
    expect(xray.locator("p").first).to_have_text("The message asks how long milia last, and the article answers that in two facts.")
    for fact in ("duration.1", "Implied by the article", "91%", "How long milia last", "answer a question"):
        expect(xray).to_contain_text(fact)
    xray.get_by_text("How long it took").click()
    expect(xray.get_by_text("All together: 22 ms.")).to_be_visible()


def test_words_that_trigger_or_rule_out_a_sign_are_marked_where_they_stand(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    say(page, "👶🏽 my eyelid is swollen")
    assert page.locator(".said mark.present").all_text_contents() == ["swollen"]
    say(page, "👶🏽 it is not swollen on my baby")
    assert page.locator(".said mark").all_text_contents() == ["not", "swollen", "baby"]
    expect(page.locator(".part").filter(has_text="Ruled out")).to_contain_text("not says no")


def test_one_goes_back_to_a_turn_and_tries_another_message_from_there(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    for text in ("How long do milia last?", "zebra one", "zebra two"):
        say(page, text)
    page.locator(".turn").nth(1).get_by_role("button", name="Try another message here").click()
    box = page.get_by_label("Message, as a person would write it")
    expect(box).to_be_focused()
    expect(box).to_have_value("zebra one")
    say(page, "My eyelid is swollen")
    assert console.asked("tryMessage")[-1] == {"text": "My eyelid is swollen", "after": "try-0"}
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.get_by_text("Version 2 of 2")).to_be_visible()
    page.get_by_role("button", name="Version before").click()
    expect(page.locator(".turn")).to_have_count(3)
    page.locator(".turn").first.get_by_role("button", name="Go on from here").click()
    say(page, "zebra three")
    assert console.asked("tryMessage")[-1]["after"] == "try-0"


def test_a_scene_is_set_a_button_pressed_and_starting_over_is_taken_back(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    page.get_by_label("Set the scene").select_option(label="About a newborn")
    expect(page.get_by_text("Set by the scene")).to_be_visible()
    assert console.asked("startTry") == [{"scene": "newborn"}]
    say(page, "How long do milia last?")
    page.get_by_role("button", name="Are they harmless?").click()
    expect(page.locator(".turn")).to_have_count(3)
    assert console.asked("tryMessage")[-1] == {"payload": "/ask_harmless", "after": "try-1"}
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".turn")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".turn")).to_have_count(3)


def test_a_tried_conversation_outlives_other_views_and_a_reload(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    say(page, "How long do milia last?")
    page.get_by_role("link", name="Content").click()
    expect(page.get_by_role("link", name="How long milia last")).to_be_visible()
    page.get_by_role("link", name="Try it").click()
    expect(page.locator(".turn")).to_have_count(1)
    page.reload()
    expect(page.locator(".turn")).to_have_count(1)


def test_a_message_outlives_a_conversation_that_the_server_forgot(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    say(page, "How long do milia last?")
    console.world.tries.clear()
    page.get_by_label("Message, as a person would write it").fill("My eyelid is swollen")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Start a new one with it").click()
    expect(page.locator(".turn.chosen")).to_contain_text("My eyelid is swollen")


def test_another_model_is_asked_the_same_and_what_differs_is_said(console: ConsoleStandIn, enter: Enter, shot: Shot) -> None:
    page = enter()
    say(page, "How long do milia last?")
    page.get_by_text("Compare with another model").click()
    page.get_by_role("button", name="Ask it the same").click()
    expect(page.get_by_text("They differ in what it is about.")).to_be_visible()
    shot(page, "compare")
    sent = console.asked("startReplay")[0]
    assert json.loads(sent) == {"id": "compare", "turns": ["How long do milia last?"]}
    say(page, "zebra")
    expect(page.get_by_text("They differ in")).to_have_count(0)


def test_an_expired_login_keeps_what_was_typed_and_goes_on(console: ConsoleStandIn, enter: Enter, shot: Shot) -> None:
    page = enter()
    say(page, "How long do milia last?")
    console.expire()
    page.get_by_label("Message, as a person would write it").fill("My eyelid is swollen")
    page.get_by_role("button", name="Send", exact=True).click()
    dialog = page.get_by_role("dialog", name="Your login has ended")
    expect(dialog).to_be_visible()
    expect(page.get_by_label("Message, as a person would write it", exact=True)).to_have_value("My eyelid is swollen")
    shot(page, "login-ended")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("wrong")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(page.locator(".turn.chosen .bubble.me")).to_have_text("My eyelid is swollen")
    expect(dialog).to_have_count(0)


def test_somebody_else_who_logs_in_does_not_see_what_was_typed(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    say(page, "My eyelid is swollen")
    console.expire()
    page.get_by_role("button", name="Start over").click()
    page.get_by_label("Set the scene").select_option(label="About a newborn")
    dialog = page.get_by_role("dialog", name="Your login has ended")
    dialog.get_by_label("Name", exact=True).fill("ada")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("ada (admin)")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)


def test_without_a_server_it_says_what_to_do_and_nothing_typed_is_lost(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    console.stop()
    page.get_by_label("Message, as a person would write it").fill("My eyelid is swollen")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Check that it runs")
    console.start()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".turn.chosen .bubble.me")).to_have_text("My eyelid is swollen")


def test_a_console_that_is_off_says_how_to_turn_it_on(console: ConsoleStandIn, new_visit: Callable[..., BrowserContext], violations: Callable[[Page], list[str]]) -> None:
    console.off = True
    page = new_visit().new_page()
    page.goto(f"{console.url}/staff")
    expect(page.get_by_text("milia staff add")).to_be_visible()
    assert violations(page) == []


def test_filters_and_search_stand_in_the_address(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(40)
    page = enter("/conversations")
    page.get_by_text("Not understood", exact=True).first.click()
    expect(page.locator(".rows > li")).to_have_count(8)
    page.reload()
    expect(page.locator(".rows > li")).to_have_count(8)
    page.get_by_label("Words that people wrote").fill("baby")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No conversation fits.")).to_be_visible()
    page.go_back()
    expect(page.locator(".rows > li")).to_have_count(8)
    page.locator(".rows a").first.click()
    expect(page.locator("milia-xray .lead")).to_contain_text("did not understand")
    page.get_by_role("link", name="All conversations").click()
    expect(page.locator(".rows > li")).to_have_count(8)


def test_a_wrong_turn_is_marked_accepted_in_other_words_and_the_patch_taken_home(console: ConsoleStandIn, enter: Enter, shot: Shot, tmp_path: Path) -> None:
    console.world.fill(3)
    page = enter("/conversations/c0")
    page.get_by_role("button", name="Something is wrong here").click()
    page.get_by_role("button", name="Send to review").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one thing")
    page.get_by_label("It was about something else").check()
    page.get_by_label("Removing them oneself").check()
    shot(page, "marking")
    page.get_by_role("button", name="Send to review").click()
    expect(page.get_by_text("Sent to the review queue")).to_be_visible()
    assert console.asked("addReview") == [{"should": {"topics": ["removal_self"]}, "conversation": "c0", "turn": 0}]
    page.get_by_role("link", name="Marked: open").click()
    sentence = page.get_by_label("A sentence that asks the same, in your own words")
    sentence.fill("can i pop these or do they go")
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_text("too near to what the person wrote")).to_be_visible()
    sentence.fill("is it okay to pop one")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("There are sentences like it")).to_be_visible()
    shot(page, "near-duplicates")
    page.get_by_label("I have seen them, and want it anyway").check()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="Accepted by eda")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the patch").click()
    download.value.save_as(tmp_path / "it.patch")
    assert "is it okay to pop one" in (tmp_path / "it.patch").read_text(encoding="utf-8")
    page.get_by_role("button", name="Undo: decide again").click()
    expect(page.get_by_role("heading", name="Decide", exact=True)).to_be_visible()


def test_the_second_of_two_editors_is_told_and_keeps_the_words(console: ConsoleStandIn, enter: Enter, shot: Shot) -> None:
    console.world.fill(1)
    page = enter("/reviews/r0")
    sentence = page.get_by_label("A sentence that asks the same, in your own words")
    sentence.fill("squeezing them out")
    console.world.reviews[0] |= {"version": 2, "state": "rejected", "decided_by": "ada", "reason": "Not a question."}
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("alert")).to_contain_text("ada was faster than you")
    expect(sentence).to_have_value("squeezing them out")
    shot(page, "conflict")
    page.get_by_role("button", name="Show how it stands now").click()
    expect(page.get_by_text("Because: Not a question.")).to_be_visible()


def test_a_wording_is_changed_by_choosing_it(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/reviews/r0")
    page.get_by_label("Change a wording").check()
    page.get_by_label("The wording now").select_option("Milia in a newborn usually fade by themselves.")
    page.get_by_label("The new wording").fill("A newborn's milia mostly go by themselves.")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="Accepted by eda")).to_be_visible()
    assert console.asked("acceptReview") == [
        {
            "version": 1,
            "kind": "content",
            "file": "data/content/topics/duration.yml",
            "old": "Milia in a newborn usually fade by themselves.",
            "new": "A newborn's milia mostly go by themselves.",
        }
    ]


def test_a_review_is_rejected_with_a_reason_and_that_is_undone(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/reviews/r0")
    page.get_by_role("button", name="Reject …").click()
    page.get_by_label("Why is it not taken?").fill("It was right.")
    page.get_by_role("button", name="Reject it").click()
    expect(page.get_by_text("Because: It was right.")).to_be_visible()
    page.get_by_role("button", name="Undo: decide again").click()
    expect(page.get_by_role("heading", name="Decide", exact=True)).to_be_visible()


def test_a_viewer_sees_no_action_of_editors_and_no_view_of_admins(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(3)
    page = enter("/reviews/r0", "vera")
    expect(page.get_by_text("An editor decides about this.")).to_be_visible()
    page.get_by_role("link", name="Tests").click()
    expect(page.get_by_role("heading", name="12 tests")).to_be_visible()
    for name in ("Run all", "Replay it"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    for name in ("Staff", "Audit"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    page.goto(f"{console.url}/staff/audit")
    expect(page.get_by_role("alert")).to_contain_text("needs the role admin")


def test_a_conversation_is_kept_as_a_test(console: ConsoleStandIn, enter: Enter, shot: Shot) -> None:
    page = enter()
    say(page, "How long do milia last?")
    page.get_by_role("link", name="Keep this conversation as a test").click()
    page.get_by_role("button", name="Save the test").click()
    expect(page.get_by_role("alert")).to_contain_text("Give the test a name")
    page.get_by_label("Name of the test").fill("How long")
    page.get_by_label("Why does it matter?").fill("It is asked most.")
    page.get_by_label("The level is").uncheck()
    page.get_by_label("The reply contains").fill("weeks\nweeks of life")
    shot(page, "keep-as-test")
    page.get_by_role("button", name="Save the test").click()
    expect(page.get_by_role("heading", name="“How long” is saved")).to_be_visible()
    turns = [{"user": "How long do milia last?", "expect": {"topics": ["duration"], "signs": [], "says": ["weeks", "weeks of life"]}}]
    assert console.asked("saveTest") == [{"file": "console.yml", "name": "How long", "why": "It is asked most.", "turns": turns, "try": "y0"}]


def test_what_a_patient_wrote_has_to_be_worded_anew_for_a_test(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/tests/new?conversation=c0")
    page.get_by_label("Name of the test").fill("New")
    page.get_by_label("Why does it matter?").fill("It matters.")
    expect(page.get_by_text("Word each message anew")).to_be_visible()
    page.get_by_role("button", name="Save the test").click()
    expect(page.get_by_role("alert")).to_contain_text("Write what the person says in turn 1")
    for box in page.get_by_label("The person writes").all():
        box.fill("other words")
    page.get_by_role("button", name="Save the test").click()
    expect(page.get_by_role("heading", name="“New” is saved")).to_be_visible()


def test_a_run_shows_how_far_it_is_what_failed_and_can_be_cancelled(console: ConsoleStandIn, enter: Enter, shot: Shot) -> None:
    console.world.fill(3)
    page = enter("/tests")
    expect(page.locator(".trouble")).to_contain_text("unknown topic 'colour'")
    console.world.step = 4
    page.get_by_role("button", name="Run all").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    expect(page.get_by_text("11 of 12 passed.", exact=True)).to_be_visible()
    expect(page.get_by_text("“Test 1” fails now")).to_be_visible()
    expect(page.get_by_text("topics: expected [duration], got [location]")).to_be_visible()
    shot(page, "run-done")
    console.world.step = 1
    page.get_by_role("link", name="Tests").first.click()
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    assert console.world.jobs[0]["state"] == "cancelled"


def test_some_tests_are_ticked_and_run(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(3)
    page = enter("/tests")
    page.get_by_label("Test 3", exact=True).check()
    page.get_by_role("button", name="Run the 1 ticked").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    assert console.asked("startJob") == [{"kind": "tests", "names": ["Test 3"]}]


def test_a_file_is_replayed_and_one_that_is_not_in_order_says_where(console: ConsoleStandIn, enter: Enter, tmp_path: Path) -> None:
    console.world.fill(1)
    page = enter("/tests")
    files = {"good.csv": "text\nhow long\nis it bad\n", "bad.csv": "words\nhow long\n", "table.xlsx": "x", "large.csv": "text\n" + "a" * 2_100_000}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    says = {"table.xlsx": "neither .csv nor .jsonl", "large.csv": "at most 2 MB", "bad.csv": "bad.csv, line 1: a head line with the column `text` was expected"}
    for name, words in says.items():
        page.get_by_label("File", exact=True).set_input_files(tmp_path / name)
        page.get_by_role("button", name="Replay it").click()
        expect(page.get_by_role("alert")).to_contain_text(words)
    assert len(console.asked("startReplay")) == 1
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "good.csv")
    page.get_by_role("button", name="Replay it").click()
    expect(page.get_by_role("heading", name="Replay of good.csv")).to_be_visible()
    expect(page.get_by_text("2 conversations replayed.")).to_be_visible()


def test_a_test_file_is_edited_undone_and_never_overwrites_another_editor(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/tests/file?name=topics.yml")
    box = page.get_by_label("The tests (indentation counts)")
    before = box.input_value()
    box.fill("\tbroken")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("topics.yml:2: a tab")
    box.fill(before + "# more\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("topics.yml is saved.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(box).to_have_value(before)
    console.world.files["topics.yml"]["version"] = "9"
    box.fill("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("ada has saved this file")
    expect(box).to_have_value("mine")


def test_an_admin_looks_after_staff_and_reads_the_audit(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(1)
    page = enter("/people", "ada")
    page.get_by_label("Role of vera").select_option("editor")
    expect(page.get_by_text("vera is editor now.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("vera is viewer now.")).to_be_visible()
    page.get_by_label("Role of ada").select_option("viewer")
    expect(page.get_by_role("alert")).to_contain_text("The last admin stays one")
    page.get_by_label("Name (small letters").fill("otto")
    page.get_by_label("First password").fill(PASSWORD)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="otto")).to_be_visible()
    page.get_by_role("button", name="Remove otto …").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("heading", name="otto")).to_have_count(0)
    page.get_by_role("link", name="Audit").click()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("tbody tr")).to_have_count(60)


def test_an_old_csrf_token_is_renewed_without_a_word(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    for session in console.sessions.values():
        session["csrf"] = "another"
    say(page, "How long do milia last?")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_server_that_is_busy_is_said_to_be_and_can_be_asked_again(console: ConsoleStandIn, enter: Enter) -> None:
    console.world.fill(3)
    console.faults["statistics"] = Fail(503, "unavailable", "The database does not answer. Try again in a moment.", retry_after=3)
    page = enter("/statistics")
    expect(page.get_by_role("alert")).to_contain_text("The database does not answer")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Messages each day").first).to_be_visible()


def test_one_changes_the_own_password(console: ConsoleStandIn, enter: Enter) -> None:
    page = enter()
    page.get_by_role("button", name="Password").click()
    dialog = page.get_by_role("dialog", name="Change your password")
    for label, value in (("Password until now", PASSWORD), ("New password (12", "another long one"), ("New password once more", "another long two")):
        dialog.get_by_label(label).fill(value)
    dialog.get_by_role("button", name="Change it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("differ")
    dialog.get_by_label("New password once more").fill("another long one")
    dialog.get_by_role("button", name="Change it").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    assert console.asked("changePassword") == [{"old": PASSWORD, "new": "another long one"}]
