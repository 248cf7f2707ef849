"""Bring a database to the present tables, safe with several servers that start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from milia.storage.errors import StorageError

_FOLDER = Path(__file__).parent / "migrations"
# Any number will do, as long as all servers of this project use the same one on this database.
_LOCK = 0x4D696C6961


def migrate(engine: Engine) -> None:
    """Run the steps that this database has not had.

    Servers that start together wait for one another: PostgreSQL by an advisory lock, SQLite by its write lock, both
    held by the transaction. A step that fails leaves the database as it was.

    Raises:
        StorageError: The database is of a newer version of this program.
    """
    config, script = _steps()
    with engine.connect() as connection, connection.begin():
        if _version(connection, script) == script.get_current_head():
            return
    with engine.connect().execution_options(write=True, migration=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            # Waiting for another server's migration may take longer than a message may wait.
            connection.exec_driver_sql("SET LOCAL statement_timeout = '300s'")
            connection.exec_driver_sql("SET LOCAL lock_timeout = '300s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        _version(connection, script)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest_version() -> str | None:
    """Return the version that `migrate` brings a database to."""
    return _steps()[1].get_current_head()


def _steps() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config, ScriptDirectory.from_config(config)


def _version(connection: Connection, script: ScriptDirectory) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {step.revision for step in script.walk_revisions()}
    if found is not None and found not in known:
        raise StorageError(
            f"the database has the tables of version {found}, which this program does not know (known: "
            f"{', '.join(sorted(known))}): start the newer version of the program, or restore a backup"
        )
    return found
