"""A server with the operator's pages alone, over a real store, beside a stand-in for the action server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from sanic import Sanic
from sanic.response import HTTPResponse
from sanic.response import json as json_answer
from served_app import Answer, ServedApp, new_app, rasa_app


class Served(ServedApp):
    """An app that is only asked for pages."""

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)


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


def operator_app(pages: Any, store: Any, action_url: str, ready: bool = True) -> Sanic:
    """Return Rasa's app with the pages; `ready` is what its agent says of the model."""
    endpoint = SimpleNamespace(url=action_url)
    return rasa_app("operator", [pages], SimpleNamespace(action_endpoint=endpoint, tracker_store=store, is_ready=lambda: ready))
