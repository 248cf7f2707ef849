"""Many people at once: `python -m milia.evaluation.web_load http://127.0.0.1:5005 [--conversations 100 --seconds 60]`.

Each conversation sends a message every five seconds over the web channel of a running bot, then fetches its history: it
must hold its own messages and replies, in order, and no others. The address limit is to be raised for it:
`MILIA_WEB_ADDRESS_RATE=100000 MILIA_WEB_ADDRESS_CONVERSATIONS=100000 milia run`. Prints JSON; ends with 1 when something
went wrong or the 99th percentile is above the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

MOST_P99_SECONDS = 1.5
PAUSE_SECONDS = 5.0
QUESTIONS = (
    "What are milia?",
    "how long do they last",
    "can i pop them myself",
    "what causes these white bumps on my cheeks",
    "are they harmful",
    "my baby has white dots on the nose, is that normal",
    "what can a dermatologist do about them",
    "tell me more",
    "how do i prevent them",
    "i have had a hard white bump under my eye for two years",
    "start the check",
    "cancel",
    "does sunscreen help",
    "thanks",
)


@dataclass
class Tally:
    """What was seen.

    Attributes:
        seconds: time of each reply.
        statuses: how often each status came, beside 200.
        faults: what else went wrong.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return the figures; times in milliseconds."""
        cuts = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [float("nan")] * 99
        return {
            "messages": len(self.seconds),
            "errors": sum(self.statuses.values()),
            "statuses": dict(self.statuses),
            "faults": len(self.faults),
            "first_faults": self.faults[:3],
            "p50_ms": round(cuts[49] * 1000, 1),
            "p95_ms": round(cuts[94] * 1000, 1),
            "p99_ms": round(cuts[98] * 1000, 1),
            "max_ms": round(max(self.seconds, default=float("nan")) * 1000, 1),
        }


async def converse(session: aiohttp.ClientSession, url: str, seconds: float, chance: random.Random, tally: Tally) -> None:
    """Hold one conversation and check its history."""
    api = f"{url}/webhooks/web"
    await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
    async with session.post(f"{api}/conversations", json={}) as answer:
        if answer.status != 201:
            tally.statuses[answer.status] += 1
            return
        headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}
    said: list[tuple[str, list[str]]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        identifier = str(uuid.uuid4())
        body = {"id": identifier, "text": chance.choice(QUESTIONS)}
        async with session.post(f"{api}/messages", json=body, headers=headers) as answer:
            turn = await answer.json(content_type=None)
            tally.seconds.append(time.monotonic() - begun)
            if answer.status == 200:
                said.append((identifier, [reply["text"] for reply in turn["replies"]]))
            else:
                tally.statuses[answer.status] += 1
        await asyncio.sleep(max(0.0, PAUSE_SECONDS - (time.monotonic() - begun)))
    async with session.get(f"{api}/messages?limit=200", headers=headers) as answer:
        history = (await answer.json(content_type=None)).get("messages", [])
    kept = [(turn["id"], [reply["text"] for reply in turn["replies"]]) for turn in history]
    if kept != said:
        tally.faults.append(f"a history of {len(kept)} turns is not that of the {len(said)} messages sent")


async def run(url: str, conversations: int, seconds: float, seed: int = 1) -> Tally:
    """Hold all conversations at once."""
    tally = Tally()
    connections = aiohttp.TCPConnector(limit=0)
    # No proxy of the environment: the bot is on this machine.
    async with aiohttp.ClientSession(connector=connections, trust_env=False) as session:
        talks = (converse(session, url, seconds, random.Random(seed * 1000 + n), tally) for n in range(conversations))
        for failed in await asyncio.gather(*talks, return_exceptions=True):
            if failed is not None:
                tally.faults.append(f"{type(failed).__name__}: {failed}")
    return tally


def main() -> int:
    """Run, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    report = asyncio.run(run(arguments.url.rstrip("/"), arguments.conversations, arguments.seconds)).report()
    print(json.dumps(report))
    return 0 if not report["errors"] and not report["faults"] and report["p99_ms"] <= MOST_P99_SECONDS * 1000 else 1


if __name__ == "__main__":
    sys.exit(main())
