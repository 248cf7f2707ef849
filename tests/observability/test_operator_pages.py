"""The operator's pages: what they say of each part that is away, whom they serve, and that they hold nobody up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from operator_server import ActionServer, Served, operator_app
from sqlalchemy import text

from milia.action_calls import breaker_of
from milia.observability import health
from milia.observability.access import MetricsAccess, MetricsSettingError
from milia.observability.door import OperatorPages
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.event_broker import StoredEvents
from milia.storage.locks import ConversationLocks

KEY = "k" * 12 + "0123456789ab"
FORWARDED = ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}, {"Via": "1.1 proxy"}, {"X-Real-IP": "203.0.113.9"})


class World:
    """The parts of a server, each of which can be taken away."""

    def __init__(self, folder: Path, access: MetricsAccess, token: str = "") -> None:
        self.database = Database.open(f"sqlite:///{folder}/milia.db", TextCipher(()))
        self.actions = ActionServer()
        self.store: Any = SimpleNamespace(database=self.database)
        self.app = operator_app(OperatorPages(access, token), self.store, f"http://127.0.0.1:{self.actions.port}/webhook")
        self.rasa = Served(self.app)

    def ready(self, query: str = "") -> tuple[int, dict[str, str]]:
        time.sleep(health.HOLD_SECONDS + 0.05)  # an answer holds for so long
        answer = self.rasa.get(f"/health/ready{query}")
        return answer.status, answer.json["parts"]

    def close(self) -> None:
        self.rasa.stop()
        self.actions.stop()
        self.database.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a part that is in order may take its time; what never answers takes this long."""
    monkeypatch.setattr(health, "STORE_SECONDS", 30.0)
    monkeypatch.setattr(health, "ACTION_SECONDS", 30.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, MetricsAccess(on=True))
    yield world
    world.close()


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, MetricsAccess(on=True, key=KEY), token=KEY)
    yield world
    world.close()


def test_a_server_with_all_its_parts_is_ready(world: World) -> None:
    assert world.ready() == (200, {"model": "ok", "store": "ok", "actions": "ok"})
    assert world.rasa.get("/health/live").json == {"status": "live"}


def test_a_server_without_its_model_is_not_ready_and_lives(world: World) -> None:
    world.app.ctx.agent.is_ready = lambda: False
    assert world.ready() == (503, {"model": "not loaded", "store": "ok", "actions": "ok"})
    world.app.ctx.agent = None
    assert world.ready()[1]["model"] == "starting"
    assert world.rasa.get("/health/live").status == 200


def test_a_store_that_is_away_old_or_only_in_memory_is_told(world: World) -> None:
    world.database.run_now(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num='0000'")), write=True)
    assert world.ready() == (503, {"model": "ok", "store": "not migrated", "actions": "ok"})
    world.database.run_now(lambda connection: connection.execute(text("DROP TABLE alembic_version")), write=True)
    assert world.ready()[1]["store"] == "not reachable"
    world.app.ctx.agent.tracker_store = SimpleNamespace()
    assert world.ready()[1]["store"] == "none"


def test_a_store_whose_breaker_is_open_is_told_without_asking_it(world: World) -> None:
    for _ in range(3):
        world.database.breaker.note(False)
    assert world.database.breaker.open
    world.database.breaker._next_trial = float("inf")
    assert world.ready()[1]["store"] == "not reachable"
    assert "milia_store_breaker_open 1.0" in world.rasa.get("/metrics").text


def test_what_a_server_goes_on_without_is_in_the_metrics_and_leaves_it_ready(world: World) -> None:
    agent = world.app.ctx.agent
    agent.lock_store = ConversationLocks(url="redis://127.0.0.1:1/0")
    broker = world.store.event_broker = StoredEvents("amqp://127.0.0.1:1", TextCipher(()), 30)
    broker.publish({"event": "user"})
    broker.dropped = 7
    for _ in range(3):
        agent.lock_store.breaker.note(False)
        breaker_of(agent.action_endpoint).note(False)
    assert world.ready()[0] == 200
    said = world.rasa.get("/metrics").text
    for part in ("redis", "rabbitmq", "actions"):
        assert f'milia_away{{part="{part}"}} 1.0' in said
    assert "milia_events_waiting 1.0" in said and "milia_events_dropped 7.0" in said


def test_an_action_server_that_is_down_or_slow_is_told_and_one_may_serve_without_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.actions.go.clear()
    with monkeypatch.context() as hurry:
        hurry.setattr(health, "ACTION_SECONDS", 0.2)
        assert world.ready() == (503, {"model": "ok", "store": "ok", "actions": "no answer in time"})
    world.actions.go.set()
    assert world.ready()[0] == 200
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    world.app.ctx.agent.action_endpoint.url = f"http://127.0.0.1:{port}/webhook"
    assert world.ready() == (503, {"model": "ok", "store": "ok", "actions": "not reachable"})
    assert world.ready("?without=actions")[0] == 200
    assert world.ready("?without=store")[0] == 503


def test_a_slow_part_holds_up_no_other_request_and_is_asked_once(world: World) -> None:
    world.actions.go.clear()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(world.rasa.get("/health/ready").status)) for _ in range(20)]
    for thread in threads:
        thread.start()
    while not world.actions.asked:
        time.sleep(0.01)
    assert world.rasa.get("/health/live").status == 200
    assert statuses == [], "the looks are still in progress"
    world.actions.go.set()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20
    assert world.actions.asked == 1


