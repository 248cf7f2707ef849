"""The staff console on a server of its own: an empty database, a folder that stands for the project, three people."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from milia.staff import passwords
from milia.storage.database import Database
from milia.storage.encryption import TextCipher

if TYPE_CHECKING:
    from staff_server import Person, StaffServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with little memory: what is tried here does not depend on the costs, and there are many."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    passwords.nobodys.cache_clear()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open, empty database."""
    opened = Database.open(f"sqlite:///{tmp_path}/milia.db", TextCipher(()))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def _project_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in ("data", "tests/heldout", "tests/dialogs"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "domain.yml", folder)
    (folder / "models").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "start"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, env=clean)
    return folder


@pytest.fixture
def project(_project_copy: Path, tmp_path: Path) -> Path:
    """A copy of the project's data and tests in a git checkout of its own."""
    folder = tmp_path / "project"
    shutil.copytree(_project_copy, folder)
    return folder


@pytest.fixture
def serve_staff(database: Database) -> Iterator[Callable[..., StaffServer]]:
    """Starts the console: `serve_staff(root=..., agent=..., idle_seconds=...)`."""
    from staff_server import StaffServer

    from milia.staff.channel import StaffChannel
    from milia.staff.settings import StaffSettings

    started: list[StaffServer] = []

    def serve(root: Path = ROOT, agent: Any = None, on: Database | None = None, **settings: Any) -> StaffServer:
        channel = StaffChannel(StaffSettings(**settings), on or database, root, redact=lambda text: text.replace("Ann Lee", "[name]"))
        started.append(StaffServer(channel, agent))
        return started[-1]

    yield serve
    for server in started:
        server.stop()


@pytest.fixture
def people(database: Database) -> dict[str, str]:
    """Users of each role: viewer, editor, admin; returns their names by role."""
    from staff_server import PASSWORD

    from milia.staff.users import Role, Users

    async def add() -> None:
        for role in Role:
            await Users(database).add(f"the.{role.id}", role, PASSWORD)

    asyncio.run(add())
    return {role.id: f"the.{role.id}" for role in Role}


@pytest.fixture
def staff(serve_staff: Callable[..., StaffServer], people: dict[str, str]) -> Callable[[str], Person]:
    """Logs somebody of a role in on a console without a model."""
    from staff_server import Person

    server = serve_staff()
    return lambda role: Person.login(server, people[role])
