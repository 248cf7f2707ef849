"""The real `milia run` with all five messaging platforms on: whole conversations, and a door that only a platform opens."""

from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from milia import training
from milia.channels.platform_message import Hook
from milia.evaluation.platform_bot import PlatformBot, until
from milia.evaluation.platform_people import CHANNELS

pytestmark = pytest.mark.e2e

PROVIDER = "dermatology provider"
WARNING = "my face is swelling up and i can't breathe"
REPLY_SECONDS = 15.0
QUIET_SECONDS = 0.3
SIGNATURES = ("x-slack-signature", "x-telegram-bot-api-secret-token", "x-hub-signature-256", "x-twilio-signature")
Do = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="module")
def do() -> Iterator[Do]:
    """Runs what is asynchronous, in the loop in which the stand-ins live.

    In a thread of its own: a browser of other tests keeps a loop running in this one.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-ins", daemon=True)
    thread.start()
    yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def bot(do: Do, var: Path) -> Iterator[PlatformBot]:
    started = PlatformBot(training.ROOT, var)
    try:
        do(started.open())
        yield started
    finally:
        do(started.close())


async def say(bot: PlatformBot, channel: str, person: Any, hook: Hook, expect: str = "") -> list[str]:
    """Send what a person does; returns what the bot then says, once it says no more."""
    before = len(person.heard())
    status, _ = await bot.send(channel, hook)
    assert status == 200
    came = await until(lambda: len(person.heard()) > before and expect in " ".join(person.heard()[before:]), REPLY_SECONDS)
    heard = person.heard()[before:]
    assert came, f"{channel}: expected {expect!r}, got {heard}"
    while True:
        count = len(person.heard())
        await asyncio.sleep(QUIET_SECONDS)
        if len(person.heard()) == count:
            return list(person.heard()[before:])


def titles(channel: str, person: Any, heard: list[str]) -> list[str]:
    """Return the choices that a person sees."""
    listed = [line.partition(". ")[2] for text in heard for line in text.splitlines() if line.partition(". ")[0].isdigit()]
    return listed or [title for title, _ in person.offered()]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_whole_conversation(bot: PlatformBot, do: Do, var: Path, channel: str) -> None:
    async def talk() -> None:
        person = bot.person(channel)

        async def says(text: str, expect: str = "") -> list[str]:
            return await say(bot, channel, person, person.says(text), expect)

        heard = await says("how long do milia last?", "weeks")
        assert "30 days" in heard[0] and "delete my conversation" in heard[0], "the first message says what is kept"
        assert PROVIDER in heard[0] and PROVIDER in " ".join(heard[1:])
        heard = await says("start the check")
        steps = 0
        while steps < 4:
            offered = titles(channel, person, heard)
            assert len(offered) >= 2, f"a question of the check has choices: {heard}"
            chosen = next((title for title in offered if title.startswith(("None of", "No"))), offered[0])
            heard = await say(bot, channel, person, person.press(chosen))
            steps += 1
        assert titles(channel, person, heard), "the check goes on"
        heard = await says(WARNING, "911")
        assert "emergency help now" in heard[0] and "911" in heard[0], "the emergency comes first, and whole"
        assert stored(var, channel)
        await says("delete my conversation", "Shall I delete")
        await says("yes", "deleted")
        assert not stored(var, channel)
        assert not bot.platforms[channel].broken

    do(talk())


def stored(var: Path, channel: str) -> list[str]:
    """Return what is stored of a channel's conversations: ids of them, and of their turns, replies, recipients."""
    found = []
    with sqlite3.connect(var / "milia.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            for column in ("conversation_id", "id"):
                if column in columns and table != "platform_message":
                    query = f"SELECT {column} FROM {table} WHERE {column} LIKE ?"
                    found += [f"{table}: {one}" for (one,) in database.execute(query, (f"{channel}-%",))]
    return found


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_forged_request_is_refused(bot: PlatformBot, do: Do, channel: str) -> None:
    async def knock() -> None:
        person = bot.person(channel, 66)
        hook = person.says("hello")
        name = next(name for name in SIGNATURES if name in hook.headers)
        without = {key: value for key, value in hook.headers.items() if key != name}
        for headers in (without, {**without, name: ""}, {**without, name: hook.headers[name][:-1] + "-"}):
            status, _ = await bot.send(channel, dataclasses.replace(hook, headers=headers))
            assert status == 401
        await asyncio.sleep(QUIET_SECONDS)
        assert not person.heard()

    do(knock())


def test_it_says_which_channels_are_on(bot: PlatformBot, do: Do) -> None:
    ready = next(line for line in bot.output.read_text(encoding="utf-8").splitlines() if "is ready" in line)
    assert "channels: web, Slack, Telegram, Messenger, WhatsApp, SMS" in ready
    health = do(bot.fetch("/health"))
    assert health["status"] == "ok"
    assert all(health["channels"][name] == {"on": True, "state": "ok"} for name in CHANNELS)
    assert health["channels"]["web"] == {"on": True}


def test_the_logs_hold_no_words_no_keys_and_no_people(bot: PlatformBot, var: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in (var / "log").iterdir())
    assert text
    from milia.evaluation.platform_people import KEYS

    secrets = [value for name, value in KEYS.items() if name.endswith(("TOKEN", "SECRET", "SID"))]
    people = [bot.person(channel).name.strip(":") for channel in CHANNELS]
    assert [one for one in (WARNING, "how long do milia last", *secrets, *people) if one in text] == []
