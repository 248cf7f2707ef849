"""People on the platforms: what their messages look like when they arrive at a webhook, signed as the platform signs them."""

from __future__ import annotations

import itertools
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from milia.channels.platform_message import Hook
from milia.channels.signing import meta_signature, slack_headers
from milia.evaluation.platform_standins import (
    MessengerStandIn,
    SlackStandIn,
    StandIn,
    TelegramStandIn,
    TwilioStandIn,
    as_json,
)

KEYS: Mapping[str, str] = {
    "MILIA_SLACK_BOT_TOKEN": "xoxb-111111111111-abcdefghij",
    "MILIA_SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "MILIA_TELEGRAM_BOT_TOKEN": "1234567:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "MILIA_TELEGRAM_WEBHOOK_SECRET": "a-secret-for-telegram-0123456789",
    "MILIA_TELEGRAM_BOT_NAME": "milia_test_bot",
    "MILIA_MESSENGER_PAGE_TOKEN": "EAABcdefghijklmnopqrstuvwxyz",
    "MILIA_MESSENGER_APP_SECRET": "fedcba9876543210fedcba9876543210",
    "MILIA_MESSENGER_VERIFY_TOKEN": "a-verify-token-of-our-own",
    "MILIA_TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "MILIA_TWILIO_AUTH_TOKEN": "abcdef0123456789abcdef0123456789",
    "MILIA_WHATSAPP_NUMBER": "+15550001111",
    "MILIA_SMS_NUMBER": "+15550002222",
    "MILIA_PUBLIC_URL": "https://bot.example.org",
    "MILIA_CONTACT": "clinic@example.org.",
}
CHANNELS = ("slack", "telegram", "messenger", "whatsapp", "sms")
PATHS = {
    "slack": "milia.channels.slack.SlackChannel",
    "telegram": "milia.channels.telegram.TelegramChannel",
    "messenger": "milia.channels.messenger.MessengerChannel",
    "whatsapp": "milia.channels.twilio.WhatsAppChannel",
    "sms": "milia.channels.twilio.SmsChannel",
}
_numbers = itertools.count(1)


def stand_in(channel: str, keys: Mapping[str, str] = KEYS) -> StandIn:
    if channel == "slack":
        return SlackStandIn(keys["MILIA_SLACK_BOT_TOKEN"])
    if channel == "telegram":
        return TelegramStandIn(keys["MILIA_TELEGRAM_BOT_TOKEN"], keys["MILIA_TELEGRAM_BOT_NAME"])
    if channel == "messenger":
        return MessengerStandIn(keys["MILIA_MESSENGER_PAGE_TOKEN"], keys["MILIA_MESSENGER_APP_SECRET"])
    return TwilioStandIn(keys["MILIA_TWILIO_ACCOUNT_SID"], keys["MILIA_TWILIO_AUTH_TOKEN"])


def api_settings(channel: str, url: str) -> dict[str, str]:
    """Where the channel finds its stand-in."""
    if channel in ("whatsapp", "sms"):
        return {"MILIA_TWILIO_API": url, "MILIA_TWILIO_MESSAGING_API": url}
    return {f"MILIA_{channel.upper()}_API": url}


@dataclass
class Person(ABC):
    """Somebody on a platform.

    Attributes:
        platform: takes what the bot says.
        number: tells people apart.
    """

    platform: StandIn
    number: int = 1
    keys: Mapping[str, str] = field(default_factory=lambda: KEYS)

    @property
    @abstractmethod
    def name(self) -> str:
        """Under which the platform files what this person gets."""

    def heard(self) -> list[str]:
        return [message.text for message in self.platform.to(self.name)]

    @abstractmethod
    def says(self, text: str) -> Hook: ...

    @abstractmethod
    def press(self, title: str) -> Hook:
        """Choose what was offered, by its title; the way of the platform."""

    @abstractmethod
    def sends(self, kind: str, words: str = "") -> Hook:
        """Send a photo, a voice message, ..."""

    def again(self, hook: Hook) -> Hook:
        """Return the request as the platform repeats it later."""
        return hook


