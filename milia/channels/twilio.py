"""WhatsApp and SMS, both by Twilio.

Named in credentials.yml as `milia.channels.twilio.WhatsAppChannel:` and `milia.channels.twilio.SmsChannel:`.
https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from rasa.core.channels.channel import UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse
from twilio.request_validator import RequestValidator, add_port, remove_port

from milia.channels.platform import PlatformChannel, hook_of
from milia.channels.platform_answers import Surface
from milia.channels.platform_http import Caller, NeverDelivered, TryLater
from milia.channels.platform_message import TEXT, Hook, Incoming, Malformed, Refused, text_at
from milia.channels.platform_settings import api_url, webhook_url
from milia.channels.rendering import Bubble, sms, whatsapp

logger = logging.getLogger(__name__)

WHATSAPP = "whatsapp:"
# The account, its permissions or its numbers: put right, they let the message through.
_OURS = frozenset({"20003", "20404", "21212", "21408", "21603", "21606", "21611", "21612", "21703", "63007"})


class Form:
    """The fields of a form, each as often as it came, empty ones too: Twilio signs all of them."""

    def __init__(self, body: bytes) -> None:
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=200)
        except ValueError as error:
            raise Malformed("no form") from error
        self._values: dict[str, list[str]] = {}
        for name, one in pairs:
            self._values.setdefault(name, []).append(one)

    def __iter__(self) -> Any:
        """Iterate over the names, as Twilio's validator does."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        """Return all values of a name."""
        return self._values[name]

    def get(self, name: str) -> str:
        """Return the first value of a name, or an empty text."""
        return self._values.get(name, [""])[0]


