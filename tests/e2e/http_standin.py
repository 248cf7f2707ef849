"""A small HTTP server of this process that a browser talks to instead of the bot; it can be stopped and started again."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HttpStandIn:
    """Serves by a handler until `stop`; what it knows stays.

    Attributes:
        handler: answers the requests; it finds the stand-in as `stand_in`.
    """

    handler: type[StandInHandler]

    def __init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self.connections: set[socket.socket] = set()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, on the port of before if there was one."""
        if self._server is not None:
            return
        bound = type("Bound", (self.handler,), {"stand_in": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), bound)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """End; conversations stay, as in a database."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class StandInHandler(BaseHTTPRequestHandler):
    """Knows the open connections, says nothing in the terminal, and sends whole answers."""

    stand_in: Any
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.stand_in.connections.add(self.connection)

    def finish(self) -> None:
        self.stand_in.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def send(self, status: int, body: bytes, kind: str = "text/plain", headers: Mapping[str, str] | None = None) -> None:
        """Send an answer."""
        try:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the browser has left
