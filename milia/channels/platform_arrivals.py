"""Requests first: understanding a message holds the event loop, so it waits while requests of platforms are being taken.

Platforms wait a few seconds for an acknowledgement and then send again; a person hardly notices a quarter of a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

# A turn waits no longer than this, or requests that never cease would leave it unanswered.
LONGEST_SECONDS = 0.25
_STEP_SECONDS = 0.005


class Arrivals:
    """Counts requests between their arrival and their acknowledgement."""

    def __init__(self) -> None:
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a request within the block."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def settled(self) -> None:
        """Wait until no request is being taken, for a moment at most."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while self._count and time.monotonic() < deadline:
            await asyncio.sleep(_STEP_SECONDS)


# Of all channels of this process: they share the event loop.
ARRIVALS = Arrivals()
