"""`milia channels check` and `connect` against the stand-ins: what is right is said, what is wrong is named, no key is shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from platform_world import make_channel, world

from milia.channels import commands, platform_check
from milia.channels.platform_connect import CONNECT
from milia.channels.platform_http import Answer, Caller
from milia.channels.platform_message import Hook
from milia.channels.platform_reach import reach
from milia.channels.platform_settings import PLATFORMS, platform, webhook_url
from milia.evaluation.platform_people import CHANNELS, KEYS, api_settings, stand_in
from milia.evaluation.platform_standins import StandIn

NEEDS = {needs.channel: needs for needs in PLATFORMS}
SERVICE = "MG0123456789abcdef0123456789abcdef"


def ready(channel: str, at: StandIn) -> None:
    """Set the stand-in up as a platform is that knows the bot."""
    if channel == "telegram":
        at.webhook = {"url": webhook_url(KEYS, channel), "allowed_updates": list(platform_check.TELEGRAM_UPDATES)}
    if channel == "sms":
        at.numbers = [{"phone_number": KEYS["MILIA_SMS_NUMBER"], "sms_url": webhook_url(KEYS, channel)}]


def asked(channel: str, change: Any = None, **settings: str) -> list[platform_check.Finding]:
    """Check a channel with its stand-in, which `change` changes first."""

    async def run() -> list[platform_check.Finding]:
        at = stand_in(channel)
        ready(channel, at)
        await at.start()
        try:
            if change is not None:
                change(at)
            environ = {**KEYS, **api_settings(channel, at.url), **settings}
            return (await platform_check.check([NEEDS[channel]], environ, True, None))[channel]
        finally:
            await at.stop()

    return asyncio.run(run())


def problems(found: list[platform_check.Finding]) -> list[str]:
    return [finding.text for finding in found if finding.kind == "problem"]


def test_good_keys_are_confirmed_by_each_platform(channel: str) -> None:
    found = asked(channel)
    assert not problems(found)
    assert any("takes the" in finding.text for finding in found if finding.kind == "ok"), "the platform said so"


WRONG: Mapping[str, tuple[str, str, str]] = {
    "slack": ("MILIA_SLACK_BOT_TOKEN", "xoxb-999999999999-abcdefghij", "Slack does not take MILIA_SLACK_BOT_TOKEN: invalid_auth"),
    "telegram": ("MILIA_TELEGRAM_BOT_TOKEN", "7654321:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "Telegram does not take MILIA_TELEGRAM_BOT_TOKEN: status 401"),
    "messenger": ("MILIA_MESSENGER_PAGE_TOKEN", "EAAZyxwvutsrqponmlkjihgfedc", "Meta does not take MILIA_MESSENGER_PAGE_TOKEN: status 400 code 190"),
    "whatsapp": ("MILIA_TWILIO_AUTH_TOKEN", "0" * 31 + "1", "Twilio does not take MILIA_TWILIO_ACCOUNT_SID with MILIA_TWILIO_AUTH_TOKEN: status 401"),
    "sms": ("MILIA_TWILIO_AUTH_TOKEN", "0" * 31 + "1", "Twilio does not take MILIA_TWILIO_ACCOUNT_SID with MILIA_TWILIO_AUTH_TOKEN: status 401"),
}  # fmt: skip


def test_a_key_that_the_platform_does_not_take_is_named_and_not_shown(channel: str) -> None:
    variable, value, said = WRONG[channel]
    found = problems(asked(channel, **{variable: value}))
    assert found == [said]
    assert value not in "".join(found)


def test_a_malformed_key_is_named_without_any_call(channel: str) -> None:
    variable = NEEDS[channel].keys[0].variable
    called: list[int] = []

    def count(at: StandIn) -> None:
        at.calls = called  # type: ignore[assignment]

    found = problems(asked(channel, count, **{variable: "nonsense value"}))
    assert len(found) == 1 and found[0].startswith(f"{variable} is malformed; allowed: ") and "nonsense" not in found[0]
    assert not called


def test_a_platform_that_does_not_answer_is_said_to(channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(at: StandIn) -> None:
        at.read = _fail  # type: ignore[method-assign]

    async def _fail(request: Any) -> Any:
        raise RuntimeError("a fault of the platform's own")

    assert "does not answer as it should: status 500" in problems(asked(channel, unreachable))[0]
    monkeypatch.setattr(platform_check, "SECONDS", 0.3)

    def slow(at: StandIn) -> None:
        async def wait(request: Any) -> Any:
            await asyncio.sleep(1)

        at.read = wait  # type: ignore[method-assign]

    began = time.monotonic()
    assert "time-out" in problems(asked(channel, slow))[0]
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("url", "said"),
    [("", "is missing"), ("http://bot.example.org", "must start with https"), ("https://127.0.0.1:5005", "is on this machine"), ("bot.example.org", "")],
)
def test_an_address_that_no_platform_reaches_is_a_problem(channel: str, url: str, said: str) -> None:
    found = problems(asked(channel, MILIA_PUBLIC_URL=url))
    assert len(found) == 1 and found[0].startswith("MILIA_PUBLIC_URL ") and said in found[0]


def test_missing_scopes_of_slack_are_named() -> None:
    def fewer(at: Any) -> None:
        at.scopes = ["chat:write", "im:history"]

    found = asked("slack", fewer)
    assert problems(found) == ["the token lacks the scopes app_mentions:read: add them to the app, and install it again"]
    assert any("reactions:read" in finding.text for finding in found if finding.kind == "note")


def test_a_webhook_of_telegram_that_is_elsewhere_or_fails_is_said() -> None:
    def elsewhere(at: Any) -> None:
        at.webhook = {"url": "https://other.example.org/hook?key=secret"}

    assert problems(asked("telegram", elsewhere)) == [
        "Telegram sends to https://other.example.org/hook instead of the address below: `milia channels connect` sets it"
    ]

    def failing(at: Any) -> None:
        ready("telegram", at)
        at.webhook |= {"last_error_date": int(time.time()) - 60, "last_error_message": "Wrong response from the webhook: 502"}

    assert problems(asked("telegram", failing)) == ["Telegram's last delivery failed: Wrong response from the webhook: 502"]
    assert problems(asked("telegram", MILIA_TELEGRAM_BOT_NAME="another_bot")) == [
        "MILIA_TELEGRAM_BOT_NAME is 'another_bot', but the token is that of @milia_test_bot: groups would mention another"
    ]


def test_messengers_secret_and_subscriptions_are_checked() -> None:
    assert problems(asked("messenger", MILIA_MESSENGER_APP_SECRET="0" * 32)) == [
        "Meta says that MILIA_MESSENGER_APP_SECRET is not the secret of the app that MILIA_MESSENGER_PAGE_TOKEN is of"
    ]

    def none(at: Any) -> None:
        at.fields = []

    (said,) = problems(asked("messenger", none))
    assert "messages, messaging_postbacks" in said and "milia channels connect" in said


def test_the_number_and_the_messaging_service_of_twilio_are_checked() -> None:
    def none(at: Any) -> None:
        at.numbers = []

    def elsewhere(at: Any) -> None:
        at.numbers[0]["sms_url"] = "https://demo.example.org/welcome"

    def closed(at: Any) -> None:
        at.status = "suspended"

    assert problems(asked("sms", none)) == ["MILIA_SMS_NUMBER is no number of this account (status 200)"]
    assert problems(asked("sms", elsewhere)) == ["Twilio sends the number's messages to https://demo.example.org/welcome instead of the address below"]
    assert problems(asked("whatsapp", closed)) == ["Twilio's account is suspended"]
    assert problems(asked("sms", MILIA_SMS_NUMBER=SERVICE)) == ["MILIA_SMS_NUMBER is no messaging service of this account (status 404)"]

    def service(url: str) -> Any:
        def change(at: Any) -> None:
            at.services = {SERVICE: {"sid": SERVICE, "inbound_request_url": url, "use_inbound_webhook_on_number": False}}

        return change

    assert not problems(asked("sms", service(webhook_url(KEYS, "sms")), MILIA_SMS_NUMBER=SERVICE))
    assert "instead of the address below" in problems(asked("whatsapp", service(""), MILIA_WHATSAPP_NUMBER=SERVICE))[0]


def test_connect_gives_telegram_the_address_the_secret_and_the_menu() -> None:
    async def run() -> None:
        at: Any = stand_in("telegram")
        await at.start()
        environ = {**KEYS, **api_settings("telegram", at.url)}
        found = await CONNECT["telegram"](environ)
        assert [finding.kind for finding in found] == ["ok", "ok"]
        assert at.webhook["url"] == "https://bot.example.org/webhooks/telegram/webhook"
        assert at.webhook["secret_token"] == KEYS["MILIA_TELEGRAM_WEBHOOK_SECRET"]
        ((method, body),) = at.others
        assert method == "setMyCommands" and {one["command"] for one in body["commands"]} == {"check", "cancel", "delete", "help"}
        assert not problems((await platform_check.check([NEEDS["telegram"]], environ, True, None))["telegram"])
        await at.stop()

    asyncio.run(run())


def test_connect_gives_messenger_its_button_and_says_what_was_refused() -> None:
    async def run() -> None:
        at = stand_in("messenger")
        await at.start()
        environ = {**KEYS, **api_settings("messenger", at.url)}
        assert [finding.kind for finding in await CONNECT["messenger"](environ)] == ["ok", "ok"]
        ((_, profile),) = at.others
        assert profile["get_started"] == {"payload": "GET_STARTED"}
        refused = await CONNECT["messenger"]({**environ, "MILIA_MESSENGER_PAGE_TOKEN": "EAAZyxwvutsrqponmlkjihgfedc"})
        assert [finding.kind for finding in refused] == ["problem", "problem"] and "Invalid OAuth access token" in refused[0].text
        await at.stop()

    asyncio.run(run())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            "ok result url username last_error_date allowed_updates data subscribed_fields error code message status "
            "incoming_phone_numbers sms_url inbound_request_url".split()
        ),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("name", CHANNELS)
def test_whatever_a_platform_answers_the_check_comes_to_an_end(name: str) -> None:
    @settings(max_examples=150, deadline=None, database=None)
    @given(st.lists(st.tuples(st.sampled_from((200, 201, 400, 401, 404)), json_values), min_size=2, max_size=2))
    def ask(answers: list[tuple[int, Any]]) -> None:
        left = [Answer(status, body if isinstance(body, dict) else {}) for status, body in answers]

        async def call(*_: Any) -> Answer:
            return left.pop(0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Caller, "_call", call)
            found = asyncio.run(platform_check.check([NEEDS[name]], {**KEYS, "MILIA_SMS_NUMBER": SERVICE}, True, None))[name]
        assert found and all(finding.kind in ("ok", "note", "problem") for finding in found)

    ask()


OTHERS = {
    "slack": "MILIA_SLACK_SIGNING_SECRET", "telegram": "MILIA_TELEGRAM_WEBHOOK_SECRET", "messenger": "MILIA_MESSENGER_APP_SECRET",
    "whatsapp": "MILIA_TWILIO_AUTH_TOKEN", "sms": "MILIA_TWILIO_AUTH_TOKEN",
}  # fmt: skip


def test_reach_tells_a_bot_with_these_keys_from_others(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            made: list[Any] = []

            async def serve(request: web.Request) -> web.Response:
                prefix, _, path = request.path.rpartition("/")
                if prefix != f"/webhooks/{channel}":
                    return web.Response(status=404)
                headers = {name.lower(): one for name, one in request.headers.items()}
                hook = Hook(request.method, path, headers, dict(request.query), await request.read(), request.query_string)
                answer = made[0].status(hook) if path == "status" else await made[0].receive(hook)
                return web.Response(status=answer.status, body=answer.body or b"")

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", serve)
            server = TestServer(app, host="127.0.0.1")
            await server.start_server()
            environ = {**w.environ, "MILIA_PUBLIC_URL": str(server.make_url("/"))}
            made.append(make_channel(channel, environ, w.database))
            needs = platform(channel)
            assert [finding.kind for finding in await reach(needs, environ)] == ["ok"]
            (found,) = await reach(needs, {**environ, OTHERS[channel]: "9" * 32})
            assert found.kind == "problem" and "refuses what is signed with these keys" in found.text
            (found,) = await reach(needs, {**environ, "MILIA_PUBLIC_URL": f"{environ['MILIA_PUBLIC_URL']}elsewhere"})
            assert found.kind == "problem" and "there is no bot with this channel" in found.text
            await server.close()
            (found,) = await reach(needs, environ)
            assert found.kind == "problem" and "cannot be reached" in found.text

    asyncio.run(run())


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str, **settings: str) -> int:
    """Run `milia channels` with these settings alone, not with those of a developer's .env."""
    import argparse
    import os

    monkeypatch.setattr(os, "environ", {**{k: v for k, v in os.environ.items() if not k.startswith("MILIA_")}, **settings})
    monkeypatch.setattr(commands, "load_env_file", lambda path, environ: None)
    parser = argparse.ArgumentParser()
    commands.add_parser(parser.add_subparsers())
    chosen = parser.parse_args(["channels", *arguments])
    return int(chosen.func(chosen))


