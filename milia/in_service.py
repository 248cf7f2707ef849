"""Which model serves, when it is not the one of the present inputs: put in service by staff, or gone back to.

The choice is a file in `models/`. It holds as long as the inputs are those that it was made at: once they change, `milia run`
trains and serves a new model, as ever. Whoever holds content in memory looks at the file's time to know when to read it anew.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

FILE = "models/in-service.json"
Value = TypeVar("Value")


def choose(root: Path, model: str, before: str, present: str) -> None:
    """Note that a model serves from now on.

    Args:
        root: the project's folder.
        model: its archive.
        before: the archive that served until now.
        present: the archive of the present inputs, whether there is one or not.
    """
    made = root / f"{FILE}.new"
    made.write_text(json.dumps({"model": model, "before": before, "at": present}), encoding="utf-8")
    made.replace(root / FILE)


def chosen(root: Path, present: str) -> Path | None:
    """Return the model that was chosen while `present` was the model of the inputs; None if none was, or it is gone."""
    found = _read(root)
    path = root / "models" / Path(found.get("model", "")).name
    return path if found.get("at") == present and path.is_file() else None


def before(root: Path, model: str) -> str:
    """Return the archive that served before this one; empty if that is not known."""
    found = _read(root)
    return found.get("before", "") if found.get("model") == model else ""


def _read(root: Path) -> dict[str, str]:
    try:
        found = json.loads((root / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def stamp(root: Path) -> int:
    """Return a number that changes whenever a model is put in service."""
    try:
        return (root / FILE).stat().st_mtime_ns
    except OSError:
        return 0


class Content(Generic[Value]):
    """Something read from the content, read anew once a model was put in service.

    Reading takes a second or more: it happens in a thread, and until it is done, or if it fails, the old one stays.

    Args:
        root: the project's folder.
        load: reads it; may remember what it read, since whoever starts the server may have called it already.
        forget: makes it read anew.
    """

    def __init__(self, root: Path, load: Callable[[], Value], forget: Callable[[], object] = lambda: None) -> None:
        self._root, self._load, self._forget = root, load, forget
        self._value: Value | None = None
        self._stamp = 0
        self._lock = threading.Lock()

    def get(self) -> Value:
        """Return it.

        Raises:
            Exception: What `load` raises the first time.
        """
        now = stamp(self._root)
        if self._value is None:
            with self._lock:
                if self._value is None:
                    self._value, self._stamp = self._load(), now
        elif now != self._stamp and self._lock.acquire(blocking=False):
            self._stamp = now
            threading.Thread(target=self._renew, name="read-content", daemon=True).start()
        return self._value

    def _renew(self) -> None:
        try:
            self._forget()
            self._value = self._load()
        except Exception as error:  # whatever is wrong with the files, what was read before goes on being said
            logger.error("The content could not be read anew: %s", error)
        finally:
            self._lock.release()
