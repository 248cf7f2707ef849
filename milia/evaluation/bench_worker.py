"""One measurement of one model, in a process of its own: `python -m milia.evaluation.bench_worker TASK MODEL OUT [COUNT]`.

The process is the benchmark's picture of the Rasa server: agent, policies, tracker store and action code, no network.
Writes its result as JSON. Tasks:

- `start`: load and answer; when the first answer was there, and the resident memory after 20 more.
- `speed`: the time of each of COUNT messages, one at a time, each in a new conversation, after a warm-up.
- `long`: the time of each of 100 turns of one conversation, COUNT times.
- `profile`: where the time of COUNT messages goes, by component.
- `score`: what was answered to each of COUNT held-out messages (0 for all).
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milia.evaluation.bot import Bot

WARM_UP = 20
LONG_TURNS = 100
PLAIN = (
    "what are milia",
    "how long do they last",
    "can i pop them",
    "what causes them",
    "are they harmless",
    "white bumps on my cheeks, how do i get rid of them",
    "should i see someone about it",
    "how do i stop getting more",
    "thanks",
    "is it the same as acne",
)


def start(bot: Bot, count: int) -> dict[str, Any]:
    """Answer once, then 20 times more."""
    bot.turn(bot.conversation("first"), PLAIN[0])
    answered_at = time.time()
    for number in range(20):
        bot.turn(bot.conversation(f"more {number}"), PLAIN[number % len(PLAIN)])
    return {"answered_at": answered_at, "memory_mb": resident_mb()}


def speed(bot: Bot, count: int) -> dict[str, Any]:
    """Take held-out messages one by one."""
    for number in range(WARM_UP):
        bot.turn(bot.conversation(f"warm {number}"), PLAIN[number % len(PLAIN)])
    return {"ms": [bot.turn(bot.conversation(text), text)["ms"] for text in _messages(count)]}


def long(bot: Bot, count: int) -> dict[str, Any]:
    """Hold conversations of 100 turns."""
    runs = []
    for number in range(max(1, count)):
        conversation = bot.conversation(f"long {number}")
        turns = (PLAIN[(turn + number) % len(PLAIN)] for turn in range(LONG_TURNS))
        runs.append([bot.turn(conversation, text)["ms"] for text in turns])
    return {"ms": runs}


def profile(bot: Bot, count: int) -> dict[str, Any]:
    """Time each component of the graph, the action code and the tracker store, milliseconds a message."""
    from rasa.core.actions.action import RemoteAction

    spent: dict[str, float] = defaultdict(float)
    processor = bot.agent.processor
    nodes = getattr(processor.graph_runner, "_instantiated_nodes", {}) if processor else {}
    kinds = [type(getattr(node, "_component", None)).__name__ for node in nodes.values()]
    for place, (kind, node) in enumerate(zip(kinds, nodes.values(), strict=True)):
        name = kind if kinds.count(kind) == 1 else f"{kind} {kinds[: place + 1].count(kind)}"
        node._fn = _timed(node._fn, name, spent)
    endpoint = bot.agent.action_endpoint
    assert endpoint is not None
    endpoint.request = _timed_async(endpoint.request, "action code", spent)
    check = RemoteAction._validate_action_result
    RemoteAction._validate_action_result = _timed(check, "Rasa's check of the action's answer", spent)
    store = bot.agent.tracker_store
    for method in ("save", "retrieve"):
        setattr(store, method, _timed_async(getattr(store, method), "tracker store", spent))
    for number in range(WARM_UP):
        bot.turn(bot.conversation(f"warm {number}"), PLAIN[number % len(PLAIN)])
    spent.clear()
    texts = _messages(count)
    total = sum(bot.turn(bot.conversation(text), text)["ms"] for text in texts)
    parts = {name: 1000 * seconds / len(texts) for name, seconds in spent.items()}
    return {"total_ms": total / len(texts), "parts_ms": parts}


def score(bot: Bot, count: int) -> dict[str, Any]:
    """Answer the held-out messages as `milia eval` does."""
    from milia.evaluation.heldout import run_message
    from milia.evaluation.report import held_out_messages, track

    root = Path.cwd()
    messages, left_out = held_out_messages(root)
    chosen = messages[:: max(1, len(messages) // count)] if count else messages
    rows = []
    for message in track(chosen, "held-out messages"):
        found = run_message(bot, message)
        rows.append(
            {
                "text": found.text,
                "asked": sorted(found.asked),
                "topics": sorted(found.topics),
                "level": found.level.id,
                "asked_which": found.asked_which,
            }
        )
    return {"messages": rows, "left_out": left_out}


TASKS: dict[str, Callable[[Bot, int], dict[str, Any]]] = {
    "start": start,
    "speed": speed,
    "long": long,
    "profile": profile,
    "score": score,
}


def resident_mb() -> float:
    """Return this process's resident memory in megabytes (10^6 bytes)."""
    import psutil

    return float(psutil.Process(os.getpid()).memory_info().rss) / 1e6


def _messages(count: int) -> Sequence[str]:
    """Return held-out messages of every kind, evenly chosen."""
    from milia.evaluation.report import held_out_messages

    messages, _ = held_out_messages(Path.cwd())
    step = max(1, len(messages) // count)
    return [message.text for message in messages[::step][:count]]


def _timed(method: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return run


def _timed_async(method: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def run(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return await method(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return run


def main(arguments: Sequence[str]) -> int:
    """Run a task and write its result."""
    task, model, out = arguments[0], Path(arguments[1]), Path(arguments[2])
    count = int(arguments[3]) if len(arguments) > 3 else 0
    from milia.evaluation.bot import Bot

    out.write_text(json.dumps(TASKS[task](Bot(model, Path.cwd()), count)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
