"""One database: connections, threads to use them in, time-outs, bounded retries, and errors that say what happened.

All work is a function of a connection that runs in one transaction, in a thread of its own pool: the event loop never
waits for a database.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import create_engine, event, select
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from milia.breaker import Breaker
from milia.processes import private_folder
from milia.storage.encryption import TextCipher
from milia.storage.errors import StorageError, StorageUnavailable
from milia.storage.migrate import migrate
from milia.storage.settings import database_url
from milia.storage.tables import conversation

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

THREADS = 8
# A statement ends before the call that waits for it gives up, and both before a person does.
STATEMENT_SECONDS = 3
CALL_SECONDS = 5.0
CONNECT_SECONDS = 2
# Seconds before each further try; only for work that lost its connection or a race, never for a refusal.
RETRIES = (0.05, 0.2)
START_SECONDS = 30.0

_SQLITE_SETTINGS = (
    f"PRAGMA busy_timeout={STATEMENT_SECONDS * 1000}",
    # A commit is on the disk before the reply leaves: NORMAL would lose the last turns to a power cut.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # What is erased is overwritten, not only unlinked.
    "PRAGMA secure_delete=ON",
)
# Lost connection, server starting or stopping, serialisation failure, deadlock.
_PASSING = ("08", "57P", "40001", "40P01")


class Database:
    """An open database with the present tables; see `open`."""

    def __init__(self, engine: Engine, cipher: TextCipher) -> None:
        self.engine = engine
        self.cipher = cipher
        self.breaker = Breaker()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="milia-database")
        # SQLite lets one write at a time; threads that wait here do not have to poll for its lock.
        self._writer = threading.Lock()

    @classmethod
    def open(cls, url: str | None = None, cipher: TextCipher | None = None, patience: float = START_SECONDS) -> Database:
        """Connect and bring the tables up to date.

        Args:
            url: SQLAlchemy's address of a SQLite or PostgreSQL database; that of the environment if None.
            cipher: encrypts texts; that of `MILIA_DATA_KEY` if None.
            patience: seconds to wait for a server that is still starting.

        Raises:
            StorageUnavailable: It cannot be reached, or not be written.
            StorageError: The address is of no use, or the database is of a newer version of this program.
        """
        engine = _engine(url or database_url())
        database = cls(engine, cipher or TextCipher.from_environment())
        deadline = time.monotonic() + patience
        while True:
            try:
                if engine.dialect.name == "sqlite":
                    _write_ahead(engine)
                migrate(engine)
                return database
            except SQLAlchemyError as error:
                failure = _failure(error)
                passing = isinstance(error, DBAPIError) and _passes(error)
                if not passing or time.monotonic() > deadline:
                    database.close()
                    raise failure from None
            except BaseException:
                database.close()
                raise
            time.sleep(0.25)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return str(self.engine.dialect.name)

    async def run(self, work: Callable[[Connection], Result], *, write: bool = False) -> Result:
        """Run `work` in a transaction, in a thread; wait at most `CALL_SECONDS`.

        Raises:
            StorageUnavailable: No answer in time, or the database refuses. If the time ran out, a write may still
                happen: `work` that is repeated must find its own traces.
        """
        if not self.breaker.allows():
            raise StorageUnavailable("the database is down; it is tried again every second")
        # With the context of the caller: what is logged in the thread belongs to its turn.
        call = functools.partial(contextvars.copy_context().run, self._run, work, write)
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._threads, call), CALL_SECONDS)
        except asyncio.TimeoutError as error:
            self.breaker.note(False)
            raise StorageUnavailable(f"the database did not answer within {CALL_SECONDS:g} s") from error

    def run_now(self, work: Callable[[Connection], Result], *, write: bool = False) -> Result:
        """Run `work` in a transaction, here and now: for commands and threads."""
        return self._run(work, write)

    async def forget_journal(self) -> None:
        """Move SQLite's journal into the file and empty it, so that erased rows are gone from the disk too.

        Left for later when somebody reads an old state just now; PostgreSQL needs nothing.
        """
        await asyncio.get_running_loop().run_in_executor(self._threads, self.empty_journal)

    def empty_journal(self) -> None:
        """Do `forget_journal` here and now."""
        if self.dialect != "sqlite":
            return
        raw = self.engine.raw_connection()
        try:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            logger.warning("SQLite's journal could not be emptied: %s", error)
        finally:
            raw.close()

    def check_key(self) -> None:
        """Find out at the start, not in a conversation, that the key of what is stored is missing.

        Raises:
            DataKeyError: What was stored last cannot be read.
        """
        latest = select(conversation.c.base).order_by(conversation.c.updated_at.desc()).limit(1)
        stored = self.run_now(lambda connection: connection.execute(latest).scalar())
        if stored is not None:
            self.cipher.decrypt(stored)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=False)
        self.engine.dispose()

    def _run(self, work: Callable[[Connection], Result], write: bool) -> Result:
        for pause in (*RETRIES, None):
            try:
                result = self._once(work, write)
            except SQLAlchemyError as error:
                if pause is not None and isinstance(error, DBAPIError) and _passes(error):
                    time.sleep(pause)
                    continue
                # What one message has wrong in itself does not mean that the database is down.
                if isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
                    self.breaker.note(False)
                elif isinstance(error, StatementError):
                    logger.error("%s in: %s", type(error.orig).__name__, error.statement)
                # Not with the cause: PostgreSQL's own message quotes the statement with what people wrote.
                raise _failure(error) from None
            self.breaker.note(True)
            return result
        raise AssertionError("the last try returns or raises")

    def _once(self, work: Callable[[Connection], Result], write: bool) -> Result:
        if write and self.dialect == "sqlite":
            if not self._writer.acquire(timeout=STATEMENT_SECONDS):
                raise StorageUnavailable(f"other turns held the database for {STATEMENT_SECONDS} s")
            try:
                return self._transaction(work, write)
            finally:
                self._writer.release()
        return self._transaction(work, write)

    def _transaction(self, work: Callable[[Connection], Result], write: bool) -> Result:
        with self.engine.connect() as plain:
            connection = plain.execution_options(write=write)
            with connection.begin():
                return work(connection)


@functools.lru_cache(maxsize=4)
def _shared(process: int, url: str) -> Database:
    return Database.open(url)


def shared_database() -> Database:
    """Return this process's database of the environment, opened at the first call."""
    return _shared(os.getpid(), database_url())


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StorageError(
            "DATABASE_URL is no address of a database: write postgresql://user:password@host:5432/name or sqlite:///file"
        ) from error
    # Errors must not quote what people wrote.
    options: dict[str, Any] = {"future": True, "hide_parameters": True}
    if address.get_backend_name() == "sqlite":
        if not address.database or address.database == ":memory:":
            raise StorageError("a database in memory keeps nothing: name a file, sqlite:////folder/milia.db")
        return _sqlite(address, options)
    if address.get_backend_name() == "postgresql":
        limits = (
            f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={STATEMENT_SECONDS}s "
            f"-c idle_in_transaction_session_timeout={STATEMENT_SECONDS * 2}s"
        )
        connect = {
            "connect_timeout": CONNECT_SECONDS, "options": limits, "application_name": "milia",
            "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000,
        }  # fmt: skip
        options |= {"pool_size": THREADS, "max_overflow": 2, "pool_timeout": STATEMENT_SECONDS, "pool_pre_ping": True}
        return create_engine(address, connect_args=connect, **options)
    raise StorageError(f"DATABASE_URL names the database system {address.get_backend_name()!r}; allowed: postgresql, sqlite")


