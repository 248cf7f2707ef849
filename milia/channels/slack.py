"""Slack: private chats with the app, and threads in channels where it is mentioned.

Named in credentials.yml as `milia.channels.slack.SlackChannel:`. https://docs.slack.dev/apis/events-api/
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from sanic import response
from sanic.response import HTTPResponse
from slack_sdk.signature import Clock, SignatureVerifier

from milia.channels.platform import PlatformChannel
from milia.channels.platform_answers import Surface
from milia.channels.platform_http import Caller, NeverDelivered, TryLater
from milia.channels.platform_message import (
    PRESS,
    TEXT,
    Hook,
    Incoming,
    Malformed,
    Refused,
    json_object,
    list_at,
    object_at,
    text_at,
)
from milia.channels.platform_settings import api_url
from milia.channels.rendering import Bubble, Payload, slack

CHOICES = "milia_choices"
# Slack's own blocks of a message that is rewritten after a press; a larger one is left as it is.
_MOST_BLOCKS = 20_000
_NEVER = frozenset(
    "channel_not_found is_archived not_in_channel user_not_found user_disabled cannot_dm_bot restricted_action "
    "restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_non_threadable_channel "
    "thread_locked msg_too_long no_text invalid_blocks invalid_blocks_format messages_tab_disabled".split()
)
_OURS = frozenset(
    "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope no_permission org_login_required "
    "ekm_access_denied team_access_not_granted access_denied".split()
)
# Subtypes of what a person wrote; all others are Slack's own remarks.
_WRITTEN = ("", "file_share", "me_message", "thread_broadcast")


class SlackChannel(PlatformChannel):
    """Slack's Events API and interactive messages."""

    channel = "slack"
    clock = Clock()

    def make_caller(self) -> Caller:
        """Return what calls Slack's Web API."""
        token = self.setting("MILIA_SLACK_BOT_TOKEN")
        return Caller(api_url(self.environ, "slack"), {"Authorization": f"Bearer {token}"})

    def surface(self) -> Surface:
        """Return what answers need to know of Slack."""
        return Surface(self.channel, self.title, lambda _: False)

    def verify(self, hook: Hook) -> None:
        """Check Slack's signature, which is at most five minutes old.

        Raises:
            Refused: it is missing, wrong or old.
        """
        verifier = SignatureVerifier(self.setting("MILIA_SLACK_SIGNING_SECRET"), self.clock)
        stamp, signature = hook.headers.get("x-slack-request-timestamp", ""), hook.headers.get("x-slack-signature", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and signature.isascii()):
            raise Refused("no signature")
        try:
            valid = verifier.is_valid(hook.body, stamp, signature)
        except UnicodeDecodeError:
            valid = False
        if not valid:
            raise Refused("the signature is wrong, or older than five minutes")

    def handshake(self, hook: Hook) -> HTTPResponse | None:
        """Answer Slack's test of the address."""
        if _is_form(hook):
            return None
        body = hook.json()
        if body.get("type") != "url_verification":
            return None
        return response.text(text_at(body, "challenge")[:500])

    def read(self, hook: Hook) -> list[Incoming]:
        """Return what people did.

        Raises:
            Malformed: it is no event and no action.
        """
        if _is_form(hook):
            return _actions(_payload_of(hook.body))
        body = hook.json()
        if body.get("type") != "event_callback":
            return []
        found = _event(body)
        return [found] if found else []

    def render(self, bubbles: Sequence[Bubble]) -> list[Payload]:
        """Return blocks."""
        return slack(bubbles, self.warnings)

    async def send(self, target: Mapping[str, str], payload: Any) -> None:
        """Post a message; see `PlatformChannel.send`."""
        await self._call("/chat.postMessage", {"channel": target["channel"], **_thread(target), **payload})

    async def pressed(self, message: Incoming) -> None:
        """Take the buttons off the message, and say there what was chosen."""
        blocks, chosen = message.extra.get("blocks", ""), message.extra.get("chosen", "")
        if not blocks or not chosen:
            return
        said = self.notices.said["chosen"].format(title=chosen)
        note = {"type": "context", "elements": [{"type": "plain_text", "text": said, "emoji": False}]}
        kept = [block for block in json.loads(blocks) if block.get("block_id") != CHOICES]
        body = {"channel": message.target["channel"], "ts": message.extra["ts"], "text": said, "blocks": [*kept, note]}
        await self._call("/chat.update", body)

    async def _call(self, path: str, body: Mapping[str, Any]) -> None:
        answer = await self.caller.post(path, json=body)
        if answer.status == 200 and answer.body.get("ok") is True:
            return
        error = str(answer.body.get("error") or f"status {answer.status}")
        if error in _NEVER:
            raise NeverDelivered(error)
        if error in _OURS or answer.status in (401, 403):
            raise NeverDelivered(error, ours=True)
        raise TryLater(error, answer.after)


def _is_form(hook: Hook) -> bool:
    return hook.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _payload_of(body: bytes) -> dict[str, Any]:
    try:
        fields = parse_qs(body.decode("utf-8"), strict_parsing=True)
    except ValueError as error:
        raise Malformed("no form") from error
    if "payload" not in fields:
        raise Malformed("a form without a payload")
    return json_object(fields["payload"][0])


