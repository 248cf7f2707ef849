"""Replies get to people although the platform fails: none lost, none twice, in order; a dead platform holds up nobody else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from platform_world import assert_no_faults, make_channel, world
from sqlalchemy import select

from milia.channels import platform_http
from milia.channels.platform_arrivals import LONGEST_SECONDS, Arrivals
from milia.channels.platform_delivery import Backoff
from milia.channels.platform_http import retry_after
from milia.evaluation.platform_standins import Fault, broken, too_many
from milia.storage.database import Database
from milia.storage.encryption import TextCipher
from milia.storage.outbox import Outbox
from milia.storage.tables import outbox

THREE_FAILURES: dict[str, Sequence[Fault]] = {
    "429 with Retry-After": [too_many()] * 3,
    "500": [broken()] * 3,
    "503": [broken(503)] * 3,
    "connection lost": [Fault(drop=True)] * 3,
    "time-out": [Fault(seconds=0.6)] * 3,
    "one of each": [too_many(), broken(502), Fault(drop=True)],
}


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls time out after 0.3 s instead of 10."""
    original = platform_http.Caller.__init__

    def init(self: platform_http.Caller, base: str, headers: dict[str, str] | None = None, seconds: float = 0.3) -> None:
        original(self, base, headers, seconds)

    monkeypatch.setattr(platform_http.Caller, "__init__", init)


@pytest.mark.parametrize("faults", THREE_FAILURES, ids=str)
def test_no_reply_is_lost_when_the_platform_fails_three_times(
    channel: str, faults: str, tmp_path: Path, _impatient: None
) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            people = [w.person(n) for n in range(1, 4)]
            w.platform.faults.extend(THREE_FAILURES[faults])
            for person in people:
                await w.send(person.says("how long do milia last?"))
                await w.send(person.says("thanks"))
            await w.settle(20)
            for person in people:
                heard = person.heard()
                if faults == "time-out":  # on a busy machine another call may be late, which tells nothing
                    heard = list(dict.fromkeys(heard))
                assert len(heard) == 3, "the welcome and two replies"
                assert "30 days" in heard[0] and "first weeks" in heard[1], "in order"
            assert w.channel.health.sent["retried"] >= 3
            assert not w.platform.faults
            assert_no_faults(w)

    asyncio.run(run())


