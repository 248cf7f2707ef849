"""A circuit breaker: while a service is down, callers learn so at once instead of each waiting for its time-out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens after failures in a row; then lets one call through at a time, to see whether the service is back.

    Args:
        failures: how many in a row open it.
        pause: seconds between two trials; also how long recovery may go unnoticed.
        clock: seconds, monotonic.
    """

    def __init__(self, failures: int = 3, pause: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._pause, self._clock = failures, pause, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_trial = 0.0

    @property
    def open(self) -> bool:
        """Tell whether calls are refused for now."""
        with self._lock:
            return self._failures >= self._limit

    def allows(self) -> bool:
        """Tell whether a call may go ahead; when open, the one that is allowed is the trial."""
        with self._lock:
            if self._failures < self._limit:
                return True
            now = self._clock()
            if now < self._next_trial:
                return False
            self._next_trial = now + self._pause
            return True

    def note(self, success: bool) -> None:
        """Take the outcome of a call."""
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures >= self._limit:
                self._next_trial = self._clock() + self._pause
