"""How platforms sign their requests: for the channels' doors, for the check of a set-up, and for tests. Nothing of Rasa."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from slack_sdk.signature import SignatureVerifier
from twilio.request_validator import RequestValidator


def slack_headers(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """Return the headers with which Slack signs a body. https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    stamp = str(int(time.time() if now is None else now))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": signature or ""}


def meta_signature(secret: str, body: bytes) -> str:
    """Return what Meta signs a body with, hexadecimal."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def meta_proof(token: str, secret: str) -> str:
    """Return what shows Meta that a token is used by the app it was made for (`appsecret_proof`)."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def twilio_signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return what Twilio signs the fields of a form and its address with."""
    return str(RequestValidator(token).compute_signature(url, dict(fields)))
