"""Checks the platforms' keys with the platforms themselves, and the bot's public addresses: the work of `milia channels check`.

Nothing here prints or logs a key. Loads nothing of Rasa, so that a check takes as long as the platforms do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from milia.channels.platform_http import Answer, Caller, NeverDelivered, TryLater
from milia.channels.platform_message import list_at, object_at, text_at
from milia.channels.platform_settings import (
    PUBLIC_URL,
    PlatformKeys,
    api_url,
    is_local,
    problems_of,
    value,
    wanted,
    webhook_url,
)
from milia.channels.signing import meta_proof

# What Telegram is asked to send, and what Messenger is asked for.
TELEGRAM_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "message_reaction")
MESSENGER_FIELDS = ("messages", "messaging_postbacks", "message_reactions", "message_edits")
_SLACK_NEEDED = ("chat:write", "im:history", "app_mentions:read")
_SLACK_GOOD = ("reactions:read", "channels:read", "groups:read")
# Seconds for one call; a platform that takes longer is said not to answer.
SECONDS = 8.0
# An error that Telegram had with our webhook longer ago is past.
_RECENT_SECONDS = 3600.0


@dataclass(frozen=True)
class Finding:
    """One line of a check: `ok`, a `note`, or a `problem`, which keeps the channel from working as it should."""

    kind: Literal["ok", "note", "problem"]
    text: str


def ok(text: str) -> Finding:
    """Return what is in order."""
    return Finding("ok", text)


def note(text: str) -> Finding:
    """Return what is worth knowing."""
    return Finding("note", text)


def problem(text: str) -> Finding:
    """Return what has to be mended."""
    return Finding("problem", text)


def keys(needs: PlatformKeys, environ: Mapping[str, str]) -> list[Finding]:
    """Check the form of a platform's settings, without any call."""
    found = [problem(f"{one.variable} {one.message}") for one in problems_of(needs, environ)]
    return found or [ok("the settings are there and well formed")]


def address(environ: Mapping[str, str]) -> list[Finding]:
    """Check that platforms can reach the public address by its form."""
    public = value(environ, PUBLIC_URL)
    if not public:
        return [problem(f"{PUBLIC_URL} is missing: the address at which platforms reach the bot, as https://bot.example.org")]
    parts = urlsplit(public)
    if parts.scheme != "https" or not parts.hostname:
        return [problem(f"{PUBLIC_URL} must start with https:// and name a host: platforms send nowhere else")]
    if is_local(public):
        return [problem(f"{PUBLIC_URL} is on this machine, where no platform reaches it")]
    return []


async def online(needs: PlatformKeys, environ: Mapping[str, str]) -> list[Finding]:
    """Ask a platform whether it takes the keys, and where it sends messages. For keys of the right form only."""
    try:
        return await asyncio.wait_for(_ONLINE[needs.channel](environ, needs.channel), 3 * SECONDS)
    except TryLater as error:
        return [problem(f"{needs.title} does not answer as it should: {error.reason}; try again later")]
    except asyncio.TimeoutError:
        return [problem(f"{needs.title} does not answer within {3 * SECONDS:.0f} s; try again later")]
    except NeverDelivered as error:
        return [problem(error.reason)]


async def check(
    platforms: Sequence[PlatformKeys], environ: Mapping[str, str], ask: bool, reach: Callable[..., Awaitable[list[Finding]]] | None
) -> dict[str, list[Finding]]:
    """Check all platforms that have a setting of their own.

    Args:
        platforms: those to look at.
        environ: where the settings are.
        ask: call the platforms.
        reach: calls the bot at its public address as a platform does; see `platform_reach.reach`.

    Returns:
        Findings by channel, of those that have any setting. The platforms are asked at the same time.
    """

    async def one(needs: PlatformKeys) -> list[Finding]:
        found = keys(needs, environ)
        wrong = any(finding.kind == "problem" for finding in found)
        if not any(finding.text.startswith(PUBLIC_URL) for finding in found):  # Twilio's channels need it as a key
            found += address(environ)
        if wrong:
            return found
        if ask:
            found += await online(needs, environ)
        if reach is not None and not address(environ):
            found += await reach(needs, environ)
        return found

    chosen = [needs for needs in platforms if wanted(needs, environ)]
    return dict(zip((needs.channel for needs in chosen), await asyncio.gather(*map(one, chosen)), strict=True))


