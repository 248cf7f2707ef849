"""The database away, slow, full, read-only; servers killed: a turn is whole, once, in order, or the caller is told."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import storage_postgres as pg
from rasa.shared.core.events import UserUttered
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError
from storage_turns import NewStore, plain_store, take_turn

from milia.breaker import Breaker
from milia.storage import tables
from milia.storage.conversations import Conversations
from milia.storage.database import CALL_SECONDS, Database
from milia.storage.encryption import TextCipher
from milia.storage.errors import StorageUnavailable, TurnAlreadyStored
from milia.storage.tracker_store import ConversationStore

BACK_SECONDS = 3.0


def run(work: Any) -> Any:
    return asyncio.run(work)


def check_whole(database: Database) -> dict[str, list[str]]:
    """Check that no conversation has a gap, a half turn or a double; returns the ids of its messages."""
    found: dict[str, list[str]] = {}
    with database.engine.connect() as connection:
        for row in connection.execute(select(tables.conversation)).all():
            positions = select(tables.event.c.position).where(tables.event.c.conversation == row.id)
            assert sorted(connection.execute(positions).scalars()) == list(range(row.next_position))
            query = select(tables.turn).where(tables.turn.c.conversation == row.id).order_by(tables.turn.c.number)
            turns = connection.execute(query).all()
            assert [turn.number for turn in turns] == list(range(row.next_turn))
            assert [turn.first_position for turn in turns] == [0, *(turn.end_position for turn in turns[:-1])]
            assert turns[-1].end_position == row.next_position
            found[row.conversation_id] = [turn.message_id for turn in turns]
    for conversation, messages in found.items():
        assert len(set(messages)) == len(messages)
        told = run(Conversations(database).turns(conversation, limit=10_000))
        assert [turn.replies[0]["text"] for turn in told] == [f"Reply to {message}. Call 911." for message in messages]
    return found


# Killed servers


def _writer(url: str, name: str, first: int, acknowledged: int) -> None:
    """Take turns for ever; write each message's id to the pipe once its turn is stored."""
    store = plain_store(Database.open(url, TextCipher()))

    async def forever() -> None:
        number = first
        while True:
            await take_turn(store, name, f"{name}-{number}", slots={"turn": number})
            os.write(acknowledged, f"{name}-{number}\n".encode())
            number += 1

    asyncio.run(forever())


def test_a_server_killed_in_mid_turn_loses_and_doubles_nothing(url: str, open_database: Callable[..., Database]) -> None:
    database = open_database(url)
    context = multiprocessing.get_context("fork")
    said: list[str] = []
    dice = random.Random(4)
    next_number = {"a": 0, "b": 0}
    for _ in range(6):
        readable, writable = os.pipe()
        writers = [
            context.Process(target=_writer, args=(url, name, number, writable)) for name, number in next_number.items()
        ]
        for writer in writers:
            writer.start()
        os.close(writable)
        time.sleep(0.5 + dice.random() * 0.5)
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
        with open(readable, encoding="ascii") as pipe:
            said += pipe.read().split()
        stored = check_whole(database)
        # What was stored and not acknowledged has its turn: the next server goes on behind it.
        next_number = {name: len(stored.get(name, [])) for name in next_number}
    assert len(said) > 20, "the writers hardly wrote: the test shows nothing"
    stored = check_whole(database)
    for name in next_number:
        assert stored[name] == [f"{name}-{number}" for number in range(len(stored[name]))]
        assert [one for one in said if one.startswith(name)] == [one for one in stored[name] if one in set(said)]
    everything = {one for messages in stored.values() for one in messages}
    assert set(said) <= everything
    assert len(everything) - len(said) <= 6 * 2  # at most the turn in progress at each kill


async def until_stored(store: ConversationStore, name: str, message: str, deadline: float) -> None:
    """Do what a client does: send the same message again until it has its reply."""
    while True:
        try:
            await take_turn(store, name, message)
            return
        except TurnAlreadyStored as stored:
            assert stored.replies[0]["text"] == f"Reply to {message}. Call 911."
            return
        except StorageUnavailable:
            assert time.monotonic() < deadline, "the store does not come back"
            await asyncio.sleep(0.05)


@pytest.fixture
def own_postgres(request: pytest.FixtureRequest) -> Iterator[pg.Postgres]:
    """The server, running again after the test whatever the test did to it."""
    server: pg.Postgres = request.getfixturevalue("postgres")
    yield server
    server.restore()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_postgresql_stopped_under_load_loses_and_doubles_nothing(
    own_postgres: pg.Postgres, open_database: Callable[..., Database], how: signal.Signals
) -> None:
    database = open_database(own_postgres.new_database())
    stores = {name: plain_store(database) for name in "abcd"}
    stop = threading.Event()

    def disturb() -> None:
        for _ in range(3):
            time.sleep(0.7)
            own_postgres.stop(how)
            time.sleep(0.2)
            own_postgres.start()
        stop.set()

    sent: dict[str, int] = dict.fromkeys(stores, 0)

    async def client(name: str) -> None:
        while not stop.is_set() or sent[name] < 5:
            await until_stored(stores[name], name, f"{name}-{sent[name]}", time.monotonic() + 30)
            sent[name] += 1

    async def clients() -> None:
        await asyncio.gather(*map(client, stores))

    disturber = threading.Thread(target=disturb)
    disturber.start()
    run(clients())
    disturber.join()
    stored = check_whole(database)
    assert stored == {name: [f"{name}-{number}" for number in range(count)] for name, count in sent.items()}


