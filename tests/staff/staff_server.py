"""The staff console on a real HTTP server, with or without a model behind it, and people who are logged in."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import yaml
from rasa import server as rasa_server
from rasa.core.channels import channel as rasa_channel
from sanic import Sanic
from sanic.touchup import TouchUp

from milia.staff.channel import StaffChannel
from milia.staff.routes import at

# Sanic rewrites its own methods as an application starts, which works once in a process; here there are several that
# need the same.
_rewritten: list[None] = []
_rewrite = TouchUp.run
TouchUp.run = lambda app: _rewritten or _rewritten.append(_rewrite(app))

ROOT = Path(__file__).resolve().parents[2]
API = "/staff/api"
PASSWORD = "a long enough password"


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])


class StaffServer:
    """Serves the console until `stop`."""

    def __init__(self, channel: StaffChannel, agent: Any = None) -> None:
        self.app = Sanic(f"staff_{id(self)}", configure_logging=False)
        rasa_server.add_root_route(self.app)
        rasa_server.configure_cors(self.app, "")
        rasa_channel.register([channel], self.app, route="/webhooks/")
        self.app.ctx.agent = agent or SimpleNamespace(processor=None)
        self.channel = channel
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(20), "the test server did not start"

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        server = await self.app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
        assert server is not None
        await server.startup()
        await server.before_start()
        await server.after_start()
        self.port = listening.getsockname()[1]
        self._started.set()
        await self._stop.wait()
        await server.before_stop()
        server.close()
        await server.wait_closed()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)

    def do(self, work: Any) -> Any:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request; a body that is not bytes goes as JSON."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()
        check_contract(method, path, found)
        return found


@lru_cache(maxsize=1)
def contract() -> dict[str, Any]:
    """Return docs/openapi/staff.yml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi" / "staff.yml").read_text(encoding="utf-8"))
    return found


def check_contract(method: str, path: str, answer: Answer) -> None:
    """Hold every answer of every test against the contract: its status, and its form."""
    for route, _ in at(unquote(urlsplit(path).path)):
        if route.method != method:
            continue
        responses = contract()["paths"][f"{API}{route.path}"][method.lower()]["responses"]
        assert str(answer.status) in responses, (method, path, answer.status, answer.body)
        response = responses[str(answer.status)]
        if "$ref" in response:
            response = contract()["components"]["responses"][response["$ref"].rpartition("/")[2]]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        content = response.get("content") or {}
        assert (kind in content) or (not content and not answer.body), (method, path, kind, list(content))
        if kind.endswith(("/json", "+json")):
            resolver = jsonschema.RefResolver("", contract())
            schema = content[kind]["schema"]
            jsonschema.Draft202012Validator(schema, resolver=resolver).validate(answer.json)


@dataclass
class Person:
    """Somebody who is logged in."""

    server: StaffServer
    name: str
    cookie: str = ""
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def login(cls, server: StaffServer, name: str, password: str = PASSWORD) -> Person:
        answer = server.request("POST", f"{API}/login", {"name": name, "password": password})
        assert answer.status == 200, answer.body
        cookie = answer.headers["set-cookie"].partition(";")[0]
        return cls(server, name, cookie, answer.json["csrf"])

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.server.request(method, f"{API}{path}", body, sent)

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, {} if body is None else body, **headers)
