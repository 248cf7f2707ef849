"""What the environment says about the staff console; .env.example describes every setting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from milia.channels.web_settings import Network, SettingError, networks, whole_number

IDLE, HOURS, TLS = "MILIA_STAFF_IDLE_MINUTES", "MILIA_STAFF_HOURS", "MILIA_STAFF_TLS"
TRAINING = "MILIA_STAFF_TRAINING"
UPLOAD, ROWS = "MILIA_STAFF_UPLOAD_BYTES", "MILIA_STAFF_UPLOAD_ROWS"


@dataclass(frozen=True)
class StaffSettings:
    """Limits of the console.

    Attributes:
        idle_seconds: without a request, after which a login ends.
        longest_seconds: after which a login ends in any case.
        tls: the console is served over TLS only: the cookie is `Secure` whatever a request says.
        upload_bytes, upload_rows: of a file to replay.
        training: models may be trained and put in service from the console.
        trusted_proxies: networks whose X-Forwarded-For, -Host and -Proto are believed.
    """

    idle_seconds: int = 30 * 60
    longest_seconds: int = 12 * 3600
    tls: bool = False
    upload_bytes: int = 2_000_000
    upload_rows: int = 2_000
    training: bool = True
    trusted_proxies: tuple[Network, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> StaffSettings:
        """Read `MILIA_STAFF_*` and `MILIA_TRUSTED_PROXIES`.

        Raises:
            SettingError: A value is not allowed.
        """
        environment = os.environ if environment is None else environment
        return cls(
            idle_seconds=_number(environment, IDLE, 30, 24 * 60) * 60,
            longest_seconds=_number(environment, HOURS, 12, 168) * 3600,
            tls=_flag(environment, TLS),
            upload_bytes=_number(environment, UPLOAD, cls.upload_bytes, 50_000_000),
            upload_rows=_number(environment, ROWS, cls.upload_rows, 100_000),
            training=_flag(environment, TRAINING, True),
            trusted_proxies=networks("MILIA_TRUSTED_PROXIES", environment.get("MILIA_TRUSTED_PROXIES", "")),
        )


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = environment.get(name, "").strip()
    return whole_number(name, value, most) if value else default


def _flag(environment: Mapping[str, str], name: str, default: bool = False) -> bool:
    value = environment.get(name, "").strip()
    if value not in ("", "0", "1"):
        raise SettingError(f"{name}={value!r} is not allowed: give 1 or 0")
    return value == "1" if value else default
