"""Databases to test on, both kinds; a store on one of them; and turns as Rasa would make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import storage_postgres as pg
from storage_turns import NewStore, plain_store

from milia.storage.database import Database
from milia.storage.encryption import TextCipher

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the secret that recipients are encrypted with; nothing else of the environment counts."""
    for name in ("DATABASE_URL", "MILIA_DB", "MILIA_VAR", "MILIA_DATA_KEY", "MILIA_RETENTION_DAYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MILIA_SECRET_KEY", SECRET)


@pytest.fixture(scope="session")
def postgres() -> Iterator[pg.Postgres]:
    """A PostgreSQL server; where there is none, CI fails and a person's run leaves these tests out."""
    folder = pg.programs()
    if folder is None:
        pg.missing("PostgreSQL is not installed: apt-get install postgresql")
    server = pg.Postgres(folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/milia.db"
    server: pg.Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def open_database(request: pytest.FixtureRequest) -> Callable[..., Database]:
    """Opens databases that are closed after the test."""

    def open_(url: str, *keys: str) -> Database:
        opened = Database.open(url, TextCipher(keys))
        request.addfinalizer(opened.close)
        return opened

    return open_


@pytest.fixture
def database(url: str, open_database: Callable[..., Database]) -> Database:
    """An open, empty database."""
    return open_database(url)


@pytest.fixture
def sqlite(tmp_path: Path, open_database: Callable[..., Database]) -> Database:
    """An open, empty SQLite file: for what no database changes."""
    return open_database(f"sqlite:///{tmp_path}/milia.db")


@pytest.fixture
def new_store() -> NewStore:
    """Makes stores on a database, with words that stand for personal data."""
    return plain_store
