"""The real bot, started as `make run` starts it, on ports and in a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 180


class RealBot:
    """A running `milia run`.

    Args:
        var: folder of its conversations and logs.

    Attributes:
        url: where it answers.
        staff: name and password of the staff user that its first start sets up.
    """

    def __init__(self, var: Path) -> None:
        self._var = var
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
        command = [str(Path(sys.executable).with_name("milia")), "run", "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--actions-port", str(self._actions_port)]
        output = self._var / "terminal.txt"
        with output.open("w") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)
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