class TwilioChannel(PlatformChannel):
    """What WhatsApp and SMS have in common."""

    number: ClassVar[str]  # the setting of the number
    prefix: ClassVar[str] = ""

    def make_caller(self) -> Caller:
        """Return what calls Twilio's API."""
        self._sid, self._token = self.setting("MILIA_TWILIO_ACCOUNT_SID"), self.setting("MILIA_TWILIO_AUTH_TOKEN")
        self._validator = RequestValidator(self._token)
        return Caller(api_url(self.environ, "twilio"))

    def verify(self, hook: Hook) -> None:
        """Check Twilio's signature over the public address and all fields.

        Raises:
            Refused: it is missing or wrong.
        """
        url = self.address(hook.path) + (f"?{hook.query_string}" if hook.query_string else "")
        given = hook.headers.get("x-twilio-signature", "").encode("utf-8", "surrogateescape")
        try:
            form = Form(hook.body)
        except Malformed as error:
            raise Refused("no form, so no signature") from error
        parsed = urlsplit(url)
        # As Twilio's own validator: some of its parts sign the address with the port, some without.
        expected = [self._validator.compute_signature(one(parsed), form) for one in (add_port, remove_port)]
        valid = [hmac.compare_digest(given, one.encode()) for one in expected]
        if not any(valid):
            raise Refused("the signature is missing or wrong")

    def read(self, hook: Hook) -> list[Incoming]:
        """Return what a person sent.

        Raises:
            Malformed: it has no sender or number.
        """
        if hook.method != "POST":
            raise Malformed("not posted")
        form = Form(hook.body)
        number, sender = form.get("MessageSid") or form.get("SmsMessageSid"), form.get("From")
        if not number or not sender:
            raise Malformed("a message without a sender or a number")
        if sender.startswith(WHATSAPP) != bool(self.prefix):
            logger.error("%s: a message of another channel came here: check the webhook's address at Twilio", self.channel)
            return []
        # An at sign gets lost at some carriers.
        words = form.get("Body").replace("\u00a1", "@")
        extra = {"sid": number, "opt_out": form.get("OptOutType").upper()}
        return [Incoming(number, sender, {"to": sender}, _kind(form, words), words, extra=extra)]

    def acknowledged(self) -> HTTPResponse:
        """Return empty TwiML: the reply follows by the API."""
        return _twiml("")

    def unstored(self, messages: Sequence[Incoming]) -> HTTPResponse:
        """Answer at once: Twilio does not come again."""
        return _twiml(f"<Message>{escape(self.notices.said['unavailable'])}</Message>")

    async def send(self, target: Mapping[str, str], payload: Any) -> None:
        """Send a text; see `PlatformChannel.send`."""
        own = self.setting(self.number)
        sender = {"MessagingServiceSid": own} if own.startswith("MG") else {"From": f"{self.prefix}{own}"}
        data = {"To": target["to"], **sender, "Body": payload, "StatusCallback": self.address("status")}
        path = f"/2010-04-01/Accounts/{self._sid}/Messages.json"
        answer = await self.caller.post(path, auth=(self._sid, self._token), data=data)
        if answer.status in (200, 201):
            return
        code = text_at(answer.body, "code")
        reason = f"{answer.status} code {code or '?'}"
        if code == "20429":
            raise TryLater(reason, answer.after)
        raise NeverDelivered(reason, ours=answer.status in (401, 403, 404) or code in _OURS)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes, with one more on which Twilio says what became of a message."""
        blueprint = super().blueprint(on_new_message)

        @blueprint.route("/status", methods=["POST"])
        async def status(request: Request) -> HTTPResponse:
            return self.status(hook_of(request, "status"))

        return blueprint

    def status(self, hook: Hook) -> HTTPResponse:
        """Count and log a message that Twilio took but could not deliver."""
        try:
            self.verify(hook)
            form = Form(hook.body)
        except (Refused, Malformed) as error:
            logger.warning("%s: a request was refused: %s", self.channel, error)
            self.health.note_received("refused")
            return response.text("unauthorized", status=401)
        if form.get("MessageStatus") in ("failed", "undelivered"):
            code = form.get("ErrorCode")[:10]
            logger.error("%s: a message was not delivered: code %s", self.channel, code or "?")
            self.health.note_sent("undelivered", f"code {code}")
        return response.empty(status=204)

    def address(self, path: str) -> str:
        """Return the public address of a route."""
        return webhook_url(self.environ, self.channel).removesuffix("webhook") + path


class WhatsAppChannel(TwilioChannel):
    """WhatsApp: choices are numbered."""

    channel = "whatsapp"
    number = "MILIA_WHATSAPP_NUMBER"
    prefix = WHATSAPP

    def make_caller(self) -> Caller:
        """Return what calls Twilio's API, with another one for its typing indicator."""
        self._messaging = Caller(api_url(self.environ, "twilio messaging"))
        return super().make_caller()

    def surface(self) -> Surface:
        """Return what answers need to know of WhatsApp."""
        return Surface(self.channel, self.title, lambda _: True)

    def render(self, bubbles: Sequence[Bubble]) -> list[str]:
        """Return texts with numbered choices."""
        return whatsapp(bubbles, self.warnings, self.labels)

    async def typing(self, message: Incoming) -> None:
        """Show that the bot types, if that is set: Twilio's service for it must not be used where HIPAA holds."""
        if self.setting("MILIA_WHATSAPP_TYPING") == "1":
            data = {"messageId": message.extra["sid"], "channel": "whatsapp"}
            await self._messaging.post("/v2/Indicators/Typing.json", auth=(self._sid, self._token), data=data, seconds=3)

    async def close(self) -> None:
        """Let go of connections."""
        await super().close()
        await self._messaging.close()


class SmsChannel(TwilioChannel):
    """Text messages: short, with STOP, START and HELP."""

    channel = "sms"
    number = "MILIA_SMS_NUMBER"

    def surface(self) -> Surface:
        """Return what answers need to know of text messages."""
        return Surface(self.channel, "Your phone company", lambda _: True, carrier=True, welcome="sms")

    def render(self, bubbles: Sequence[Bubble]) -> list[str]:
        """Return short texts with numbered choices."""
        return sms(bubbles, self.warnings, self.labels)


def _kind(form: Form, words: str) -> str:
    if form.get("Latitude") and form.get("Longitude"):
        return "location"
    media = form.get("MediaContentType0").lower()
    if form.get("NumMedia") not in ("", "0") or media:
        if media == "image/webp":
            return "sticker"
        if "vcard" in media:
            return "contact"
        return {"image": "photo", "video": "video", "audio": "voice"}.get(media.split("/")[0], "file")
    return TEXT if words.strip() else "other"


def _twiml(inside: str) -> HTTPResponse:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
    return response.text(text, content_type="text/xml; charset=utf-8")