def _thread(target: Mapping[str, str]) -> dict[str, str]:
    return {"thread_ts": target["thread"]} if target.get("thread") else {}


def _place(team: str, channel: str, thread: str, user: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the sender, the target and the marks of a message: a private chat, or one person in a thread of a channel."""
    target = {"channel": channel, "thread": thread}
    if channel.startswith("D"):
        return f"{team}:{user}", target, {}
    return f"{team}:{channel}:{thread}:{user}", target, {"group": "1"}


def _event(body: Mapping[str, Any]) -> Incoming | None:
    event, team = object_at(body, "event"), text_at(body, "team_id")
    kind, channel, user = text_at(event, "type"), text_at(event, "channel"), text_at(event, "user")
    bots = {text_at(one, "user_id") for one in list_at(body, "authorizations") if object_at({"one": one}, "one").get("is_bot")}
    if kind == "reaction_added":
        return _reaction(event, team, bots)
    if kind == "member_joined_channel":
        target = {"channel": channel, "thread": ""}
        joined = user in bots and channel
        return Incoming(f"join:{channel}:{text_at(event, 'event_ts')}", f"{team}:{channel}", target, "join") if joined else None
    private = text_at(event, "channel_type") == "im" or channel.startswith("D")
    if kind not in ("message", "app_mention") or (kind == "message" and not private):
        return None
    if text_at(event, "subtype") == "message_changed":
        return _edit(event, team, channel, bots) if private else None
    if event.get("bot_id") or event.get("hidden") or user in bots or text_at(event, "subtype") not in _WRITTEN:
        return None
    stamp = text_at(event, "ts")
    if not (user and channel and stamp):
        raise Malformed("a message without a user, a channel or a time")
    thread = text_at(event, "thread_ts") or ("" if private else stamp)
    sender, target, marks = _place(team, channel, thread, user)
    words = _words(text_at(event, "text"), bots)
    files = list_at(event, "files")
    if not words and not files and kind == "app_mention":
        words = "hello"  # a mention alone
    what = _kind_of_file(text_at(files[0], "mimetype")) if files else TEXT
    return Incoming(f"{team}:{channel}:{stamp}", sender, target, what, words, extra=marks)


def _reaction(event: Mapping[str, Any], team: str, bots: set[str]) -> Incoming | None:
    item, user = object_at(event, "item"), text_at(event, "user")
    channel = text_at(item, "channel")
    to_the_bot = text_at(event, "item_user") in bots if bots else True
    if not channel.startswith("D") or not user or user in bots or not to_the_bot:
        return None
    sender, target, marks = _place(team, channel, "", user)
    number = f"reaction:{team}:{channel}:{text_at(item, 'ts')}:{user}:{text_at(event, 'event_ts')}"
    return Incoming(number, sender, target, "reaction", extra=marks)


def _edit(event: Mapping[str, Any], team: str, channel: str, bots: set[str]) -> Incoming | None:
    """Return an edit by a person; Slack calls its own changes (a preview of a link) so, too."""
    message = object_at(event, "message")
    user, edited = text_at(message, "user"), text_at(message, "edited", "ts")
    same = text_at(message, "text") == text_at(event, "previous_message", "text")
    if not user or not edited or same or user in bots or message.get("bot_id"):
        return None
    sender, target, marks = _place(team, channel, text_at(message, "thread_ts"), user)
    return Incoming(f"edit:{team}:{channel}:{text_at(message, 'ts')}:{edited}", sender, target, "edit", extra=marks)


def _actions(payload: Mapping[str, Any]) -> list[Incoming]:
    if payload.get("type") != "block_actions":
        return []
    team = text_at(payload, "team", "id") or text_at(payload, "user", "team_id")
    user = text_at(payload, "user", "id")
    channel = text_at(payload, "channel", "id") or text_at(payload, "container", "channel_id")
    message = object_at(payload, "message")
    if not (user and channel):
        raise Malformed("an action without a user or a channel")
    stamp = text_at(message, "ts") or text_at(payload, "container", "message_ts")
    thread = text_at(message, "thread_ts") or text_at(payload, "container", "thread_ts")
    sender, target, marks = _place(team, channel, thread, user)
    found = []
    for action in list_at(payload, "actions"):
        value = text_at(action, "value")
        if text_at(action, "block_id") != CHOICES or not value:
            continue
        blocks = json.dumps(list_at(message, "blocks"))
        shown = {"ts": stamp, "chosen": text_at(action, "text", "text"), "blocks": blocks if len(blocks) <= _MOST_BLOCKS else ""}
        found.append(Incoming(f"press:{sender}:{value}", sender, target, PRESS, press=value, extra={**marks, **shown}))
    return found


_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def _words(text: str, bots: set[str]) -> str:
    """Return what was written, without Slack's marks: mentions, links, escapes."""

    def plain(found: re.Match[str]) -> str:
        target, label = found.group(1), found.group(2) or ""
        if target.startswith("@"):
            return "" if target[1:] in bots else label or "@someone"
        if target.startswith(("#", "!")):
            return f"#{label}" if target.startswith("#") and label else label
        return label or target.removeprefix("mailto:")

    text = _LINK.sub(plain, text)
    return " ".join(html.unescape(text).split(" ")).strip()


def _kind_of_file(media: str) -> str:
    return {"image": "photo", "video": "video", "audio": "voice"}.get(media.split("/")[0], "file")
