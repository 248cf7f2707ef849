"""The Rasa server's pages for operators: `/health/live`, `/health/ready`, `/metrics`; and what has to be in place before them.

Named in credentials.yml as `milia.observability.door.OperatorPages:`, so however the server is started, it refuses unsafe
settings in production, writes its log as `logs` has it, and is watched.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.request import Request, RequestParameters
from sanic.response import HTTPResponse

from milia.action_calls import guard_calls
from milia.launch import TOKEN
from milia.observability import logs, metrics, tracing
from milia.observability.access import MetricsAccess, shows
from milia.observability.health import ACTIONS, OK, Readiness
from milia.observability.instrument import watch_rasa
from milia.production import require_safe
from milia.storage.errors import StorageError
from milia.storage.outbox import Outbox
from milia.warm_up import warm_up_before_serving

NO_STORE = {"Cache-Control": "no-store"}
OUTBOX_SECONDS = 0.7
# Where Rasa reads the arguments of an address from; its own API looks for the key there.
_PARSED = (False, False, "utf-8", "replace")


class OperatorPages(InputChannel):
    """The pages; nothing can be said to the bot by them.

    Args:
        access: who may read the metrics.
        token: key of Rasa's HTTP API; empty where that is off.
    """

    def __init__(self, access: MetricsAccess, token: str = "") -> None:
        self._access, self._token = access, token

    @classmethod
    def name(cls) -> str:
        """Return the name under which Rasa lists it."""
        return "operator"

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, Any] | None) -> OperatorPages:
        """Create the pages as the environment says, and begin to watch; prepare the server's first turn.

        Raises:
            SettingError: Settings are unsafe in production, or not allowed.
        """
        import os

        require_safe(os.environ, sys.argv)
        pages = cls(MetricsAccess.from_environment(), os.environ.get(TOKEN, "").strip())
        tracing.start("milia-rasa")
        guard_calls()
        warm_up_before_serving()
        watch_rasa()
        return pages

    def url_prefix(self) -> str:
        """Return the root: the pages are not below `/webhooks`."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes."""
        blueprint = Blueprint("milia_operator")
        apps: list[Sanic] = []
        readiness = Readiness(lambda: getattr(apps[0].ctx, "agent", None) if apps else None)

        @blueprint.listener("before_server_start")
        async def remember(app: Sanic, _: Any) -> None:
            apps[:] = [app]
            if self._token:
                app.request_middleware.appendleft(self._take_key)

        @blueprint.listener("after_server_start")
        async def serving(_: Sanic, __: Any) -> None:
            logs.people_are_served()

        @blueprint.listener("after_server_stop")
        async def end(_: Sanic, __: Any) -> None:
            await readiness.close()

        @blueprint.route("/health/live", methods=["GET"])
        async def live(_: Request) -> HTTPResponse:
            return response.json({"status": "live"}, headers=NO_STORE)

        @blueprint.route("/health/ready", methods=["GET"])
        async def ready(request: Request) -> HTTPResponse:
            found = await readiness.look()
            # Without the action server people still get warnings and whom to ask; who balances between servers may
            # prefer that to nobody answering at all.
            needed = {part for part in found if part != ACTIONS or request.args.get("without") != ACTIONS}
            fine = all(found[part] == OK for part in needed)
            body = {"status": "ready" if fine else "not ready", "parts": dict(found)}
            return response.json(body, 200 if fine else 503, headers=NO_STORE)

        @blueprint.route("/metrics", methods=["GET"])
        async def figures(request: Request) -> HTTPResponse:
            if not self._access.allows(request.ip, request.headers):
                return response.json({"detail": "not found"}, 404, headers=NO_STORE)
            await readiness.look()
            await _count_outbox(getattr(request.app.ctx, "agent", None))
            return response.raw(generate_latest(), headers=NO_STORE, content_type=CONTENT_TYPE_LATEST)

        return blueprint

    async def _take_key(self, request: Request) -> HTTPResponse | None:
        """Let the key of Rasa's API come in a header, and in no address: those stand in logs of proxies."""
        if "token" in request.args:
            return response.json({"detail": "The key belongs into a header: Authorization: Bearer KEY"}, 401, headers=NO_STORE)
        if not request.path.startswith("/webhooks/") and shows(self._token, request.headers):
            request.parsed_args[_PARSED] = RequestParameters({**request.args, "token": [self._token]})
        return None


async def _count_outbox(agent: Any) -> None:
    database = getattr(getattr(agent, "tracker_store", None), "database", None)
    if database is None:
        return
    try:
        metrics.OUTBOX.set(await asyncio.wait_for(Outbox(database).waiting(), OUTBOX_SECONDS))
    except (StorageError, asyncio.TimeoutError):
        metrics.OUTBOX.set(float("nan"))  # not known, which is not nothing
