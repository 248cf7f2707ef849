"""Calls the bot at its public address as each platform does: `milia channels check --reach`, once the bot runs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from milia.channels.platform_check import SECONDS, Finding, ok, problem
from milia.channels.platform_http import Caller, TryLater
from milia.channels.platform_settings import PlatformKeys, value, webhook_url
from milia.channels.signing import meta_signature, slack_headers, twilio_signature

_JSON = {"content-type": "application/json"}
_FORM = {"content-type": "application/x-www-form-urlencoded"}


async def reach(needs: PlatformKeys, environ: Mapping[str, str]) -> list[Finding]:
    """Send a request that means nothing, signed and unsigned: the one must be taken, the other refused."""
    path, body, unsigned, signed = _request(needs.channel, environ)
    base = webhook_url(environ, needs.channel).removesuffix("webhook")
    caller = Caller(base, None, SECONDS)
    try:
        good = (await caller.post(path, data=body, headers={**unsigned, **signed})).status
        bad = (await caller.post(path, data=body, headers=unsigned)).status
    except TryLater as error:
        return [problem(f"the bot cannot be reached at {base}{path}: {error.reason}")]
    finally:
        await caller.close()
    if good in (200, 204) and bad == 401:
        return [ok("the bot answers at its public address, and only to what is signed")]
    if 404 in (good, bad):
        return [problem(f"there is no bot with this channel at {base}{path}: does it run with these keys, and does the proxy pass the path on?")]
    if good == 401:
        return [problem(f"the bot at {base}{path} refuses what is signed with these keys: it runs with others, or under another {'address' if needs.shared else 'secret'}")]
    return [problem(f"{base}{path} answers {good} to a signed and {bad} to an unsigned request; expected 200 and 401")]


def _request(channel: str, environ: Mapping[str, str]) -> tuple[str, bytes, Mapping[str, str], Mapping[str, str]]:
    """Return a request's path, body, headers, and the headers that sign it."""
    if channel == "slack":
        body = _json({"type": "url_verification", "challenge": secrets.token_hex(8)})
        return "/webhook", body, _JSON, slack_headers(value(environ, "MILIA_SLACK_SIGNING_SECRET"), body)
    if channel == "telegram":
        secret = value(environ, "MILIA_TELEGRAM_WEBHOOK_SECRET")
        return "/webhook", _json({"update_id": 1}), _JSON, {"x-telegram-bot-api-secret-token": secret}
    if channel == "messenger":
        body = _json({"object": "page", "entry": []})
        signature = meta_signature(value(environ, "MILIA_MESSENGER_APP_SECRET"), body)
        return "/webhook", body, _JSON, {"x-hub-signature-256": f"sha256={signature}"}
    # What became of a message: the channel does nothing about one that is on its way.
    fields = {"MessageSid": "SM" + secrets.token_hex(16), "MessageStatus": "queued"}
    url = webhook_url(environ, channel).removesuffix("webhook") + "status"
    signature = twilio_signature(value(environ, "MILIA_TWILIO_AUTH_TOKEN"), url, fields)
    return "/status", urlencode(fields).encode(), _FORM, {"x-twilio-signature": signature}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