async def _slack(environ: Mapping[str, str], channel: str) -> list[Finding]:
    token = value(environ, "MILIA_SLACK_BOT_TOKEN")
    answer = await _post(Caller(api_url(environ, "slack"), {"Authorization": f"Bearer {token}"}, SECONDS), "/auth.test")
    if answer.body.get("ok") is not True:
        return [problem(f"Slack does not take MILIA_SLACK_BOT_TOKEN: {text_at(answer.body, 'error') or answer.status}")]
    found = [ok(f"Slack takes the token: bot {text_at(answer.body, 'user')!r} in workspace {text_at(answer.body, 'team')!r}")]
    scopes = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    if scopes:
        missing = [scope for scope in _SLACK_NEEDED if scope not in scopes]
        good = [scope for scope in _SLACK_GOOD if scope not in scopes]
        if missing:
            found.append(problem(f"the token lacks the scopes {', '.join(missing)}: add them to the app, and install it again"))
        if good:
            found.append(note(f"the token lacks the scopes {', '.join(good)}: reactions or joins are not answered"))
    return [*found, note("whether MILIA_SLACK_SIGNING_SECRET is right shows when Slack accepts the request URL")]


async def _telegram(environ: Mapping[str, str], channel: str) -> list[Finding]:
    caller = telegram_caller(environ)
    try:
        me = await caller.get("/getMe")
        info = await caller.get("/getWebhookInfo") if me.status == 200 else me
    finally:
        await caller.close()
    if me.status != 200:
        return [problem(f"Telegram does not take MILIA_TELEGRAM_BOT_TOKEN: status {me.status}")]
    name = text_at(me.body, "result", "username")
    found = [ok(f"Telegram takes the token: @{name}")]
    given = value(environ, "MILIA_TELEGRAM_BOT_NAME").removeprefix("@")
    if given and given.casefold() != name.casefold():
        found.append(problem(f"MILIA_TELEGRAM_BOT_NAME is {given!r}, but the token is that of @{name}: groups would mention another"))
    return [*found, *_telegram_webhook(object_at(info.body, "result"), _ours(environ, channel))]


def _telegram_webhook(info: Mapping[str, Any], ours: str) -> list[Finding]:
    url = text_at(info, "url")
    connect = "`milia channels connect` sets it"
    if not ours:
        return []
    if url != ours:
        return [problem(f"Telegram sends to {_shown(url)} instead of the address below: {connect}")]
    found = [ok("Telegram sends to this bot")]
    asked = list_at(info, "allowed_updates")
    missing = [update for update in TELEGRAM_UPDATES if asked and update not in asked]
    if missing:
        found.append(problem(f"Telegram does not send {', '.join(missing)}: {connect}"))
    last = text_at(info, "last_error_date")
    if last.isascii() and last.isdigit() and time.time() - int(last) < _RECENT_SECONDS:
        found.append(problem(f"Telegram's last delivery failed: {text_at(info, 'last_error_message')[:120]}"))
    waiting = text_at(info, "pending_update_count")
    if waiting not in ("", "0"):
        found.append(note(f"{waiting} messages wait at Telegram"))
    return found


def telegram_caller(environ: Mapping[str, str]) -> Caller:
    """Return what calls Telegram's API; its addresses hold the token."""
    return Caller(f"{api_url(environ, 'telegram')}/bot{value(environ, 'MILIA_TELEGRAM_BOT_TOKEN')}", None, SECONDS)


async def _messenger(environ: Mapping[str, str], channel: str) -> list[Finding]:
    caller, proof = messenger_caller(environ)
    try:
        me = await caller.get(f"/me?fields=id,name&appsecret_proof={proof}")
        apps = await caller.get(f"/me/subscribed_apps?appsecret_proof={proof}") if me.status == 200 else me
    finally:
        await caller.close()
    if me.status != 200:
        code, said = text_at(me.body, "error", "code"), text_at(me.body, "error", "message")
        if "appsecret_proof" in said:
            return [problem("Meta says that MILIA_MESSENGER_APP_SECRET is not the secret of the app that MILIA_MESSENGER_PAGE_TOKEN is of")]
        return [problem(f"Meta does not take MILIA_MESSENGER_PAGE_TOKEN: status {me.status} code {code or '?'}")]
    found = [ok(f"Meta takes the token and the app's secret: page {text_at(me.body, 'name')!r}")]
    if apps.status != 200:
        return [*found, note("the token may not look at the page's subscriptions (pages_manage_metadata): check them by hand")]
    fields = [field for app in list_at(apps.body, "data") for field in list_at(app, "subscribed_fields")]
    missing = [field for field in MESSENGER_FIELDS if field not in fields]
    if "messages" in missing or "messaging_postbacks" in missing:
        found.append(problem(f"the page does not send {', '.join(missing)} to the app: `milia channels connect` subscribes to them"))
    elif missing:
        found.append(note(f"the page does not send {', '.join(missing)}: these get no answer"))
    return found


