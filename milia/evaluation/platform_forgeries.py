"""Requests that do not come from a platform, made from one that does: for tests, and for `platform_load`."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
from collections.abc import Callable, Mapping

from milia.channels.platform_message import Hook
from milia.channels.signing import meta_signature, slack_headers

SIGNATURES: Mapping[str, str] = {
    "slack": "x-slack-signature",
    "telegram": "x-telegram-bot-api-secret-token",
    "messenger": "x-hub-signature-256",
    "whatsapp": "x-twilio-signature",
    "sms": "x-twilio-signature",
}
# From the channel, a good request, a number and a text, both of chance.
Forgery = Callable[[str, Hook, int, str], Hook]


def _signed_by(channel: str, hook: Hook, given: str) -> Hook:
    return dataclasses.replace(hook, headers={**hook.headers, SIGNATURES[channel]: given})


def _unsigned(channel: str, hook: Hook, number: int, text: str) -> Hook:
    return dataclasses.replace(hook, headers={name: one for name, one in hook.headers.items() if name != SIGNATURES[channel]})


def _flipped(channel: str, hook: Hook, number: int, text: str) -> Hook:
    given = hook.headers[SIGNATURES[channel]]
    place = number % len(given)
    return _signed_by(channel, hook, given[:place] + ("0" if given[place] != "0" else "1") + given[place + 1 :])


def _shortened(channel: str, hook: Hook, number: int, text: str) -> Hook:
    given = hook.headers[SIGNATURES[channel]]
    return _signed_by(channel, hook, given[: number % len(given)])


def _resigned(channel: str, hook: Hook, number: int, text: str) -> Hook:
    """Sign with another secret, as somebody would who knows how the platform signs."""
    secret = text.strip() or "x"
    if channel == "slack":
        return dataclasses.replace(hook, headers={**hook.headers, **slack_headers(secret, hook.body)})
    if channel == "telegram":
        return _signed_by(channel, hook, secret)
    if channel == "messenger":
        return _signed_by(channel, hook, "sha256=" + meta_signature(secret, hook.body))
    digest = hmac.new(secret.encode("utf-8", "surrogatepass"), hook.body, hashlib.sha1).digest()
    return _signed_by(channel, hook, base64.b64encode(digest).decode())


def _changed(channel: str, hook: Hook, number: int, text: str) -> Hook:
    place = number % len(hook.body)
    return dataclasses.replace(hook, body=hook.body[:place] + bytes([hook.body[place] ^ 1]) + hook.body[place + 1 :])


FORGERIES: Mapping[str, Forgery] = {
    "no signature": _unsigned,
    "a signature of anything": lambda channel, hook, number, text: _signed_by(channel, hook, text),
    "a changed signature": _flipped,
    "a shortened signature": _shortened,
    "another secret": _resigned,
    "a signature of another body": lambda channel, hook, number, text: dataclasses.replace(
        hook, body=hook.body + text.encode("utf-8", "surrogatepass") + b" "
    ),
    "a changed body": _changed,
    "no headers": lambda channel, hook, number, text: dataclasses.replace(hook, headers={}),
    "a GET": lambda channel, hook, number, text: Hook(
        "GET", "webhook", {}, {"hub.mode": "subscribe", "hub.verify_token": text, "hub.challenge": "x"}
    ),
}
# Telegram signs nothing: who has the secret may write what he likes. There the door is the secret alone.
_SIGNED_ONLY = ("a signature of another body", "a changed body")


def forgeries_of(channel: str) -> list[str]:
    """Return the kinds of forgeries that a channel can be shown."""
    return [kind for kind in FORGERIES if not (channel == "telegram" and kind in _SIGNED_ONLY)]
