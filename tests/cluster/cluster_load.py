"""People who write to the bot through nginx: each sends the next message once the one before is answered, and the same one again if not."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

QUESTIONS = (
    "What are milia?",
    "how long do they last",
    "can i pop them myself",
    "what causes these white bumps on my cheeks",
    "are they harmful",
    "my baby has white dots on the nose, is that normal",
    "how do i prevent them",
    "thanks",
)
# A browser gives up an answer after so long, and sends the message again.
PATIENCE_SECONDS = 20.0
AGAIN_SECONDS = 0.2
NOT_FETCHED = "could not fetch"


@dataclass
class Acknowledged:
    """A turn whose reply came.

    Attributes:
        at: when, monotonic.
        seconds: since the message was sent first.
        tries: how often it was sent.
        texts: the reply.
    """

    message_id: str
    at: float
    seconds: float
    tries: int
    texts: list[str]

    @property
    def full(self) -> bool:
        """Whether the reply is the bot's answer, not that it could not be fetched."""
        return not any(NOT_FETCHED in text for text in self.texts)


@dataclass
class Person:
    """One conversation, and what was acknowledged in it, in order."""

    name: str
    token: str = ""
    turns: list[Acknowledged] = field(default_factory=list)
    done: bool = False


class Load:
    """Conversations at once, in a thread.

    Args:
        url: where people reach the bot.
        people: how many.
        pause: seconds that each waits before the next message.
        prefix: begins the messages' ids.
    """

    def __init__(self, url: str, people: int, pause: float, prefix: str = "load") -> None:
        self._url, self._pause = f"{url}/webhooks/web", pause
        self.prefix = prefix
        self.people = [Person(f"{prefix}-{number:03d}") for number in range(people)]
        self.problems: Counter[str] = Counter()
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let each finish the message that it sent."""
        self._end.set()
        self._thread.join(60)
        waiting = [person.name for person in self.people if not person.done]
        assert not self._thread.is_alive(), f"messages of {waiting} were never answered; problems: {dict(self.problems)}"

    @property
    def turns(self) -> list[Acknowledged]:
        """All acknowledged turns, by time."""
        return sorted((turn for person in self.people for turn in list(person.turns)), key=lambda turn: turn.at)

    def since(self, moment: float) -> Iterator[Acknowledged]:
        """Yield the turns acknowledged after a moment, by time."""
        return (turn for turn in self.turns if turn.at > moment)

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            await asyncio.gather(*(self._converse(session, person, n) for n, person in enumerate(self.people)))

    async def _converse(self, session: aiohttp.ClientSession, person: Person, place: int) -> None:
        await asyncio.sleep(self._pause * place / len(self.people))
        while not person.token:
            opened = await self._post(session, "conversations", {}, {})
            person.token = (opened or {}).get("token", "")
        headers = {"Authorization": f"Bearer {person.token}"}
        number = 0
        while not self._end.is_set():
            message = {"id": f"{person.name}-{number:06d}", "text": QUESTIONS[(number + place) % len(QUESTIONS)]}
            began, tries, answer = time.monotonic(), 0, None
            while answer is None:
                answer = await self._post(session, "messages", message, headers)
                tries += 1
            now = time.monotonic()
            person.turns.append(Acknowledged(message["id"], now, now - began, tries, [one["text"] for one in answer["replies"]]))
            number += 1
            await asyncio.sleep(self._pause)
        person.done = True

    async def _post(self, session: aiohttp.ClientSession, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any] | None:
        try:
            async with session.post(f"{self._url}/{path}", json=body, headers=headers) as answer:
                if answer.status in (200, 201):
                    found: dict[str, Any] = await answer.json()
                    return found
                self.problems[f"{answer.status}"] += 1
                if answer.status == 503:
                    assert answer.headers["Retry-After"] and "dermatology provider" in (await answer.json(content_type=None))["detail"]
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            self.problems[type(error).__name__] += 1
        await asyncio.sleep(AGAIN_SECONDS)
        return None


def figures(turns: list[Acknowledged]) -> dict[str, Any]:
    """Return times of turns, in milliseconds, and how many had to be sent again."""
    times = sorted(turn.seconds * 1000 for turn in turns)
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [float("nan")] * 99
    return {
        "turns": len(turns),
        "sent_again": sum(turn.tries > 1 for turn in turns),
        "not_fetched": sum(not turn.full for turn in turns),
        "p50_ms": round(cuts[49]),
        "p95_ms": round(cuts[94]),
        "max_ms": round(times[-1]) if times else None,
    }
