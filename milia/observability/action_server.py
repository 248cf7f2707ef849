"""The action server's side: the turn's id in its log, its own metrics and traces; by the plug-in hook of rasa_sdk.

Its metrics have the same rule as the Rasa server's. Its answer to an error names the kind alone: rasa_sdk's own sends the error's
text and the whole request back, and writes both into the log.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pluggy
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.plugin import plugin_manager
from sanic import Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from milia.dialogue import load_dialogue
from milia.observability import logs, metrics, tracing
from milia.observability.access import MetricsAccess
from milia.observability.turns import HEADER, adopt, running_turn

logger = logging.getLogger(__name__)
turns = structlog.get_logger("milia.actions")
hookimpl = pluggy.HookimplMarker("rasa_sdk")
ROOT = Path(__file__).resolve().parents[2]
NO_STORE = {"Cache-Control": "no-store"}
_headers: ContextVar[Mapping[str, str]] = ContextVar("milia_action_headers", default={})  # noqa: B039  # never changed


class ActionServerPages:
    """What is added to the action server.

    Args:
        access: who may read the metrics.
    """

    def __init__(self, access: MetricsAccess) -> None:
        self._access = access

    @hookimpl
    def attach_sanic_app_extensions(self, app: Sanic) -> None:
        """Add the pages, the turn's id, and the handler of errors."""

        async def quiet_errors(app: Sanic, _: Any) -> None:
            app.error_handler.add(Exception, say_kind)

        async def load(_: Sanic, __: Any) -> None:
            # As the action asks for it: the first person does not wait for the content to be read.
            load_dialogue(ROOT, os.environ.get("MILIA_REGION", ""))

        async def serving(_: Sanic, __: Any) -> None:
            logs.people_are_served()

        async def take_turn(request: Request) -> None:
            # A connection is one task for many requests, so each sets these anew.
            adopt(request.headers.get(HEADER))
            _headers.set(request.headers)

        app.register_listener(quiet_errors, "before_server_start")
        app.register_listener(load, "before_server_start")
        app.register_listener(serving, "after_server_start")
        register_middleware: Any = app.register_middleware
        register_middleware(take_turn, "request")

        @app.get("/health/live")
        async def live(_: Request) -> HTTPResponse:
            return response.json({"status": "live"}, headers=NO_STORE)

        @app.get("/metrics")
        async def figures(request: Request) -> HTTPResponse:
            if not self._access.allows(request.ip, request.headers):
                return response.json({"detail": "not found"}, 404, headers=NO_STORE)
            return response.raw(generate_latest(), headers=NO_STORE, content_type=CONTENT_TYPE_LATEST)


async def say_kind(request: Request, error: Exception) -> HTTPResponse:
    """Answer a request that failed; the log says where."""
    status = int(getattr(error, "status_code", 500))
    if status >= 500:
        logger.error("an action failed", exc_info=error)
    return response.json({"error": type(error).__name__}, status, headers=NO_STORE)


def watch_actions() -> None:
    """Time each action of this process, and write a line of each turn; calling it again does nothing."""
    if getattr(ActionExecutor, "_milia_watched", False):
        return
    original = ActionExecutor.run

    @functools.wraps(original)
    async def run(executor: ActionExecutor, call: Any) -> Any:
        running = running_turn()
        began, outcome = time.perf_counter(), "failed"
        try:
            with tracing.span("run_action", parent=_headers.get(), turn=running.id if running else ""):
                result = await original(executor, call)
            outcome = "ok"
            return result
        finally:
            seconds = time.perf_counter() - began
            metrics.ACTION_SECONDS.labels(outcome).observe(seconds)
            turns.info("action", outcome=outcome, ms=round(seconds * 1000, 1))

    ActionExecutor.run = run
    ActionExecutor._milia_watched = True


def watch_action_server() -> None:
    """Add all of this to the action server that is about to start.

    Raises:
        MetricsSettingError: A setting is not allowed.
    """
    tracing.start("milia-actions")
    watch_actions()
    plugin_manager().register(ActionServerPages(MetricsAccess.from_environment()), "milia")
