"""The real bot, started as `make run` starts it, on ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 180


class RealBot:
    """A running `milia run`.

    Args:
        var: folder of its conversations and logs.
        root: the project's folder.
        settings: of the environment, beside those that every test has.

    Attributes:
        url: where it answers.
        staff: name and password of the staff user that its first start sets up.
    """

    def __init__(self, var: Path, root: Path = ROOT, settings: Mapping[str, str] | None = None) -> None:
        self._var, self._root, self._settings = var, root, dict(settings or {})
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self._port, self._actions_port = one.getsockname()[1], two.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.staff = ("", "")

    def start(self) -> None:
        """Start it and wait until it answers; does nothing if it runs."""
        if self._process is not None:
            return
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MILIA_")}
        environment |= {"MILIA_VAR": str(self._var), "MILIA_DB": "", "MILIA_API_TOKEN": "", "MILIA_WEB_ADDRESS_CONVERSATIONS": "1000"}
        environment |= {"MILIA_WEB_ADDRESS_RATE": "10000", "MILIA_WEB_RATE": "1000"}
        environment |= self._settings
        # From the folder, so that its own code runs.
        command = [sys.executable, "-m", "milia.cli", "run", "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--actions-port", str(self._actions_port)]
        output = self._var / "terminal.txt"
        with output.open("w") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=self._root, env=environment)
        deadline = time.monotonic() + READY_SECONDS
        while "is ready" not in (said := output.read_text(encoding="utf-8")):
            assert self._process.poll() is None, f"it ended before it was ready:\n{said}"
            assert time.monotonic() < deadline, f"not ready within {READY_SECONDS} s:\n{said}"
            time.sleep(0.2)
        made = re.search(r"user: (\S+)\s+password: (\S+)", said)
        if made:
            self.staff = (made[1], made[2])

    def stop(self) -> None:
        """End it as Ctrl-C does; conversations stay in its folder."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)
        self._process = None

    def write(self, text: str) -> list[str]:
        """Write to it as somebody on a web page does, in a conversation of one's own; returns its replies."""
        token = str(self._send("conversations", {})["token"])
        said = self._send("messages", {"id": uuid.uuid4().hex, "text": text}, token)
        return [str(one.get("text") or "") for one in said["replies"]]

    def _send(self, path: str, body: Mapping[str, str], token: str = "", tries: int = 5) -> dict[str, Any]:
        """Send a request; again, as the widget does, if the server is too busy for it."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        request = urllib.request.Request(f"{self.url}/webhooks/web/{path}", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said: dict[str, Any] = json.load(answer)
                return said
        except urllib.error.HTTPError as error:
            if error.code != 503 or tries == 1:
                raise
        return self._send(path, body, token, tries - 1)