def test_the_command_prints_the_addresses_and_where_to_enter_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, "check", "--offline", **KEYS) == 0
    said = capsys.readouterr().out
    for channel in CHANNELS:
        assert f"https://bot.example.org/webhooks/{channel}/webhook" in said
    assert said.count("enter at") == 5 and "5 of 5 platforms have settings, 0 problems." in said
    secrets = [value for name, value in KEYS.items() if name.endswith(("TOKEN", "SECRET"))]
    assert [secret for secret in secrets if secret in said] == []


def test_the_commands_exit_code_tells_whether_there_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, "check", "--offline") == 0, "nothing is set up, so nothing is wrong"
    assert "0 of 5 platforms have settings" in capsys.readouterr().out
    part = {name: value for name, value in KEYS.items() if name != "MILIA_SLACK_SIGNING_SECRET"}
    assert run_command(monkeypatch, "check", "--offline", **part) == 1
    assert "problem  MILIA_SLACK_SIGNING_SECRET is missing" in capsys.readouterr().out
    assert run_command(monkeypatch, "check", "--offline", "sms") == 1, "asked for, but not set up"
    capsys.readouterr()
    assert run_command(monkeypatch, "check", "fax") == 2
    assert "unknown channel 'fax'; known: slack, telegram" in capsys.readouterr().err
    assert run_command(monkeypatch, "connect") == 2
    assert "neither telegram nor messenger is set up" in capsys.readouterr().err
