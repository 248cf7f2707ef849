"""Only the platform gets in: forged, stale, replayed and malformed requests never do, and none makes an error."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import hmac
import json
import logging
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from platform_world import make_channel, world

from milia.channels.platform_message import Hook
from milia.channels.signing import slack_headers
from milia.channels.twilio import SmsChannel
from milia.evaluation.platform_forgeries import FORGERIES, SIGNATURES, forgeries_of
from milia.evaluation.platform_people import KEYS, PEOPLE, api_settings, stand_in

# On each platform; FUZZ_REQUESTS=20000 tries for longer.
EXAMPLES = int(os.environ.get("FUZZ_REQUESTS", "1000"))


class Door:
    """A channel whose store is a list: what gets in is counted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.person = PEOPLE[name](stand_in(name))
        environ = {**KEYS, **api_settings(name, "http://127.0.0.1:9")}
        self.channel = make_channel(name, environ, None)  # type: ignore[arg-type]
        self.taken: list[Any] = []
        self.channel._take = self._take  # type: ignore[method-assign]

    async def _take(self, messages: Any) -> Any:
        self.taken += messages
        return self.channel.acknowledged()

    def knock(self, hook: Hook) -> int:
        """Return the status of the answer."""
        return int(asyncio.run(self.channel.receive(hook)).status)


@pytest.fixture(scope="module")
def doors() -> dict[str, Door]:
    return {name: Door(name) for name in PEOPLE}


texts = st.text(max_size=80)
clean_texts = st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=200)


@pytest.mark.parametrize("name", PEOPLE)
def test_forged_requests_never_get_in(doors: dict[str, Door], name: str) -> None:
    door, seen = doors[name], Counter[str]()
    kinds = forgeries_of(name)
    door.taken.clear()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(kinds), st.integers(0, 10_000), texts, texts)
    def knock(kind: str, number: int, text: str, words: str) -> None:
        hook = FORGERIES[kind](name, door.person.says(words), number, text)
        assert door.knock(hook) == 401, kind
        seen[kind] += 1

    knock()
    assert sum(seen.values()) >= EXAMPLES and set(seen) == set(kinds)
    assert not door.taken, "0 of 1,000 accepted"


@pytest.mark.parametrize("name", PEOPLE)
def test_what_the_platform_signs_gets_in_whatever_it_says(doors: dict[str, Door], name: str) -> None:
    door = doors[name]
    door.taken.clear()

    @settings(max_examples=200, deadline=None, database=None)
    @given(clean_texts)
    def knock(words: str) -> None:
        assert door.knock(door.person.says(words)) == 200

    knock()
    assert door.taken


@pytest.mark.parametrize("age", (-100_000, -301, 301, 3_600, 10**8))
def test_a_stale_signature_of_slack_is_refused(doors: dict[str, Door], age: int) -> None:
    door = doors["slack"]
    hook = door.person.says("hello")
    stale = {**hook.headers, **slack_headers(KEYS["MILIA_SLACK_SIGNING_SECRET"], hook.body, time.time() - age)}
    door.taken.clear()
    assert door.knock(dataclasses.replace(hook, headers=stale)) == 401 and not door.taken
    fresh = {**hook.headers, **slack_headers(KEYS["MILIA_SLACK_SIGNING_SECRET"], hook.body, time.time() - 290)}
    assert door.knock(dataclasses.replace(hook, headers=fresh)) == 200 and door.taken


@pytest.mark.parametrize("stamp", ("", "abc", "1e9", "-1", "\u0661\u0662\u0663", " 1700000000", "9" * 400, "17000000000000"))
def test_a_timestamp_that_is_none_is_refused(doors: dict[str, Door], stamp: str) -> None:
    hook = doors["slack"].person.says("hello")
    assert doors["slack"].knock(dataclasses.replace(hook, headers={**hook.headers, "x-slack-request-timestamp": stamp})) == 401


def test_a_body_that_is_no_text_has_no_signature_of_slack(doors: dict[str, Door]) -> None:
    hook = doors["slack"].person.says("hello")
    assert doors["slack"].knock(dataclasses.replace(hook, body=b"\x80\xff")) == 401


