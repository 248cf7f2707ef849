"""The tables come to be by steps, from nothing or from any earlier step, with several servers starting at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from milia.storage import migrate, tables
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.errors import StorageError

FOLDER = Path(migrate.__file__).parent / "migrations"


def steps() -> list[Any]:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return list(ScriptDirectory.from_config(config).walk_revisions())


def test_the_steps_form_one_line_numbered_as_their_files_are() -> None:
    found = [step.revision for step in reversed(steps())]
    assert found == [f"{number:04}" for number in range(1, len(found) + 1)]
    files = sorted(path.name.split("_")[0] for path in (FOLDER / "versions").glob("*.py"))
    assert files == found


def test_the_steps_make_what_the_code_expects(database: Database) -> None:
    """Whoever changes `tables.py` without a step, or a step without `tables.py`, is told here."""
    with database.engine.connect() as connection:
        expected = set(tables.metadata.tables)
        options = {"include_name": lambda name, kind, _: kind != "table" or name in expected}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata) == []
        found = inspect(connection)
        assert set(found.get_table_names()) - {"alembic_version", "sqlite_sequence"} == expected
        for table in tables.OF_A_CONVERSATION:
            (key,) = found.get_foreign_keys(table.name)
            assert key["options"].get("ondelete") == "CASCADE"


def test_a_second_start_changes_nothing(url: str, open_database: Callable[..., Database]) -> None:
    first = open_database(url)
    first.run_now(
        lambda connection: connection.execute(
            text(
                "INSERT INTO conversation (conversation_id, created_at, updated_at, next_position, next_turn, "
                "window_start, base, last_save) VALUES ('kept', 1, 1, 0, 0, 0, 'null', '')"
            )
        ),
        write=True,
    )
    second = open_database(url)
    kept = second.run_now(lambda connection: connection.execute(text("SELECT conversation_id FROM conversation")).scalar())
    assert kept == "kept"


def test_a_newer_database_is_refused(url: str, open_database: Callable[..., Database]) -> None:
    newer = open_database(url)
    newer.run_now(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")), write=True)
    with pytest.raises(StorageError, match="9999"):
        Database.open(url, TextCipher())


def test_a_step_that_fails_leaves_nothing_half_done(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    real, made = op.create_table, []

    def fails_third(name: str, *arguments: Any, **options: Any) -> Any:
        made.append(name)
        if len(made) == 3:
            raise RuntimeError("killed here")
        return real(name, *arguments, **options)

    monkeypatch.setattr(op, "create_table", fails_third)
    with pytest.raises(RuntimeError):
        Database.open(url, TextCipher())
    monkeypatch.undo()
    from milia.storage.database import _engine

    engine = _engine(url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    whole = Database.open(url, TextCipher())
    whole.close()


def _start(url: str, at: float, results: Any) -> None:
    time.sleep(max(0.0, at - time.time()))
    try:
        opened = Database.open(url, TextCipher())
        results.put(opened.run_now(lambda connection: connection.execute(text("SELECT count(*) FROM turn")).scalar()))
        opened.close()
    except BaseException as error:
        results.put(f"{type(error).__name__}: {error}")


def test_servers_that_start_at_once_all_come_up(url: str) -> None:
    context = multiprocessing.get_context("fork")  # with all modules loaded, so that they start within milliseconds
    results, at = context.Queue(), time.time() + 0.3
    servers = [context.Process(target=_start, args=(url, at, results)) for _ in range(6)]
    for server in servers:
        server.start()
    found = [results.get(timeout=60) for _ in servers]
    for server in servers:
        server.join(10)
    assert found == [0] * len(servers)


def test_sqlite_writes_ahead_and_to_the_disk(sqlite: Database, tmp_path: Path) -> None:
    def settings(connection: Any) -> list[Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert sqlite.run_now(settings) == ["wal", 2, 1, 1]  # synchronous 2 is FULL
    assert (tmp_path / "milia.db").stat().st_mode & 0o077 == 0


def test_a_database_that_rasa_made_before_is_left_alone(tmp_path: Path, open_database: Callable[..., Database]) -> None:
    old = sqlite3.connect(tmp_path / "milia.db")
    old.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT, data TEXT)")
    old.execute("INSERT INTO events (sender_id, data) VALUES ('a', '{}')")
    old.commit()
    old.close()
    opened = open_database(f"sqlite:///{tmp_path}/milia.db")
    assert opened.run_now(lambda connection: connection.execute(text("SELECT count(*) FROM events")).scalar()) == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://a:hunter22@host/name", "allowed: postgresql, sqlite"),
        ("no address", "no address of a database"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_an_address_of_no_use_is_refused_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StorageError, match=says) as caught:
        Database.open(url, TextCipher())
    assert "hunter22" not in str(caught.value)
