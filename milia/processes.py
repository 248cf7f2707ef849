"""Child processes of the `milia` command: each in its own process group, with a log file, stopped without a trace.

Ctrl-C in a terminal reaches every process of the foreground group at once. The children are kept out of it, so that
the parent decides the order in which they end and a turn in flight can finish.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# No word about its users leaves this machine; the rest keeps notices of old libraries out of the logs.
QUIET_ENVIRONMENT = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONUNBUFFERED": "1",
}

# Colours, and the notices of old libraries with the line of code that each quotes: they hide what matters.
_NOISE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|^.*DeprecationWarning: .*\n(?:.*\n)?", re.MULTILINE)


class CommandError(RuntimeError):
    """A command that cannot go on: the message says what happened, with which value, and what to do."""


class Stopped(CommandError):
    """A signal asked the command to end before it had done its work."""


@dataclass
class StopRequest:
    """The signal that asked the running command to end, if one came; `urgent` after a second one.

    The command looks at it between its waits, so that it ends at places of its own choice.
    """

    signal: signal.Signals | None = None
    urgent: bool = False

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Take a signal: the handler."""
        self.urgent = self.signal is not None
        self.signal = signal.Signals(number)

    def check(self) -> None:
        """Raise `Stopped` if a signal came."""
        if self.signal:
            raise Stopped(f"stopped by {self.signal.name}")


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Note SIGINT, SIGTERM and SIGHUP within the block, instead of dying of them."""
    request = StopRequest()
    before = {number: signal.signal(number, request.note) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Child:
    """A started process, the group it leads and the file that holds what it prints."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the child and to whatever it started."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):  # the group is empty; macOS says so with PermissionError
            pass

    @property
    def ended(self) -> bool:
        """Tell whether the child has ended; an ended child is collected, so it leaves no zombie."""
        return self.process.poll() is not None


def start(name: str, command: Sequence[str], log: Path, root: Path, environment: Mapping[str, str]) -> Child:
    """Start a child whose output goes to `log`; the log of the run before is kept beside it as `<log>.1`.

    Its standard input is a pipe that only closes when this process ends, however it ends (see `milia.launch`).
    """
    private_folder(log.parent)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=root,
            env={**os.environ, **QUIET_ENVIRONMENT, **environment},
            start_new_session=True,
        )
    return Child(name, process, log)


def private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner only; one that exists is left as it is."""
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)


def stop(children: Sequence[Child], seconds: float, request: StopRequest | None = None) -> list[str]:
    """End the children in the given order, each once the one before it has ended.

    Each gets SIGTERM and time to finish; those that still run `seconds` after the call are killed, at once when a
    second signal came. The last second belongs to those that come after a child that does not want to end.

    Returns:
        The names of the children that had to be killed.
    """
    deadline = time.monotonic() + seconds
    for position, child in enumerate(children):
        child.signal_group(signal.SIGTERM)
        spare = len(children) - 1 - position
        while not child.ended and time.monotonic() < deadline - spare and not (request and request.urgent):
            time.sleep(POLL_SECONDS / 2)
    killed = [child.name for child in children if not child.ended]
    for child in children:
        child.signal_group(signal.SIGKILL)  # also what a child that ended by itself left behind
        child.process.wait()
        if child.process.stdin:
            child.process.stdin.close()
    return killed


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, each indented, without colours and notices of deprecation."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64_000))
            text = file.read().decode(errors="replace")
    except OSError:
        text = ""
    last = [line.rstrip() for line in _NOISE.sub("", text).splitlines() if line.strip()][-lines:]
    return "\n".join(f"  {line[:300]}" for line in last) or "  (it printed nothing)"


def advice(log: Path) -> str:
    """Return what to do about a failure that the end of a log gives away, or an empty string."""
    text = tail(log, 40)
    if "No space left on device" in text:
        return "\nThe disk is full: free some space (`make clean` removes trained models and caches), then start again."
    if "MemoryError" in text or "Cannot allocate memory" in text:
        return "\nThe memory is used up: close other programs (training needs about 2 GB), then start again."
    if "No valid model found" in text or "Could not load model" in text:
        return "\nThe model's file is damaged: train it again with `.venv/bin/milia train --force`, then start again."
    missing = re.search(r"No module named '([\w.]+)'", text)
    if missing:
        return f"\nThe module {missing[1]!r} is missing: run `make setup`, then start again."
    return ""


def explain(error: Exception) -> str:
    """Return the message of a failure, with what to do where the system's own words do not say it."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or 'var/'}): free some space, then start again."
    if isinstance(error, PermissionError):
        return f"may not write to {error.filename}: does it belong to another user? Change its owner, then start again."
    return str(error)
