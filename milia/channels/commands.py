"""`milia channels check` and `milia channels connect`: what an operator does to put messaging platforms into service."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable

from milia.channels.platform_settings import PLATFORMS, PlatformKeys, wanted, webhook_url
from milia.environment import load_env_file
from milia.processes import CommandError
from milia.training import ROOT

# Where the webhook's address is entered.
_ENTERED = {
    "slack": "api.slack.com/apps, your app: Event Subscriptions, and Interactivity & Shortcuts: Request URL",
    "telegram": "`milia channels connect` gives it to Telegram",
    "messenger": "developers.facebook.com, your app, Messenger, Webhooks: Callback URL, with MILIA_MESSENGER_VERIFY_TOKEN as the verify token",
    "whatsapp": "Twilio's console, the WhatsApp sender: Webhook URL for incoming messages, POST",
    "sms": "Twilio's console, the number: A message comes in, Webhook, POST",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia channels check` and `milia channels connect`."""
    parser = subparsers.add_parser("channels", help="messaging platforms: check their keys, tell them the bot's address")
    commands = parser.add_subparsers(dest="channels_command", required=True, metavar="COMMAND")
    names = [needs.channel for needs in PLATFORMS]
    check = commands.add_parser("check", help="check the keys with the platforms, and print the addresses to enter there")
    check.add_argument("channel", nargs="*", metavar="CHANNEL", help=f"only these of {', '.join(names)}")
    check.add_argument("--offline", action="store_true", help="check the form of the keys only; call nobody")
    check.add_argument("--reach", action="store_true", help="call the running bot at its public address, as a platform does")
    check.set_defaults(func=lambda arguments: _run(lambda: _check(arguments.channel, arguments.offline, arguments.reach)))
    connect = commands.add_parser("connect", help="give Telegram the bot's address and menu, and Messenger its subscriptions")
    connect.add_argument("channel", nargs="*", metavar="CHANNEL", help="only these of telegram, messenger")
    connect.set_defaults(func=lambda arguments: _run(lambda: _connect(arguments.channel)))


def _check(names: list[str], offline: bool, reach: bool) -> int:
    from milia.channels import platform_check, platform_reach  # aiohttp: the other commands need not wait for it

    platforms = _chosen(names, [needs.channel for needs in PLATFORMS])
    calls = platform_reach.reach if reach and not offline else None
    found = asyncio.run(platform_check.check(platforms, os.environ, not offline, calls))
    for needs in platforms:
        if needs.channel not in found:
            print(f"{needs.title}: off; needs {', '.join(key.variable for key in needs.keys if not key.optional)}")
            continue
        print(f"{needs.title}:")
        for finding in found[needs.channel]:
            print(f"  {finding.kind:8} {finding.text}")
        print(f"  {'address':8} {webhook_url(os.environ, needs.channel)}")
        print(f"  {'enter at':8} {_ENTERED[needs.channel]}")
    problems = sum(finding.kind == "problem" for findings in found.values() for finding in findings)
    missing = [needs.title for needs in platforms if names and needs.channel not in found]
    print(f"{len(found)} of {len(platforms)} platforms have settings, {problems} problem{'s' * (problems != 1)}. docs/channels says how to set one up.")
    return 1 if problems or missing else 0


def _connect(names: list[str]) -> int:
    from milia.channels import platform_check
    from milia.channels.platform_connect import CONNECT

    chosen = [needs for needs in _chosen(names, list(CONNECT)) if names or wanted(needs, os.environ)]
    if not chosen:
        raise CommandError(f"neither {' nor '.join(CONNECT)} is set up: docs/channels says how")
    failed = False
    for needs in chosen:
        found = [*platform_check.keys(needs, os.environ), *platform_check.address(os.environ)]
        if not any(finding.kind == "problem" for finding in found):
            found = asyncio.run(CONNECT[needs.channel](os.environ))
        print(f"{needs.title}:")
        for finding in found:
            failed = failed or finding.kind == "problem"
            print(f"  {finding.kind:8} {finding.text}")
    return 1 if failed else 0


def _chosen(names: list[str], allowed: list[str]) -> list[PlatformKeys]:
    unknown = [name for name in names if name not in allowed]
    if unknown:
        raise CommandError(f"unknown channel {unknown[0]!r}; known: {', '.join(allowed)}")
    return [needs for needs in PLATFORMS if needs.channel in (names or allowed)]


def _run(work: Callable[[], int]) -> int:
    try:
        load_env_file(ROOT / ".env", os.environ)
        return work()
    except CommandError as error:
        print(f"milia channels: {error}", file=sys.stderr)
        return 2
