"""What the messaging platforms must reach: `python -m milia.evaluation.platform_load [--channel slack] [--part forged]`.

Starts the real bot with all five platforms on, against stand-ins on this machine, and measures for each platform:

- of 1,000 forged requests, how many get in;
- of 1,000 messages that come two to four times, and once more after a restart, how many are answered twice, and how many not;
- of 20 replies to people for whom the platform fails three times (429, 500, lost connections), how many are lost;
- with 20 conversations that write at the same moment, how long the platform waits for the acknowledgement.

Prints JSON, a line for each platform and a verdict; ends with 1 when one of them is not reached. Takes some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from milia import training
from milia.evaluation.platform_bot import PlatformBot, until
from milia.evaluation.platform_forgeries import FORGERIES, forgeries_of
from milia.evaluation.platform_people import CHANNELS
from milia.evaluation.platform_standins import Fault, broken, too_many

MOST_P99_MS = 500.0
PARTS = ("acknowledged", "forged", "failing", "repeated")
COUNT = 1_000
PEOPLE = 20
# Fewer than the messages a minute that the bot answers to one person.
ROUNDS = 25
AT_ONCE = 20
REPLY_SECONDS = 600.0
QUIET_SECONDS = 3.0
QUESTIONS = (
    "What are milia?",
    "how long do they last",
    "can i pop them myself",
    "what causes these white bumps on my cheeks",
    "my baby has white dots on the nose, is that normal",
    "what can a dermatologist do about them",
    "tell me more",
    "start the check",
    "end the check",
    "thanks",
)
FAILURES = {"429": too_many("0.2"), "500": broken(), "lost connection": Fault(drop=True)}
# Numbers of people: each part has its own, so that none knows the bot from another part.
_FORGERS, _REPEATERS, _UNLUCKY, _WRITERS = 100_000, 200_000, 300_000, 400_000
_PRINTABLE = "".join(map(chr, range(33, 127)))


async def forged(bot: PlatformBot, channel: str, count: int, chance: random.Random) -> dict[str, Any]:
    """Send forged requests; returns how many there were, and how many got another answer than 401."""
    kinds, statuses = forgeries_of(channel), Counter[int]()
    for number in range(count):
        hook = bot.person(channel, _FORGERS + number).says(f"hello {number}")
        text = "".join(chance.choices(_PRINTABLE, k=chance.randint(1, 60)))
        request = FORGERIES[kinds[number % len(kinds)]](channel, hook, chance.randrange(10_000), text)
        status, _ = await bot.send(channel, request)
        statuses[status] += 1
    await asyncio.sleep(QUIET_SECONDS)
    answered = sum(bool(bot.person(channel, _FORGERS + number).heard()) for number in range(count))
    return {"forged": count, "forged_accepted": max(count - statuses[401], answered), "statuses": dict(statuses)}


class Repeated:
    """Messages that come several times, each of another person.

    Args:
        bot: the running bot.
        channel: the platform.
        count: how many messages.
        chance: settles how often and in which order.
    """

    def __init__(self, bot: PlatformBot, channel: str, count: int, chance: random.Random) -> None:
        self._bot, self._channel, self._chance = bot, channel, chance
        self._people = [bot.person(channel, _REPEATERS + number) for number in range(count)]
        self._hooks = [person.says("thanks") for person in self._people]

    async def send(self) -> None:
        """Send each message two to four times, twenty at once, in an order of chance, and wait for the replies."""
        sent = [hook for hook in self._hooks for _ in range(self._chance.randint(2, 4))]
        self._chance.shuffle(sent)
        await self._all(sent)
        # The welcome and the reply: at least two messages to each.
        await until(lambda: all(len(person.heard()) >= 2 for person in self._people), REPLY_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)

    async def send_again(self) -> None:
        """Send each message once more, as a platform does that does not know of the restart."""
        await self._all([person.again(hook) for person, hook in zip(self._people, self._hooks)])
        await asyncio.sleep(QUIET_SECONDS)

    def report(self) -> dict[str, Any]:
        """Return how many messages were answered twice: somebody got the same text twice; and how many were not."""
        heard = [person.heard() for person in self._people]
        twice = sum(len(texts) != len(set(texts)) for texts in heard)
        return {"repeated": len(heard), "answered_twice": twice, "not_answered": sum(len(texts) < 2 for texts in heard)}

    async def _all(self, hooks: Sequence[Any]) -> None:
        for start in range(0, len(hooks), AT_ONCE):
            answers = await asyncio.gather(*(self._bot.send(self._channel, hook) for hook in hooks[start : start + AT_ONCE]))
            wrong = [status for status, _ in answers if status != 200]
            if wrong:
                raise RuntimeError(f"{self._channel}: a repeated message got {wrong}")


class _Heard:
    """What some people have heard so far, and who of them waits for more."""

    def __init__(self, people: Sequence[Any]) -> None:
        self._before = [(person, len(person.heard())) for person in people]

    def waiting(self) -> int:
        """Return how many have heard nothing since."""
        return sum(len(person.heard()) <= before for person, before in self._before)

    def all(self) -> bool:
        """Tell whether everybody has heard something since."""
        return not self.waiting()


async def failing(bot: PlatformBot, channel: str) -> dict[str, Any]:
    """Let the platform fail three times for each person, then recover; returns how many replies were lost."""
    platform, lost, slowest = bot.platforms[channel], 0, 0.0
    for place, fault in enumerate(FAILURES.values()):
        people = [bot.person(channel, _UNLUCKY + 1_000 * place + number) for number in range(PEOPLE)]
        greeted = _Heard(people)
        for person in people:  # they know the welcome then: what fails is the reply
            await bot.send(channel, person.says("hello"))
        await until(greeted.all, REPLY_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
        heard = _Heard(people)
        platform.failed.clear()
        platform.first = (3, fault)
        began = time.perf_counter()
        await asyncio.gather(*(bot.send(channel, person.says("how long do milia last?")) for person in people))
        await until(heard.all, 60.0)
        slowest = max(slowest, time.perf_counter() - began)
        if set(platform.failed.values()) != {3} or len(platform.failed) != PEOPLE:
            raise RuntimeError(f"{channel}: the platform did not fail three times for everybody: {Counter(platform.failed.values())}")
        platform.first = None
        lost += heard.waiting()
    return {"failed_three_times": PEOPLE * len(FAILURES), "replies_lost": lost, "slowest_reply_s": round(slowest, 1)}


async def acknowledged(bot: PlatformBot, channel: str) -> dict[str, Any]:
    """Let 20 people write at the same moment, again once all are answered; returns milliseconds of the acknowledgements."""
    people = [bot.person(channel, _WRITERS + number) for number in range(AT_ONCE)]
    seconds: list[float] = []
    replies: list[float] = []
    for round_number in range(ROUNDS):
        heard = _Heard(people)
        hooks = [person.says(QUESTIONS[(round_number + place) % len(QUESTIONS)]) for place, person in enumerate(people)]
        began = time.perf_counter()
        answers = await asyncio.gather(*(bot.send(channel, hook) for hook in hooks))
        if any(status != 200 for status, _ in answers):
            raise RuntimeError(f"{channel}: a message was not taken: {Counter(status for status, _ in answers)}")
        seconds += [one for _, one in answers]
        if not await until(heard.all, 60.0):
            raise RuntimeError(f"{channel}: somebody got no reply")
        replies.append(time.perf_counter() - began)
        await asyncio.sleep(0.3)
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "acknowledged": len(seconds),
        "ack_p50_ms": round(cuts[49] * 1000, 1),
        "ack_p99_ms": round(cuts[98] * 1000, 1),
        "ack_max_ms": round(max(seconds) * 1000, 1),
        "all_20_answered_p50_s": round(statistics.median(replies), 2),
    }


async def run(
    bot: PlatformBot, channels: Sequence[str], count: int, parts: Sequence[str] = PARTS, seed: int = 1
) -> dict[str, dict[str, Any]]:
    """Measure the parts; for repeated messages the bot is restarted once."""
    found: dict[str, dict[str, Any]] = {channel: {} for channel in channels}
    repeated = {channel: Repeated(bot, channel, count, random.Random(f"{seed} {channel}")) for channel in channels}
    for channel in channels:
        if "acknowledged" in parts:
            found[channel] |= await acknowledged(bot, channel)
        if "forged" in parts:
            found[channel] |= await forged(bot, channel, count, random.Random(f"{seed} {channel} forged"))
        if "failing" in parts:
            found[channel] |= await failing(bot, channel)
        if "repeated" in parts:
            await repeated[channel].send()
        print(f"{channel}: {json.dumps(found[channel])}", file=sys.stderr, flush=True)
    if "repeated" in parts:
        await bot.stop()
        await bot.start()
        for channel in channels:
            await repeated[channel].send_again()
            found[channel] |= repeated[channel].report()
    for channel in channels:
        found[channel]["contract_broken"] = len(bot.platforms[channel].broken)
    return found


def reached(figures: dict[str, Any]) -> bool:
    """Tell whether a platform's figures are what they must be."""
    none = ("forged_accepted", "answered_twice", "not_answered", "replies_lost", "contract_broken")
    return figures.get("ack_p99_ms", 0.0) < MOST_P99_MS and not any(figures.get(name) for name in none)


async def _measure(channels: Sequence[str], count: int, parts: Sequence[str]) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        bot = PlatformBot(training.ROOT, Path(folder))
        try:
            await bot.open()
            return await run(bot, channels, count, parts)
        finally:
            await bot.close()


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channel", action="append", choices=CHANNELS, help="only this platform; may be given again")
    parser.add_argument("--count", type=int, default=COUNT, help="forged requests and repeated messages of each platform")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be given again")
    arguments = parser.parse_args()
    found = asyncio.run(_measure(arguments.channel or CHANNELS, arguments.count, arguments.part or PARTS))
    for channel, figures in found.items():
        print(json.dumps({"channel": channel, **figures}))
    good = [channel for channel in found if reached(found[channel])]
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"reached": f"{len(good)} of {len(found)}", "load_of_the_machine": load}))
    return 0 if len(good) == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
