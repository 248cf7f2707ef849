"""Facebook Messenger: chats with a page.

Named in credentials.yml as `milia.channels.messenger.MessengerChannel:`.
https://developers.facebook.com/docs/messenger-platform
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sanic import response
from sanic.response import HTTPResponse

from milia.channels.choices import read_reference
from milia.channels.platform import PlatformChannel
from milia.channels.platform_answers import DELETE, KEEP, Surface
from milia.channels.platform_http import Caller, NeverDelivered, TryLater
from milia.channels.platform_message import (
    PRESS,
    TEXT,
    Hook,
    Incoming,
    Malformed,
    Refused,
    list_at,
    object_at,
    text_at,
)
from milia.channels.platform_settings import GET_STARTED, api_url
from milia.channels.rendering import Bubble, Payload, messenger, messenger_numbers
from milia.channels.signing import meta_proof, meta_signature

logger = logging.getLogger(__name__)

# Meta repeats what was not taken for 36 hours; what says to be older is not Meta's.
OLDEST_SECONDS = 48 * 3600.0
AHEAD_SECONDS = 600.0
_KINDS = {"image": "photo", "video": "video", "audio": "voice", "file": "file", "location": "location", "reel": "video", "ig_reel": "video"}
# Codes of Meta's errors: https://developers.facebook.com/docs/messenger-platform/error-codes
_LATER = frozenset({1, 2, 4, 17, 32, 341, 613, 1200, 80006})
_OURS = frozenset({3, 102, 190, 200, 210, 458, 459, 463, 464, 467})
# Of a code that is the operator's fault otherwise: the person left, or a day has passed since they wrote.
_PERSON_GONE = frozenset({1545041, 2018108, 2018278, 2018001})


class MessengerChannel(PlatformChannel):
    """Messenger's webhooks and Send API."""

    channel = "messenger"
    clock: Callable[[], float] = staticmethod(time.time)

    def make_caller(self) -> Caller:
        """Return what calls the Graph API."""
        token = self.setting("MILIA_MESSENGER_PAGE_TOKEN")
        self._proof = meta_proof(token, self.setting("MILIA_MESSENGER_APP_SECRET"))
        return Caller(api_url(self.environ, "messenger"), {"Authorization": f"Bearer {token}"})

    def surface(self) -> Surface:
        """Return what answers need to know of Messenger."""
        return Surface(self.channel, self.title, messenger_numbers)

    def verify(self, hook: Hook) -> None:
        """Check Meta's signature, or the token with which it tests the address.

        Raises:
            Refused: it is missing or wrong.
        """
        if hook.method == "GET":
            token, given = self.setting("MILIA_MESSENGER_VERIFY_TOKEN"), hook.query.get("hub.verify_token", "")
            if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode()):
                raise Refused("the verify token is missing or wrong")
            return
        expected = "sha256=" + meta_signature(self.setting("MILIA_MESSENGER_APP_SECRET"), hook.body)
        given = hook.headers.get("x-hub-signature-256", "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode()):
            raise Refused("the signature is missing or wrong")

    def handshake(self, hook: Hook) -> HTTPResponse | None:
        """Answer Meta's test of the address.

        Raises:
            Malformed: it is no test.
        """
        if hook.method != "GET":
            return None
        challenge = hook.query.get("hub.challenge", "")
        if hook.query.get("hub.mode") != "subscribe" or not challenge:
            raise Malformed("no test of the address")
        return response.text(challenge[:500])

    def read(self, hook: Hook) -> list[Incoming]:
        """Return what people did: all of a batch.

        Raises:
            Malformed: it is no webhook of a page.
        """
        body = hook.json()
        if "object" not in body:
            raise Malformed("no object")
        if body["object"] != "page":
            return []
        found = []
        for entry in list_at(body, "entry"):
            for event in list_at(entry, "messaging"):
                message = self._event(text_at(entry, "id"), event)
                if message is not None:
                    found.append(message)
        return found

    def render(self, bubbles: Sequence[Bubble]) -> list[Payload]:
        """Return messages with quick replies."""
        return messenger(bubbles, self.warnings, self.labels)

    async def send(self, target: Mapping[str, str], payload: Any) -> None:
        """Send a message; see `PlatformChannel.send`."""
        await self._call({"recipient": {"id": target["to"]}, "messaging_type": "RESPONSE", "message": payload})

    async def typing(self, message: Incoming) -> None:
        """Show that the message is seen, and that the page types."""
        for action in ("mark_seen", "typing_on"):
            await self._call({"recipient": {"id": message.target["to"]}, "sender_action": action})

    async def _call(self, body: Mapping[str, Any]) -> None:
        answer = await self.caller.post("/me/messages", json={**body, "appsecret_proof": self._proof})
        if answer.status == 200:
            return
        error = object_at(answer.body, "error")
        code, part = text_at(error, "code"), text_at(error, "error_subcode")
        number = int(code) if code.lstrip("-").isdigit() else 0
        reason = f"{answer.status} code {code or '?'} {part}".strip()
        if error.get("is_transient") is True or number in _LATER or not error:
            raise TryLater(reason, answer.after)
        gone = part.isdigit() and int(part) in _PERSON_GONE
        raise NeverDelivered(reason, ours=number in _OURS and not gone)

    def _event(self, page: str, event: Any) -> Incoming | None:
        person, stamp = text_at(event, "sender", "id"), text_at(event, "timestamp")
        message = object_at(event, "message")
        if not person or person == page or message.get("is_echo"):
            return None
        age = self.clock() - int(stamp or 0) / 1000 if stamp.isdigit() else float("inf")
        if not -AHEAD_SECONDS <= age <= OLDEST_SECONDS:
            logger.warning("%s: an event was left out: it is of another time", self.channel)
            self.health.note_received("refused")
            return None
        sender, target = f"{page}:{person}", {"to": person}
        if message:
            return _message(message, sender, target)
        if "postback" in event:
            return _press(object_at(event, "postback"), sender, target, f"{sender}:{stamp}")
        if text_at(event, "reaction", "action") == "react":
            return Incoming(f"reaction:{sender}:{stamp}", sender, target, "reaction")
        if "message_edit" in event:
            return Incoming(f"edit:{sender}:{text_at(event, 'message_edit', 'mid')}:{stamp}", sender, target, "edit")
        return None  # delivered, read, opted in, ...


def _message(message: Mapping[str, Any], sender: str, target: Mapping[str, str]) -> Incoming:
    number = text_at(message, "mid")
    if not number:
        raise Malformed("a message without an id")
    payload = text_at(message, "quick_reply", "payload")
    if _is_press(payload):
        return Incoming(f"press:{sender}:{payload}", sender, target, PRESS, press=payload)
    words, attachments = text_at(message, "text"), list_at(message, "attachments")
    kind = TEXT if words else "other"
    if attachments:
        named = text_at(attachments[0], "type")
        kind = "sticker" if text_at(attachments[0], "payload", "sticker_id") else _KINDS.get(named, kind)
    return Incoming(number, sender, target, kind, words)


def _press(postback: Mapping[str, Any], sender: str, target: Mapping[str, str], number: str) -> Incoming:
    payload = text_at(postback, "payload")
    if _is_press(payload):
        return Incoming(f"press:{sender}:{payload}", sender, target, PRESS, press=payload)
    # The page's own buttons: "Get started", or one of its menu, whose title says what is meant.
    words = "hello" if payload == GET_STARTED else text_at(postback, "title") or "hello"
    return Incoming(text_at(postback, "mid") or number, sender, target, TEXT, words)


def _is_press(payload: str) -> bool:
    return payload in (DELETE, KEEP) or read_reference(payload) is not None
