"""Two real models: side by side on the same message, and one put in service in place of the other while it runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from model_archives import that_understands_nothing

from milia import in_service, training
from milia.staff.audit import Audit
from milia.storage.database import Database

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

    from milia.evaluation.bot import Bot

pytestmark = pytest.mark.model
ROOT = Path(__file__).resolve().parents[2]
ASKED = "how long do milia last"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The trained model, the same with a threshold that nothing passes, and a damaged one."""
    from milia.evaluation.replay import find_model

    trained = find_model(ROOT)
    if trained is None:
        pytest.fail("there is no trained model in models/: run `make train`, then the tests again", pytrace=False)
    folder = tmp_path_factory.mktemp("archives")
    damaged = folder / "milia-damaged.tar.gz"
    damaged.write_bytes(trained.read_bytes()[:100_000])
    return trained, that_understands_nothing(trained, folder / "milia-unsure.tar.gz"), damaged


@pytest.fixture
def project_of_two(tmp_path: Path, archives: tuple[Path, Path, Path]) -> Path:
    """This project by links, with a folder of models of its own."""
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("data", "tests", "milia", "actions", "config.yml", "domain.yml", "endpoints.yml", "requirements.lock"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "models").mkdir()
    for archive in archives:
        (folder / "models" / archive.name).symlink_to(archive)
    return folder


@pytest.fixture
def agent(bot: Bot) -> Iterator[Any]:
    """The agent of the real bot, given back as it was."""
    before = dict(vars(bot.agent))
    yield bot.agent
    vars(bot.agent).update(before)


@pytest.fixture
def admin(serve_staff: Callable[..., StaffServer], people: dict[str, str], project_of_two: Path, agent: Any) -> Person:
    from staff_server import Person

    return Person.login(serve_staff(root=project_of_two, agent=agent), people["admin"])


def asked(person: Person, text: str = ASKED) -> list[str]:
    """Try a message on the running model; returns what it took it to be about."""
    made = person.post("/tries", {}).json["id"]
    turn = person.post(f"/tries/{made}/messages", {"text": text})
    assert turn.status == 200, turn.body
    topics: list[str] = turn.json["record"]["topics"]
    return topics


def replayed(person: Person, model: str) -> dict[str, Any]:
    """Ask another model the same, as the console's comparison does; returns its turn."""
    line = json.dumps({"id": "compare", "turns": [ASKED]}).encode()
    job = person.send("POST", f"/replays?name=compare.jsonl&model={model}", line, Content_Type="application/x-ndjson")
    assert job.status == 202, job.body
    for _ in range(600):
        found = person.get(f"/jobs/{job.json['id']}").json
        if found["state"] not in ("waiting", "loading", "running"):
            break
        time.sleep(0.2)
    assert found["state"] == "done", found["error"]
    turn: dict[str, Any] = found["results"][0]["turns"][0]
    return turn


def test_the_same_message_goes_to_two_real_models_and_each_answers_as_it_learned(
    admin: Person, archives: tuple[Path, Path, Path]
) -> None:
    trained, unsure, _ = archives
    assert {one["name"]: one["current"] for one in admin.get("/about").json["models"]}[trained.name] is True
    assert asked(admin) == ["duration"] == replayed(admin, trained.name)["topics"]
    other = replayed(admin, unsure.name)
    assert other["topics"] == [] and other["text"]


def test_a_model_takes_over_while_the_server_runs_and_the_one_before_comes_back(
    admin: Person, agent: Any, archives: tuple[Path, Path, Path], project_of_two: Path, database: Database
) -> None:
    trained, unsure, _ = archives
    domain = agent.domain
    assert asked(admin) == ["duration"]
    answer = admin.send("PUT", "/training/service", {"model": unsure.name})
    assert answer.status == 200, answer.body
    assert answer.json["running"] == unsure.name
    assert [one["name"] for one in answer.json["models"] if one["is_before"]] == [trained.name]
    assert asked(admin) == []
    assert agent.domain is agent.processor.domain is agent.tracker_store.domain is not domain
    # A server that starts now goes on with it, as long as the files are these.
    present = training.model_path(project_of_two).name
    assert in_service.chosen(project_of_two, present) == project_of_two / "models" / unsure.name
    back = admin.send("PUT", "/training/service", {"model": trained.name})
    assert back.json["running"] == trained.name and asked(admin) == ["duration"]
    told = [row["detail"] for row in asyncio.run(Audit(database).rows(what="model.service"))]
    assert told == [f"{trained.name} instead of {unsure.name}", f"{unsure.name} instead of {trained.name}"]


def test_a_model_that_does_not_load_is_refused_and_the_running_one_goes_on(
    admin: Person, agent: Any, archives: tuple[Path, Path, Path], project_of_two: Path
) -> None:
    processor = agent.processor
    answer = admin.send("PUT", "/training/service", {"model": archives[2].name})
    assert (answer.status, answer.code) == (422, "model-refused")
    assert answer.json["faults"][0].startswith(f"{archives[2].name}: ")
    assert agent.processor is processor and asked(admin) == ["duration"]
    assert not (project_of_two / in_service.FILE).exists()
    unknown = admin.send("PUT", "/training/service", {"model": "../../etc/passwd"})
    assert (unknown.status, unknown.code) == (422, "malformed")