def messenger_caller(environ: Mapping[str, str]) -> tuple[Caller, str]:
    """Return what calls Meta's API, and the proof that goes with each call."""
    token = value(environ, "MILIA_MESSENGER_PAGE_TOKEN")
    proof = meta_proof(token, value(environ, "MILIA_MESSENGER_APP_SECRET"))
    return Caller(api_url(environ, "messenger"), {"Authorization": f"Bearer {token}"}, SECONDS), proof


async def _twilio(environ: Mapping[str, str], channel: str) -> list[Finding]:
    sid, token = value(environ, "MILIA_TWILIO_ACCOUNT_SID"), value(environ, "MILIA_TWILIO_AUTH_TOKEN")
    account = await _get(Caller(api_url(environ, "twilio"), None, SECONDS), f"/2010-04-01/Accounts/{sid}.json", (sid, token))
    if account.status != 200:
        return [problem(f"Twilio does not take MILIA_TWILIO_ACCOUNT_SID with MILIA_TWILIO_AUTH_TOKEN: status {account.status}")]
    state = text_at(account.body, "status")
    found = [ok("Twilio takes the account's SID and token") if state == "active" else problem(f"Twilio's account is {state or 'not active'}")]
    variable = "MILIA_SMS_NUMBER" if channel == "sms" else "MILIA_WHATSAPP_NUMBER"
    number, ours = value(environ, variable), _ours(environ, channel)
    if number.startswith("MG"):
        caller = Caller(api_url(environ, "twilio messaging"), None, SECONDS)
        return [*found, *_service(await _get(caller, f"/v1/Services/{number}", (sid, token)), variable, ours)]
    if channel == "sms" and number.startswith("+"):
        path = f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json?PhoneNumber={quote(number)}"
        return [*found, *_number(await _get(Caller(api_url(environ, "twilio"), None, SECONDS), path, (sid, token)), variable, ours)]
    return [*found, note("where Twilio sends this sender's messages is not asked: compare it with the address below by hand")]


def _number(answer: Answer, variable: str, ours: str) -> list[Finding]:
    owned = list_at(answer.body, "incoming_phone_numbers")
    if answer.status != 200 or not owned:
        return [problem(f"{variable} is no number of this account (status {answer.status})")]
    service = text_at(owned[0], "messaging_service_sid")
    url = text_at(owned[0], "sms_url")
    if not ours:
        return [ok(f"{variable} is a number of this account")]
    if url != ours and not service:
        return [problem(f"Twilio sends the number's messages to {_shown(url)} instead of the address below")]
    return [ok("Twilio sends the number's messages to this bot") if url == ours else note("the number belongs to a messaging service: compare its address by hand")]


def _service(answer: Answer, variable: str, ours: str) -> list[Finding]:
    if answer.status != 200:
        return [problem(f"{variable} is no messaging service of this account (status {answer.status})")]
    if answer.body.get("use_inbound_webhook_on_number") is True:
        return [note("the messaging service leaves the address to its numbers: compare theirs with the address below by hand")]
    url = text_at(answer.body, "inbound_request_url")
    if not ours:
        return [ok(f"{variable} is a messaging service of this account")]
    if url != ours:
        return [problem(f"Twilio sends the messaging service's messages to {_shown(url)} instead of the address below")]
    return [ok("Twilio sends the messaging service's messages to this bot")]


_ONLINE: Mapping[str, Callable[[Mapping[str, str], str], Awaitable[list[Finding]]]] = {
    "slack": _slack,
    "telegram": _telegram,
    "messenger": _messenger,
    "whatsapp": _twilio,
    "sms": _twilio,
}


def _ours(environ: Mapping[str, str], channel: str) -> str:
    """Return the webhook's address; an empty one if the public address is not in order, so that there is nothing to compare."""
    return "" if address(environ) else webhook_url(environ, channel)


def _shown(url: str) -> str:
    """Return the part of an address that holds no secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if url else "nowhere"


async def _get(caller: Caller, path: str, auth: tuple[str, str]) -> Answer:
    try:
        return await caller.get(path, auth=auth)
    finally:
        await caller.close()


async def _post(caller: Caller, path: str) -> Answer:
    try:
        return await caller.post(path)
    finally:
        await caller.close()
