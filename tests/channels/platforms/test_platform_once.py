"""The same message is answered once: repeated, replayed, at the same time, after a restart, after a crash."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections import Counter
from pathlib import Path

import pytest
from platform_world import make_channel, world

from milia.channels.keys import Keys
from milia.channels.platform_inbox import KEPT_SECONDS, LEASE_SECONDS, Inbox
from milia.channels.platform_message import Incoming
from milia.channels.signing import slack_headers
from milia.storage.database import Database
from milia.storage.encryption import TextCipher

MESSAGES = 200  # of each of five platforms: 1,000


def test_a_thousand_messages_that_come_several_times_are_answered_once(channel: str, tmp_path: Path) -> None:
    """Repeated up to five times, in any order, several at once, with restarts between."""
    chance = random.Random(channel)

    async def run() -> None:
        async with world(channel, tmp_path) as w:
            first = {n: w.person(n).says("thanks") for n in range(1, MESSAGES + 1)}
            deliveries = [hook for n, hook in first.items() for _ in range(chance.randint(2, 5))]
            chance.shuffle(deliveries)
            quarter = len(deliveries) // 4
            for start in range(0, len(deliveries), quarter):
                batch = deliveries[start : start + quarter]
                for some in range(0, len(batch), 20):
                    answers = await asyncio.gather(*(w.send(hook) for hook in batch[some : some + 20]))
                    assert {answer.status for answer in answers} == {200}
                await w.settle(60)
                await w.restart()
            for hook in first.values():  # and once more, much later
                assert (await w.send(hook)).status == 200
            await w.settle(60)
            said = Counter(message.to for message in w.platform.messages)
            assert len(said) == MESSAGES
            assert set(said.values()) == {2}, "the welcome and one reply each: 0 of 200 answered twice"
            assert len(w.bot.seen) == MESSAGES

    asyncio.run(run())


def test_the_same_press_counts_once(tmp_path: Path) -> None:
    async def run() -> None:
        for name in ("slack", "telegram", "messenger"):
            (tmp_path / name).mkdir()
            async with world(name, tmp_path / name) as w:
                person = w.person()
                await w.talk(person.says("hello"))
                title, value = next(one for one in person.offered() if "Check" in one[0] or "Check" in one[0])
                hooks = [person.press_value(title, value) for _ in range(3)]  # a double tap, and then some
                await asyncio.gather(*(w.send(hook) for hook in hooks))
                await w.settle()
                assert [one.text for one in w.bot.seen[1:]] == ["/start_check"]

    asyncio.run(run())


def test_notices_are_repeated_as_little_as_replies(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            photo = w.person().sends("photo")
            await asyncio.gather(*(w.send(photo) for _ in range(5)))
            await w.settle()
            await w.restart()
            await w.talk(photo)
            assert sum("I can't look at photos" in text for text in w.person().heard()) == 1

    asyncio.run(run())


def test_a_replay_with_a_new_signature_is_known_too(tmp_path: Path) -> None:
    """Slack's repeats carry the same message under another signature and event id."""

    async def run() -> None:
        async with world("slack", tmp_path) as w:
            hook = w.person().says("thanks")
            await w.talk(hook)
            body = hook.body.replace(b'"event_id": "Ev', b'"event_id": "EvRetry')
            again = dataclasses.replace(hook, body=body, headers={**hook.headers, **slack_headers(w.environ["MILIA_SLACK_SIGNING_SECRET"], body), "x-slack-retry-num": "1"})
            await w.talk(again)
            assert len(w.bot.seen) == 1

    asyncio.run(run())


def test_what_a_crash_left_is_answered_by_the_next_process(channel: str, tmp_path: Path) -> None:
    """Acknowledged, not yet dealt with, then killed: nothing was let go, so the next one waits for the lease, and answers."""

    async def run() -> None:
        async with world(channel, tmp_path) as w:
            running = w.channel.running
            assert running is not None
            running.lanes.put = lambda item: None  # type: ignore[method-assign]  # stored and acknowledged; then nothing
            assert (await w.send(w.person().says("thanks"))).status == 200
            for task in running.tasks:
                task.cancel()
            w.channel.running = None
            assert not w.bot.seen
            w.channel = make_channel(w.name, w.environ, w.database)
            inbox = Inbox(w.database, w.name, Keys.from_environment())
            await w.channel.start(w.bot.handle, w.bot.lock)
            assert await inbox.left() == [], "the other one may still be at it"
            assert w.channel.running is not None
            real = w.channel.running.inbox._clock
            w.channel.running.inbox._clock = lambda: real() + LEASE_SECONDS + 1
            for item in await w.channel.running.inbox.left():
                w.channel.running.lanes.put(item)
            await w.settle()
            assert len(w.bot.seen) == 1 and len(w.person().heard()) == 2

    asyncio.run(run())


def test_a_crash_after_the_turn_does_not_run_it_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with world("telegram", tmp_path) as w:
            await w.talk(w.person().says("thanks"))
            seen, heard = len(w.bot.seen), len(w.person().heard())
            running = w.channel.running
            assert running is not None
            # As if the process had died before it noted that the message is dealt with.
            item = (await running.inbox.add(Incoming("x", f"{w.person().user}", {"chat": "1"}, text="thanks")))
            assert item is not None
            again = dataclasses.replace(item, message_id=(await w.conversations.turns(item.conversation_id))[-1].message_id)
            assert await running.answers.to(again) == []
            await running.inbox.done(item)
            assert len(w.bot.seen) == seen and len(w.person().heard()) == heard

    asyncio.run(run())


def test_a_message_is_known_for_a_year_and_its_words_are_not_kept(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/inbox.db", TextCipher())
        now = 1_000_000.0
        inbox = Inbox(database, "sms", Keys.from_environment(), lambda: now)
        message = Incoming("SM1", "+15550001", {"to": "+15550001"}, text="my words")
        item = await inbox.add(message)
        assert item is not None and item.message == message
        assert await inbox.add(message) is None
        await inbox.done(item)
        now += KEPT_SECONDS - 1
        assert await inbox.forget() == 0 and await inbox.add(message) is None
        now += 2
        assert await inbox.forget() == 1
        database.close()

    asyncio.run(run())


@pytest.mark.parametrize("other", ("telegram", "whatsapp"))
def test_ids_of_channels_do_not_meet(tmp_path: Path, other: str) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/inbox.db", TextCipher())
        keys = Keys.from_environment()
        one, two = Inbox(database, "sms", keys), Inbox(database, other, keys)
        assert one.conversation_id("+1") != two.conversation_id("+1")
        message = Incoming("1", "+1", {})
        assert await one.add(message) is not None and await two.add(message) is not None
        await one.stop("+1")
        assert await one.stopped("+1") and not await two.stopped("+1") and not await one.stopped("+2")
        database.close()

    asyncio.run(run())
