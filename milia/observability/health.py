"""Whether this server can answer people just now: the model, the store and the action server, looked at in the background.

A look costs one read of the database and one request to the action server, each bounded in time, and holds for a second:
whoever asks more often gets the same answer.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from sqlalchemy import text

from milia.action_calls import breaker_of
from milia.observability import metrics
from milia.storage.errors import StorageError
from milia.storage.event_broker import StoredEvents
from milia.storage.locks import ConversationLocks

OK = "ok"
MODEL, STORE, ACTIONS = "model", "store", "actions"
PARTS = (MODEL, STORE, ACTIONS)
# A look must be over before a load balancer loses patience (Kubernetes: 1 s).
STORE_SECONDS, ACTION_SECONDS = 0.7, 0.7
HOLD_SECONDS = 1.0


class Readiness:
    """Looks at the parts of a Rasa server.

    Args:
        agent: returns Rasa's agent, None as long as there is none.
        clock: seconds, monotonic.
    """

    def __init__(self, agent: Callable[[], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._agent, self._clock = agent, clock
        self._found: dict[str, str] = {}
        self._at = float("-inf")
        self._looking: asyncio.Lock | None = None
        self._session: aiohttp.ClientSession | None = None

    async def look(self) -> Mapping[str, str]:
        """Return `ok` or a reason for each part; a reason is one of a few words, without addresses."""
        self._looking = self._looking or asyncio.Lock()
        async with self._looking:  # who comes meanwhile waits for the look in progress
            if self._clock() - self._at >= HOLD_SECONDS:
                agent = self._agent()
                store, actions = await asyncio.gather(_store(agent), self._actions(agent))
                self._found = {MODEL: _model(agent), STORE: store, ACTIONS: actions}
                self._at = self._clock()
                for part, state in self._found.items():
                    metrics.READY.labels(part).set(state == OK)
                _note_helpers(agent)
            return self._found

    async def close(self) -> None:
        """Let go of the connection to the action server."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _actions(self, agent: Any) -> str:
        url = getattr(getattr(agent, "action_endpoint", None), "url", None)
        if not url:
            return "not configured"
        if self._session is None:
            # One connection, kept: a new one for each look would cost more than the look.
            self._session = aiohttp.ClientSession()
        patience = aiohttp.ClientTimeout(total=ACTION_SECONDS)
        try:
            async with self._session.get(health_address(url), allow_redirects=False, timeout=patience) as answer:
                return OK if answer.status == 200 else f"answers {answer.status}"
        except asyncio.TimeoutError:
            return "no answer in time"
        except aiohttp.ClientError:
            return "not reachable"


def health_address(url: str) -> str:
    """Return the address of the action server's health page, beside that of its webhook."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rpartition("/")[0] + "/health", "", ""))


def _note_helpers(agent: Any) -> None:
    """Count what a server goes on without for a time: it stays ready."""
    endpoint = getattr(agent, "action_endpoint", None)
    if endpoint is not None:
        metrics.AWAY.labels("actions").set(breaker_of(endpoint).open)
    locks = getattr(agent, "lock_store", None)
    if isinstance(locks, ConversationLocks):
        metrics.AWAY.labels("redis").set(locks.breaker.open)
    broker = getattr(getattr(agent, "tracker_store", None), "event_broker", None)
    if isinstance(broker, StoredEvents):
        metrics.AWAY.labels("rabbitmq").set(not broker.connected)
        metrics.EVENTS_WAITING.set(broker.waiting)
        metrics.EVENTS_DROPPED.set(broker.dropped)


def _model(agent: Any) -> str:
    if agent is None:
        return "starting"
    return OK if agent.is_ready() else "not loaded"


async def _store(agent: Any) -> str:
    database = getattr(getattr(agent, "tracker_store", None), "database", None)
    if database is None:
        # Rasa's own stores forget everything at the end; people must not be served with one.
        return "starting" if agent is None else "none"
    read: Callable[[], Awaitable[str | None]] = functools.partial(database.run, _version)
    try:
        version = await asyncio.wait_for(read(), STORE_SECONDS)
    except asyncio.TimeoutError:
        state = "no answer in time"
    except StorageError:
        state = "not reachable"
    else:
        state = OK if version == _newest() else "not migrated"
    metrics.STORE_BREAKER.set(database.breaker.open)
    return state


def _version(connection: Any) -> str | None:
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if version is None else str(version)


@functools.lru_cache(maxsize=1)
def _newest() -> str | None:
    from milia.storage.migrate import newest_version  # Alembic: not before somebody asks

    return newest_version()
