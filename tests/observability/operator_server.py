"""A server with the operator's pages alone, over a real store, beside a stand-in for the action server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any

from rasa import server as rasa_server
from rasa.core.channels import channel as rasa_channel
from sanic import Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_answer
from sanic.touchup import TouchUp

# Sanic rewrites its own classes when the first app starts, and fails at the second one of a process.
_rewrite = TouchUp.run
TouchUp.run = lambda app: getattr(Sanic, "__touched__", False) or _rewrite(app)  # type: ignore[method-assign]


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Served:
    """An app that serves in a thread until `stop`."""

    def __init__(self, app: Sanic, port: int = 0) -> None:
        self.app, self.port = app, port
        self._loop = asyncio.new_event_loop()
        self._started, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(60), "the test server did not start"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        listening = socket.create_server(("127.0.0.1", self.port))
        server: Any = await self.app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
        await server.startup()
        await server.before_start()
        await server.after_start()
        self.port = listening.getsockname()[1]
        self._started.set()
        await self._stop.wait()
        await server.before_stop()
        server.close()
        await server.wait_closed()
        await server.after_stop()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answer.read().decode(), found)
        finally:
            connection.close()


def new_app(name: str) -> Sanic:
    """Return an app that no other test knows."""
    return Sanic(f"{name}_{threading.get_ident()}_{id(object())}", configure_logging=False)


class ActionServer(Served):
    """A stand-in that answers its health page once `go` is set, as it is at first; counts who asked."""

    def __init__(self) -> None:
        app = new_app("actions")
        self.asked, self.go = 0, threading.Event()
        self.go.set()

        async def health(_: Any) -> HTTPResponse:
            self.asked += 1
            while not self.go.is_set():
                await asyncio.sleep(0.01)
            return json_answer({"status": "ok"})

        app.add_route(health, "/health")
        super().__init__(app)


def rasa_app(pages: Any, store: Any, action_url: str, ready: bool = True) -> Sanic:
    """Return Rasa's app with the pages; `ready` is what its agent says of the model."""
    app = new_app("rasa")
    rasa_server.configure_cors(app, "")
    rasa_channel.register([pages], app, route="/webhooks/")
    endpoint = SimpleNamespace(url=action_url)
    app.ctx.agent = SimpleNamespace(action_endpoint=endpoint, tracker_store=store, is_ready=lambda: ready)
    return app
