"""A PostgreSQL of the tests' own: in a temporary folder, on a free port, ended with the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine

_PLACES = "/usr/lib/postgresql/*/bin"
START_SECONDS = 30


def programs() -> Path | None:
    """Return the folder of Debian's newest PostgreSQL, or that of the path; None if there is none."""
    folders = sorted(Path("/").glob(_PLACES.lstrip("/")), key=lambda path: int(path.parent.name))
    if folders:
        return folders[-1]
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def missing(message: str) -> None:
    """End a test for which a program is not there: CI fails, a person's run leaves it out."""
    import pytest  # not for scripts that only want a database

    pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A server that can be stopped, frozen and started again."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        # Not pytest's own folder: as root it is closed to the user that PostgreSQL needs.
        self.folder = Path(tempfile.mkdtemp(prefix="milia-pg-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._call("initdb", "-D", str(self.folder / "data"), "-U", "milia", "--auth=trust", "-E", "UTF8", "--locale=C")

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._bin / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://milia@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # Nobody cuts the power of these tests, so nothing need reach the disk.
        settings = ["fsync=off", f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        command = [*self._as_user, str(self._bin / "postgres"), "-D", str(self.folder / "data")]
        for setting in settings:
            command += ["-c", setting]
        with (self.folder / "server.log").open("ab") as log:
            # A group of its own, so that a whole server can be frozen; setpriv and PostgreSQL are one process.
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
                return
            except Exception:
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                assert time.monotonic() < deadline, "PostgreSQL does not answer"
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: at once with open connections cut (SIGINT), or as a crash does (SIGQUIT)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def freeze(self, frozen: bool) -> None:
        """Make the server and its children stop without ending, or go on."""
        self._signal_all(signal.SIGSTOP if frozen else signal.SIGCONT)

    def kill(self) -> None:
        """End the server and its children without a chance to do anything."""
        assert self._process is not None
        self._signal_all(signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for process in (self._process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):  # a connection that just ended
                os.kill(process, number)

    def new_database(self) -> str:
        """Make an empty database; returns its address."""
        self._count += 1
        name = f"test{self._count}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", future=True)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def restore(self) -> None:
        """Make it run, whatever was done to it."""
        if self._process is None:
            self.start()
        else:
            self.freeze(False)

    def remove(self) -> None:
        """Stop it for good."""
        if self._process is not None:
            self.freeze(False)
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