def test_a_notice_is_not_lost_either(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            w.platform.faults.extend([too_many(), broken(), Fault(drop=True)])
            await w.talk(w.person().sends("photo"))
            assert sum("I can't look at photos" in text for text in w.person().heard()) == 1

    asyncio.run(run())


def test_a_message_that_was_taken_late_may_come_twice_but_not_never(tmp_path: Path, _impatient: None) -> None:
    """A time-out tells nothing; a reply twice does less harm than none."""

    async def run() -> None:
        async with world("telegram", tmp_path) as w:
            w.platform.faults.append(Fault(seconds=0.6, taken=True))
            await w.talk(w.person().says("thanks"))
            heard = w.person().heard()
            assert len(set(heard)) == 2 and len(heard) <= 3

    asyncio.run(run())


def test_what_was_sent_of_a_long_reply_is_not_sent_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with world("sms", tmp_path) as w:
            await w.talk(w.person().says("hello"))
            before = len(w.person().heard())
            good = w.platform.answer
            sent = []

            def fail_on_the_second(request, body):  # type: ignore[no-untyped-def]
                sent.append(body["Body"])
                if len(sent) == 2:
                    from aiohttp import web

                    return web.json_response({}, status=500)
                return good(request, body)

            w.platform.answer = fail_on_the_second  # type: ignore[method-assign]
            await w.talk(w.person().says("start the check"))
            parts = w.person().heard()[before:]
            assert [part[:5] for part in parts] == ["(1/2)", "(2/2)"]

    asyncio.run(run())


def test_a_dead_platform_delays_only_its_own_people(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database.open(f"sqlite:///{tmp_path}/milia.db", TextCipher())
        async with world("slack", tmp_path, database) as dead, world("telegram", tmp_path, database) as alive:
            dead.platform.always = Fault(seconds=30)
            for number in range(1, 31):
                await dead.send(dead.person(number).says("hello"))
            began = time.monotonic()
            for number in range(1, 11):
                await alive.send(alive.person(number).says("thanks"))
            await alive.settle_people(range(1, 11), 2)
            assert time.monotonic() - began < 5
            assert not dead.platform.messages
            dead.platform.always = None
        database.close()

    asyncio.run(run())


def test_one_person_who_cannot_be_reached_holds_up_nobody(tmp_path: Path) -> None:
    async def run() -> None:
        async with world("telegram", tmp_path) as w:
            good = w.platform.answer

            def answer(request, body):  # type: ignore[no-untyped-def]
                from aiohttp import web

                if body.get("chat_id") == w.person(1).user and request.path.endswith("/sendMessage"):
                    return web.json_response({"ok": False}, status=500)
                return good(request, body)

            w.platform.answer = answer  # type: ignore[method-assign]
            await w.send(w.person(1).says("thanks"))
            await w.send(w.person(2).says("thanks"))
            await w.settle_people([2], 2)
            w.platform.answer = good  # type: ignore[method-assign]
            await w.settle()
            assert len(w.person(1).heard()) == 2

    asyncio.run(run())


NEVER = {
    "slack": Fault(200, body={"ok": False, "error": "channel_not_found"}),
    "telegram": Fault(403, body={"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
    "messenger": Fault(400, body={"error": {"code": 551, "message": "This person isn't available right now."}}),
    "whatsapp": Fault(400, body={"code": 63016, "message": "Outside the allowed window."}),
    "sms": Fault(400, body={"code": 21211, "message": "Invalid 'To'"}),
}


def test_what_cannot_be_delivered_is_counted_logged_and_its_recipient_dropped(
    channel: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            before = w.channel.health.sent["undeliverable"]
            w.platform.always = NEVER[channel]
            await w.talk(w.person().says("thanks"))
            assert not w.platform.messages
            assert w.channel.health.sent["undeliverable"] == before + 1
            assert "cannot be delivered" in caplog.text
            with w.database.engine.connect() as connection:
                (row,) = connection.execute(select(outbox)).all()
            assert (row.state, row.recipient) == ("given up", None)
            # The next one goes through when the person is back.
            w.platform.always = None
            await w.talk(w.person().says("thanks"))
            assert w.person().heard()

    asyncio.run(run())


OURS = {
    "slack": Fault(200, body={"ok": False, "error": "invalid_auth"}),
    "telegram": Fault(401, body={"ok": False, "error_code": 401, "description": "Unauthorized"}),
    "messenger": Fault(400, body={"error": {"code": 190, "message": "Invalid OAuth access token."}}),
    "whatsapp": Fault(401, body={"code": 20003, "message": "Authenticate"}),
    "sms": Fault(401, body={"code": 20003, "message": "Authenticate"}),
}


def test_a_key_that_the_platform_no_longer_takes_loses_nothing(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            before = w.channel.health.sent["misconfigured"]
            w.platform.faults.extend([OURS[channel]] * 2)
            await w.talk(w.person().says("thanks"))
            assert len(w.person().heard()) == 2
            assert w.channel.health.sent["misconfigured"] == before + 2

    asyncio.run(run())


def test_a_reply_survives_the_end_of_the_process(
    channel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn is stored, nothing is sent; another process sends it, to the person, whose address was encrypted."""
    # The reply's pause outlives the first look of the new process; the next look comes after LOOK_SECONDS.
    monkeypatch.setattr("milia.channels.platform_delivery.LOOK_SECONDS", 0.2)

    async def run() -> None:
        async with world(channel, tmp_path) as w:
            w.platform.always = broken()
            await w.send(w.person().says("thanks"))
            while not w.channel.health.sent["retried"] or await Outbox(w.database).waiting() != 1:
                await asyncio.sleep(0.01)
            await w.channel.stop()
            with w.database.engine.connect() as connection:
                (row,) = connection.execute(select(outbox)).all()
            assert row.state == "waiting" and row.recipient.startswith("gAAAA")
            w.platform.always = None
            w.channel = make_channel(w.name, w.environ, w.database)
            await w.channel.start(w.bot.handle, w.bot.lock)
            await w.settle()
            assert len(w.person().heard()) == 2

    asyncio.run(run())


def test_a_reply_is_given_up_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with world("slack", tmp_path) as w:
            monkeypatch.setattr("milia.channels.platform_delivery.GIVE_UP_SECONDS", 0.5)
            before = w.channel.health.sent["expired"]
            w.platform.always = broken()
            await w.talk(w.person().says("thanks"))
            assert w.channel.health.sent["expired"] == before + 1
            assert "given up after a day" in caplog.text

    asyncio.run(run())


def test_a_failing_channel_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with world("slack", tmp_path) as w:
            health = w.channel.health
            w.platform.always = broken(502)
            await w.send(w.person().says("thanks"))
            # Counters are the process's: another test may have left a reason.
            while "502" not in health.as_dict().get("reason", ""):
                await asyncio.sleep(0.01)
            assert health.as_dict()["state"] == "ok", "a moment's failure is none"
            real, health.clock = health.clock, lambda: time.time() + 61
            assert health.as_dict()["state"] == "failing" and "502" in health.as_dict()["reason"]
            health.clock = real
            w.platform.always = None
            await w.settle()
            assert health.as_dict()["state"] == "ok" and "reason" not in health.as_dict()

    asyncio.run(run())


def test_the_platforms_pause_is_kept(tmp_path: Path) -> None:
    async def run() -> None:
        async with world("telegram", tmp_path) as w:
            # Telegram writes it into the body.
            w.platform.faults.append(Fault(429, body={"ok": False, "error_code": 429, "parameters": {"retry_after": 1}}))
            began = time.monotonic()
            await w.talk(w.person().says("thanks"))
            assert time.monotonic() - began >= 1

    asyncio.run(run())


def test_pauses_grow_and_are_never_shorter_than_asked_for() -> None:
    backoff = Backoff(1.0, 300.0)
    pauses = [backoff.pause(n) for n in range(12)]
    assert all(0.8 * 2**n <= pause <= 1.2 * 2**n for n, pause in enumerate(pauses[:8]))
    assert max(pauses) <= 360 and backoff.pause(500) <= 360
    assert backoff.pause(0, 60) == 60


@pytest.mark.parametrize(
    ("header", "seconds"),
    (("3", 3), ("0", 0), ("", None), ("soon", None), ("-5", None), ("99999999", 3600), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("1.5", 1.5), ("1e400", 3600), ("9" * 5000, 3600)),
)  # fmt: skip
def test_retry_after(header: str, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_no_log_line_has_a_key_or_a_persons_words(channel: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def run() -> None:
        async with world(channel, tmp_path) as w:
            w.platform.faults.extend([too_many(), broken(), Fault(drop=True)])
            await w.talk(w.person().says("hello, my name is Henrietta"))
            await w.talk(w.person().sends("photo"))
            w.bot.failures.append(RuntimeError("hello, my name is Henrietta"))
            await w.talk(w.person().says("Henrietta again"))
            keys = [value for name, value in w.environ.items() if "NUMBER" not in name and "URL" not in name and "API" not in name and "CONTACT" not in name and "NAME" not in name]
            person = w.person().name.strip(":")
            # aiohttp's and asyncio's own lines of the bot are no lines of ours, but they would be in the log, too.
            for secret in (*keys, "Henrietta", person):
                assert secret not in caplog.text, secret

    asyncio.run(run())


def test_a_turn_waits_for_requests_that_are_being_taken_but_not_for_ever() -> None:
    """Else twenty people who write at once would wait for each other's answers before theirs is even acknowledged."""

    async def run() -> None:
        arrivals, done = Arrivals(), []

        async def turn() -> None:
            await arrivals.settled()
            done.append("turn")

        with arrivals.one():
            waiting = asyncio.ensure_future(turn())
            await asyncio.sleep(LONGEST_SECONDS / 5)
            assert not done
        await waiting
        assert done == ["turn"]
        with arrivals.one():
            await arrivals.settled()  # comes back, though the request is still being taken

    asyncio.run(run())
