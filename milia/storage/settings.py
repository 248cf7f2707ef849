"""What the environment says about the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from milia.storage.errors import StorageError

RETENTION = "MILIA_RETENTION_DAYS"
DEFAULT_RETENTION_DAYS = 30
MAX_RETENTION_DAYS = 3650
SECONDS_A_DAY = 86_400


def database_url(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """Return where the database is: `DATABASE_URL`, else the SQLite file `MILIA_DB`, else `milia.db` in `MILIA_VAR`.

    Args:
        environment: the settings; those of this process if None.
        folder: what a relative path starts from; the working folder if None.
    """
    environment = os.environ if environment is None else environment
    url = environment.get("DATABASE_URL", "").strip()
    if url:
        # Platforms that hand out the address write it in the old form, which SQLAlchemy no longer takes.
        return "postgresql://" + url.removeprefix("postgres://") if url.startswith("postgres://") else url
    file = environment.get("MILIA_DB", "").strip()
    path = Path(file) if file else Path(environment.get("MILIA_VAR") or "var") / "milia.db"
    return f"sqlite:///{((folder or Path.cwd()) / path).absolute()}"


def retention_days(environment: Mapping[str, str] | None = None) -> int:
    """Return for how many days a turn is kept.

    Raises:
        StorageError: The value is not a whole number from 1 to 3650.
    """
    environment = os.environ if environment is None else environment
    value = environment.get(RETENTION, "").strip()
    if not value:
        return DEFAULT_RETENTION_DAYS
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_RETENTION_DAYS):
        raise StorageError(f"{RETENTION}={value!r} is not allowed: give a whole number from 1 to {MAX_RETENTION_DAYS}")
    return int(value)
