"""What a person sees while a command works: `[2/4] Checking the content ... ok (1.3 s)`.

On a terminal the seconds of the running step count up; in a log each step is one line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from milia.processes import Stopped


class Progress:
    """Prints numbered steps with their seconds; a subclass may tell of them elsewhere."""

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        """Announce `total` steps on `out` (default: standard output)."""
        self._out = out or sys.stdout
        self._total = total
        self._done = 0
        self._line = ""
        self._began = 0.0
        self._shown = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Tell of a step around a block: `ok` when it ends, `failed` or `stopped` when it raises."""
        self._done += 1
        self._began = time.monotonic()
        self._begin(title)
        try:
            yield
        except BaseException as error:
            self._finish("stopped" if isinstance(error, Stopped | KeyboardInterrupt) else "failed")
            raise
        self._finish("ok")

    def tick(self) -> None:
        """Show the seconds of the running step; does nothing unless `out` is a terminal."""
        seconds = int(time.monotonic() - self._began)
        if self._line and seconds > self._shown and self._out.isatty():
            self._shown = seconds
            self._write(f"\r{self._line} {seconds} s")

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self._write(text + "\n")

    def _begin(self, title: str) -> None:
        self._line = f"[{self._done}/{self._total}] {title} ..."
        self._shown = 0
        self._write(self._line)

    def _finish(self, word: str) -> None:
        start = f"\r{self._line}" if self._shown else ""
        self._write(f"{start} {word} ({time.monotonic() - self._began:.1f} s)\n")
        self._line = ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
