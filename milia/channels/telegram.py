"""Telegram: private chats, and groups where the bot is mentioned, replied to, or given a command.

Named in credentials.yml as `milia.channels.telegram.TelegramChannel:`. https://core.telegram.org/bots/api
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from rasa.core.channels.channel import UserMessage

from milia.channels.platform import PlatformChannel
from milia.channels.platform_answers import Surface
from milia.channels.platform_http import Answer, Caller, NeverDelivered, TryLater
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
from milia.channels.platform_settings import api_url
from milia.channels.rendering import Bubble, Payload, telegram

_KINDS = {
    "photo": "photo", "animation": "video", "video": "video", "video_note": "video", "voice": "voice", "audio": "voice",
    "sticker": "sticker", "document": "file", "venue": "location", "location": "location", "contact": "contact",
    "poll": "other", "dice": "sticker", "game": "other", "story": "other", "invoice": "other", "paid_media": "photo",
}  # fmt: skip
_GROUPS = ("group", "supergroup")
_NOT_PARSED = "can't parse entities"


class TelegramChannel(PlatformChannel):
    """Telegram's Bot API with a webhook."""

    channel = "telegram"

    def make_caller(self) -> Caller:
        """Return what calls the Bot API; its addresses hold the token."""
        token = self.setting("MILIA_TELEGRAM_BOT_TOKEN")
        self._bot = token.split(":")[0]
        self._name = self.setting("MILIA_TELEGRAM_BOT_NAME").removeprefix("@").casefold()
        return Caller(f"{api_url(self.environ, 'telegram')}/bot{token}")

    def surface(self) -> Surface:
        """Return what answers need to know of Telegram."""
        return Surface(self.channel, self.title, lambda _: False)

    def verify(self, hook: Hook) -> None:
        """Check the secret that was given to Telegram with the webhook.

        Raises:
            Refused: it is missing or wrong.
        """
        secret = self.setting("MILIA_TELEGRAM_WEBHOOK_SECRET").encode()
        given = hook.headers.get("x-telegram-bot-api-secret-token", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, secret):
            raise Refused("the secret token is missing or wrong")

    def read(self, hook: Hook) -> list[Incoming]:
        """Return what people did.

        Raises:
            Malformed: it is no update.
        """
        update = hook.json()
        if not text_at(update, "update_id"):
            raise Malformed("no update")
        for name, reader in (
            ("message", self._message),
            ("edited_message", _edit),
            ("callback_query", self._press),
            ("my_chat_member", self._member),
            ("message_reaction", _reaction),
        ):
            if name in update:
                found = reader(object_at(update, name))
                return [found] if found else []
        return []

    def render(self, bubbles: Sequence[Bubble]) -> list[Payload]:
        """Return messages with inline keyboards."""
        return telegram(bubbles, self.warnings)

    async def send(self, target: Mapping[str, str], payload: Any) -> None:
        """Send a message; see `PlatformChannel.send`."""
        body = {"chat_id": int(target["chat"]), **_thread(target), **payload}
        if target.get("reply"):
            body["reply_parameters"] = {"message_id": int(target["reply"]), "allow_sending_without_reply": True}
        answer = await self.caller.post("/sendMessage", json=body)
        moved = text_at(object_at(answer.body, "parameters"), "migrate_to_chat_id")
        if moved:  # the group has become a supergroup, where old message ids mean nothing
            answer = await self.caller.post("/sendMessage", json={"chat_id": int(moved), **payload})
        if answer.status == 400 and _NOT_PARSED in str(answer.body.get("description", "")):
            plain = {name: one for name, one in body.items() if name != "parse_mode"}
            answer = await self.caller.post("/sendMessage", json={**plain, "text": re.sub(r"</?b>", "", body["text"])})
        _require(answer)

    async def typing(self, message: Incoming) -> None:
        """Show that the bot types."""
        body = {"chat_id": int(message.target["chat"]), **_thread(message.target), "action": "typing"}
        await self.caller.post("/sendChatAction", json=body, seconds=3)

    async def pressed(self, message: Incoming) -> None:
        """Stop the wheel on the button, and leave only the chosen one."""
        extra = message.extra
        await self.caller.post("/answerCallbackQuery", json={"callback_query_id": extra["query"]}, seconds=3)
        if extra.get("message") and extra.get("chosen"):
            chosen = {"text": f"\u2713 {extra['chosen'].removeprefix(chr(0x2713)).strip()}", "callback_data": message.press}
            body = {"chat_id": int(message.target["chat"]), "message_id": int(extra["message"]), "reply_markup": {"inline_keyboard": [[chosen]]}}
            await self.caller.post("/editMessageReplyMarkup", json=body, seconds=3)

    async def start(self, on_new_message: Callable[[UserMessage], Awaitable[Any]], lock: Callable[[str], Any]) -> None:
        """Begin to work, also when Telegram cannot be reached."""
        await super().start(on_new_message, lock)
        if not self._name:
            self.please(self.learn_name())

    async def learn_name(self) -> None:
        """Ask Telegram for the bot's name, by which groups mention it; without it only replies and commands count there."""
        answer = await self.caller.get("/getMe")
        self._name = text_at(answer.body, "result", "username").casefold() or self._name

    # ------------------------------------------------------------------------------------------------------------- updates
    def _message(self, message: Mapping[str, Any]) -> Incoming | None:
        user, chat = object_at(message, "from"), object_at(message, "chat")
        if user.get("is_bot") or not text_at(user, "id"):
            return None  # another bot, or a channel's own post
        if not (text_at(chat, "id") and text_at(message, "message_id")):
            raise Malformed("a message without a chat or a number")
        words = text_at(message, "text") or text_at(message, "caption")
        kind = TEXT if "text" in message else next((kind for name, kind in _KINDS.items() if name in message), "")
        if not kind:
            return None  # a remark of Telegram's own: somebody joined, left, pinned, renamed
        group = text_at(chat, "type") in _GROUPS
        if group:
            entities = list_at(message, "entities") or list_at(message, "caption_entities")
            addressed, words = self._addressed(words, entities)
            if not addressed and text_at(message, "reply_to_message", "from", "id") != self._bot:
                return None
            words = words or ("hello" if kind == TEXT else "")
        elif text_at(chat, "type") != "private":
            return None
        sender, target, marks = _place(chat, message, user, reply=True)
        return Incoming(f"{chat['id']}:{message['message_id']}", sender, target, kind, words, extra=marks)

    def _addressed(self, text: str, entities: Sequence[Any]) -> tuple[bool, str]:
        """Tell whether a text in a group mentions the bot or is a command to it; returns it without the mention, too."""
        wide = text.encode("utf-16-le", "surrogatepass")
        found = False
        for entity in reversed(entities):
            try:
                start, end = 2 * int(entity["offset"]), 2 * (int(entity["offset"]) + int(entity["length"]))
            except (KeyError, TypeError, ValueError):
                continue
            kind, said = text_at(entity, "type"), wide[start:end].decode("utf-16-le", "replace").casefold()
            mentioned = kind == "mention" and bool(self._name) and said == f"@{self._name}"
            if mentioned or (kind == "text_mention" and text_at(entity, "user", "id") == self._bot):
                wide = wide[:start] + wide[end:]
                found = True
            elif kind == "mention" and not self._name:
                self.please(self.learn_name())
            elif kind == "bot_command" and start == 0 and said.partition("@")[2] in ("", self._name):
                found = True
        return found, " ".join(wide.decode("utf-16-le", "replace").split())

    def _press(self, query: Mapping[str, Any]) -> Incoming | None:
        message, user, data = object_at(query, "message"), object_at(query, "from"), text_at(query, "data")
        chat = object_at(message, "chat")
        if not (text_at(user, "id") and text_at(chat, "id") and data):
            return None
        sender, target, marks = _place(chat, message, user)
        rows = list_at(object_at(message, "reply_markup"), "inline_keyboard")
        buttons = [button for row in rows if isinstance(row, list) for button in row]
        chosen = next((text_at(one, "text") for one in buttons if text_at(one, "callback_data") == data), "")
        shown = {"query": text_at(query, "id"), "message": text_at(message, "message_id"), "chosen": chosen}
        return Incoming(f"press:{sender}:{data}", sender, target, PRESS, press=data, extra={**marks, **shown})

    def _member(self, change: Mapping[str, Any]) -> Incoming | None:
        """Return that the bot was added to a group."""
        chat = object_at(change, "chat")
        before = text_at(object_at(change, "old_chat_member"), "status")
        after = text_at(object_at(change, "new_chat_member"), "status")
        if text_at(chat, "type") not in _GROUPS or before not in ("left", "kicked") or after not in ("member", "administrator"):
            return None
        if not self._name:
            self.please(self.learn_name())
        number = text_at(chat, "id")
        return Incoming(f"join:{number}:{text_at(change, 'date')}", number, {"chat": number}, "join")


