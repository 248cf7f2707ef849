"""The turn in progress: its id, which follows it through every process, and what its steps cost.

The id is random and belongs to no person or conversation: who has a log learns that two lines are of one turn, and no more.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

HEADER = "X-Milia-Turn"
UNDERSTANDING, POLICY, ACTION, STORE = "understanding", "policy", "action", "store"
STEPS = (UNDERSTANDING, POLICY, ACTION, STORE)

_FORM = re.compile(r"[0-9a-f]{32}")


@dataclass
class RunningTurn:
    """A turn.

    Attributes:
        id: 32 hex digits.
        channel: where it came from.
        seconds: what each step took, all its calls together.
        replied: the bot said something, and the turn is stored.
    """

    id: str
    channel: str = "other"
    seconds: dict[str, float] = field(default_factory=dict)
    replied: bool = False


_running: ContextVar[RunningTurn | None] = ContextVar("milia_running_turn", default=None)


def running_turn() -> RunningTurn | None:
    """Return the turn that this code works for; None outside of any."""
    return _running.get()


@contextmanager
def turn(channel: str) -> Iterator[RunningTurn]:
    """Work for a new turn within the block.

    Args:
        channel: where it came from.
    """
    one = RunningTurn(uuid.uuid4().hex, channel)
    token = _running.set(one)
    try:
        yield one
    finally:
        _running.reset(token)


def adopt(given: str | None) -> None:
    """Work from here on, in the running task, for the turn of another process; for none without an id."""
    known = given is not None and _FORM.fullmatch(given) is not None
    _running.set(RunningTurn(str(given)) if known else None)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Count the time of the block to a step of the running turn; outside of a turn to none."""
    one = _running.get()
    if one is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        one.seconds[name] = one.seconds.get(name, 0.0) + time.perf_counter() - began
