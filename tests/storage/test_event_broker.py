"""What is stored reaches RabbitMQ in order, without personal data; RabbitMQ away or slow holds up nobody, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from cryptography.fernet import Fernet
from local_services import LocalRabbit, require
from rasa.core.brokers.broker import EventBroker
from rasa.utils.endpoints import EndpointConfig, read_endpoint_config
from storage_turns import domain, plain_redact, take_turn

from milia.storage import event_broker
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.errors import StorageError
from milia.storage.event_broker import QUEUE, StoredEvents, opened
from milia.storage.tracker_store import ConversationStore

ROOT = Path(__file__).resolve().parents[2]
NO_KEY = TextCipher()


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRabbit]:
    require("epmd", "rabbitmq-server")
    server = LocalRabbit(tmp_path_factory.mktemp("rabbit"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def empty(rabbit: LocalRabbit) -> None:
    """Each test finds the queue empty."""
    asyncio.run(fetched(rabbit.url, 1_000_000, seconds=0.2))


@pytest.fixture
def running(rabbit: LocalRabbit) -> Iterator[LocalRabbit]:
    """RabbitMQ, serving again after the test whatever the test did to it."""
    yield rabbit
    rabbit.stop()
    rabbit.start()


async def fetched(url: str, count: int, seconds: float = 15) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """Take messages from the queue until there are so many."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, durable=True)
        found: list[aio_pika.abc.AbstractIncomingMessage] = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            message = await queue.get(no_ack=True, fail=False)
            if message is None:
                await asyncio.sleep(0.05)
            else:
                found.append(message)
        return found


def events(count: int, first: int = 0, of: str = "a") -> list[dict[str, Any]]:
    return [{"sender_id": of, "event": "user", "timestamp": 1.0, "text": f"message {n}"} for n in range(first, first + count)]


def texts(found: list[aio_pika.abc.AbstractIncomingMessage], of: str) -> list[str]:
    """Return what messages of a conversation say, each once: a RabbitMQ that was killed hands out again what was fetched just before."""
    bodies = [json.loads(message.body) for message in found]
    return list(dict.fromkeys(body["text"] for body in bodies if body["sender_id"] == of))


def with_broker(url: str, work: Callable[[StoredEvents], Awaitable[Any]], cipher: TextCipher = NO_KEY) -> Any:
    async def run() -> Any:
        broker = StoredEvents(url, cipher)
        broker.start()
        try:
            return await work(broker)
        finally:
            await broker.close()

    return asyncio.run(run())


async def connected(broker: StoredEvents, seconds: float = 20) -> float:
    began = time.monotonic()
    while not broker.connected:
        assert time.monotonic() - began < seconds, "no connection to RabbitMQ"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def test_events_arrive_in_order_and_stay_for_as_long_as_turns_do(rabbit: LocalRabbit) -> None:
    async def publish(broker: StoredEvents) -> list[Any]:
        for event in events(300):
            broker.publish(event)
        return await fetched(rabbit.url, 300)

    found = with_broker(rabbit.url, publish)
    assert [opened(message.body, NO_KEY) for message in found] == events(300)
    assert {(message.delivery_mode, message.expiration) for message in found} == {(2, 30 * 86_400)}


def test_what_the_store_publishes_holds_no_personal_data(rabbit: LocalRabbit, sqlite: Database) -> None:
    async def talk(broker: StoredEvents) -> list[Any]:
        store = ConversationStore(domain(), broker, database=sqlite, redact=plain_redact)
        await take_turn(store, "a", "m0", "I am Roberta")
        return await fetched(rabbit.url, 6)

    found = with_broker(rabbit.url, talk)
    assert any(opened(message.body, NO_KEY).get("text") == "I am [NAME]" for message in found)
    assert not any(b"Roberta" in message.body for message in found)


def test_with_a_key_nobody_reads_texts_in_the_queue(rabbit: LocalRabbit) -> None:
    cipher = TextCipher((Fernet.generate_key().decode(),))

    async def publish(broker: StoredEvents) -> list[Any]:
        broker.publish(events(1)[0])
        return await fetched(rabbit.url, 1)

    (message,) = with_broker(rabbit.url, publish, cipher)
    assert b"message 0" not in message.body and b'"sender_id": "a"' in message.body
    assert opened(message.body, cipher) == events(1)[0]


def test_a_start_without_rabbitmq_waits_for_nothing_and_sends_later(running: LocalRabbit) -> None:
    running.kill()

    async def publish(broker: StoredEvents) -> float:
        began = time.monotonic()
        for event in events(2000, of="late"):
            broker.publish(event)
        seconds = time.monotonic() - began
        await asyncio.sleep(1.5)  # it has tried meanwhile
        assert broker.waiting == 2000 and not broker.connected and broker.is_ready()
        await asyncio.to_thread(running.start)
        while broker.waiting:
            await asyncio.sleep(0.02)
        found = await fetched(running.url, 1_000_000, seconds=5)
        assert texts(found, "late") == [event["text"] for event in events(2000)]
        return seconds

    assert with_broker(running.url, publish) < 0.5


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_rabbitmq_lost_in_between_loses_no_event_and_is_found_again_in_three_seconds(running: LocalRabbit, how: str) -> None:
    async def lose(broker: StoredEvents) -> tuple[float, list[str]]:
        await connected(broker)
        for event in events(50, of=how):
            broker.publish(event)
        running.kill() if how == "killed" else running.signal(signal.SIGSTOP)
        for event in events(50, first=50, of=how):
            broker.publish(event)
        await asyncio.sleep(4)
        assert broker.waiting >= 50
        await asyncio.to_thread(running.start) if how == "killed" else running.signal(signal.SIGCONT)
        began = time.monotonic()
        while broker.waiting:
            await asyncio.sleep(0.02)
        back = time.monotonic() - began
        return back, texts(await fetched(running.url, 1_000_000, seconds=3), how)

    back, found = with_broker(running.url, lose)
    assert back < 3
    assert found == [event["text"] for event in events(100)], "lost, or in another order"


def test_a_broker_that_is_away_for_days_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_broker, "MOST_WAITING", 10)

    async def publish(broker: StoredEvents) -> tuple[int, int]:
        for event in events(25):
            broker.publish(event)
        return broker.waiting, broker.dropped

    assert with_broker("amqp://127.0.0.1:1", publish) == (10, 15)


def test_a_server_that_ends_sends_what_waits(rabbit: LocalRabbit) -> None:
    async def publish(broker: StoredEvents) -> None:
        await connected(broker)
        for event in events(100):
            broker.publish(event)

    with_broker(rabbit.url, publish)
    assert len(asyncio.run(fetched(rabbit.url, 100))) == 100


def test_rasa_takes_it_from_the_projects_wiring(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint: EndpointConfig = read_endpoint_config(str(ROOT / "endpoints.yml"), "event_broker")

    async def create() -> Any:
        broker = await EventBroker.create(endpoint)
        if broker is not None:
            await broker.close()
        return broker

    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    assert asyncio.run(create()) is None
    monkeypatch.setenv("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:1/")
    assert isinstance(asyncio.run(create()), StoredEvents)


def test_an_address_of_no_use_is_refused_without_its_password() -> None:
    with pytest.raises(StorageError, match="RABBITMQ_URL is no address of a RabbitMQ") as refused:
        StoredEvents("http://user:geheim@host")
    assert "geheim" not in str(refused.value)