@pytest.mark.parametrize("hours", (-1, 49, 10_000))
def test_messengers_events_of_another_time_are_left_out(doors: dict[str, Door], hours: int) -> None:
    door = doors["messenger"]
    door.taken.clear()
    old = int((time.time() - hours * 3600) * 1000)
    assert door.knock(door.person.batch({"timestamp": old, "message": {"mid": "m_1", "text": "hello"}})) == 200
    assert not door.taken
    assert door.knock(door.person.batch({"message": {"mid": "m_1", "text": "hello"}})) == 200 and door.taken


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    "type event event_callback message text user channel channel_type im ts thread_ts files mimetype subtype bot_id actions payload "
    "update_id edited_message callback_query from chat id data date entities offset length private object page entry messaging sender "
    "timestamp mid attachments quick_reply postback reaction block_actions team authorizations photo sticker location"
).split()
platform_like = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.sampled_from(NAMES) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)


@pytest.mark.parametrize("name", PEOPLE)
def test_malformed_requests_of_the_platform_make_no_error(doors: dict[str, Door], name: str) -> None:
    """Signed, so the platform's, but of no documented form: 200 or 400, never an exception."""
    door = doors[name]

    def signed(body: bytes) -> Hook:
        hook = door.person.says("x")
        if name == "slack":
            return dataclasses.replace(hook, body=body, headers={**hook.headers, **slack_headers(KEYS["MILIA_SLACK_SIGNING_SECRET"], body)})
        if name == "messenger":
            digest = hmac.new(KEYS["MILIA_MESSENGER_APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
            return dataclasses.replace(hook, body=body, headers={**hook.headers, SIGNATURES[name]: f"sha256={digest}"})
        return dataclasses.replace(hook, body=body)

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(json_values, platform_like).map(lambda value: json.dumps(value).encode()) | clean_texts.map(str.encode))
    def knock(body: bytes) -> None:
        if name in ("whatsapp", "sms"):
            form = {"Body": body.decode("latin-1"), "NumMedia": body[:3].decode("latin-1"), "From": body[:20].decode("latin-1")}
            assert door.knock(door.person.posts(**form)) in (200, 400)
        else:
            for kind in ("application/json", "application/x-www-form-urlencoded", ""):
                hook = signed(body if kind != "application/x-www-form-urlencoded" else b"payload=" + body)
                headers = {**hook.headers, "content-type": kind}
                if kind == "application/x-www-form-urlencoded" and name == "slack":
                    headers |= slack_headers(KEYS["MILIA_SLACK_SIGNING_SECRET"], hook.body)
                assert door.knock(dataclasses.replace(hook, headers=headers)) in (200, 400)

    knock()


@pytest.mark.parametrize("name", PEOPLE)
def test_too_large_a_body_is_not_even_read(doors: dict[str, Door], name: str) -> None:
    hook = doors[name].person.says("x")
    assert doors[name].knock(dataclasses.replace(hook, body=b"x" * 1_000_001)) == 413


@pytest.mark.parametrize("name", PEOPLE)
def test_a_refusal_is_logged_without_what_was_sent(doors: dict[str, Door], name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hook = doors[name].person.says("SECRET-WORDS-OF-A-PERSON")
    forged = dataclasses.replace(hook, headers={**hook.headers, SIGNATURES[name]: "FORGED-SIGNATURE"})
    assert doors[name].knock(forged) == 401
    assert f"{name}: a request was refused" in caplog.text
    assert "SECRET-WORDS" not in caplog.text and "FORGED" not in caplog.text and doors[name].person.name.strip(":") not in caplog.text


def test_messengers_test_of_the_address(doors: dict[str, Door]) -> None:
    door = doors["messenger"].channel

    def test(**query: str) -> Any:
        return asyncio.run(door.receive(Hook("GET", "webhook", {}, {f"hub.{name}": value for name, value in query.items()})))

    good = test(mode="subscribe", verify_token=KEYS["MILIA_MESSENGER_VERIFY_TOKEN"], challenge="1158201444")
    assert (good.status, good.body) == (200, b"1158201444")
    assert test(mode="subscribe", verify_token="wrong", challenge="1").status == 401
    assert test(mode="subscribe", challenge="1").status == 401
    assert test(mode="other", verify_token=KEYS["MILIA_MESSENGER_VERIFY_TOKEN"], challenge="1").status == 400


def test_slacks_test_of_the_address(doors: dict[str, Door]) -> None:
    body = b'{"type": "url_verification", "challenge": "3eZbrw1a"}'
    hook = Hook("POST", "webhook", {"content-type": "application/json", **slack_headers(KEYS["MILIA_SLACK_SIGNING_SECRET"], body)}, {}, body)
    answer = asyncio.run(doors["slack"].channel.receive(hook))
    assert (answer.status, answer.body) == (200, b"3eZbrw1a")
    assert doors["slack"].knock(dataclasses.replace(hook, headers={"content-type": "application/json"})) == 401


def test_twilio_signs_empty_and_repeated_fields_and_the_query(doors: dict[str, Door]) -> None:
    """A form parser that drops empty fields would refuse half of Twilio's requests."""
    door = doors["sms"]
    assert door.knock(door.person.posts(Body="hi", FromCity="", FromZip="")) == 200
    channel = door.channel
    assert isinstance(channel, SmsChannel)
    from twilio.request_validator import RequestValidator

    url = channel.address("webhook") + "?a=1"
    body = b"Body=hi&From=%2B15550000001&MessageSid=SM1&Empty="
    signed = RequestValidator(KEYS["MILIA_TWILIO_AUTH_TOKEN"]).compute_signature(url, {"Body": "hi", "From": "+15550000001", "MessageSid": "SM1", "Empty": ""})
    hook = Hook("POST", "webhook", {"x-twilio-signature": signed}, {"a": "1"}, body, "a=1")
    assert door.knock(hook) == 200
    assert door.knock(dataclasses.replace(hook, query_string="a=2")) == 401


def test_a_request_for_another_channel_is_not_taken(doors: dict[str, Door]) -> None:
    """WhatsApp's messages at the address of SMS, or one channel's signature at another's door."""
    sms = doors["sms"]
    sms.taken.clear()
    assert sms.knock(sms.person.posts(From="whatsapp:+15550000001")) == 200 and not sms.taken
    assert sms.knock(doors["whatsapp"].person.says("hello")) == 401, "the address is signed"


def test_the_routes_exist_where_rasa_has_them(tmp_path: Path) -> None:
    """Over HTTP: Rasa's addresses, 401 and 200, and Twilio's status route."""
    import aiohttp
    from sanic import Sanic

    async def run() -> None:
        async with world("sms", tmp_path) as w:
            app = Sanic("platform_door_test", configure_logging=False)
            app.blueprint(w.channel.blueprint(w.bot.handle), url_prefix="/webhooks/sms")
            server = await app.create_server("127.0.0.1", 0, return_asyncio_server=True)
            assert server is not None
            await server.startup()
            port = server.server.sockets[0].getsockname()[1]
            base = f"http://127.0.0.1:{port}/webhooks/sms"
            async with aiohttp.ClientSession() as session:

                async def post(hook: Hook) -> tuple[int, str]:
                    async with session.post(f"{base}/{hook.path}", data=hook.body, headers=dict(hook.headers)) as answer:
                        return answer.status, await answer.text()

                assert (await session.get(f"{base}/")).status == 200
                good = w.person().says("hello")
                assert await post(good) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response></Response>')
                assert (await post(dataclasses.replace(good, headers={**good.headers, "x-twilio-signature": "x"})))[0] == 401
                failed = w.person().posts("status", MessageStatus="undelivered", ErrorCode="30003")
                assert (await post(failed))[0] == 204
                assert w.channel.health.sent["undelivered"] >= 1
            await w.settle()
            assert any("dermatology provider" in text for text in w.person().heard())
            server.close()

    asyncio.run(run())