class PersonWithButtons(Person):
    """Somebody on a platform whose buttons carry a value of their own; on the others a number is typed."""

    def offered(self) -> tuple[tuple[str, str], ...]:
        return self.platform.to(self.name)[-1].choices

    def press(self, title: str) -> Hook:
        for shown, value in self.offered():
            if shown == title:
                return self.press_value(shown, value)
        raise AssertionError(f"{title!r} was not offered; offered: {self.offered()}")

    @abstractmethod
    def press_value(self, title: str, value: str) -> Hook: ...


class SlackPerson(PersonWithButtons):
    team = "T0TEAM"

    @property
    def name(self) -> str:
        return f"D{self.number:09}:"

    @property
    def user(self) -> str:
        return f"U{self.number:09}"

    def _hook(self, body: dict[str, Any]) -> Hook:
        data = as_json(body)
        headers = {"content-type": "application/json", **slack_headers(self.keys["MILIA_SLACK_SIGNING_SECRET"], data)}
        return Hook("POST", "webhook", headers, {}, data)

    def again(self, hook: Hook) -> Hook:
        """Each try has a signature of its own time: an old one is refused, whoever sends it."""
        signed = slack_headers(self.keys["MILIA_SLACK_SIGNING_SECRET"], hook.body)
        return replace(hook, headers={**hook.headers, **signed})

    def event(self, **event: Any) -> Hook:
        number = next(_numbers)
        stamp = f"{int(time.time())}.{number:06}"
        full = {"user": self.user, "ts": stamp, "event_ts": stamp, "team": self.team, **event}
        authorizations = [{"user_id": "U0BOT", "is_bot": True, "team_id": self.team}]
        return self._hook({
            "token": "x", "team_id": self.team, "api_app_id": "A1", "type": "event_callback", "event_id": f"Ev{number}",
            "event_time": int(time.time()), "authorizations": authorizations, "event": full,
        })  # fmt: skip

    def says(self, text: str, **more: Any) -> Hook:
        return self.event(type="message", channel_type="im", channel=f"D{self.number:09}", text=text, **more)

    def mentions(self, text: str, channel: str = "C0GROUP", **more: Any) -> Hook:
        return self.event(type="app_mention", channel=channel, text=f"<@U0BOT> {text}".strip(), **more)

    def press_value(self, title: str, value: str, channel: str = "", thread: str = "") -> Hook:
        message = self.platform.to(self.name if not channel else f"{channel}:{thread}")[-1].body if not value.startswith("?") else {}
        where = channel or f"D{self.number:09}"
        container = {"type": "message", "message_ts": "1700000000.000100", "channel_id": where}
        payload = {
            "type": "block_actions", "team": {"id": self.team}, "user": {"id": self.user, "team_id": self.team},
            "channel": {"id": where, "name": "directmessage"}, "container": container,
            "message": {"ts": "1700000000.000100", **({"thread_ts": thread} if thread else {}), "text": message.get("text", ""), "blocks": message.get("blocks", [])},
            "actions": [{"type": "button", "block_id": "milia_choices", "action_id": "milia_choice_0", "value": value, "action_ts": "1700000001.0", "text": {"type": "plain_text", "text": title}}],
            "response_url": "https://hooks.slack.com/actions/x", "trigger_id": "1.2.3",
        }  # fmt: skip
        data = urlencode({"payload": json.dumps(payload)}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", **slack_headers(self.keys["MILIA_SLACK_SIGNING_SECRET"], data)}
        return Hook("POST", "webhook", headers, {}, data)

    def sends(self, kind: str, words: str = "") -> Hook:
        media = {"photo": "image/jpeg", "video": "video/mp4", "voice": "audio/mp4", "file": "application/pdf"}
        if kind in media:
            files = [{"id": "F1", "mimetype": media[kind], "url_private": f"{self.platform.url}/files/F1", "size": 10}]
            return self.says(words, subtype="file_share", files=files)
        if kind == "edit":
            stamp = f"{int(time.time())}.{next(_numbers):06}"
            message = {"type": "message", "user": self.user, "text": "changed", "ts": stamp, "edited": {"user": self.user, "ts": stamp}}
            return self.event(
                type="message", subtype="message_changed", hidden=True, channel_type="im", channel=f"D{self.number:09}", user="",
                message=message, previous_message={**message, "text": "before"},
            )  # fmt: skip
        if kind == "reaction":
            item = {"type": "message", "channel": f"D{self.number:09}", "ts": "1700000000.000100"}
            return self.event(type="reaction_added", reaction="thumbsup", item_user="U0BOT", item=item)
        raise KeyError(kind)


class TelegramPerson(PersonWithButtons):
    @property
    def name(self) -> str:
        return f"{self.user}:"

    @property
    def user(self) -> int:
        return 700_000 + self.number

    def update(self, **update: Any) -> Hook:
        data = as_json({"update_id": 10_000 + next(_numbers), **update})
        headers = {"content-type": "application/json", "x-telegram-bot-api-secret-token": self.keys["MILIA_TELEGRAM_WEBHOOK_SECRET"]}
        return Hook("POST", "webhook", headers, {}, data)

    def message(self, chat: dict[str, Any] | None = None, **content: Any) -> dict[str, Any]:
        sender = {"id": self.user, "is_bot": False, "first_name": "Ann", "language_code": "en"}
        chat = chat or {"id": self.user, "type": "private", "first_name": "Ann"}
        return {"message_id": next(_numbers), "from": sender, "chat": chat, "date": int(time.time()), **content}

    def says(self, text: str, **more: Any) -> Hook:
        return self.update(message=self.message(text=text, **more))

    def press_value(self, title: str, value: str) -> Hook:
        keyboard = {"inline_keyboard": [[{"text": t, "callback_data": v}] for t, v in self.offered()]} if self.platform.to(self.name) else {}
        message = self.message(text="...", reply_markup=keyboard)
        query = {"id": str(next(_numbers)), "from": message["from"], "message": message, "chat_instance": "1", "data": value}
        return self.update(callback_query=query)

    def sends(self, kind: str, words: str = "") -> Hook:
        caption = {"caption": words} if words else {}
        file = {"file_id": "AgAC", "file_unique_id": "q", "file_size": 10}
        content: dict[str, dict[str, Any]] = {
            "photo": {"photo": [{**file, "width": 1, "height": 1}], **caption},
            "video": {"video": file, **caption},
            "voice": {"voice": file, **caption},
            "file": {"document": file, **caption},
            "sticker": {"sticker": file},
            "location": {"location": {"latitude": 1.0, "longitude": 2.0}},
            "contact": {"contact": {"phone_number": "+1", "first_name": "B"}},
            "other": {"poll": {"id": "1", "question": "?"}},
        }
        if kind in content:
            return self.update(message=self.message(**content[kind]))
        if kind == "edit":
            return self.update(edited_message=self.message(text="changed", edit_date=int(time.time())))
        if kind == "reaction":
            change = {"chat": {"id": self.user, "type": "private"}, "message_id": 7, "user": {"id": self.user, "is_bot": False}, "date": int(time.time())}
            return self.update(message_reaction={**change, "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "x"}]})
        raise KeyError(kind)


class MessengerPerson(PersonWithButtons):
    page = "10000000001"

    @property
    def name(self) -> str:
        return f"{600_000_000 + self.number}"

    def batch(self, *events: dict[str, Any]) -> Hook:
        now = int(time.time() * 1000)
        full = [{"sender": {"id": self.name}, "recipient": {"id": self.page}, "timestamp": now, **event} for event in events]
        data = as_json({"object": "page", "entry": [{"id": self.page, "time": now, "messaging": full}]})
        headers = {"content-type": "application/json", "x-hub-signature-256": "sha256=" + meta_signature(self.keys["MILIA_MESSENGER_APP_SECRET"], data)}
        return Hook("POST", "webhook", headers, {}, data)

    def says(self, text: str, **more: Any) -> Hook:
        return self.batch({"message": {"mid": f"m_{next(_numbers)}", "text": text, **more}})

    def press_value(self, title: str, value: str) -> Hook:
        return self.says(title, quick_reply={"payload": value})

    def press(self, title: str) -> Hook:
        """Titles are cut; where they are, a number leads."""
        for shown, value in self.offered():
            plain = shown.partition(". ")[2] if shown[:1].isdigit() and ". " in shown else shown
            if title == plain or (plain.endswith("\u2026") and title.startswith(plain[:-1])):
                return self.press_value(shown, value)
        raise AssertionError(f"{title!r} was not offered; offered: {self.offered()}")

    def sends(self, kind: str, words: str = "") -> Hook:
        media = {"photo": "image", "video": "video", "voice": "audio", "file": "file", "location": "location"}
        if kind in media or kind == "sticker":
            payload: dict[str, Any] = {"url": f"{self.platform.url}/files/x.jpg"}
            if kind == "sticker":
                payload["sticker_id"] = 369239263222822
            message = {"mid": f"m_{next(_numbers)}", "attachments": [{"type": media.get(kind, "image"), "payload": payload}]}
            return self.batch({"message": {**message, **({"text": words} if words else {})}})
        if kind == "edit":
            return self.batch({"message_edit": {"mid": "m_1", "text": "changed", "num_edit": 1}})
        if kind == "reaction":
            return self.batch({"reaction": {"reaction": "smile", "emoji": "x", "action": "react", "mid": "m_1"}})
        raise KeyError(kind)


class TwilioPerson(Person):
    prefix = ""
    path = "sms"
    own = "MILIA_SMS_NUMBER"

    @property
    def name(self) -> str:
        return f"{self.prefix}+1555{self.number:07}"

    def posts(self, path: str = "webhook", **fields: str) -> Hook:
        number = f"SM{next(_numbers):032x}"
        full = {
            "ToCountry": "US", "SmsMessageSid": number, "NumMedia": "0", "SmsSid": number, "SmsStatus": "received", "Body": "",
            "FromCity": "", "To": self.prefix + self.keys[self.own], "NumSegments": "1", "MessageSid": number,
            "AccountSid": self.keys["MILIA_TWILIO_ACCOUNT_SID"], "From": self.name, "ApiVersion": "2010-04-01", **fields,
        }  # fmt: skip
        url = f"{self.keys['MILIA_PUBLIC_URL']}/webhooks/{self.path}/{path}"
        data = urlencode(full).encode()
        signed = RequestValidator(self.keys["MILIA_TWILIO_AUTH_TOKEN"]).compute_signature(url, full)
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signed}
        return Hook("POST", path, headers, {}, data)

    def says(self, text: str, **more: str) -> Hook:
        return self.posts(Body=text, **more)

    def press(self, title: str) -> Hook:
        """Type the number that the list has before the title; a list that is cut goes on in the next message."""
        for text in reversed(self.heard()):
            for line in text.splitlines():
                number, _, shown = line.partition(". ")
                if shown == title and number.isdigit():
                    return self.says(number)
        raise AssertionError(f"{title!r} was not offered in {self.heard()[-1]!r}")

    def sends(self, kind: str, words: str = "") -> Hook:
        media = {
            "photo": "image/jpeg", "video": "video/mp4", "voice": "audio/ogg", "file": "application/pdf", "sticker": "image/webp",
            "contact": "text/vcard",
        }  # fmt: skip
        if kind in media:
            address = f"{self.platform.url}/media/ME1"
            return self.posts(Body=words, NumMedia="1", MediaContentType0=media[kind], MediaUrl0=address)
        if kind == "location":
            return self.posts(Latitude="1.0", Longitude="2.0", Address="Some street 1")
        if kind == "other":
            return self.posts(Body="")
        raise KeyError(kind)


class WhatsAppPerson(TwilioPerson):
    prefix = "whatsapp:"
    path = "whatsapp"
    own = "MILIA_WHATSAPP_NUMBER"


PEOPLE: Mapping[str, Callable[..., Person]] = {
    "slack": SlackPerson,
    "telegram": TelegramPerson,
    "messenger": MessengerPerson,
    "whatsapp": WhatsAppPerson,
    "sms": TwilioPerson,
}
KINDS = {
    "slack": ("photo", "video", "voice", "file", "edit", "reaction"),
    "telegram": ("photo", "video", "voice", "file", "sticker", "location", "contact", "other", "edit", "reaction"),
    "messenger": ("photo", "video", "voice", "file", "sticker", "location", "edit", "reaction"),
    "whatsapp": ("photo", "video", "voice", "file", "sticker", "location", "contact", "other"),
    "sms": ("photo", "video", "voice", "file", "contact", "other"),
}
