"""What the environment says about the web channel; .env.example describes every setting."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PRODUCTION = "production"

_MANY = 10_000_000
# The setting of each number, and the most that it may be.
_NUMBERS = {
    "text_length": ("MILIA_WEB_TEXT_LENGTH", 10_000),  # the pipeline was tried with as many
    "body_bytes": ("MILIA_WEB_BODY_BYTES", _MANY),
    "rate": ("MILIA_WEB_RATE", _MANY),
    "address_rate": ("MILIA_WEB_ADDRESS_RATE", _MANY),
    "address_conversations": ("MILIA_WEB_ADDRESS_CONVERSATIONS", _MANY),
    "conversations": ("MILIA_WEB_CONVERSATIONS", _MANY),
    "turns": ("MILIA_WEB_TURNS", _MANY),
    "token_hours": ("MILIA_WEB_TOKEN_HOURS", 168),
}
_HOST = re.compile(r"[a-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?")


class SettingError(ValueError):
    """A setting of the web channel that is not allowed: names it, its value, and what is."""


@dataclass(frozen=True)
class WebSettings:
    """Limits and lists of the web channel.

    Attributes:
        origins: of pages that may hold conversations, beside the server's own.
        trusted_proxies: networks whose X-Forwarded-For and X-Forwarded-Host are believed.
        text_length: characters of a message.
        body_bytes: bytes of a request.
        rate: messages a minute of one conversation.
        address_rate: requests a minute from one address.
        address_conversations: conversations an hour opened from one address.
        conversations: conversations an hour opened on this server.
        turns: turns in progress or waiting on this server.
        token_hours: of silence after which a conversation has to be opened anew.
    """

    origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Network, ...] = ()
    text_length: int = 8_000
    body_bytes: int = 65_536
    rate: int = 20
    address_rate: int = 240
    address_conversations: int = 60
    conversations: int = 5_000
    turns: int = 200
    token_hours: int = 24

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> WebSettings:
        """Read `MILIA_WEB_*` and `MILIA_TRUSTED_PROXIES`.

        Raises:
            SettingError: A value is not allowed.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {
            "origins": _origins("MILIA_WEB_ORIGINS", environment.get("MILIA_WEB_ORIGINS", "")),
            "trusted_proxies": networks("MILIA_TRUSTED_PROXIES", environment.get("MILIA_TRUSTED_PROXIES", "")),
        }
        for field, (name, most) in _NUMBERS.items():
            value = environment.get(name, "").strip()
            if value:
                values[field] = whole_number(name, value, most)
        return cls(**values)


def in_production(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether `MILIA_ENV` says that people outside are served."""
    return (os.environ if environment is None else environment).get("MILIA_ENV", "").strip().lower() == PRODUCTION


def networks(name: str, value: str) -> tuple[Network, ...]:
    """Read a list of addresses and networks, separated by commas.

    Raises:
        SettingError: One of them is neither.
    """
    found = []
    for part in _parts(value):
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError as error:
            raise SettingError(f"{name}: {part!r} is no address or network; allowed: 10.0.0.5, 10.0.0.0/8, fd00::/8") from error
    return tuple(found)


def _origins(name: str, value: str) -> frozenset[str]:
    found = set()
    for part in _parts(value):
        origin = part.lower().removesuffix("/")
        parsed = urlsplit(origin)
        if parsed.scheme not in ("http", "https") or origin != f"{parsed.scheme}://{parsed.netloc}" or not _HOST.fullmatch(parsed.netloc):
            raise SettingError(f"{name}: {part!r} is no origin; allowed: https://www.example.org, also with a port, without a path or *")
        default = {"http": ":80", "https": ":443"}[parsed.scheme]
        found.add(origin.removesuffix(default))
    return frozenset(found)


def whole_number(name: str, value: str, most: int) -> int:
    """Read a whole number from 1 to `most`.

    Raises:
        SettingError: It is none.
    """
    if not value.isascii() or not value.isdigit() or len(value) > 9 or not 1 <= int(value) <= most:
        raise SettingError(f"{name}={value!r} is not allowed: give a whole number from 1 to {most}")
    return int(value)


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
