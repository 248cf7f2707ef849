"""Tells the platforms what they take only by their API: the work of `milia channels connect`.

Telegram's webhook with its secret and the menu of commands; Messenger's subscriptions and its button "Get started".
"""

from __future__ import annotations

from collections.abc import Mapping

from milia.channels.notices import load_notices
from milia.channels.platform_check import (
    MESSENGER_FIELDS,
    TELEGRAM_UPDATES,
    Finding,
    messenger_caller,
    ok,
    problem,
    telegram_caller,
)
from milia.channels.platform_http import Answer, TryLater
from milia.channels.platform_message import text_at
from milia.channels.platform_settings import GET_STARTED, value, webhook_url


async def telegram(environ: Mapping[str, str]) -> list[Finding]:
    """Give Telegram the bot's address, and the commands of its menu."""
    caller = telegram_caller(environ)
    body = {
        "url": webhook_url(environ, "telegram"),
        "secret_token": value(environ, "MILIA_TELEGRAM_WEBHOOK_SECRET"),
        "allowed_updates": list(TELEGRAM_UPDATES),
    }
    menu = [{"command": name, "description": text} for name, text in load_notices().command_menu.items()]
    try:
        found = [_said("Telegram", "the address to send to", await caller.post("/setWebhook", json=body))]
        return [*found, _said("Telegram", "the menu of commands", await caller.post("/setMyCommands", json={"commands": menu}))]
    except TryLater as error:
        return [problem(f"Telegram does not answer as it should: {error.reason}; try again later")]
    finally:
        await caller.close()


async def messenger(environ: Mapping[str, str]) -> list[Finding]:
    """Subscribe to what the page gets, and switch the button "Get started" on."""
    caller, proof = messenger_caller(environ)
    fields = {"subscribed_fields": ",".join(MESSENGER_FIELDS), "appsecret_proof": proof}
    profile = {"get_started": {"payload": GET_STARTED}, "appsecret_proof": proof}
    try:
        found = [_said("Meta", "the page's subscriptions", await caller.post("/me/subscribed_apps", json=fields))]
        return [*found, _said("Meta", 'the button "Get started"', await caller.post("/me/messenger_profile", json=profile))]
    except TryLater as error:
        return [problem(f"Meta does not answer as it should: {error.reason}; try again later")]
    finally:
        await caller.close()


CONNECT = {"telegram": telegram, "messenger": messenger}


def _said(who: str, what: str, answer: Answer) -> Finding:
    if answer.status == 200:
        return ok(f"{who} has taken {what}")
    said = text_at(answer.body, "description") or text_at(answer.body, "error", "message")
    return problem(f"{who} has not taken {what}: status {answer.status} {said[:120]}".rstrip())
