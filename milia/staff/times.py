"""Times as the console writes and reads them: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import overload

from milia.staff.problems import Problem


@overload
def iso(seconds: float) -> str: ...
@overload
def iso(seconds: float | None) -> str | None: ...
def iso(seconds: float | None) -> str | None:
    """Return a time (seconds since 1970) as text; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str, name: str) -> float:
    """Return a time given as text, in seconds since 1970; without a zone it is UTC.

    Raises:
        Problem: It is no time.
    """
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Problem("malformed", faults=[f"{name}: {text!r} is no time; allowed: 2026-01-31 or 2026-01-31T12:00:00Z"]) from None
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
