"""What watching costs a message: `python -m milia.evaluation.observability_cost [--turns 300]`.

Two figures. `alone`: metrics, steps and the log line around turns that do nothing, so nothing else is in it. `with_the_bot`: the
same messages to the whole bot, watched and unwatched by turns, the median of the differences. Both are processor time, which
other programs on the machine hardly change. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from milia.evaluation.web_latency import QUESTIONS

Methods = Mapping[tuple[type, str], Callable[..., Any]]


class Switch:
    """Turns watching on and off in this process."""

    def __init__(self) -> None:
        from milia.observability import instrument

        self.places = [(owner, name) for owner, name, _ in instrument.changes()]
        self._off: Methods = {place: getattr(*place) for place in self.places}
        instrument.watch_rasa()
        self._on: Methods = {place: getattr(*place) for place in self.places}

    def set(self, on: bool) -> None:
        """Watch from now on, or not."""
        for (owner, name), method in (self._on if on else self._off).items():
            setattr(owner, name, method)


def alone(turns: int) -> float:
    """Return the processor microseconds that watching takes of a turn whose parts do nothing: one record, ten calls of steps."""
    from milia.observability import instrument, metrics

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    timed = instrument._timed(nothing, "store")

    class Message:
        input_channel = "web"

    async def handle(*_: Any) -> None:
        for _step in range(10):
            await timed()
        metrics.note_reply({"topics": ["chitchat"], "level": "provider_routine"})

    watched = instrument._turn(handle)

    async def run(call: Callable[..., Any]) -> float:
        began = time.process_time()
        for _ in range(turns):
            await call(None, Message())
        return (time.process_time() - began) / turns * 1e6

    async def bare(*_: Any) -> None:
        for _step in range(10):
            await nothing()

    async def both() -> float:
        await run(watched)
        return await run(watched) - await run(bare)

    return asyncio.run(both())


def with_the_bot(model: Path, root: Path, folder: Path, turns: int, log: Any) -> dict[str, float]:
    """Return medians in processor milliseconds of the same messages, watched and not."""
    from rasa.core.channels.channel import UserMessage

    from milia.channels.collecting import CollectingOutputChannel
    from milia.evaluation.bot import Bot
    from milia.observability import logs
    from milia.storage.tracker_store import ConversationStore

    bot = Bot(model, root)
    store = ConversationStore(bot.agent.domain)
    bot.agent.tracker_store = bot.agent.processor.tracker_store = store  # type: ignore[union-attr]
    switch = Switch()
    logs.configure({"MILIA_LOG_FORMAT": "json"}, log)
    logs.people_are_served()
    logging.getLogger("rasa").setLevel(logging.WARNING)
    spent: dict[bool, list[float]] = {True: [], False: []}
    for number in range(-20, turns):
        for on in (True, False) if number % 2 else (False, True):
            switch.set(on)
            name = f"cost-{on}-{number // 10}"
            text = QUESTIONS[number % len(QUESTIONS)]
            message = UserMessage(text, CollectingOutputChannel("web"), name, input_channel="web", message_id=uuid.uuid4().hex)
            began = time.process_time()
            bot._loop.run_until_complete(bot.agent.handle_message(message))
            if number >= 0:
                spent[on].append((time.process_time() - began) * 1000)
    switch.set(False)
    return {
        "turns": turns,
        "watched_p50_ms": round(statistics.median(spent[True]), 2),
        "unwatched_p50_ms": round(statistics.median(spent[False]), 2),
        "difference_p50_ms": round(statistics.median(a - b for a, b in zip(spent[True], spent[False], strict=True)), 3),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=300, help="messages each way")
    parser.add_argument("--model", type=Path, help="model archive (default: the current one)")
    arguments = parser.parse_args()
    from milia.evaluation.replay import find_model
    from milia.observability import logs

    root = Path.cwd()
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "w", encoding="utf-8") as log:
        os.environ.update(MILIA_SECRET_KEY=secrets.token_hex(32), MILIA_VAR=folder, MILIA_DB="", DATABASE_URL="")
        found = with_the_bot(model, root, Path(folder), arguments.turns, log)
        logs.configure({"MILIA_LOG_FORMAT": "json"}, log)
        logs.people_are_served()
        print(json.dumps({"alone_microseconds": round(alone(2000), 1), "with_the_bot": found}), flush=True)
        log.flush()
        size = (Path(folder) / "log").stat().st_size
        print(json.dumps({"log_bytes_a_turn": round(size / (arguments.turns + 20 + 4000))}), flush=True)
    sys.stdout.flush()
    os._exit(0)  # the server's threads would outlive an ordinary end


if __name__ == "__main__":
    sys.exit(main())