def test_postgresql_down_is_an_error_at_once_and_back_within_three_seconds(
    own_postgres: pg.Postgres, open_database: Callable[..., Database]
) -> None:
    store = plain_store(open_database(own_postgres.new_database()))
    run(take_turn(store, "a", "m0"))
    own_postgres.stop()
    for number in range(8):
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            run(take_turn(store, "a", "m1"))
        assert time.monotonic() - began < (2.0 if number < 4 else 0.5)
    own_postgres.start()
    began = time.monotonic()
    run(until_stored(store, "a", "m1", began + BACK_SECONDS))
    assert [turn.message_id for turn in run(Conversations(store.database).turns("a"))] == ["m0", "m1"]


def test_postgresql_frozen_holds_no_turn_for_long(own_postgres: pg.Postgres, open_database: Callable[..., Database]) -> None:
    database = open_database(own_postgres.new_database())
    store = plain_store(database)
    run(take_turn(store, "a", "m0"))

    async def talk() -> list[float]:
        own_postgres.freeze(True)
        spent = []
        for _ in range(4):
            began = time.monotonic()
            with pytest.raises(StorageUnavailable):
                await take_turn(store, "a", "m1")
            spent.append(time.monotonic() - began)
        own_postgres.freeze(False)
        await until_stored(store, "a", "m1", time.monotonic() + BACK_SECONDS)
        return spent

    spent = run(talk())
    assert max(spent) < CALL_SECONDS + 1
    assert spent[-1] < 0.5  # the breaker is open by then
    assert check_whole(database) == {"a": ["m0", "m1"]}


def test_a_server_waits_at_its_start_for_a_database_that_starts_too(own_postgres: pg.Postgres) -> None:
    url = own_postgres.new_database()
    own_postgres.stop()
    late = threading.Timer(1.0, own_postgres.start)
    late.start()
    opened = Database.open(url, TextCipher(), patience=20)
    late.join()
    opened.close()


def test_a_server_whose_database_never_comes_does_not_start() -> None:
    url = f"postgresql://milia:hunter22@127.0.0.1:{pg.free_port()}/none"
    began = time.monotonic()
    with pytest.raises(StorageUnavailable) as caught:
        Database.open(url, TextCipher(), patience=0.5)
    assert time.monotonic() - began < 5
    assert "hunter22" not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb)).replace(url, "")


# A database that refuses


def test_a_read_only_postgresql_is_an_error_and_nothing_is_stored(
    own_postgres: pg.Postgres, open_database: Callable[..., Database]
) -> None:
    database = open_database(own_postgres.new_database())
    store = plain_store(database)
    run(take_turn(store, "a", "m0"))
    name = database.engine.url.database

    def read_only(on: str) -> None:
        own_postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {on}")
        database.engine.dispose()  # the setting is that of new connections

    read_only("on")
    with pytest.raises(StorageUnavailable, match="25006"):
        run(take_turn(store, "a", "m1"))
    read_only("off")
    run(until_stored(store, "a", "m1", time.monotonic() + BACK_SECONDS))
    assert check_whole(database) == {"a": ["m0", "m1"]}


def test_a_read_only_sqlite_is_an_error_and_nothing_is_stored(sqlite: Database) -> None:
    store = plain_store(sqlite)
    run(take_turn(store, "a", "m0"))

    def only_read(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    event.listen(sqlite.engine, "connect", only_read)
    sqlite.engine.dispose()
    with pytest.raises(StorageUnavailable, match="readonly"):
        run(take_turn(store, "a", "m1"))
    event.remove(sqlite.engine, "connect", only_read)
    sqlite.engine.dispose()
    run(until_stored(store, "a", "m1", time.monotonic() + BACK_SECONDS))
    assert check_whole(sqlite) == {"a": ["m0", "m1"]}


def _fill(url: str, results: Any) -> None:
    """Take turns until the disk has no room; then make room, and go on."""
    store = plain_store(Database.open(url, TextCipher()))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = Path(url.removeprefix("sqlite:///"))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 400_000, hard))
    stored, error = 0, ""
    for number in range(200):
        try:
            run(take_turn(store, "a", f"a-{number}", "x" * 5000))
            stored += 1
        except StorageUnavailable as failure:
            error = str(failure)
            break
    refused = [0, 0]
    for _ in range(5):
        refused[0] += 1
        try:
            run(take_turn(store, "a", f"a-{stored}", "x" * 5000))
        except StorageUnavailable:
            refused[1] += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    run(until_stored(store, "a", f"a-{stored}", time.monotonic() + BACK_SECONDS))
    results.put((stored, error, refused))


