"""Stand-ins for the platforms' APIs on loopback, written from their published contracts.

Each checks what it is sent as the platform would, records what it took, and fails when told to. What breaks the contract is
answered as the platform answers it, and noted in `broken`, which is to stay empty. For tests, and for `platform_load`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html.parser
import json
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Fault:
    """How a call goes wrong: an HTTP status with headers and body, no answer for some seconds, or a broken connection."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    drop: bool = False
    # The platform did take the message, though its answer was late or lost.
    taken: bool = False


def too_many(after: str = "0.1") -> Fault:
    return Fault(429, {"Retry-After": after}, {"ok": False, "error_code": 429})


def broken(status: int = 500) -> Fault:
    return Fault(status, body={"ok": False})


@dataclass(frozen=True)
class Message:
    """A message that the platform took for a person: what is read, the choices offered with it, and the call's body."""

    to: str
    text: str
    choices: tuple[tuple[str, str], ...]  # title and what a press sends back
    body: dict[str, Any]


class StandIn(ABC):
    """A platform's API.

    Attributes:
        messages: what it took, in order.
        others: typing, presses, updates: the method and the call's body.
        calls: the path of each call.
        broken: what broke the contract.
        faults: how the next messages go wrong, one each.
        always: how every message goes wrong.
        first: how the first messages to each person go wrong, and how many.
        url: its address.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.others: list[tuple[str, dict[str, Any]]] = []
        self.calls: list[str] = []
        self.broken: list[str] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.first: tuple[int, Fault] | None = None
        self.failed = Counter[str]()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)  # its log is not the bot's
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        server: Any = site._server
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def to(self, person: str) -> list[Message]:
        """Return what the platform took for a person, in order."""
        return [message for message in self.messages if message.to == person]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request.path)
        body = await self.read(request)
        fault = self._fault(body) if self.is_message(request) else None
        if fault is not None:
            if fault.taken:
                self.answer(request, body)
            if fault.seconds:
                await asyncio.sleep(fault.seconds)
            if fault.drop:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            if fault.status:
                return web.json_response(fault.body, status=fault.status, headers=fault.headers)
            if fault.taken:
                return web.json_response({"ok": True})
        return self.answer(request, body)

    def _fault(self, body: dict[str, Any]) -> Fault | None:
        if self.faults:
            return self.faults.popleft()
        if self.always is not None:
            return self.always
        if self.first is not None and self.failed[self.recipient(body)] < self.first[0]:
            self.failed[self.recipient(body)] += 1
            return self.first[1]
        return None

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Return a call's body."""
        try:
            return dict(await request.json()) if request.can_read_body else {}
        except ValueError:
            self.broken.append(f"{request.path}: no JSON")
            return {}

    def require(self, condition: Any, what: str) -> bool:
        """Note a breach of the contract unless the condition holds; returns whether it does."""
        if not condition:
            self.broken.append(what)
        return bool(condition)

    @abstractmethod
    def is_message(self, request: web.Request) -> bool:
        """Tell whether a call sends a message to a person."""

    @abstractmethod
    def recipient(self, body: dict[str, Any]) -> str:
        """Return under which name the platform files what a message's recipient gets."""

    @abstractmethod
    def answer(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        """Answer a call as the platform does."""


class SlackStandIn(StandIn):
    """chat.postMessage, chat.update and auth.test. https://docs.slack.dev/reference/methods/chat.postMessage"""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.scopes = ["app_mentions:read", "channels:read", "chat:write", "groups:read", "im:history", "reactions:read"]
        self._token = token

    def is_message(self, request: web.Request) -> bool:
        return request.path == "/chat.postMessage"

    def recipient(self, body: dict[str, Any]) -> str:
        return f"{body['channel']}:{body.get('thread_ts', '')}"

    def answer(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if request.path == "/auth.test":
            about = {"ok": True, "url": "https://test.slack.com/", "team": "Test", "user": "milia", "team_id": "T0TEAM", "user_id": "U0BOT", "bot_id": "B0BOT"}
            return web.json_response(about, headers={"X-OAuth-Scopes": ",".join(self.scopes)})
        if not self.require(request.content_type == "application/json", "Slack: not JSON"):
            return web.json_response({"ok": False, "error": "invalid_post_type"})
        if not body.get("channel"):
            return web.json_response({"ok": False, "error": "channel_not_found"})
        for fault in self._faults(body):
            self.broken.append(f"Slack: {fault}")
            return web.json_response({"ok": False, "error": "invalid_blocks"})
        if request.path == "/chat.update":
            self.others.append(("update", body))
            return web.json_response({"ok": True})
        if not self.require(self.is_message(request), f"Slack: unknown method {request.path}"):
            return web.json_response({"ok": False, "error": "unknown_method"})
        text, choices = "", []
        for block in body["blocks"]:
            if block["type"] == "rich_text":
                text += "".join(one["text"] for section in block["elements"] for one in section["elements"])
            if block["type"] == "actions":
                choices += [(button["text"]["text"], button["value"]) for button in block["elements"]]
        self.messages.append(Message(self.recipient(body), text, tuple(choices), body))
        return web.json_response({"ok": True, "channel": body["channel"], "ts": f"17000000{len(self.messages):02}.000100"})

    def _faults(self, body: dict[str, Any]) -> Iterator[str]:
        if not 0 < len(body.get("text", "")) <= 40_000:
            yield "text"
        blocks = body.get("blocks") or []
        if not 0 < len(blocks) <= 50:
            yield f"{len(blocks)} blocks"
        for block in blocks:
            if block["type"] == "actions":
                if not 0 < len(block["elements"]) <= 25 or len(block.get("block_id", "")) > 255:
                    yield "actions"
                if len({one["action_id"] for one in block["elements"]}) != len(block["elements"]):
                    yield "action ids are the same"
                for button in block["elements"]:
                    if button["text"]["type"] != "plain_text" or not 0 < len(button["text"]["text"]) <= 75:
                        yield f"button {button['text']}"
                    if not 0 < len(button["value"]) <= 2_000:
                        yield "value"
            elif block["type"] == "rich_text":
                for section in block["elements"]:
                    if section["type"] != "rich_text_section" or not section["elements"]:
                        yield "rich text"
                    for one in section["elements"]:
                        if one["type"] != "text" or not one["text"]:
                            yield "rich text element"
            elif block["type"] != "context":
                yield f"block {block['type']}"


class _Tags(html.parser.HTMLParser):
    """Reads the HTML that Telegram takes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.fault = "", ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("b", "i", "u", "s", "a", "code", "pre", "blockquote"):
            self.fault = f"Unsupported start tag {tag}"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.fault = f"Unmatched end tag {tag}"

    def handle_data(self, data: str) -> None:
        self.text += data


class TelegramStandIn(StandIn):
    """sendMessage, sendChatAction, answerCallbackQuery, ... https://core.telegram.org/bots/api"""

    def __init__(self, token: str, name: str = "milia_test_bot") -> None:
        super().__init__()
        self._token, self.name = token, name
        self.webhook: dict[str, Any] = {}

    def is_message(self, request: web.Request) -> bool:
        return request.path.endswith("/sendMessage")

    def recipient(self, body: dict[str, Any]) -> str:
        return f"{body['chat_id']}:{body.get('message_thread_id', '')}"

    def answer(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if token != self._token:
            return web.json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
        if method == "getMe":
            return web.json_response({"ok": True, "result": {"id": int(token.split(":")[0]), "is_bot": True, "username": self.name}})
        if method == "setWebhook":
            self.webhook = body
            return web.json_response({"ok": True, "result": True})
        if method == "getWebhookInfo":
            known = {name: self.webhook[name] for name in ("allowed_updates", "last_error_date", "last_error_message") if name in self.webhook}
            return web.json_response({"ok": True, "result": {"url": self.webhook.get("url", ""), "pending_update_count": 0, **known}})
        if method in ("sendChatAction", "answerCallbackQuery", "editMessageReplyMarkup", "setMyCommands"):
            self.others.append((method, body))
            return web.json_response({"ok": True, "result": True})
        if not self.require(method == "sendMessage", f"Telegram: unknown method {method}"):
            return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)
        parsed = _Tags()
        parsed.feed(body["text"])
        parsed.close()
        choices = [(one["text"], one["callback_data"]) for row in body.get("reply_markup", {}).get("inline_keyboard", ()) for one in row]
        for wrong, what in (
            (parsed.fault or parsed.open, f"can't parse entities: {parsed.fault}"),
            (body.get("parse_mode") != "HTML", "no parse mode"),
            (not isinstance(body.get("chat_id"), int), "chat not found"),
            (not 0 < len(parsed.text.encode("utf-16-le")) // 2 <= 4_096, "message is too long"),
            (any(not 0 < len(data.encode()) <= 64 or not title for title, data in choices), "BUTTON_DATA_INVALID"),
        ):
            if wrong:
                self.broken.append(f"Telegram: {what}")
                return web.json_response({"ok": False, "error_code": 400, "description": f"Bad Request: {what}"}, status=400)
        self.messages.append(Message(self.recipient(body), parsed.text, tuple(choices), body))
        return web.json_response({"ok": True, "result": {"message_id": 1000 + len(self.messages)}})


class MessengerStandIn(StandIn):
    """The Send API. https://developers.facebook.com/docs/messenger-platform/reference/send-api"""

    def __init__(self, token: str, secret: str) -> None:
        super().__init__()
        self._token = token
        self.fields = ["messages", "messaging_postbacks", "message_reactions", "message_edits"]
        self._proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()

    def is_message(self, request: web.Request) -> bool:
        return request.path == "/me/messages" and not self._action

    def recipient(self, body: dict[str, Any]) -> str:
        return str(body["recipient"]["id"])

    async def read(self, request: web.Request) -> dict[str, Any]:
        body = await super().read(request)
        self._action = body.get("sender_action")
        return body

    def answer(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            error = {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}
            return web.json_response({"error": error}, status=400)
        if (body.get("appsecret_proof") or request.query.get("appsecret_proof")) != self._proof:
            error = {"message": "Invalid appsecret_proof provided in the API argument", "type": "GraphMethodException", "code": 100}
            return web.json_response({"error": error}, status=400)
        if request.path == "/me":
            return web.json_response({"id": "10000000001", "name": "Test page"})
        if request.path == "/me/subscribed_apps":
            return web.json_response({"data": [{"id": "1", "subscribed_fields": self.fields}]})
        if request.path == "/me/messenger_profile":
            self.others.append(("messenger_profile", body))
            return web.json_response({"result": "success"})
        self.require(body["recipient"]["id"], "Messenger: no recipient")
        if "sender_action" in body:
            self.require(body["sender_action"] in ("typing_on", "typing_off", "mark_seen"), "Messenger: unknown action")
            self.others.append((body["sender_action"], body))
            return web.json_response({"recipient_id": body["recipient"]["id"]})
        message = body["message"]
        replies = message.get("quick_replies", [])
        good = [
            self.require(body.get("messaging_type") == "RESPONSE", "Messenger: no messaging type"),
            self.require(0 < len(message["text"]) <= 2_000, f"Messenger: {len(message['text'])} characters"),
            self.require(len(replies) <= 13, f"Messenger: {len(replies)} quick replies"),
            *(self.require(0 < len(one["title"]) <= 20, f"Messenger: title {one['title']!r}") for one in replies),
            *(self.require(0 < len(one["payload"]) <= 1_000 and one["content_type"] == "text", "Messenger: payload") for one in replies),
        ]
        if not all(good):
            return web.json_response({"error": {"message": "Invalid parameter", "code": 100}}, status=400)
        choices = tuple((one["title"], one["payload"]) for one in replies)
        self.messages.append(Message(body["recipient"]["id"], message["text"], choices, body))
        return web.json_response({"recipient_id": body["recipient"]["id"], "message_id": f"m_{len(self.messages)}"})


class TwilioStandIn(StandIn):
    """The Messages resource. https://www.twilio.com/docs/messaging/api/message-resource"""

    def __init__(self, sid: str, token: str) -> None:
        super().__init__()
        self._sid = sid
        self.status = "active"
        self.numbers: list[dict[str, Any]] = []  # IncomingPhoneNumbers: phone_number, sms_url
        self.services: dict[str, dict[str, Any]] = {}  # messaging services, by SID: inbound_request_url, use_inbound_webhook_on_number
        self._auth = "Basic " + base64.b64encode(f"{sid}:{token}".encode()).decode()

    def is_message(self, request: web.Request) -> bool:
        return request.path.endswith("/Messages.json")

    def recipient(self, body: dict[str, Any]) -> str:
        return str(body["To"])

    async def read(self, request: web.Request) -> dict[str, Any]:
        return dict(await request.post())

    def answer(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if request.headers.get("Authorization") != self._auth:
            return web.json_response({"code": 20003, "message": "Authenticate", "status": 401}, status=401)
        if request.path == "/v2/Indicators/Typing.json":
            self.require(set(body) == {"messageId", "channel"} and body["channel"] == "whatsapp", "Twilio: typing")
            self.others.append(("typing", body))
            return web.json_response({"success": True})
        if request.path == f"/2010-04-01/Accounts/{self._sid}.json":
            return web.json_response({"sid": self._sid, "status": self.status})
        if request.path == f"/2010-04-01/Accounts/{self._sid}/IncomingPhoneNumbers.json":
            owned = [one for one in self.numbers if one["phone_number"] == request.query.get("PhoneNumber")]
            return web.json_response({"incoming_phone_numbers": owned})
        service = request.path.removeprefix("/v1/Services/")
        if service in self.services:
            return web.json_response(self.services[service])
        if not self.require(request.path == f"/2010-04-01/Accounts/{self._sid}/Messages.json", f"Twilio: unknown {request.path}"):
            return web.json_response({"code": 20404}, status=404)
        good = [
            self.require(body.get("From") or body.get("MessagingServiceSid"), "Twilio: no sender"),
            self.require(0 < len(body.get("Body", "")) <= 1_600, f"Twilio: {len(body.get('Body', ''))} characters"),
            self.require(body.get("To"), "Twilio: no recipient"),
        ]
        if not all(good):
            return web.json_response({"code": 21617, "status": 400}, status=400)
        self.messages.append(Message(body["To"], body["Body"], (), body))
        return web.json_response({"sid": f"SM{len(self.messages):032x}", "status": "queued"}, status=201)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()
