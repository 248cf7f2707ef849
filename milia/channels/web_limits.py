"""Sliding windows over the last seconds, kept in this process's memory only.

Several servers behind a balancer each count for themselves: an address may then do as many times as much. The proxy in
front is the place for a limit over all of them.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from milia.channels.web_settings import Network

# Enough for a busy hour; beyond it the key that was silent longest is forgotten.
MAX_KEYS = 50_000


class SlidingWindow:
    """Counts events by key.

    Args:
        limit: events that are allowed within the window.
        seconds: its length.
        clock: seconds, monotonic.
    """

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float] = time.monotonic, keys: int = MAX_KEYS) -> None:
        self._limit, self._seconds, self._clock, self._keys = limit, seconds, clock, keys
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """Count an event; return 0, or the seconds after which it would be allowed (it is not counted then)."""
        now = self._clock()
        events = self._events.setdefault(key, deque())
        self._events.move_to_end(key)
        while events and events[0] <= now - self._seconds:
            events.popleft()
        if len(events) >= self._limit:
            return max(1, math.ceil(events[0] + self._seconds - now))
        events.append(now)
        while len(self._events) > self._keys:
            self._events.popitem(last=False)
        return 0


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the address to count by: the peer's, or what trusted proxies say of theirs.

    Args:
        peer: address of the connection.
        forwarded_for: the X-Forwarded-For header; each proxy appends the address that it saw.
        trusted: proxies to believe. Reading from the right, the first address that is none of them is the client's.

    Returns:
        An IPv4 address, or the /64 network of an IPv6 one: a household has that many addresses.
    """
    address = _parsed(peer)
    if address is None:
        return peer or "unknown"
    for hop in reversed(forwarded_for.split(",")):
        if not any(address in network for network in trusted):
            break
        before = _parsed(hop.strip())
        if before is None:
            break
        address = before
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Tell whether a connection comes from a trusted proxy."""
    address = _parsed(peer)
    return address is not None and any(address in network for network in trusted)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
