"""The lock of a conversation: `type: milia.storage.locks.ConversationLocks` in endpoints.yml.

Turns of one conversation run one after the other: in this process always, on all servers if `REDIS_URL` names a Redis.

Rasa's own Redis lock store reads a list of tickets, changes and writes it (two servers can draw the same ticket), holds up the
event loop while Redis is slow, and leaves a killed server's ticket for a minute. This one is redis-py's lock, taken in one step,
with a short lease that is renewed as long as the turn runs.

Without Redis turns go on. Two servers may then answer the same conversation at once, and the store refuses the turn that comes
second (`ConversationChanged`), as it always does: the database keeps turns whole and in order, Redis saves running them twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakValueDictionary

from rasa.core.lock_store import LockError, LockStore
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError as LostLock
from redis.exceptions import RedisError

from milia.breaker import Breaker
from milia.storage.errors import StorageError

logger = logging.getLogger(__name__)

REDIS_URL = "REDIS_URL"
# A call of Redis takes less than a millisecond; what takes this long is down.
CALL_SECONDS = 0.5
# How long a killed server's lock stands, and how often a living one's is renewed.
LEASE_SECONDS, RENEW_SECONDS = 2.0, 0.5
# Longer than a turn can take with every time-out in it; a client has given up before.
WAIT_SECONDS = 15.0
# A turn that takes longer than this hangs; it does not keep other servers from the conversation.
MOST_SECONDS = 30.0
# How often somebody who waits looks again.
LOOK_SECONDS = 0.02
_AWAY = (RedisError, OSError, asyncio.TimeoutError)


class ConversationLocks(LockStore):
    """Locks of conversations.

    Args:
        endpoint_config: as Rasa hands it over; nothing is read from it.
        url: Redis; that of `REDIS_URL` if None, no Redis if empty.

    Raises:
        StorageError: The address is of no use.
    """

    def __init__(self, endpoint_config: Any = None, url: str | None = None) -> None:
        address = redis_url() if url is None else url
        self.breaker = Breaker(failures=2)
        self._redis = connect(address) if address else None
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        super().__init__()

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LEASE_SECONDS, wait_time_in_seconds: float = LOOK_SECONDS
    ) -> AsyncIterator[None]:
        """Wait for one's turn; first come, first served within this process.

        Args:
            conversation_id: whose turn it is.
            lock_lifetime: seconds after which a lock that is not renewed is free.
            wait_time_in_seconds: between two looks at a lock that another server holds.

        Raises:
            LockError: Another server holds the conversation for too long.
        """
        queue = self._queues.get(conversation_id)
        if queue is None:
            queue = self._queues[conversation_id] = asyncio.Lock()  # kept as long as somebody waits for it
        async with queue:
            held = await self._take(conversation_id, lock_lifetime, wait_time_in_seconds)
            over = asyncio.Event()
            renewal = asyncio.create_task(self._renew(held, lock_lifetime, over)) if held else None
            try:
                yield
            finally:
                if held is not None and renewal is not None:
                    # An event, not a cancellation: a Redis that goes away at the same moment could swallow that.
                    over.set()
                    await asyncio.wait({renewal}, timeout=2 * CALL_SECONDS)
                    await self._leave(held)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._redis is not None:
            with suppress(*_AWAY):
                await self._redis.close()

    async def _take(self, conversation_id: str, lifetime: float, look: float) -> Lock | None:
        if self._redis is None or not self.breaker.allows():
            return None
        # Hashed: on the REST channel a program chooses the id, and it may be a name.
        name = "milia:lock:" + hashlib.sha256(conversation_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        # Not thread-local: the lock is renewed and left in other tasks than the one that takes it.
        lock = Lock(self._redis, name, timeout=lifetime, sleep=look, blocking_timeout=WAIT_SECONDS, thread_local=False)
        try:
            taken = await lock.acquire()
        except _AWAY as error:
            self._note_away(error)
            return None
        self.breaker.note(True)
        if not taken:
            raise LockError("another server holds the conversation")
        return lock

    async def _renew(self, lock: Lock, lifetime: float, over: asyncio.Event) -> None:
        end = asyncio.get_running_loop().time() + MOST_SECONDS
        while asyncio.get_running_loop().time() < end:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(over.wait(), min(RENEW_SECONDS, lifetime / 4))
            if over.is_set():
                return
            try:
                await lock.reacquire()
            except LostLock:  # Redis forgot it, or this server stood still for long: the store still refuses a second turn
                logger.warning("The lock of a turn was lost")
                return
            except _AWAY:
                continue
        logger.error("A turn has held its conversation for %d s: other servers may go on with it", MOST_SECONDS)

    async def _leave(self, lock: Lock) -> None:
        if self.breaker.open:  # the lease ends by itself
            return
        try:
            await lock.release()
        except _AWAY as error:
            if not isinstance(error, LostLock):
                self._note_away(error)

    def _note_away(self, error: BaseException) -> None:
        if not self.breaker.open:
            logger.warning("Redis does not answer (%s): conversations are locked on this server alone", type(error).__name__)
        self.breaker.note(False)


def redis_url(environment: Mapping[str, str] | None = None) -> str:
    """Return the address of Redis; empty if there is none."""
    return (os.environ if environment is None else environment).get(REDIS_URL, "").strip()


def connect(url: str) -> Redis[bytes]:
    """Return a client whose calls are short.

    Raises:
        StorageError: The address is of no use; the message does not quote it, a password may be in it.
    """
    try:
        return Redis.from_url(url, socket_timeout=CALL_SECONDS, socket_connect_timeout=CALL_SECONDS, health_check_interval=0)
    except ValueError as error:
        raise StorageError(f"{REDIS_URL} is no address of a Redis: write redis://user:password@host:6379/0, or rediss:// for TLS") from error
