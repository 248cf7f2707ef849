"""The real bot with all five messaging platforms, against stand-ins on this machine: for `platform_load` and the e2e test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from milia.channels.platform_message import Hook
from milia.evaluation.platform_people import CHANNELS, KEYS, PEOPLE, api_settings, stand_in
from milia.evaluation.platform_standins import StandIn

READY_SECONDS = 180
END_SECONDS = 20
POLL_SECONDS = 0.02


class PlatformBot:
    """A running `milia run`, and the platforms that it talks to.

    Args:
        root: the project's folder.
        folder: where its conversations and logs are kept.
        settings: of the environment, beside the platforms' keys; they win over those.

    Attributes:
        platforms: the stand-ins by channel; WhatsApp and SMS share Twilio's.
        output: the file with what `milia run` prints.
    """

    def __init__(self, root: Path, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._root, self._folder, self._settings = root, folder, dict(settings or {})
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self._ports = one.getsockname()[1], two.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        self.platforms: dict[str, StandIn] = {name: stand_in(name) for name in CHANNELS}
        self.platforms["sms"] = self.platforms["whatsapp"]
        self.output = folder / "terminal.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Start the stand-ins, then the bot.

        Raises:
            RuntimeError: the bot ended, or did not come up in time.
        """
        for platform in set(self.platforms.values()):
            await platform.start()
        # No proxy of the environment: the bot is on this machine.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False)
        await self.start()

    async def start(self) -> None:
        """Start the bot and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not come up in time.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MILIA_") and name != "DATABASE_URL"}
        for name, platform in self.platforms.items():
            environment |= api_settings(name, platform.url)
        # What the environment says, even if empty, wins over a developer's .env file.
        environment |= {"MILIA_VAR": str(self._folder), "MILIA_DB": "", "MILIA_API_TOKEN": "", "MILIA_REGION": ""}
        environment |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost", **KEYS, **self._settings}
        command = [str(Path(sys.executable).with_name("milia")), "run", "--host", "127.0.0.1", "--no-train"]
        command += ["--port", str(self._ports[0]), "--actions-port", str(self._ports[1])]
        with self.output.open("w") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=self._root, env=environment)
        deadline = time.monotonic() + READY_SECONDS
        while "is ready" not in (said := self.output.read_text(encoding="utf-8")):
            if self._process.poll() is not None:
                raise RuntimeError(f"the bot ended before it was ready:\n{said}")
            if time.monotonic() > deadline:
                await self.stop()
                raise RuntimeError(f"the bot was not ready within {READY_SECONDS} s:\n{said}")
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """End the bot as Ctrl-C does; its conversations stay in the folder."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        await asyncio.get_running_loop().run_in_executor(None, self._process.wait, END_SECONDS)
        self._process = None

    async def close(self) -> None:
        """End the bot and the stand-ins."""
        try:
            await self.stop()
        finally:
            if self._session is not None:
                await self._session.close()
            for platform in set(self.platforms.values()):
                await platform.stop()

    def person(self, channel: str, number: int = 1) -> Any:
        """Return somebody on a platform (`platform_people.Person`)."""
        return PEOPLE[channel](self.platforms[channel], number)

    async def send(self, channel: str, hook: Hook) -> tuple[int, float]:
        """Send a request to a channel's webhook; returns the status, and the seconds until it came."""
        assert self._session is not None, "not open"
        began = time.perf_counter()
        url = f"{self.url}/webhooks/{channel}/{hook.path}"
        async with self._session.request(
            hook.method, url, params=dict(hook.query), data=hook.body or None, headers=dict(hook.headers), allow_redirects=False
        ) as answer:
            await answer.read()
            return answer.status, time.perf_counter() - began

    async def fetch(self, path: str) -> Any:
        """Return the JSON at a path of the bot."""
        assert self._session is not None, "not open"
        async with self._session.get(f"{self.url}{path}") as answer:
            return await answer.json(content_type=None)


async def until(condition: Callable[[], Any], seconds: float) -> bool:
    """Wait until something holds; returns whether it came to hold in time."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_wait(condition), seconds)
    return bool(condition())


async def _wait(condition: Callable[[], Any]) -> None:
    while not condition():
        await asyncio.sleep(POLL_SECONDS)