def _place(
    chat: Mapping[str, Any], message: Mapping[str, Any], user: Mapping[str, Any], reply: bool = False
) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the sender, the target and the marks of a message: a private chat, or one person in a group or its topic."""
    number, person = text_at(chat, "id"), text_at(user, "id")
    if text_at(chat, "type") not in _GROUPS:
        return person, {"chat": number}, {}
    topic = text_at(message, "message_thread_id") if message.get("is_topic_message") else ""
    target = {"chat": number, "thread": topic, "reply": text_at(message, "message_id") if reply else ""}
    return f"{number}:{topic}:{person}", target, {"group": "1"}


def _edit(message: Mapping[str, Any]) -> Incoming | None:
    chat, user = object_at(message, "chat"), object_at(message, "from")
    written = "text" in message or "caption" in message  # a live location that moves is an edit, too
    if text_at(chat, "type") != "private" or user.get("is_bot") or not text_at(user, "id") or not written:
        return None
    sender, target, marks = _place(chat, message, user)
    number = f"edit:{text_at(chat, 'id')}:{text_at(message, 'message_id')}:{text_at(message, 'edit_date')}"
    return Incoming(number, sender, target, "edit", extra=marks)


def _reaction(change: Mapping[str, Any]) -> Incoming | None:
    chat, user = object_at(change, "chat"), object_at(change, "user")
    if text_at(chat, "type") != "private" or not text_at(user, "id") or not list_at(change, "new_reaction"):
        return None
    sender, target, marks = _place(chat, change, user)
    number = f"reaction:{text_at(chat, 'id')}:{text_at(change, 'message_id')}:{text_at(change, 'date')}"
    return Incoming(number, sender, target, "reaction", extra=marks)


def _thread(target: Mapping[str, str]) -> dict[str, int]:
    return {"message_thread_id": int(target["thread"])} if target.get("thread") else {}


def _require(answer: Answer) -> None:
    """Raise unless Telegram took the message."""
    if answer.status == 200 and answer.body.get("ok") is True:
        return
    reason = f"{answer.status} {str(answer.body.get('description', ''))[:80]}".strip()
    if answer.status in (401, 404):
        raise NeverDelivered(f"{answer.status}: the bot's token is not accepted", ours=True)
    if answer.status in (400, 403):
        raise NeverDelivered(reason)
    raise TryLater(reason, answer.after)
