"""An application on a real HTTP server of this process, in a thread: what the servers of several test folders are made of."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from rasa import server as rasa_server
from rasa.core.channels import channel as rasa_channel
from rasa.core.channels.channel import InputChannel
from sanic import Sanic
from sanic.touchup import TouchUp

# Sanic rewrites its own methods as an application starts, which works once in a process; here there are several that
# need the same.
_rewritten: list[None] = []
_rewrite = TouchUp.run
TouchUp.run = lambda app: _rewritten or _rewritten.append(_rewrite(app))

_numbers = itertools.count()
START_SECONDS, STOP_SECONDS = 60, 15


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])


class ServedApp:
    """An app that serves in a thread until `stop`.

    Args:
        app: the application.
        port: 0 for one that is free.
    """

    def __init__(self, app: Sanic, port: int = 0) -> None:
        self.app, self.port = app, port
        self._loop = asyncio.new_event_loop()
        self._started, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(START_SECONDS), "the test server did not start"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        listening = socket.create_server(("127.0.0.1", self.port), backlog=200)
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
        self._thread.join(STOP_SECONDS)

    def do(self, work: Any) -> Any:
        """Run a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Answer:
        """Send one request; a body that is neither bytes nor pieces of them goes as JSON."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        data = body if body is None or isinstance(body, (bytes, Iterator)) else json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, data, sent, encode_chunked=isinstance(data, Iterator))
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def new_app(name: str) -> Sanic:
    """Return an app that no other test knows."""
    return Sanic(f"{name}_{next(_numbers)}", configure_logging=False)


def rasa_app(name: str, channels: Sequence[InputChannel], agent: Any) -> Sanic:
    """Return an app with channels as Rasa's server wires them (root route, CORS), and what stands for its agent."""
    app = new_app(name)
    rasa_server.add_root_route(app)
    rasa_server.configure_cors(app, "")
    rasa_channel.register(list(channels), app, route="/webhooks/")
    app.ctx.agent = agent
    return app
