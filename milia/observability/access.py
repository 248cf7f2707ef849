"""Who may read the metrics, and the key of Rasa's HTTP API, which has to come in a header."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

from milia.channels.web_settings import in_production

METRICS, METRICS_KEY = "MILIA_METRICS", "MILIA_METRICS_KEY"
MIN_KEY_LENGTH = 24
# What a proxy on this machine adds: then the address is its own, and says nothing of who asks.
_FORWARDED = ("x-forwarded-for", "x-real-ip", "forwarded", "via")


class MetricsSettingError(ValueError):
    """A setting of the metrics that is not allowed."""


@dataclass(frozen=True)
class MetricsAccess:
    """Who may read the metrics.

    Attributes:
        on: anybody at all.
        key: what has to be shown; empty: only this machine is served.
    """

    on: bool
    key: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> MetricsAccess:
        """Read `MILIA_METRICS` (on, off) and `MILIA_METRICS_KEY`: in production they are off unless there is a key.

        Raises:
            MetricsSettingError: A value is not allowed.
        """
        environment = os.environ if environment is None else environment
        key = environment.get(METRICS_KEY, "").strip()
        if 0 < len(key) < MIN_KEY_LENGTH:
            raise MetricsSettingError(
                f"{METRICS_KEY} has {len(key)} characters, it needs {MIN_KEY_LENGTH}: make one with `openssl rand -hex 24`"
            )
        said = environment.get(METRICS, "").strip().lower() or ("on" if key or not in_production(environment) else "off")
        if said not in ("on", "off"):
            raise MetricsSettingError(f"{METRICS}={said!r} is not allowed: on, off")
        return cls(said == "on", key)

    def allows(self, address: str, headers: Mapping[str, str]) -> bool:
        """Tell whether a request may have the metrics.

        Args:
            address: that the request came from.
            headers: of the request.
        """
        if not self.on:
            return False
        if self.key:
            return shows(self.key, headers)
        return _this_machine(address) and not any(name in headers for name in _FORWARDED)


def shows(key: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request shows a key: `Authorization: Bearer KEY`."""
    scheme, _, shown = (headers.get("authorization") or "").partition(" ")
    right = hmac.compare_digest(shown.strip().encode("utf-8", "surrogatepass"), key.encode())
    return right and scheme.lower() == "bearer"


def _this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
