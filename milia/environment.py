"""Settings from the environment: the `.env` file beside the project, read without any library.

`.env.example` names every setting. What the environment already says wins over the file.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import MutableMapping
from pathlib import Path

from milia.processes import CommandError

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines; blank lines and `#` comments are skipped, one pair of quotes round a value is removed.

    Raises:
        CommandError: A line is of another form; the message names the file and the line, not the value.
    """
    settings: dict[str, str] = {}
    if not path.is_file():
        return settings
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if not match:
            raise CommandError(f"{path.name}:{number}: expected NAME=value; see .env.example for the settings")
        name, value = match.groups()
        quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
        settings[name] = value[1:-1] if quoted else re.sub(r"\s+#.*$", "", value)
    return settings


def load_env_file(path: Path, environment: MutableMapping[str, str]) -> None:
    """Add the settings of the file that `environment` does not have yet."""
    for name, value in read_env_file(path).items():
        environment.setdefault(name, value)


def number_setting(environment: MutableMapping[str, str], name: str, default: int) -> int:
    """Return a setting that is a port number.

    Raises:
        CommandError: The value is not a whole number between 1 and 65535.
    """
    value = environment.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 65535:
        raise CommandError(f"{name}={value!r} is not a port: give a whole number from 1 to 65535")
    return int(value)


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
