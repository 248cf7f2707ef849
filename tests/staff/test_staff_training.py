"""Training from the console: what is new to the running model, accepted changes on their way into it, and how a training goes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from milia import in_service, model_record, training
from milia.staff import jobs as jobs_module
from milia.staff import training_api, training_run
from milia.staff.audit import Audit
from milia.storage.database import Database

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

FAKE = [sys.executable, str(Path(__file__).with_name("staff_fake_worker.py"))]
SENTENCE = "do a toddler's tiny pearls keep hanging around until school"
FILE = "data/nlu/ask_duration.yml"


@pytest.fixture
def trainable(project: Path) -> Path:
    """A project with a model of its present files, and the record of what that has learned from."""
    (project / "config.yml").write_text("pipeline: []\n", encoding="utf-8")
    (project / "requirements.lock").write_text("rasa==3.6.21\n", encoding="utf-8")
    model = training.model_path(project)
    model.write_bytes(b"a model")
    training.note_inputs(project)
    return project


@pytest.fixture
def serve(
    serve_staff: Callable[..., StaffServer], people: dict[str, str], trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., StaffServer]:
    """Serves that project; its model stands as the running one, and a stand-in trains."""
    make = jobs_module.Jobs.__init__
    monkeypatch.setattr(jobs_module.Jobs, "__init__", lambda self, database, root: make(self, database, root, FAKE))
    agent = SimpleNamespace(processor=SimpleNamespace(model_filename=training.model_path(trainable).name))
    return lambda **settings: serve_staff(root=trainable, agent=agent, **settings)


@pytest.fixture
def login(serve: Callable[..., StaffServer], people: dict[str, str]) -> Callable[[str], Person]:
    from staff_server import Person

    server = serve()
    return lambda role: Person.login(server, people[role])


def accept(editor: Person, sentence: str = SENTENCE, **form: Any) -> str:
    """Mark a turn that nobody wrote, and accept it; returns the review."""
    from milia.staff.reviews import NewReview, Reviews

    server = editor.server
    database = server.channel._database
    assert database is not None
    new = NewReview({"topics": ["duration"]}, {"topics": [], "signs": [], "level": None}, {"text": "zqxj", "reply": "?"})
    made = asyncio.run(Reviews(database).add(new, "the.editor"))
    body = {"version": 1, "kind": "training", "sentence": sentence, "labels": ["duration"], "anyway": True, **form}
    answer = editor.post(f"/reviews/{made['id']}/accept", body)
    assert answer.status == 200, answer.body
    return str(made["id"])


def test_an_accepted_change_is_new_to_the_model_until_it_is_taken_into_the_files_and_learned(
    login: Callable[[str], Person], trainable: Path
) -> None:
    editor = login("editor")
    before = editor.get("/training").json
    assert (before["changes"], before["accepted"], before["is_trained"]) == ([], [], True)
    review = accept(editor)
    (new,) = editor.get("/training").json["accepted"]
    assert (new["review"], new["sentence"], new["in_files"]) == (review, SENTENCE, False)
    assert SENTENCE not in (trainable / FILE).read_text()
    job = editor.post("/training", {"take": [review]})
    assert job.status == 202, job.body
    done = editor.ended(job.json["id"])
    assert (done["state"], done["done"], [step["state"] for step in done["steps"]]) == ("done", 2, ["ok", "ok"])
    assert SENTENCE in (trainable / FILE).read_text()
    after = editor.get("/training").json
    assert [(one["file"], one["kind"], one["added"], one["removed"]) for one in after["changes"]] == [(FILE, "training", 1, 0)]
    assert (after["accepted"][0]["in_files"], after["is_trained"], after["running"]) == (True, True, before["running"])
    assert after["present"] == done["model"] != before["running"]
    assert after["last_seconds"] is not None
    # The running model's archive is kept, whatever is trained.
    assert {one["name"] for one in after["models"]} == {before["running"], done["model"]}


def test_a_model_that_knows_the_change_counts_it_no_more(login: Callable[[str], Person], trainable: Path) -> None:
    editor = login("editor")
    review = accept(editor)
    editor.ended(editor.post("/training", {"take": [review]}).json["id"])
    training.note_inputs(trainable)  # as the real training does
    editor.server.app.ctx.agent.processor.model_filename = training.model_path(trainable).name
    now = editor.get("/training").json
    assert (now["accepted"], now["changes"], now["running"]) == ([], [], now["present"])


def test_a_held_out_sentence_is_never_on_the_way_into_a_model(login: Callable[[str], Person]) -> None:
    editor = login("editor")
    accept(editor, kind="heldout")
    assert editor.get("/training").json["accepted"] == []


def test_of_changes_that_do_not_all_fit_none_is_made(login: Callable[[str], Person], trainable: Path) -> None:
    editor = login("editor")
    good, bad = accept(editor), accept(editor, "how many summers does a grandchild's pearl stay")
    lines = (trainable / FILE).read_text().splitlines()
    (patch,) = (one for one in asyncio.run(_patches(editor)) if one.review == bad)
    near = [line[1:] for line in patch.patch.splitlines() if line.startswith(" ")]
    kept = "\n".join(line for line in lines if line not in near) + "\n"
    (trainable / FILE).write_text(kept)
    answer = editor.post("/training", {"take": [good, bad]})
    assert (answer.status, answer.code) == (422, "content-refused")
    assert answer.json["faults"][-1].startswith(f"Review {bad}: its change does not fit {FILE}")
    assert (trainable / FILE).read_text() == kept
    assert editor.get("/training").json["job"] is None


async def _patches(person: Person) -> Any:
    from milia.staff.accepted import Accepted
    from milia.staff.reviews import Reviews

    assert person.server.channel._database is not None
    return Accepted.of(await Reviews(person.server.channel._database).accepted(10))


def test_what_is_not_accepted_or_there_already_is_refused(login: Callable[[str], Person], trainable: Path) -> None:
    editor = login("editor")
    review = accept(editor)
    editor.ended(editor.post("/training", {"take": [review]}).json["id"])
    for names in ([review], ["999"], ["not a review"]):
        answer = editor.post("/training", {"take": names})
        assert answer.status == 422 and names[0] in answer.json["faults"][0], answer.body


def test_nothing_is_trained_where_all_is_learned(login: Callable[[str], Person]) -> None:
    answer = login("editor").post("/training", {"take": []})
    assert (answer.status, answer.code) == (409, "not-allowed-here")
    assert "has learned all that is in the files already" in answer.json["detail"]


def test_a_training_that_fails_shows_why_and_leaves_the_running_model(
    login: Callable[[str], Person], trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = login("editor")
    running = editor.get("/training").json["running"]
    review = accept(editor)
    monkeypatch.setenv("STAFF_WORKER", "fail")
    found = editor.ended(editor.post("/training", {"take": [review]}).json["id"])
    assert found["state"] == "failed" and "no examples of greet" in found["error"]
    assert [step["state"] for step in found["steps"]] == ["ok", "failed"]
    now = editor.get("/training").json
    assert (now["running"], now["is_trained"], now["job"]["error"]) == (running, False, found["error"])
    monkeypatch.setenv("STAFF_WORKER", "dies")
    again = editor.ended(editor.post("/training", {"take": []}).json["id"])
    assert (again["state"], again["error"]) == ("failed", "the process ended early (code 3)")


def test_one_training_at_a_time_and_a_cancelled_one_leaves_the_running_model(
    login: Callable[[str], Person], trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = login("editor")
    monkeypatch.setenv("STAFF_WORKER", "slow")
    job = editor.post("/training", {"take": [accept(editor)]}).json
    late = accept(editor, "how many summers does a grandchild's pearl stay")
    busy = editor.post("/training", {"take": [late]})
    assert (busy.status, busy.code) == (409, "busy")
    assert not editor.get("/training").json["accepted"][0]["in_files"]  # nothing of the second is touched
    assert editor.post("/jobs", {"kind": "tests"}).code == "busy"
    while not (steps := editor.get(f"/jobs/{job['id']}").json["steps"]) or not steps[-1]["detail"]:
        time.sleep(0.05)
    assert (steps[-1]["title"], steps[-1]["detail"]) == ("Learning", "topics: 3 / 5")
    cancelled = editor.post(f"/jobs/{job['id']}/cancel").json
    assert (cancelled["state"], cancelled["steps"][-1]["state"]) == ("cancelled", "cancelled")
    assert not editor.get("/training").json["is_trained"]


def test_a_training_that_the_server_left_behind_is_shown_as_failed(
    login: Callable[[str], Person], serve: Callable[..., StaffServer], people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first server does not get to end its training, as if it had been killed."""
    from staff_server import Person

    editor = login("editor")
    monkeypatch.setenv("STAFF_WORKER", "slow")
    job = editor.post("/training", {"take": [accept(editor)]}).json
    while len(editor.get(f"/jobs/{job['id']}").json["steps"]) < 2:
        time.sleep(0.05)
    second = Person.login(serve(), people["editor"])
    job = second.get("/training").json["job"]
    assert (job["state"], job["error"]) == ("failed", "the server was stopped meanwhile")
    assert [step["state"] for step in job["steps"]] == ["ok", "failed"]