def test_a_full_disk_is_an_error_and_nothing_is_stored_half(tmp_path: Path, open_database: Callable[..., Database]) -> None:
    """The kernel refuses to let the files grow, as it does on a full disk."""
    url = f"sqlite:///{tmp_path}/milia.db"
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_fill, args=(url, results))
    child.start()
    stored, error, refused = results.get(timeout=60)
    child.join()
    assert 0 < stored < 200
    assert error.startswith("the database refuses: ")
    assert refused == [5, 5]
    assert check_whole(open_database(url)) == {"a": [f"a-{number}" for number in range(stored + 1)]}


def test_a_lock_held_by_another_is_waited_for_without_stopping_the_loop(sqlite: Database, tmp_path: Path) -> None:
    store = plain_store(sqlite)
    run(take_turn(store, "a", "m0"))
    other = sqlite3.connect(tmp_path / "milia.db", isolation_level=None, check_same_thread=False)

    async def talk() -> float:
        other.execute("BEGIN IMMEDIATE")
        turn = asyncio.create_task(take_turn(store, "a", "m1"))
        longest, last = 0.0, time.monotonic()
        while time.monotonic() - last < 10 and not turn.done():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
            if other.in_transaction and time.monotonic() - last > 0.8:
                other.execute("ROLLBACK")
        await turn
        return longest

    assert run(talk()) < 0.4, "the event loop stood still"
    other.close()
    assert check_whole(sqlite) == {"a": ["m0", "m1"]}


def test_a_lock_held_for_too_long_is_an_error(sqlite: Database, tmp_path: Path) -> None:
    store = plain_store(sqlite)
    run(take_turn(store, "a", "m0"))
    other = sqlite3.connect(tmp_path / "milia.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        run(take_turn(store, "a", "m1"))
    assert time.monotonic() - began < CALL_SECONDS + 1
    other.execute("ROLLBACK")
    other.close()
    run(until_stored(store, "a", "m1", time.monotonic() + BACK_SECONDS))
    assert check_whole(sqlite) == {"a": ["m0", "m1"]}


def test_a_commit_whose_answer_is_lost_is_stored_once(
    database: Database, new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(database)
    run(take_turn(store, "a", "m0"))
    real, lost = database._transaction, []

    def loses_the_answer(work: Any, write: bool) -> Any:
        result = real(work, write)
        if write and not lost:
            lost.append(1)
            raise OperationalError("COMMIT", None, ConnectionError(), connection_invalidated=True)
        return result

    monkeypatch.setattr(database, "_transaction", loses_the_answer)
    tracker = run(take_turn(store, "a", "m1"))
    assert lost
    run(take_turn(store, "a", "m2"))
    assert check_whole(database) == {"a": ["m0", "m1", "m2"]}
    assert [one.message_id for one in tracker.events if isinstance(one, UserUttered)] == ["m0", "m1"]


def test_tries_are_few(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def always_lost(work: Any, write: bool) -> Any:
        tries.append(1)
        raise OperationalError("SELECT", None, ConnectionError(), connection_invalidated=True)

    monkeypatch.setattr(database, "_transaction", always_lost)
    with pytest.raises(StorageUnavailable):
        database.run_now(lambda connection: None)
    assert len(tries) == 3


def test_an_error_quotes_nothing_that_people_wrote(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    def wrong(connection: Any) -> None:
        connection.execute(text("INSERT INTO no_such_table VALUES (:said)"), {"said": "my secret words"})

    with pytest.raises(StorageUnavailable) as caught:
        database.run_now(wrong, write=True)
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb)) + caplog.text
    assert "no_such_table" in shown
    assert "secret words" not in shown.replace('{"said": "my secret words"}', "")  # this test's own line


def test_what_is_wrong_with_one_message_does_not_shut_out_others(database: Database) -> None:
    def wrong(connection: Any) -> None:
        connection.execute(text("INSERT INTO turn (conversation) VALUES (NULL)"))

    for _ in range(10):
        with pytest.raises(StorageUnavailable):
            run(database.run(wrong, write=True))
    assert run(database.run(lambda connection: connection.execute(select(func.count()).select_from(tables.turn)).scalar())) == 0


def test_the_breaker_opens_tries_once_a_pause_and_closes() -> None:
    now = [100.0]
    breaker = Breaker(failures=3, pause=1.0, clock=lambda: now[0])
    for _ in range(2):
        assert breaker.allows()
        breaker.note(False)
    breaker.note(True)  # not in a row
    for _ in range(3):
        assert breaker.allows() and not breaker.open
        breaker.note(False)
    assert breaker.open and not breaker.allows()
    now[0] += 1.0
    assert breaker.allows()
    assert not breaker.allows(), "one trial at a time"
    breaker.note(False)
    assert not breaker.allows()
    now[0] += 1.0
    assert breaker.allows()
    breaker.note(True)
    assert not breaker.open and breaker.allows()
