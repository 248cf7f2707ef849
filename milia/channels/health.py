"""`GET /health`: which channels people can write by, and whether a messaging platform takes what is sent to it. No keys, no figures.

Named in credentials.yml as `milia.channels.health.HealthPage:`. Whether the bot can serve is another question, with routes of
its own below `/health/`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.platform_health import channels_health
from milia.channels.platform_settings import PLATFORMS, problems_of, wanted
from milia.channels.web_turns import CHANNEL

# Counters are for Prometheus: how many people write is nothing for a page that anybody may reach.
_SHOWN = ("on", "state", "failing_for_seconds", "reason")


class HealthPage(InputChannel):
    """The page; nothing can be said to the bot by it.

    Args:
        environ: where the platforms' settings are.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    @classmethod
    def name(cls) -> str:
        """Return the name under which Rasa lists it."""
        return "health"

    def url_prefix(self) -> str:
        """Return the root: the page is not below `/webhooks`."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the route."""
        blueprint = Blueprint("milia_health")

        @blueprint.route("/health", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            names = {channel.name() for channel in getattr(request.app.ctx, "input_channels", ())}
            return response.json(health_of_channels(names, self._environ), headers={"Cache-Control": "no-store"})

        return blueprint


def health_of_channels(running: Container[str], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the page's content.

    Args:
        running: names of the channels that the server has.
        environ: where the platforms' settings are.

    Returns:
        `status`: `failing` if a platform has not taken a message for a minute, else `ok`. `channels`, by name: `on`; for a
        platform `state`, and since when and why it fails; for one that is off though some of its settings are there, the names
        of those that are missing or malformed.
    """
    platforms = channels_health()
    channels: dict[str, dict[str, Any]] = {}
    for name in (CHANNEL, *(needs.channel for needs in PLATFORMS)):
        state = platforms.get(name, {"on": True}) if name in running else {"on": False}
        channels[name] = {key: state[key] for key in _SHOWN if key in state}
    for needs in PLATFORMS:
        if needs.channel not in running and wanted(needs, environ):
            channels[needs.channel]["problems"] = [problem.variable for problem in problems_of(needs, environ)]
    failing = any(channel.get("state") == "failing" for channel in channels.values())
    return {"status": "failing" if failing else "ok", "channels": channels}
