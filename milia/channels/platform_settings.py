"""The platforms' keys, from the environment alone: what each is called, what it looks like, and what is wrong with one.

A channel is on when its keys are there. No message here quotes a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

PUBLIC_URL = "MILIA_PUBLIC_URL"
# The platforms' APIs: the setting that names another (a stand-in), and the real one.
_APIS = {
    "slack": ("MILIA_SLACK_API", "https://slack.com/api"),
    "telegram": ("MILIA_TELEGRAM_API", "https://api.telegram.org"),
    "messenger": ("MILIA_MESSENGER_API", "https://graph.facebook.com/v25.0"),
    "twilio": ("MILIA_TWILIO_API", "https://api.twilio.com"),
    "twilio messaging": ("MILIA_TWILIO_MESSAGING_API", "https://messaging.twilio.com"),
}
BOT_NAME, DEFAULT_BOT_NAME = "MILIA_BOT_NAME", "Milia Triage"
CONTACT = "MILIA_CONTACT"
# What Messenger's button "Get started" sends.
GET_STARTED = "GET_STARTED"


@dataclass(frozen=True)
class Key:
    """One setting of a platform: its variable, its form, and that form in words."""

    variable: str
    form: str
    allowed: str
    optional: bool = False


@dataclass(frozen=True)
class PlatformKeys:
    """What a channel needs.

    Attributes:
        channel: its name, also in its webhook's address.
        title: as people call the platform.
        path: of the channel's class.
        keys: its settings; those of `shared` belong to other channels too, and switch none on by themselves.
    """

    channel: str
    title: str
    path: str
    keys: tuple[Key, ...]
    shared: tuple[Key, ...] = ()


_URL = Key(PUBLIC_URL, r"https?://\S+", "the bot's address as platforms reach it, as https://bot.example.org")
_TWILIO = (
    Key("MILIA_TWILIO_ACCOUNT_SID", r"AC[0-9a-f]{32}", "AC and 32 hex digits, from Twilio's console"),
    Key("MILIA_TWILIO_AUTH_TOKEN", r"[0-9a-f]{32}", "32 hex digits, from Twilio's console"),
)

PLATFORMS = (
    PlatformKeys(
        "slack", "Slack", "milia.channels.slack.SlackChannel",
        (
            Key("MILIA_SLACK_BOT_TOKEN", r"xoxb-[A-Za-z0-9-]{10,}", "the bot's token; it starts with xoxb-"),
            Key("MILIA_SLACK_SIGNING_SECRET", r"[0-9a-f]{32}", "32 hex digits, from the app's basic information"),
        ),
    ),
    PlatformKeys(
        "telegram", "Telegram", "milia.channels.telegram.TelegramChannel",
        (
            Key("MILIA_TELEGRAM_BOT_TOKEN", r"\d{5,}:[A-Za-z0-9_-]{30,}", "digits, a colon and 35 characters, from @BotFather"),
            Key("MILIA_TELEGRAM_WEBHOOK_SECRET", r"[A-Za-z0-9_-]{16,256}", "16 to 256 letters, digits, _ and -, your own: openssl rand -hex 24"),
        ),
    ),
    PlatformKeys(
        "messenger", "Messenger", "milia.channels.messenger.MessengerChannel",
        (
            Key("MILIA_MESSENGER_PAGE_TOKEN", r"[A-Za-z0-9]{20,}", "the page's access token"),
            Key("MILIA_MESSENGER_APP_SECRET", r"[0-9a-f]{32}", "32 hex digits, from the app's basic settings"),
            Key("MILIA_MESSENGER_VERIFY_TOKEN", r"\S{16,}", "16 characters or more, your own: openssl rand -hex 24"),
        ),
    ),
    PlatformKeys(
        "whatsapp", "WhatsApp", "milia.channels.twilio.WhatsAppChannel",
        (
            Key("MILIA_WHATSAPP_NUMBER", r"\+\d{7,15}|MG[0-9a-f]{32}", "a number as +15551230000, or a messaging service (MG...)"),
            Key("MILIA_WHATSAPP_TYPING", r"[01]", "1 shows that the bot types; Twilio's service for it is no HIPAA service", optional=True),
        ),
        (*_TWILIO, _URL),
    ),
    PlatformKeys(
        "sms", "SMS", "milia.channels.twilio.SmsChannel",
        (Key("MILIA_SMS_NUMBER", r"\+\d{7,15}|\d{5,6}|MG[0-9a-f]{32}", "a number as +15551230000, a short code, or a messaging service (MG...)"),),
        (*_TWILIO, _URL),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """Why a channel is off although some of its settings are there."""

    channel: str
    title: str
    variable: str
    message: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.title} is off: {self.variable} {self.message}"


def platform(channel: str) -> PlatformKeys:
    """Return what a channel needs.

    Raises:
        KeyError: there is no such channel.
    """
    for one in PLATFORMS:
        if one.channel == channel:
            return one
    raise KeyError(f"unknown channel {channel!r}; known: {', '.join(one.channel for one in PLATFORMS)}")


def problems_of(needs: PlatformKeys, environ: Mapping[str, str]) -> list[Problem]:
    """Return what is missing or malformed of a channel's settings."""
    found = []
    for key in (*needs.keys, *needs.shared):
        value = environ.get(key.variable, "").strip()
        if not value and not key.optional:
            found.append(Problem(needs.channel, needs.title, key.variable, f"is missing; allowed: {key.allowed}"))
        elif value and not re.fullmatch(key.form, value):
            found.append(Problem(needs.channel, needs.title, key.variable, f"is malformed; allowed: {key.allowed}"))
    return found


def wanted(needs: PlatformKeys, environ: Mapping[str, str]) -> bool:
    """Tell whether any setting of a channel's own is there."""
    return any(environ.get(key.variable, "").strip() for key in needs.keys)


def value(environ: Mapping[str, str], variable: str, default: str = "") -> str:
    """Return a setting without outer blanks."""
    return environ.get(variable, "").strip() or default


def api_url(environ: Mapping[str, str], name: str) -> str:
    """Return the start of the addresses of a platform's API.

    Raises:
        KeyError: there is no such API.
    """
    variable, real = _APIS[name]
    return value(environ, variable, real).rstrip("/")


def webhook_url(environ: Mapping[str, str], channel: str) -> str:
    """Return the address to enter at the platform; without MILIA_PUBLIC_URL it starts with a placeholder."""
    base = value(environ, PUBLIC_URL, "https://YOUR-ADDRESS").rstrip("/")
    return f"{base}/webhooks/{channel}/webhook"


def is_local(url: str) -> bool:
    """Tell whether an address is on this machine, where no platform reaches it."""
    return (urlsplit(url).hostname or "") in {"localhost", "127.0.0.1", "::1"}
