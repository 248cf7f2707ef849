"""Turns of one conversation run one after the other on all servers; a lost or slow Redis stops nobody, a killed server's lock ends soon."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_services import LocalRedis, require
from rasa.core.lock_store import LockError, LockStore
from rasa.utils.endpoints import EndpointConfig, read_endpoint_config
from sqlalchemy import select
from storage_turns import plain_store, say, take_turn

from milia.storage import locks, tables
from milia.storage.database import Database
from milia.storage.errors import ConversationChanged, StorageError
from milia.storage.locks import LEASE_SECONDS, ConversationLocks

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRedis]:
    require("redis-server")
    server = LocalRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def running(redis: LocalRedis) -> Iterator[LocalRedis]:
    """Redis, serving again after the test whatever the test did to it."""
    yield redis
    redis.stop()
    redis.start()


async def hold(store: ConversationLocks, conversation: str, seconds: float, inside: list[str], name: str) -> None:
    async with store.lock(conversation):
        inside.append(f"{name} in")
        await asyncio.sleep(seconds)
        inside.append(f"{name} out")


@pytest.mark.parametrize("shared", [False, True], ids=["one server", "two servers"])
def test_turns_of_one_conversation_never_overlap_and_others_do_not_wait(
    redis: LocalRedis, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Redis is there throughout: a machine that is busy with other tests must not pass for a Redis that is away.
    monkeypatch.setattr(locks, "CALL_SECONDS", 5.0)

    async def many() -> tuple[list[str], float]:
        one = ConversationLocks(url=redis.url)
        other = ConversationLocks(url=redis.url) if shared else one
        inside: list[str] = []
        began = time.monotonic()
        turns = [hold(store, "a", 0.01, inside, f"{store is one} {n}") for n in range(8) for store in (one, other)]
        await asyncio.gather(*turns, *(hold(one, f"other {n}", 0.1, [], "") for n in range(20)))
        seconds = time.monotonic() - began
        for store in {one, other}:
            await store.close()
        return inside, seconds

    inside, seconds = asyncio.run(many())
    assert len(inside) == 32
    assert all(inside[at].removesuffix(" in") == inside[at + 1].removesuffix(" out") for at in range(0, 32, 2))
    assert seconds < 3


def test_a_server_serves_its_own_turns_first_come_first_served() -> None:
    async def many() -> list[str]:
        store, inside = ConversationLocks(url=""), []
        await asyncio.gather(*(hold(store, "a", 0, inside, str(n)) for n in range(10)))
        return inside

    assert [one for one in asyncio.run(many()) if one.endswith("in")] == [f"{n} in" for n in range(10)]


def test_a_long_turn_keeps_its_lock_and_a_killed_servers_lock_ends_by_itself(redis: LocalRedis) -> None:
    async def kill() -> tuple[float, float]:
        dead, alive = ConversationLocks(url=redis.url), ConversationLocks(url=redis.url)
        inside: list[str] = []
        began = time.monotonic()
        long = asyncio.create_task(hold(dead, "a", LEASE_SECONDS * 1.5, inside, "long"))
        await asyncio.sleep(0.1)
        await hold(alive, "a", 0, inside, "next")
        assert inside == ["long in", "long out", "next in", "next out"]
        kept = time.monotonic() - began
        await long
        lock = await dead._take("a", LEASE_SECONDS, 0.02)  # taken, and nobody renews it any more
        assert lock is not None
        began = time.monotonic()
        await hold(alive, "a", 0, inside, "after")
        return kept, time.monotonic() - began

    kept, waited = asyncio.run(kill())
    assert kept >= LEASE_SECONDS * 1.5
    assert 1 < waited <= LEASE_SECONDS + 0.5


def test_who_waits_too_long_is_told(redis: LocalRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.3)

    async def wait() -> None:
        one, other = ConversationLocks(url=redis.url), ConversationLocks(url=redis.url)
        async with one.lock("a"):
            with pytest.raises(LockError):
                await hold(other, "a", 0, [], "other")
        await hold(other, "a", 0, [], "other")  # and nothing is left locked

    asyncio.run(wait())


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_without_redis_turns_go_on_at_once_and_come_back_to_it_within_three_seconds(running: LocalRedis, how: str) -> None:
    async def lose() -> tuple[list[float], float]:
        store = ConversationLocks(url=running.url)
        await hold(store, "a", 0, [], "before")
        running.kill() if how == "killed" else running.signal(signal.SIGSTOP)
        times = []
        for number in range(10):
            began = time.monotonic()
            await hold(store, f"c{number}", 0, [], "without")
            times.append(time.monotonic() - began)
        assert store.breaker.open
        running.start() if how == "killed" else running.signal(signal.SIGCONT)
        began = time.monotonic()
        while store.breaker.open:
            await hold(store, "a", 0, [], "after")
            await asyncio.sleep(0.05)
        return times, time.monotonic() - began

    times, back = asyncio.run(lose())
    assert max(times) < 1.2, "a turn waits for Redis"
    assert sum(times[2:]) < 1.2, "turns wait for a Redis that is known to be away"
    assert back < 3


def test_redis_lost_in_mid_turn_fails_no_turn(running: LocalRedis) -> None:
    async def lose() -> list[str]:
        store, inside = ConversationLocks(url=running.url), []
        turn = asyncio.create_task(hold(store, "a", 0.8, inside, "turn"))
        await asyncio.sleep(0.1)
        running.kill()
        await turn
        return inside

    assert asyncio.run(lose()) == ["turn in", "turn out"]


def test_without_locks_the_database_refuses_the_turn_that_comes_second(
    url: str, open_database: Callable[..., Database]
) -> None:
    """Why a server may go on without Redis: what keeps turns whole and in order is not the lock."""
    stores = [plain_store(open_database(url)) for _ in range(2)]

    async def both() -> list[Any]:
        await take_turn(stores[0], "a", "m0")
        trackers = [await store.retrieve("a") for store in stores]
        for number, tracker in enumerate(trackers, start=1):
            say(tracker, "at once", f"m{number}")
        done = await asyncio.gather(*(store.save(t) for store, t in zip(stores, trackers)), return_exceptions=True)
        second = next(number for number, error in enumerate(done, start=1) if error is not None)
        await take_turn(stores[0], "a", f"m{second}")
        return done

    done = asyncio.run(both())
    assert sorted(type(error).__name__ for error in done) == ["ConversationChanged", "NoneType"]
    assert any(isinstance(error, ConversationChanged) for error in done)
    with stores[0].database.engine.connect() as connection:
        found = connection.execute(select(tables.turn.c.message_id).order_by(tables.turn.c.number)).scalars().all()
    assert sorted(found) == ["m0", "m1", "m2"]


def test_no_id_stands_in_redis(redis: LocalRedis) -> None:
    async def keys() -> list[bytes]:
        store = ConversationLocks(url=redis.url)
        async with store.lock("Roberta"):
            return list(await store._redis.keys("*"))

    found = asyncio.run(keys())
    assert any(key.startswith(b"milia:lock:") for key in found)
    assert not any(b"Roberta" in key for key in found)


def test_rasa_takes_it_from_the_projects_wiring(redis: LocalRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint: EndpointConfig = read_endpoint_config(str(ROOT / "endpoints.yml"), "lock_store")
    monkeypatch.setenv("REDIS_URL", redis.url)
    store = LockStore.create(endpoint)
    assert isinstance(store, ConversationLocks) and store._redis is not None
    monkeypatch.delenv("REDIS_URL")
    assert LockStore.create(endpoint)._redis is None


def test_an_address_of_no_use_is_refused_without_its_password() -> None:
    with pytest.raises(StorageError, match="REDIS_URL is no address of a Redis") as refused:
        ConversationLocks(url="memcached://user:geheim@host")
    assert "geheim" not in str(refused.value)
