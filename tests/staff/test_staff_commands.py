"""The console's commands: who may use it, the review queue in the terminal, and the user that `make run` sets up once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from staff_turns import Said, store

from milia import cli, server
from milia.server import Settings
from milia.staff import commands
from milia.staff.reviews import NewReview, Reviews
from milia.staff.users import Role, Users
from milia.storage.database import Database

GOOD = "a long enough password"
Milia = Callable[..., tuple[int, str, str]]


@pytest.fixture
def milia(
    database: Database, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Milia:
    """Runs `milia ...` on the test's database and project; returns code, output, errors."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/milia.db")
    monkeypatch.setattr(commands, "ROOT", project)

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = cli.main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def login(database: Database, name: str, password: str) -> Any:
    return asyncio.run(Users(database).login(name, password))


def test_people_are_added_listed_given_a_password_and_removed(milia: Milia, database: Database) -> None:
    assert "the console is off" in milia("staff", "list")[1]
    assert milia("staff", "add", "ann", "--role", "admin", typed=f"{GOOD}\n")[0] == 0
    assert login(database, "ann", GOOD).role == Role.ADMIN
    code, out, _ = milia("staff", "add", "ben")
    made = out.split("Password: ")[1].strip()
    assert code == 0 and login(database, "ben", made).role == Role.VIEWER
    assert "ann" in milia("staff", "list")[1] and "ben" in milia("staff", "list")[1]
    assert milia("staff", "password", "ben", typed="another long password\n")[0] == 0
    assert login(database, "ben", "another long password") and not login(database, "ben", made)
    assert milia("staff", "remove", "ben")[0] == 0
    assert login(database, "ben", "another long password") is None


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (("staff", "add", "ann"), f"{GOOD}\n", "there is a user 'ann' already"),
        (("staff", "add", "Ann Lee"), f"{GOOD}\n", "name 'Ann Lee' is not allowed"),
        (("staff", "add", "ben"), "short\n", "the password has 5 characters; allowed: 12 to 1024"),
        (("staff", "remove", "nobody"), "", "there is no nobody"),
        (("staff", "password", "nobody"), "", "there is no nobody"),
        (("staff", "remove", "ann"), "", "ann is the last admin"),
        (("review", "reject", "7", "no"), "", "there is no 7"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(milia: Milia, arguments: tuple[str, ...], typed: str, reason: str) -> None:
    milia("staff", "add", "ann", "--role", "admin", typed=f"{GOOD}\n")
    code, out, err = milia(*arguments, typed=typed)
    assert code == 1 and reason in err and len(err.splitlines()) == 1 and not out


def test_reviews_are_listed_accepted_and_rejected_in_the_terminal(milia: Milia, database: Database, tmp_path: Path) -> None:
    theirs = "so tell me how many weeks these silly pearls will sit on my nose"
    store(database, "talk", [Said(theirs)])
    should = {"topics": ["duration"], "signs": None, "wording": None, "note": "twice this week"}
    for _ in range(2):
        asyncio.run(Reviews(database).add(NewReview(should, {"topics": ["definition"], "signs": [], "level": None}, None, "talk", 0), "ann"))
    listed = milia("review", "list")[1]
    assert theirs in listed and "was: definition; should have been topics: duration; note: twice this week" in listed
    code, _, err = milia("review", "accept", "1", "--sentence", theirs, "--label", "duration")
    assert code == 1 and "too near to what the person wrote" in err
    own, out = "After which number of weeks have most pearls on a nose vanished?", tmp_path / "fix.patch"
    code, _, err = milia("review", "accept", "1", "--sentence", own, "--label", "duration", "--anyway", "--branch", "--out", str(out))
    assert code == 0, err
    assert f"+      - {own}" in out.read_text() and "Branch staff/review-1" in err
    code, _, err = milia("review", "accept", "1")
    assert code == 1 and "is accepted already" in err
    assert milia("review", "reject", "2", "it was right")[0] == 0
    assert "0 open, 1 accepted, 1 rejected" in milia("review", "list")[1]


def test_on_a_machine_of_ones_own_an_admin_is_made_once(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/milia.db")
    monkeypatch.delenv("MILIA_ENV", raising=False)
    here = Settings(root=tmp_path, var=tmp_path)
    said = server.local_staff(here)
    password = said.split("password: ")[1].split()[0]
    assert login(database, "local", password).role == Role.ADMIN
    assert server.local_staff(here) == ""


def test_where_others_can_reach_it_nobody_is_made(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/milia.db")
    assert server.local_staff(Settings(root=tmp_path, var=tmp_path, host="0.0.0.0")) == ""
    monkeypatch.setenv("MILIA_ENV", "production")
    assert server.local_staff(Settings(root=tmp_path, var=tmp_path)) == ""
    assert asyncio.run(Users(database).all()) == []
