"""Dialog tests from the console: listed, drafted, saved, run with progress and cancel; uploads that are refused whole."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from staff_turns import Said, store

from milia.evaluation.dialog_format import load_dialog_tests
from milia.staff import jobs as jobs_module
from milia.storage.database import Database

if TYPE_CHECKING:
    from staff_server import Answer, Person, StaffServer

FAKE = [sys.executable, str(Path(__file__).with_name("staff_fake_worker.py"))]
TURN = {"user": "could a grandmother have pearls like that too", "expect": {"topics": ["location"], "level": "provider_routine"}}
NEW: dict[str, Any] = {"file": "console.yml", "name": "A new one", "why": "It was wrong once.", "turns": [TURN]}


@pytest.fixture
def login(
    serve_staff: Callable[..., StaffServer], people: dict[str, str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Person]:
    """Logs somebody in on a console of a project of its own, with a model archive that a stand-in runs."""
    from staff_server import Person

    (project / "models" / "milia-1.tar.gz").write_bytes(b"a model")
    make = jobs_module.Jobs.__init__
    monkeypatch.setattr(jobs_module.Jobs, "__init__", lambda self, database, root: make(self, database, root, FAKE))
    server = serve_staff(root=project, upload_bytes=20_000, upload_rows=50)
    return lambda role: Person.login(server, people[role])


def test_a_test_with_a_topic_or_sign_that_is_gone_is_listed_as_broken(login: Callable[[str], Person], project: Path) -> None:
    (project / "tests/dialogs/old.yml").write_text(
        "- name: Old\n  why: It was.\n  turns:\n    - user: hi\n      expect: {topics: [gone], signs: [ws.gone]}\n"
    )
    rows = login("viewer").get("/tests").json["tests"]
    (broken,) = (row for row in rows if row["broken"])
    assert broken["file"] == "old.yml"
    assert "old.yml:5" in broken["broken"][0] and "gone" in broken["broken"][0]
    assert len([row for row in rows if not row["broken"]]) > 20


def test_a_new_test_lands_in_a_file_that_the_checks_run(login: Callable[[str], Person], project: Path) -> None:
    editor = login("editor")
    for name in ("A new one", "Another: with 'quotes' # and so on"):
        answer = editor.post("/tests", {**NEW, "name": name})
        assert answer.status == 201 and answer.json["saved"], answer.body
    tests = load_dialog_tests(project / "tests/dialogs/console.yml")
    assert [test.name for test in tests] == ["A new one", "Another: with 'quotes' # and so on"]
    assert tests[0].turns[0].user == TURN["user"] and tests[0].turns[0].expected.topics == ("location",)
    assert load_dialog_tests(project / "tests/dialogs")  # together with all others


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"turns": [{**TURN, "expect": {"topics": ["gone"]}}]}, "console.yml:6: "),
        ({"turns": [{"user": "a", "press": "b"}]}, "either 'user'"),
        ({"turns": [{**TURN, "expect": {"colour": "red"}}]}, "colour"),
        ({"name": "Empty and blank"}, "is taken by bad_input.yml"),
        ({"file": "../escape.yml"}, "allowed: a-z, 0-9 and _"),
        ({"turns": []}, "turns: ensure this value has at least 1 items"),
    ],
)
def test_a_test_that_is_not_in_order_is_refused_and_nothing_written(
    login: Callable[[str], Person], project: Path, change: Any, fault: str
) -> None:
    before = sorted(path.name for path in (project / "tests/dialogs").iterdir())
    answer = login("editor").post("/tests", {**NEW, **change})
    assert answer.status == 422 and fault in "\n".join(answer.json["faults"]), answer.body
    assert sorted(path.name for path in (project / "tests/dialogs").iterdir()) == before


def test_a_held_out_sentence_never_becomes_a_dialog_test(login: Callable[[str], Person], project: Path) -> None:
    held_out = json.loads((project / "tests/heldout/topics.jsonl").read_text().splitlines()[1])["text"]
    answer = login("editor").post("/tests", {**NEW, "turns": [{"user": held_out, "expect": {}}]})
    assert (answer.status, answer.code) == (422, "overlap")


def test_a_stored_conversation_is_drafted_without_its_words_and_they_are_refused(
    login: Callable[[str], Person], database: Database
) -> None:
    editor = login("editor")
    theirs = "my nose has had those odd pearls since the christening last may"
    buttons = [{"title": "Are they harmless?", "payload": "/ask_harmless"}]
    store(database, "talk", [Said(theirs, ("triage",), (), buttons=buttons), Said("/ask_harmless", ("harmless",))])
    draft = editor.post("/tests/draft", {"conversation": "talk"}).json
    first, second = draft["turns"]
    assert (first["user"], first["original"]) == ("", theirs) and theirs not in draft["yaml"]
    assert first["expect"] == {"topics": ["triage"], "level": "provider_routine"}
    assert second["press"] == "Are they harmless?"
    copied = {**NEW, "conversation": "talk", "turns": [{"user": theirs, "expect": {}}]}
    answer = editor.post("/tests", copied)
    assert (answer.status, answer.code) == (422, "users-words")
    assert editor.post("/tests", {**NEW, "conversation": "talk"}).status == 201


def test_of_two_who_edit_a_file_the_second_is_told(login: Callable[[str], Person], project: Path) -> None:
    editor, admin = login("editor"), login("admin")
    read = editor.get("/tests/files/topics.yml").json
    more = read["text"] + "\n- name: More\n  why: It was.\n  turns:\n    - user: and for grandmothers\n"
    saved = editor.send("PUT", "/tests/files/topics.yml", {"version": read["version"], "text": more})
    assert saved.status == 200 and "More" in saved.json["tests"] and saved.json["version"] != read["version"]
    late = admin.send("PUT", "/tests/files/topics.yml", {"version": read["version"], "text": read["text"]})
    assert (late.status, late.code) == (409, "conflict")
    assert (project / "tests/dialogs/topics.yml").read_text() == more
    broken = editor.send("PUT", "/tests/files/topics.yml", {"version": saved.json["version"], "text": "- name: [\n"})
    assert (broken.status, broken.code) == (422, "bad-file") and broken.json["faults"][0].startswith("topics.yml:")
    assert (project / "tests/dialogs/topics.yml").read_text() == more
    assert editor.get("/tests/files/..%2Fconfig.yml").status == 404


def test_where_the_folder_cannot_be_written_the_test_is_handed_back(login: Callable[[str], Person], project: Path) -> None:
    from milia.staff.dialog_files import DialogFiles

    editor = login("editor")

    def refuse(*_: Any) -> None:
        raise PermissionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DialogFiles, "write", refuse)
        answer = editor.post("/tests", NEW)
    assert answer.status == 201 and not answer.json["saved"] and "A new one" in answer.json["text"]
    assert not (project / "tests/dialogs/console.yml").exists()


def test_a_run_tells_its_progress_and_what_changed_since_the_one_before(
    login: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = login("editor")
    names = [row["name"] for row in editor.get("/tests").json["tests"]][:3]
    monkeypatch.setenv("STAFF_WORKER", "pass")
    first = editor.ended(editor.post("/jobs", {"kind": "tests", "names": names}).json["id"])
    assert (first["state"], first["done"], first["total"], first["passed"]) == ("done", 3, 3, 3)
    assert [one["before"] for one in first["results"]] == [None, None, None]
    monkeypatch.setenv("STAFF_WORKER", "fail")
    second = editor.post("/jobs", {"kind": "tests", "names": names}).json
    second = editor.ended(second["id"])
    worse = second["results"][0]
    assert (worse["passed"], worse["before"]) == (False, True)
    assert worse["turns"][0]["differences"] == ["topics: expected a; got b"]
    assert worse["turns"][0]["changed"] == ["text: was said pass, is said fail"]
    last = {row["name"]: row["last"] for row in editor.get("/tests").json["tests"]}
    assert last[names[0]]["passed"] is False and last[names[1]]["passed"] is True
    assert [job["id"] for job in editor.get("/jobs").json["jobs"]] == [second["id"], first["id"]]
    report = editor.get(f"/jobs/{second['id']}/report").body.decode().splitlines()
    assert [json.loads(line)["name"] for line in report] == names


def test_one_run_at_a_time_and_a_cancelled_one_keeps_what_is_done(
    login: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = login("editor")
    monkeypatch.setenv("STAFF_WORKER", "slow")
    job = editor.post("/jobs", {"kind": "tests"}).json
    assert editor.post("/jobs", {"kind": "tests"}).code == "busy"
    while editor.get(f"/jobs/{job['id']}").json["done"] < 1:
        time.sleep(0.1)
    cancelled = editor.post(f"/jobs/{job['id']}/cancel").json
    assert cancelled["state"] == "cancelled" and 1 <= cancelled["done"] < cancelled["total"]
    monkeypatch.setenv("STAFF_WORKER", "pass")
    again = editor.post("/jobs", {"kind": "tests"})
    assert again.status == 202 and editor.ended(again.json["id"])["state"] == "done"
    assert len(editor.get(f"/jobs/{job['id']}").json["results"]) == cancelled["done"]


@pytest.mark.parametrize(("kind", "reason"), [("dies", "the process ended early (code 3)"), ("reason", "ValueError: no such model")])
def test_a_run_that_fails_says_why(login: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch, kind: str, reason: str) -> None:
    editor = login("editor")
    monkeypatch.setenv("STAFF_WORKER", kind)
    found = editor.ended(editor.post("/jobs", {"kind": "tests"}).json["id"])
    assert (found["state"], found["error"]) == ("failed", reason)


def test_runs_of_unknown_tests_and_models_are_refused(login: Callable[[str], Person]) -> None:
    editor = login("editor")
    assert "unknown 'No such'" in editor.post("/jobs", {"kind": "tests", "names": ["No such"]}).json["faults"][0]
    answer = editor.post("/jobs", {"kind": "tests", "model": "../../etc/passwd"})
    assert answer.status == 422 and answer.json["faults"] == ["model: unknown '../../etc/passwd'; known: milia-1.tar.gz"]


def upload(person: Person, body: bytes, kind: str = "text/csv", name: str = "week.csv") -> Answer:
    return person.send("POST", f"/replays?name={name}", body, Content_Type=kind)


@pytest.mark.parametrize(
    ("kind", "body", "fault"),
    [
        ("text/csv", b"", "week.csv:1: the file is empty"),
        ("text/csv", b"message\nhi\n", "week.csv:1: has the columns ['message']; expected: a column 'text'"),
        ("text/csv", b"text,colour\nhi,red\n", "week.csv:1: unknown columns ['colour']; allowed: text, conversation"),
        ("text/csv", b"text,conversation\nhi,a\nhi\n", "week.csv:3: has 1 cells; expected: 2"),
        ("text/csv", b"text,conversation\n,a\n", "week.csv:2: text is empty"),
        ("text/csv", b'text\n"open quote\n', "week.csv:2: no CSV"),
        ("text/csv", b"text\nhi\n\xff\xfe\n", "week.csv:3: not UTF-8"),
        ("text/csv", b"text\nh\x00i\n", "week.csv:2: has a zero byte"),
        ("text/csv", b'{"text": "hi"}\n', "week.csv:1: looks like JSON"),
        ("text/csv", b"text\n" + b"hi\n" * 51, "week.csv: has 51 messages; allowed: 50 at most"),
        ("text/csv", b"text\n" + b"x" * 8001, "has 8001 characters; allowed: 8000 at most"),
        ("application/x-ndjson", b'{"text": "hi"}\n{"text": }\n', "week.csv:2: "),
        ("application/x-ndjson", b'{"id": "a", "turns": ["hi"]}\n{"id": "a", "turns": ["hi"]}\n', "week.csv:2: id 'a' is there twice"),
        ("application/x-ndjson", b"PK\x03\x04\n", "week.csv:1: "),
        ("application/zip", b"PK\x03\x04", "week.csv: is sent as application/zip; allowed: text/csv"),
    ],
)
def test_an_upload_that_is_not_what_it_says_names_file_line_and_what_was_expected(
    login: Callable[[str], Person], kind: str, body: bytes, fault: str
) -> None:
    editor = login("editor")
    answer = upload(editor, body, kind)
    assert (answer.status, answer.code) == (422, "bad-file")
    assert fault in answer.json["faults"][0]
    assert editor.get("/jobs").json["jobs"] == []


def test_an_upload_over_the_limit_is_refused_before_it_is_read(login: Callable[[str], Person]) -> None:
    """Only the head of the request is sent: the answer comes without a byte of the body."""
    import socket

    editor = login("editor")
    head = (
        f"POST /staff/api/replays?name=big.csv HTTP/1.1\r\nHost: 127.0.0.1:{editor.server.port}\r\nContent-Type: text/csv\r\n"
        f"Content-Length: 99999999\r\nCookie: {editor.cookie}\r\nX-CSRF-Token: {editor.csrf}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", editor.server.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(4096).decode()
    assert " 413 " in answer.splitlines()[0] and '"limit": 20000' in answer
    assert upload(editor, b"text\n" + b"x" * 20_001).status == 413
    assert editor.get("/jobs").json["jobs"] == []


@pytest.mark.parametrize(
    ("kind", "body", "names"),
    [
        ("text/csv", b"text\nhi\nhow long\n", ["line 2", "line 3"]),
        ("text/csv", "\ufefftext;conversation\nhi;a\nhow long;a\nhello;b\n".encode(), ["a", "b"]),
        ("application/x-ndjson", b'{"text": "hi"}\n{"id": "x", "turns": ["hi", {"press": "Go"}]}\n', ["line 1", "x"]),
    ],
)
def test_an_upload_in_order_is_replayed(
    login: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch, kind: str, body: bytes, names: list[str]
) -> None:
    editor = login("editor")
    monkeypatch.setenv("STAFF_WORKER", "pass")
    answer = upload(editor, body, kind)
    assert answer.status == 202, answer.body
    assert [one["name"] for one in editor.ended(answer.json["id"])["results"]] == names


@pytest.mark.model
def test_the_real_worker_runs_a_dialog_test_and_a_replay(
    serve_staff: Callable[..., StaffServer], people: dict[str, str]
) -> None:
    """The model of the newest archive; what is replayed is reported without names."""
    from staff_server import Person

    editor = Person.login(serve_staff(), people["editor"])
    name = "Empty and blank"
    run = editor.post("/jobs", {"kind": "tests", "names": [name]})
    assert run.status == 202, run.body
    found = _long(editor, run.json["id"])
    assert (found["state"], found["done"]) == ("done", 1), found["error"]
    assert found["results"][0]["name"] == name and len(found["results"][0]["turns"]) == 3
    replayed = _long(editor, upload(editor, b"text\nhello my name is Susan Miller and how long do milia last\n").json["id"])
    assert replayed["state"] == "done", replayed["error"]
    (turn,) = replayed["results"][0]["turns"]
    assert turn["topics"] == ["duration"] and "Miller" not in turn["user"]


def _long(person: Person, job: str) -> dict[str, Any]:
    for _ in range(600):
        found: dict[str, Any] = person.get(f"/jobs/{job}").json
        if found["state"] not in ("waiting", "loading", "running"):
            return found
        time.sleep(0.3)
    raise AssertionError("the worker did not end")
