"""Both servers as they run in production: a turn can be followed through their logs and traces, and nobody can be found in them.

Slow: it starts Rasa (marked e2e).
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from milia import processes, server, training
from milia.evaluation.replay import find_model
from milia.processes import Child
from milia.server import Settings

pytestmark = pytest.mark.e2e

READY_SECONDS = 180
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
KEYS = {name: secrets.token_hex(24) for name in ("MILIA_SECRET_KEY", "MILIA_API_TOKEN", "MILIA_REST_KEY", "MILIA_METRICS_KEY")}
# Each word is in one message alone, and in nothing else that a log could name.
PERSON = ("Quillfeather", "Roberta", "415-555-0134", "quill@example.org", "4929", "Marlowe Crescent")
MESSAGE = "I am Roberta Quillfeather of 7 Marlowe Crescent, 415-555-0134, quill@example.org, record 4929. what are milia?"


class Collector(ThreadingHTTPServer):
    """Stands for an OpenTelemetry collector: keeps the spans that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.raw: list[bytes] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def spans(self) -> list[tuple[str, Any]]:
        """Return each span with the name of its process."""
        found = []
        for raw in list(self.raw):
            sent = ExportTraceServiceRequest.FromString(raw)
            for resource in sent.resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                found += [(names["service.name"], span) for scope in resource.scope_spans for span in scope.spans]
        return found


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.raw.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class World:
    """The servers, their logs, and what they export."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            ports = one.getsockname()[1], two.getsockname()[1]
        self.settings = Settings(root=training.ROOT, var=folder, port=ports[0], actions_port=ports[1])
        self.collector = Collector()
        self.children: dict[str, Child] = {}

    def start(self) -> None:
        model = find_model(training.ROOT)
        assert model is not None, "no trained model: run `make train`"
        to_run = server.services(self.settings, model)
        for service in to_run:
            log = self.settings.var / "log" / f"{service.name}.log"
            self.children[service.name] = processes.start(service.name, service.command, log, training.ROOT, service.environment)
        deadline = time.monotonic() + READY_SECONDS
        while self.get("/health/ready")[0] != 200:
            for child in self.children.values():
                assert not child.ended, processes.tail(child.log, 40)
            assert time.monotonic() < deadline, processes.tail(self.children["rasa"].log, 40)
            time.sleep(0.5)
        while True:  # the first turn loads what later ones find; on a busy machine it takes longer than a person waits
            try:
                return server.warm_up(self.settings.url)
            except processes.CommandError:
                assert time.monotonic() < deadline, processes.tail(self.children["rasa"].log, 40)

    def get(self, path: str, key: str = "", actions: bool = False) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self.ask("GET", path, headers=headers, actions=actions)

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, actions: bool = False
    ) -> tuple[int, str]:
        base = self.settings.actions_url if actions else self.settings.url
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            with OPENER.open(urllib.request.Request(base + path, data, sent, method=method), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def say(self, text: str) -> str:
        """Say one thing in a new conversation on the web; return all that the bot answers."""
        status, opened = self.ask("POST", "/webhooks/web/conversations", {})
        assert status == 201, opened
        key = {"Authorization": f"Bearer {json.loads(opened)['token']}"}
        status, said = self.ask("POST", "/webhooks/web/messages", {"id": uuid.uuid4().hex, "text": text}, key)
        assert status == 200, said
        return said

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Return the log of a server; a line that is no JSON fails."""
        text = self.children[name].log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start both servers in production, with all keys, logs for programs and traces."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith(("MILIA_", "OTEL_"))]:
        patch.delenv(name)
    world = World(tmp_path_factory.mktemp("var"))
    address = f"http://127.0.0.1:{world.collector.server_address[1]}"
    for name, value in {**KEYS, "MILIA_ENV": "production", "OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "200"}.items():
        patch.setenv(name, value)
    try:
        world.start()
        yield world
    finally:
        processes.stop(list(world.children.values()), 12)
        world.collector.shutdown()
        world.collector.server_close()
        patch.undo()


def test_a_turn_is_found_in_both_logs_by_one_id_that_is_not_the_senders(world: World) -> None:
    before = len(world.lines("rasa"))
    assert "milia" in world.say("what are milia?")
    (turn,) = [line for line in world.lines("rasa")[before:] if line["event"] == "turn"]
    assert turn["outcome"] == "answered" and turn["channel"] == "web"
    assert set(turn["steps_ms"]) == {"understanding", "policy", "action", "store"}
    (action,) = [line for line in world.lines("actions") if line.get("turn") == turn["turn"]]
    assert (action["event"], action["outcome"]) == ("action", "ok")


def test_a_turn_is_one_trace_through_both_servers(world: World) -> None:
    world.say("what are milia?")
    (turn_id,) = {line["turn"] for line in world.lines("rasa")[-1:]}
    deadline = time.monotonic() + 20
    mine: list[tuple[str, Any]] = []
    while {name for name, _ in mine} != {"milia-rasa", "milia-actions"}:
        assert time.monotonic() < deadline, "the spans of both servers did not arrive"
        time.sleep(0.2)
        spans = world.collector.spans()
        roots = [
            span for _, span in spans if span.name == "turn" and any(one.value.string_value == turn_id for one in span.attributes)
        ]
        mine = [(name, span) for name, span in spans if roots and span.trace_id == roots[0].trace_id]
    ids = {span.span_id: span.name for _, span in mine}
    action = next(span for name, span in mine if name == "milia-actions")
    assert ids[action.parent_span_id] == "action", "the action server's span is below the call"


def test_readiness_and_metrics_of_both_servers_answer_with_the_key_alone(world: World) -> None:
    assert json.loads(world.get("/health/ready")[1]) == {"status": "ready", "parts": {"model": "ok", "store": "ok", "actions": "ok"}}
    for actions in (False, True):
        assert world.get("/health/live", actions=actions)[0] == 200
        assert world.get("/metrics", actions=actions)[0] == 404
        status, exposed = world.get("/metrics", KEYS["MILIA_METRICS_KEY"], actions=actions)
        assert status == 200 and "milia_action_seconds" in exposed
    assert 'milia_turns_total{channel="web",outcome="answered"}' in world.get("/metrics", KEYS["MILIA_METRICS_KEY"])[1]


def test_no_page_may_call_the_action_server(world: World) -> None:
    request = urllib.request.Request(f"{world.settings.actions_url}/health", headers={"Origin": "https://evil.example"})
    with OPENER.open(request, timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] is None


def test_the_http_api_takes_its_key_from_a_header_alone(world: World) -> None:
    assert world.get("/status", KEYS["MILIA_API_TOKEN"])[0] == 200
    assert world.get("/status")[0] == 401
    assert world.get(f"/status?token={KEYS['MILIA_API_TOKEN']}")[0] == 401


def test_nobody_and_no_key_is_found_in_logs_metrics_or_traces(world: World) -> None:
    """Through every door, also with requests that make Rasa, Sanic and the action server fail."""
    rest, key = "/webhooks/rest/webhook", {"Authorization": f"Bearer {KEYS['MILIA_REST_KEY']}"}
    world.say(MESSAGE)
    for body in (
        {"sender": PERSON[0], "message": MESSAGE},
        {"sender": PERSON[0], "message": f'/ask_definition{{"who": "{PERSON[1]}"}}'},
        {"sender": PERSON[0], "message": f"/{PERSON[0]}"},
        {"sender": PERSON[0], "message": f'/answer_check{{"choice": "{PERSON[0]}"'},
        {"sender": PERSON[0], "message": MESSAGE, "input_channel": PERSON[1], "metadata": {"x": MESSAGE}},
        {"sender": [PERSON[0]], "message": {"text": MESSAGE}},
        MESSAGE.encode(),
    ):
        world.ask("POST", rest, body, key)
    world.ask("POST", rest, {"sender": PERSON[0], "message": MESSAGE}, {"Authorization": f"Bearer {KEYS['MILIA_REST_KEY']}x"})
    world.get(f"/conversations/{PERSON[0]}/tracker?token={KEYS['MILIA_API_TOKEN']}&who={PERSON[1]}")
    world.ask("POST", f"/conversations/{PERSON[0]}/execute", {"name": MESSAGE}, {"Authorization": f"Bearer {KEYS['MILIA_API_TOKEN']}"})
    world.ask("POST", "/model/parse", {"text": MESSAGE}, {"Authorization": f"Bearer {KEYS['MILIA_API_TOKEN']}"})
    world.ask("POST", "/model/parse", MESSAGE.encode(), {"Authorization": f"Bearer {KEYS['MILIA_API_TOKEN']}"})
    # The action server: an error whose text quotes the tracker, an unknown action, and no JSON.
    tracker = {"sender_id": PERSON[0], "slots": {"check": MESSAGE}, "latest_message": {"text": MESSAGE}}
    status, answer = world.ask("POST", "/webhook", {"next_action": "action_answer", "tracker": tracker}, actions=True)
    assert status == 500 and set(json.loads(answer)) == {"error"}, "the kind alone"
    assert not any(part in answer for part in PERSON)
    assert world.ask("POST", "/webhook", {"next_action": PERSON[1], "tracker": tracker}, actions=True)[0] == 404
    world.ask("POST", "/webhook", MESSAGE.encode(), actions=True)
    time.sleep(1)  # the spans of the last turns
    logs = {name: child.log.read_text(encoding="utf-8") for name, child in world.children.items()}
    assert any(line.get("withheld") for line in world.lines("rasa")), "some of these were bound to make other libraries speak"
    assert any(line.get("error") for line in world.lines("actions"))
    places = {
        **logs,
        "metrics": world.get("/metrics", KEYS["MILIA_METRICS_KEY"])[1],
        "metrics of actions": world.get("/metrics", KEYS["MILIA_METRICS_KEY"], actions=True)[1],
        "traces": b"".join(world.collector.raw).decode("latin-1"),
    }
    assert len(places["traces"]) > 1000
    for place, text in places.items():
        for part in (*PERSON, *KEYS.values()):
            assert part not in text, f"{part!r} in {place}"


def test_with_the_action_server_gone_the_server_is_not_ready_and_still_warns(world: World) -> None:
    child = world.children["actions"]
    child.signal_group(signal.SIGKILL)
    child.process.wait()
    time.sleep(1.1)
    status, said = world.get("/health/ready")
    assert (status, json.loads(said)["parts"]["actions"]) == (503, "not reachable")
    assert world.get("/health/ready?without=actions")[0] == 200
    assert world.get("/health/live")[0] == 200
    assert "could not fetch" in world.say("how long do milia last?")
    assert "emergency help now" in world.say("my newborn has a temperature of 38.5")
    assert 'milia_action_failures_total{kind="connection"} 1.0' in world.get("/metrics", KEYS["MILIA_METRICS_KEY"])[1]
    assert "how long" not in world.children["rasa"].log.read_text(encoding="utf-8")