def test_a_training_that_says_nothing_for_too_long_is_stopped(
    login: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = login("editor")
    monkeypatch.setattr(jobs_module, "_SILENT_SECONDS", {"training": 0.6})
    monkeypatch.setenv("STAFF_WORKER", "slow")
    found = editor.ended(editor.post("/training", {"take": [accept(editor)]}).json["id"])
    assert found["state"] == "failed" and found["error"].startswith("it said nothing for")
    assert found["steps"][-1]["state"] == "failed"


@pytest.mark.parametrize("why", ["turned_off", "no_files", "read_only"])
def test_where_nothing_can_be_trained_the_page_is_told_why_and_the_server_refuses(
    serve: Callable[..., StaffServer], people: dict[str, str], trainable: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    from staff_server import Person

    from milia.staff.texts import texts

    person = Person.login(serve(training=why != "turned_off"), people["admin"])
    if why == "no_files":
        (trainable / "config.yml").unlink()
    if why == "read_only":
        monkeypatch.setattr(training_api.os, "access", lambda path, mode: Path(path).name != "models")
    told = person.get("/training").json
    assert (told["available"], told["can_take"], told["reason"]) == (False, False, texts()["training"][why])
    answer = person.post("/training", {"take": []})
    assert (answer.status, answer.code) == (409, "not-allowed-here") and told["reason"] in answer.json["detail"]
    if why == "turned_off":
        assert person.send("PUT", "/training/service", {"model": told["running"]}).code == "not-allowed-here"


def test_every_step_is_in_the_audit_log(login: Callable[[str], Person], database: Database) -> None:
    editor = login("editor")
    review = accept(editor)
    job = editor.post("/training", {"take": [review]}).json
    editor.ended(job["id"])
    rows = asyncio.run(Audit(database).rows())
    told = {row["what"]: row["detail"] for row in rows}
    assert told["training.take"] == f"reviews {review}: {FILE}"
    assert told["training.start"] == f"{job['id']}: {job['model']}"
    assert all(row["user"] == "the.editor" for row in rows if row["what"].startswith("training."))


def test_cancelling_ends_the_process_that_trains(trainable: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real worker, with a command that only waits: that is a process of the worker, in a group of its own."""
    (trainable / "wait.py").write_text("import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(120)\n")
    monkeypatch.setenv(training.COMMAND, f"{sys.executable} wait.py")
    with (trainable / FILE).open("a") as file:
        file.write("      - one more sentence that nobody has said\n")
    written = trainable / "pid"

    async def run() -> jobs_module.Job:
        jobs = jobs_module.Jobs(database, trainable)
        job = await jobs.start(jobs_module.TRAINING, "eda", training.model_path(trainable))
        for _ in range(600):
            if written.exists() and written.read_text():
                break
            assert job.is_open, job.error
            await asyncio.sleep(0.1)
        return await jobs.cancel(job.id)

    job = asyncio.run(run())
    assert (job.state, [step["state"] for step in job.results]) == ("cancelled", ["ok", "cancelled"])
    with pytest.raises(ProcessLookupError):
        os.kill(int(written.read_text()), 0)
    assert not (trainable / "models/.new").exists() and not training.model_path(trainable).exists()


def test_a_training_tells_its_steps_and_refuses_content_that_is_not_in_order(
    trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real run with a command that prints what Rasa prints; only trying the model out is left out."""
    script = (
        "import pathlib, sys; out, name = sys.argv[sys.argv.index('--out') + 1], sys.argv[sys.argv.index('--fixed-model-name') + 1]\n"
        "print(\"INFO rasa.engine.training.hooks  - Starting to train component 'TopicClassifier'.\")\n"
        "print('INFO milia.nlu.message_network  - Labels: step 300 of 2505.', flush=True)\n"
        "import time; time.sleep(0.5)\n"
        "pathlib.Path(out).mkdir(parents=True, exist_ok=True); pathlib.Path(out, name + '.tar.gz').write_bytes(b'x')\n"
    )
    (trainable / "train.py").write_text(script)
    monkeypatch.setenv(training.COMMAND, f"{sys.executable} train.py")
    monkeypatch.setattr(training_run, "_try_out", lambda model, root: None)
    monkeypatch.setattr(training_run, "_TOLD_SECONDS", 0.0)
    with (trainable / FILE).open("a") as file:
        file.write("      - one more sentence that nobody has said\n")
    told: list[dict[str, Any]] = []
    model = training.model_path(trainable)
    training_run.train(trainable, model, (), lambda event, **values: told.append({"event": event, **values}))
    assert [one["title"] for one in told if one["event"] == "step"] == [
        "Checking the content", "Reading and encoding the examples", "Learning: the topics", "Trying the new model out",
    ]  # fmt: skip
    assert [one["state"] for one in told if one["event"] == "step-ended"] == ["ok"] * 4
    assert "topics: 300 / 2,505" in [one["detail"] for one in told if one["event"] == "step-goes-on"]
    assert told[-1] == {"event": "end"} and model.is_file()
    record = model_record.read(model)
    assert record is not None and record.knows(FILE, ["- one more sentence that nobody has said"])
    topic = trainable / "data/content/topics/duration.yml"
    topic.write_text(topic.read_text().replace("duration.1", "duration.999"))
    with pytest.raises(training.CommandError, match=r"the content .* problem"):
        training_run.train(trainable, training.model_path(trainable), (), lambda event, **values: None)


def test_a_choice_holds_until_the_files_change(trainable: Path) -> None:
    older = trainable / "models" / "milia-older.tar.gz"
    older.write_bytes(b"")
    present = training.model_path(trainable).name
    assert in_service.chosen(trainable, present) is None and in_service.stamp(trainable) == 0
    in_service.choose(trainable, older.name, present, present)
    assert in_service.chosen(trainable, present) == older
    assert in_service.before(trainable, older.name) == present and in_service.before(trainable, "another") == ""
    assert in_service.chosen(trainable, "milia-changed.tar.gz") is None
    older.unlink()
    assert in_service.chosen(trainable, present) is None
    (trainable / in_service.FILE).write_text("no JSON")
    assert in_service.chosen(trainable, present) is None


def test_content_is_read_anew_once_a_model_is_put_in_service_and_kept_if_it_cannot_be(trainable: Path) -> None:
    values: list[Any] = ["first", "second", ValueError("not in order"), "fourth"]

    def load() -> str:
        value = values.pop(0)
        if isinstance(value, Exception):
            raise value
        return str(value)

    def put(number: int) -> None:
        in_service.choose(trainable, f"m{number}", "", "")

    def becomes(wanted: str) -> bool:
        for _ in range(100):
            if content.get() == wanted:
                return True
            time.sleep(0.02)
        return False

    content = in_service.Content(trainable, load)
    assert content.get() == "first" == content.get()
    put(1)
    assert becomes("second")
    put(2)
    for _ in range(20):
        assert content.get() == "second"
        time.sleep(0.01)
    put(3)
    assert becomes("fourth")
