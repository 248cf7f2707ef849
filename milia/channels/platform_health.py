"""How the platform channels are doing: counters for Prometheus, and what a health page says. No personal data."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import prometheus_client

_RECEIVED = prometheus_client.Counter(
    "milia_platform_received", "Requests from messaging platforms, by what became of them.", ["channel", "outcome"]
)
_SENT = prometheus_client.Counter(
    "milia_platform_sent", "Messages to messaging platforms, by what became of them.", ["channel", "outcome"]
)
# Outcomes of what came in: taken, repeated (known already), refused (not signed, stale), malformed, unstored, ignored.
# Outcomes of what goes out: sent, retried, undeliverable (the platform refuses it), expired (given up), stopped (STOP).
# A channel whose last call failed, and none since worked, for so long is said to fail.
FAILING_SECONDS = 60.0


@dataclass
class ChannelHealth:
    """The state of one channel in this process.

    Attributes:
        name: of the channel.
        clock: seconds since 1970.
    """

    name: str
    clock: Callable[[], float] = time.time
    received: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    _failing_since: float | None = None
    _reason: str = ""

    def note_received(self, outcome: str) -> None:
        """Count something that came in."""
        self.received[outcome] += 1
        _RECEIVED.labels(self.name, outcome).inc()

    def note_sent(self, outcome: str, reason: str = "") -> None:
        """Count something that went out, or did not; `reason` is the platform's."""
        self.sent[outcome] += 1
        _SENT.labels(self.name, outcome).inc()
        if outcome == "sent":
            self._failing_since = None
        elif outcome in ("retried", "expired", "misconfigured"):
            self._failing_since = self._failing_since or self.clock()
            self._reason = reason

    def as_dict(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        failing = self._failing_since is not None and self.clock() - self._failing_since >= FAILING_SECONDS
        state: dict[str, Any] = {"on": True, "state": "failing" if failing else "ok"}
        if self._failing_since is not None:
            state |= {"failing_for_seconds": round(self.clock() - self._failing_since), "reason": self._reason}
        return {**state, "received": dict(self.received), "sent": dict(self.sent)}


_CHANNELS: dict[str, ChannelHealth] = {}


def health_of(name: str) -> ChannelHealth:
    """Return the state of a channel of this process; from now on the health page names it."""
    return _CHANNELS.setdefault(name, ChannelHealth(name))


def channels_health() -> dict[str, dict[str, Any]]:
    """Return the state of each platform channel that is on."""
    return {name: health.as_dict() for name, health in sorted(_CHANNELS.items())}
