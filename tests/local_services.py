"""Debian's Redis, RabbitMQ and nginx for tests: each in a folder of its own, on free ports of this machine, killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from storage_postgres import free_port, missing

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60
STOP_SECONDS = 20


def require(*programs: str) -> None:
    """Refuse to go on without programs: CI fails, a person's run leaves the tests out."""
    lacking = [name for name in programs if _found(name) is None]
    if lacking:
        missing(f"not installed: {', '.join(lacking)}; apt-get install redis-server rabbitmq-server nginx")


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/rabbitmq/bin")


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class LocalService:
    """A process with a group of its own, so that all of it is killed or frozen at once.

    Attributes:
        patience: seconds that it may take to start.

    Args:
        name: what it is called in messages.
        folder: of its files and its log.
        command: what to run.
        up: tells whether it serves.
        environment: beside that of the tests.
    """

    patience = START_SECONDS

    def __init__(
        self, name: str, folder: Path, command: Sequence[str], up: Callable[[], bool], environment: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.folder, self._command, self._up = name, folder, list(command), up
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Number of its first process."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it printed."""
        return (self.folder / "output.log").read_text(errors="replace")

    def set(self, environment: Mapping[str, str]) -> None:
        """Add to its environment, for its next start."""
        self._environment.update(environment)

    def start(self, wait: bool = True) -> None:
        """Start it, and wait until it serves."""
        with (self.folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env={**os.environ, **self._environment}, start_new_session=True,
            )  # fmt: skip
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it serves."""
        deadline = time.monotonic() + self.patience
        while not self._up():
            assert self._process is not None and self._process.poll() is None, f"{self.name} ended:\n{self.log[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} does not serve:\n{self.log[-3000:]}"
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of it."""
        os.killpg(self.pid, number)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        self._process = None

    def stop(self) -> None:
        """End it in any case; frozen ones, too."""
        if self._process is None:
            return
        for number in (signal.SIGCONT, signal.SIGTERM):
            self.signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # what it left behind
        except ProcessLookupError:
            pass
        self._process.wait(STOP_SECONDS)
        self._process = None


class LocalRedis(LocalService):
    """A Redis that keeps nothing on the disk."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__("Redis", folder, command, lambda: listens(self.port))


class LocalRabbit(LocalService):
    """A RabbitMQ with an epmd of its own; what is queued survives a kill."""

    def __init__(self, folder: Path) -> None:
        self.port, epmd, dist = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"
        environment = {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"milia{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        # epmd in the same group: RabbitMQ would start one that outlives it.
        script = f"epmd -port {epmd} -address 127.0.0.1 & exec /usr/lib/rabbitmq/bin/rabbitmq-server"
        super().__init__("RabbitMQ", folder, ["sh", "-c", script], self._accepts, environment)
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text("")

    def _accepts(self) -> bool:
        """Tell whether it greets a client: the port listens a little earlier."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(1)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False


class LocalNginx(LocalService):
    """nginx with the project's own configuration, without TLS.

    Args:
        folder: of its files.
        rasa: ports of the Rasa servers.
        actions: ports of the action servers.
    """

    def __init__(self, folder: Path, rasa: Sequence[int], actions: Sequence[int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.actions_port = free_port(), free_port()
        self.url, self.actions_url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.actions_port}"
        write_configuration(folder, self.port, self.actions_port, rasa, actions)
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        super().__init__("nginx", folder, command, lambda: listens(self.port), {"PATH": f"{os.environ['PATH']}:/usr/sbin"})


def write_configuration(folder: Path, port: int, actions_port: int, rasa: Sequence[int], actions: Sequence[int]) -> None:
    """Write the project's nginx configuration with other ports and servers, and without TLS; all else stays as it is."""
    text = (ROOT / "deploy/nginx/nginx.conf").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.strip().startswith("ssl_")]
    text = "\n".join(lines)
    changes = {
        "listen 8443 ssl;": f"listen 127.0.0.1:{port};",
        "listen 5055;": f"listen 127.0.0.1:{actions_port};",
        "/tmp/": f"{folder}/",
        "/dev/stderr crit": f"{folder}/error.log crit",
        "/dev/stdout": f"{folder}/access.log",
        # All people of a test come from one address.
        "rate=20r/s": "rate=100000r/s",
        "worker_processes auto;": f"worker_processes 1;{_as_root()}",
    }
    for before, after in changes.items():
        assert before in text, f"nginx.conf has no {before!r}"
        text = text.replace(before, after)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "deploy/nginx/locations.conf", folder)
    upstreams = (ROOT / "deploy/nginx/upstreams.conf").read_text(encoding="utf-8").splitlines()
    servers = {"rasa:5005": rasa, "actions:5055": actions}
    written = []
    for line in upstreams:
        found = next((ports for name, ports in servers.items() if f"server {name}" in line), None)
        if found is not None:
            options = line.partition("resolve")[2]
            written += [f"    server 127.0.0.1:{one}{options}" for one in found]
        elif not line.startswith("resolver"):
            written.append(line)
    (folder / "upstreams.conf").write_text("\n".join(written), encoding="utf-8")


def _as_root() -> str:
    # nginx started by root would let its workers be nobody, who may not write to the tests' folder.
    return "\nuser root;" if os.geteuid() == 0 else ""