def _sqlite(address: Any, options: dict[str, Any]) -> Engine:
    file = Path(address.database).absolute()
    try:
        private_folder(file.parent)
        # Made for its owner only, whoever makes it; SQLite gives its journal the same rights.
        os.close(os.open(file, os.O_RDONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageUnavailable(f"the database {file} cannot be made or read: {error.strerror}") from error
    options |= {"poolclass": QueuePool, "pool_size": THREADS, "max_overflow": 2, "pool_timeout": STATEMENT_SECONDS}
    engine = create_engine(address, connect_args={"check_same_thread": False, "timeout": STATEMENT_SECONDS}, **options)

    def connected(connection: Any, record: Any) -> None:
        # Transactions are begun below, not by the driver's guess: it would leave DDL out of them.
        connection.isolation_level = None
        for setting in _SQLITE_SETTINGS:
            connection.execute(setting)

    def begun(connection: Connection) -> None:
        # A transaction that starts by reading and then writes fails at once when another one writes; so writers say so.
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _write_ahead(engine: Engine) -> None:
    """Switch a SQLite file to write-ahead logging, so that readers and a writer do not stop each other."""
    raw = engine.raw_connection()
    try:
        (mode,) = raw.execute("PRAGMA journal_mode=WAL").fetchone()
    except sqlite3.Error as error:
        raise DBAPIError("PRAGMA journal_mode=WAL", None, error) from error
    finally:
        raw.close()
    if mode != "wal":
        raise StorageUnavailable(f"SQLite keeps its journal as {mode!r}, not 'wal': is the file on a network drive?")


def _passes(error: DBAPIError) -> bool:
    """Tell whether another try may succeed."""
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "pgcode", None)
    if code:
        return str(code).startswith(_PASSING)
    if isinstance(error.orig, sqlite3.Error):
        # Only at the switch to WAL, where SQLite does not wait for others; elsewhere the wait is over by now.
        return "journal_mode" in str(error.statement) and "locked" in str(error.orig)
    return type(error.orig).__name__ in ("OperationalError", "InterfaceError")  # psycopg2 without a code: no connection


def _failure(error: SQLAlchemyError) -> StorageError:
    """Return what a caller gets instead: the reason in one line, without parameters or addresses."""
    if isinstance(error, PoolTimeout):
        return StorageUnavailable("all connections to the database are in use")
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "pgcode", None)
        if code:
            return StorageUnavailable(f"the database refuses: {type(error.orig).__name__} {code}")
        if isinstance(error.orig, sqlite3.Error):
            return StorageUnavailable(f"the database refuses: {error.orig}")
        return StorageUnavailable(f"the database cannot be reached ({type(error.orig).__name__})")
    return StorageUnavailable(f"the database failed ({type(error).__name__})")