def test_reasons_name_no_address_and_no_file(world: World) -> None:
    world.app.ctx.agent.action_endpoint.url = "http://127.0.0.1:1/webhook"
    world.database.run_now(lambda connection: connection.execute(text("DROP TABLE alembic_version")), write=True)
    time.sleep(health.HOLD_SECONDS + 0.05)
    said = world.rasa.get("/health/ready").text
    assert "127.0.0.1" not in said and "milia.db" not in said and "alembic" not in said


# ------------------------------------------------------------------------------------------------------------- the metrics
def test_this_machine_reads_the_metrics_and_whoever_comes_through_a_proxy_does_not(world: World) -> None:
    assert "milia_turns_total" in world.rasa.get("/metrics").text
    for headers in FORWARDED:
        answer = world.rasa.get("/metrics", headers)
        assert (answer.status, "milia_" in answer.text) == (404, False)


def test_with_a_key_only_who_shows_it_reads_the_metrics(keyed: World) -> None:
    assert keyed.rasa.get("/metrics").status == 404
    for wrong in ("Bearer", f"Bearer {KEY}x", f"Basic {KEY}", KEY, "Bearer \udcff".encode("utf-8", "surrogateescape").decode("latin-1")):
        assert keyed.rasa.get("/metrics", {"Authorization": wrong}).status == 404
    for headers in ({}, *FORWARDED):
        assert keyed.rasa.get("/metrics", {"Authorization": f"Bearer {KEY}", **headers}).status == 200


@pytest.mark.parametrize(
    ("environment", "on", "key"),
    [
        ({}, True, ""),
        ({"MILIA_METRICS": "off"}, False, ""),
        ({"MILIA_METRICS": "off", "MILIA_METRICS_KEY": KEY}, False, KEY),
        ({"MILIA_ENV": "production"}, False, ""),
        ({"MILIA_ENV": "Production ", "MILIA_METRICS_KEY": KEY}, True, KEY),
    ],
)
def test_in_production_the_metrics_are_off_without_a_key(environment: dict[str, str], on: bool, key: str) -> None:
    assert MetricsAccess.from_environment(environment) == MetricsAccess(on, key)


@pytest.mark.parametrize("environment", [{"MILIA_METRICS": "open"}, {"MILIA_METRICS_KEY": "short"}])
def test_a_setting_of_the_metrics_that_is_not_allowed_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(MetricsSettingError, match="MILIA_METRICS") as caught:
        MetricsAccess.from_environment(environment)
    assert "short" not in str(caught.value)


# ----------------------------------------------------------------------------------------------- the key of Rasa's own API
def api_world(folder: Path, token: str) -> Served:
    """Rasa's real app with its HTTP API behind a key."""
    from rasa import server as rasa_server
    from rasa.core.channels import channel as rasa_channel

    app = rasa_server.create_app(auth_token=token)
    rasa_channel.register([OperatorPages(MetricsAccess(on=False), token)], app, route="/webhooks/")
    return Served(app)


def test_the_key_of_the_api_is_taken_from_a_header_and_refused_in_an_address(tmp_path: Path) -> None:
    served = api_world(tmp_path, KEY)
    try:
        right = served.get("/status", {"Authorization": f"Bearer {KEY}"})
        assert (right.status, right.json.get("reason")) == (409, "Conflict"), "past the key: no agent is loaded"
        assert served.get("/status").status == 401
        assert served.get("/status", {"Authorization": f"Bearer {KEY}x"}).status == 401
        for address in (f"/status?token={KEY}", f"/status?token=x&token={KEY}", "/status?token=wrong"):
            answer = served.get(address)
            assert answer.status == 401 and "header" in answer.text and KEY not in answer.text
    finally:
        served.stop()
