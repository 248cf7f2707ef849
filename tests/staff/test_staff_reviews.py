"""The review queue: marks, two editors at once, and what accepting makes of the project's files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from staff_turns import Said, store

from milia.storage.conversations import Conversations
from milia.storage.database import Database

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

THEIRS = "so tell me how many weeks these silly pearls will sit on my nose"
OWN = "After which number of weeks have most pearls on a nose vanished, would you say?"


def git(folder: Path, *arguments: str, text: str | None = None) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", *arguments], cwd=folder, input=text, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def login(serve_staff: Callable[..., StaffServer], people: dict[str, str], project: Path) -> Callable[[str], Person]:
    """Logs somebody in on a console of a project of its own."""
    from staff_server import Person

    server = serve_staff(root=project)
    return lambda role: Person.login(server, people[role])


def mark(person: Person, database: Database, **should: Any) -> dict[str, Any]:
    store(database, "talk", [Said(THEIRS, topics=("definition",))])
    answer = person.post("/reviews", {"should": should or {"topics": ["duration"]}, "conversation": "talk", "turn": 0})
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.json
    return made


def accept(person: Person, review: dict[str, Any], **body: Any) -> Any:
    return person.post(f"/reviews/{review['id']}/accept", {"version": review["version"], "kind": "none", **body})


def test_a_mark_keeps_what_was_and_what_should_have_been_without_personal_data(
    login: Callable[[str], Person], database: Database
) -> None:
    viewer = login("viewer")
    made = mark(viewer, database, topics=["duration"], signs=[], note="Ann Lee told me so", wording="say it shorter")
    assert made["should"] == {"topics": ["duration"], "signs": [], "note": "[name] told me so", "wording": "say it shorter"}
    assert made["was"]["topics"] == ["definition"] and made["was"]["text"] == THEIRS
    assert (made["state"], made["version"], made["made_by"], made["conversation"], made["turn"]) == ("open", 1, "the.viewer", "talk", 0)
    listed = viewer.get("/reviews?state=open").json
    assert [one["id"] for one in listed["reviews"]] == [made["id"]]
    assert listed["counts"] == {"open": 1, "accepted": 0, "rejected": 0}
    (turn,) = viewer.get("/conversations/talk").json["turns"]
    assert turn["reviews"] == [{"id": made["id"], "state": "open"}]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"should": {}}, "at least one of topics, signs, wording, note"),
        ({"should": {"topics": ["nonsense"]}, "conversation": "talk", "turn": 0}, "topics: unknown 'nonsense'; allowed: "),
        ({"should": {"signs": ["ws.nothing"]}, "conversation": "talk", "turn": 0}, "signs: unknown 'ws.nothing'"),
        ({"should": {"note": "x"}}, "needs either conversation and turn, or try"),
        ({"should": {"note": "x" * 2001}, "conversation": "talk", "turn": 0}, "should.note"),
    ],
)
def test_a_mark_that_says_nothing_is_refused_with_what_is_allowed(login: Callable[[str], Person], body: Any, fault: str) -> None:
    answer = login("viewer").post("/reviews", body)
    assert answer.status == 422 and fault in answer.json["faults"][0]


def test_a_mark_on_a_turn_that_is_not_there_is_not_found(login: Callable[[str], Person]) -> None:
    assert login("viewer").post("/reviews", {"should": {"note": "x"}, "conversation": "nobody", "turn": 0}).status == 404


def test_of_two_editors_the_second_is_told_and_loses_nothing(login: Callable[[str], Person], database: Database) -> None:
    editor, admin = login("editor"), login("admin")
    review = mark(editor, database)
    first = admin.post(f"/reviews/{review['id']}/reject", {"version": 1, "reason": "it was right"})
    assert (first.json["state"], first.json["version"]) == ("rejected", 2)
    for answer in (
        accept(editor, review),
        editor.post(f"/reviews/{review['id']}/reject", {"version": 1, "reason": "no"}),
        editor.send("PATCH", f"/reviews/{review['id']}", {"version": 1, "should": {"note": "x"}}),
        editor.post(f"/reviews/{review['id']}/reopen", {"version": 1}),
    ):
        assert (answer.status, answer.code, answer.json["version"], answer.json["by"]) == (409, "conflict", 2, "the.admin")
        assert "the.admin was first" in answer.json["detail"]
    opened = editor.post(f"/reviews/{review['id']}/reopen", {"version": 2}).json
    assert (opened["state"], opened["version"], opened["reason"]) == ("open", 3, None)


def test_a_training_sentence_becomes_a_patch_and_a_branch_and_the_working_tree_stays(
    login: Callable[[str], Person], database: Database, project: Path
) -> None:
    editor = login("editor")
    review = mark(editor, database)
    with (project / "data" / "nlu" / "ask_duration.yml").open("a") as file:
        file.write("# somebody is at work here\n")
    before = git(project, "status", "--porcelain")
    body = {"kind": "training", "sentence": OWN, "labels": ["duration"], "branch": True, "anyway": True}
    done = accept(editor, review, **body)
    assert done.status == 200, done.body
    made = done.json["made"]
    assert (made["kind"], made["file"], made["branch"]) == ("training", "data/nlu/ask_duration.yml", f"staff/review-{review['id']}")
    assert git(project, "status", "--porcelain") == before and git(project, "branch", "--show-current").strip() == "main"
    patch = editor.get(f"/reviews/{review['id']}/patch")
    assert patch.headers["content-disposition"].endswith('.patch"')
    text = patch.body.decode()
    assert [line for line in text.splitlines() if line.startswith("+") and not line.startswith("+++")] == [f"+      - {OWN}"]
    assert THEIRS not in text
    shown = git(project, "show", "--stat", "--format=%an|%s", made["branch"])
    assert shown.startswith("the.editor|") and "data/nlu/ask_duration.yml | 1 +" in shown
    git(project, "checkout", "-q", ".")
    git(project, "apply", text=text)
    intents = yaml.safe_load((project / "data/nlu/ask_duration.yml").read_text())["nlu"]
    assert sum(f"- {OWN}\n" in block["examples"] for block in intents) == 1


def test_several_labels_go_to_the_block_of_exactly_those(login: Callable[[str], Person], database: Database, project: Path) -> None:
    editor = login("editor")
    body = {"kind": "training", "sentence": OWN, "anyway": True}
    for labels, intent, also in (
        (["duration", "harmless"], "ask_duration", ["ask_harmless"]),
        (["duration", "sources", "definition"], "ask_duration", ["ask_definition", "ask_sources"]),
    ):
        git(project, "checkout", "-q", ".")
        review = editor.post("/reviews", {"should": {"note": "x"}, "conversation": _talk(database), "turn": 0}).json
        done = accept(editor, review, **body, labels=labels)
        assert done.status == 200, done.body
        git(project, "apply", text=editor.get(f"/reviews/{review['id']}/patch").body.decode())
        blocks = yaml.safe_load((project / f"data/nlu/{intent}.yml").read_text())["nlu"]
        (block,) = (one for one in blocks if f"- {OWN}\n" in one["examples"])
        assert block["intent"] == intent and sorted(block["metadata"]["also"]) == also


def _talk(database: Database) -> str:
    name = f"talk-{os.urandom(4).hex()}"
    store(database, name, [Said(THEIRS)])
    return name


def test_a_sentence_about_a_warning_sign_goes_to_the_signs(login: Callable[[str], Person], database: Database, project: Path) -> None:
    editor = login("editor")
    own, other = "One pearl's crust breaks open over and over, it isn't closing up", "Since Easter that spot weeps red each night"
    for kind, file, words in (
        ("training", "data/signs/sentences.yml", own),
        ("heldout", "tests/heldout/signs.jsonl", other),
    ):
        review = editor.post("/reviews", {"should": {"signs": ["ws.bleeding_nonhealing"]}, "conversation": _talk(database), "turn": 0}).json
        done = accept(editor, review, kind=kind, sentence=words, signs=["ws.bleeding_nonhealing"], anyway=True)
        assert done.status == 200, done.body
        assert done.json["made"]["file"] == file
        git(project, "apply", text=editor.get(f"/reviews/{review['id']}/patch").body.decode())
    entries = yaml.safe_load((project / "data/signs/sentences.yml").read_text())["sign_sentences"]
    assert [one["signs"] for one in entries if own in one["sentences"]] == [["ws.bleeding_nonhealing"]]
    rows = [json.loads(line) for line in (project / "tests/heldout/signs.jsonl").read_text().splitlines()]
    assert {"text": other, "signs": ["ws.bleeding_nonhealing"], "trap": False} in rows


def test_the_persons_own_words_are_refused(login: Callable[[str], Person], database: Database) -> None:
    editor = login("editor")
    review = mark(editor, database)
    for words in (THEIRS, THEIRS.upper(), f"{THEIRS}!", THEIRS.replace("silly ", "")):
        answer = accept(editor, review, kind="training", sentence=words, labels=["duration"], anyway=True)
        assert (answer.status, answer.code) == (422, "users-words"), words
    checked = editor.post(f"/reviews/{review['id']}/check", {"version": 1, "kind": "training", "sentence": THEIRS, "labels": ["duration"]})
    assert checked.json["users_words"] is True
    assert editor.get(f"/reviews/{review['id']}").json["state"] == "open"


def test_a_sentence_never_lands_in_both_training_and_test(login: Callable[[str], Person], database: Database, project: Path) -> None:
    editor = login("editor")
    review = mark(editor, database)
    held_out = json.loads((project / "tests/heldout/topics.jsonl").read_text().splitlines()[1])["text"]
    trained = "how much longer will i have to look at these"
    for kind, sentence, where in (("training", held_out, "heldout"), ("heldout", trained, "training")):
        for variant in (sentence, sentence.upper() + "!!"):
            body = {"kind": kind, "sentence": variant, "labels": ["duration"], "anyway": True}
            answer = accept(editor, review, **body)
            assert (answer.status, answer.code) == (422, "overlap"), variant
            assert any(one["blocks"] and one["set"] == where for one in answer.json["overlaps"])


def test_near_duplicates_are_shown_and_taken_only_knowingly(login: Callable[[str], Person], database: Database) -> None:
    editor = login("editor")
    review = mark(editor, database)
    near = "how much longer will i have to look at these bumps of mine"
    body = {"kind": "training", "sentence": near, "labels": ["duration"]}
    shown = editor.post(f"/reviews/{review['id']}/check", {"version": 1, **body}).json
    assert shown["overlaps"][0]["text"] == "how much longer will i have to look at these" and not shown["overlaps"][0]["blocks"]
    assert near in shown["patch"]
    refused = accept(editor, review, **body)
    assert (refused.status, refused.code) == (422, "overlap")
    assert accept(editor, review, **body, anyway=True).status == 200


def test_a_content_change_is_checked_before_it_becomes_a_patch(login: Callable[[str], Person], database: Database, project: Path) -> None:
    editor = login("editor")
    old = "In newborns, milia mostly clear on their own within the first weeks of life."
    review = mark(editor, database, wording="shorter")
    body = {"kind": "content", "file": "topics/duration.yml", "old": old}
    wrong = accept(editor, review, **body, new="In newborns, milia always vanish within 3 days, guaranteed.")
    assert (wrong.status, wrong.code) == (422, "content-refused") and "topics/duration.yml" in wrong.json["faults"][0]
    for change, fault in (
        ({"file": "../config.yml"}, "file: unknown '../config.yml'; allowed: "),
        ({"old": "no such words"}, "stands 0 times in topics/duration.yml"),
        ({"new": ""}, "new: needs words"),
    ):
        answer = accept(editor, review, **{**body, "new": "x", **change})
        assert answer.status == 422 and fault in answer.json["faults"][0], answer.body
    new = 'In newborns, milia mostly clear up "on their own" in the first weeks of life.'
    done = accept(editor, review, **body, new=new)
    assert done.status == 200, done.body
    git(project, "apply", text=editor.get(f"/reviews/{review['id']}/patch").body.decode())
    lead = yaml.safe_load((project / "data/content/topics/duration.yml").read_text())["answers"][0]["lead"]
    assert lead[0] == new


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("", "sentence: is missing"),
        ("x" * 301, "sentence: has 301 characters; allowed: 1 to 300"),
        ("a [bump](area) on me", "brackets and braces"),
        ("- a list", "may not start with '-'"),
        ("/restart", "may not start with '/'"),
    ],
)
def test_a_sentence_that_would_break_the_data_is_refused(
    login: Callable[[str], Person], database: Database, sentence: str, fault: str
) -> None:
    editor = login("editor")
    review = mark(editor, database)
    answer = accept(editor, review, kind="training", sentence=sentence, labels=["duration"])
    assert answer.status == 422 and fault in answer.json["faults"][0], answer.body


@pytest.mark.parametrize("sentence", ["it's: a 'quoted' \"thing\" # here", "yes: no", "500 e null ~", "*&!|>%@`", "naïve 🙂 pearls"])
def test_any_other_sentence_comes_back_from_the_file_as_it_was(
    login: Callable[[str], Person], database: Database, project: Path, sentence: str
) -> None:
    editor = login("editor")
    for number, body in enumerate(({"labels": ["duration"]}, {"signs": []})):
        git(project, "checkout", "-q", ".")
        review = editor.post("/reviews", {"should": {"note": "x"}, "conversation": _talk(database), "turn": 0}).json
        done = accept(editor, review, kind="training", sentence=sentence, anyway=True, **body)
        assert done.status == 200, (number, done.body)
        git(project, "apply", text=editor.get(f"/reviews/{review['id']}/patch").body.decode())
    entries = yaml.safe_load((project / "data/signs/sentences.yml").read_text())["sign_sentences"]
    assert any(sentence in one["sentences"] for one in entries if one["signs"] == [])


def test_erasing_the_conversation_takes_the_words_and_leaves_the_decision(
    login: Callable[[str], Person], database: Database
) -> None:
    editor = login("editor")
    review = mark(editor, database)
    editor.server.do(Conversations(database).erase("talk"))
    found = editor.get(f"/reviews/{review['id']}").json
    assert (found["was"]["text"], found["was"]["reply"], found["conversation"], found["turn"]) == (None, None, None, None)
    assert found["was"]["topics"] == ["definition"] and found["state"] == "open"


def test_a_file_that_somebody_is_at_work_in_is_named(login: Callable[[str], Person], database: Database, project: Path) -> None:
    editor = login("editor")
    review = mark(editor, database)
    (project / "data" / "nlu" / "greet.yml").write_text("nlu: [\n")
    answer = accept(editor, review, kind="training", sentence=OWN, labels=["duration"])
    assert (answer.status, answer.code) == (422, "content-refused") and "not in order" in answer.json["faults"][0]


def test_outside_a_checkout_there_is_a_patch_and_no_branch(
    serve_staff: Callable[..., StaffServer], people: dict[str, str], project: Path, database: Database
) -> None:
    from staff_server import Person

    (project / ".git").rename(project / "not-git")
    editor = Person.login(serve_staff(root=project), people["editor"])
    assert editor.get("/about").json["can_commit"] is False
    review = mark(editor, database)
    body = {"kind": "training", "sentence": OWN, "labels": ["duration"], "anyway": True}
    done = accept(editor, review, **body)
    assert done.status == 200 and done.json["made"]["branch"] is None
    assert OWN in editor.get(f"/reviews/{review['id']}/patch").body.decode()


def test_what_is_decided_is_in_the_audit_log_without_anybodys_words(login: Callable[[str], Person], database: Database) -> None:
    editor, admin = login("editor"), login("admin")
    review = mark(editor, database)
    accept(editor, review)
    audit = admin.get("/audit")
    assert [row["what"] for row in audit.json["rows"] if row["what"].startswith("review")] == ["review.accept", "review.add"]
    assert THEIRS.encode() not in audit.body
