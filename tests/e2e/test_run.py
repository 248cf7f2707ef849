"""The real `milia run`: it comes up, answers, and ends without a trace. Slow: it starts Rasa (marked e2e)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are not in the lock file
import pytest

from milia import training

pytestmark = pytest.mark.e2e

READY_SECONDS = 180
END_SECONDS = 15
QUESTIONS = ("how long do milia last", "what can i do about these little white dots by my eyes")
WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Bot:
    """A running bot, the folder of its logs and the address of its REST channel."""

    process: subprocess.Popen[str]
    var: Path
    url: str
    ready_line: str

    def ask(self, text: str) -> str:
        """Send one message; return all that the bot says."""
        request = urllib.request.Request(
            f"{self.url}/webhooks/rest/webhook",
            data=json.dumps({"sender": "e2e", "message": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with WITHOUT_PROXY.open(request, timeout=30) as answer:
            return "\n".join(str(bubble.get("text", "")) for bubble in json.load(answer))


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Start the bot on free ports with a folder of its own; kill what is left of it afterwards."""
    port, actions_port = free_ports()
    var = tmp_path_factory.mktemp("var")
    milia = Path(sys.executable).with_name("milia")
    options = ["--host", "127.0.0.1", "--port", str(port), "--actions-port", str(actions_port)]
    # Not the developer's own settings: what the environment says, even if empty, wins over a .env file.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILIA_")}
    environment |= {"MILIA_VAR": str(var), "MILIA_DB": "", "MILIA_API_TOKEN": ""}
    output = var / "terminal.txt"
    with output.open("w") as out:
        process = subprocess.Popen(
            [str(milia), "run", *options],
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=training.ROOT,
            env=environment,
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while "is ready" not in (said := output.read_text(encoding="utf-8")):
            assert process.poll() is None, f"it ended before it was ready:\n{said}"
            assert time.monotonic() < deadline, f"not ready within {READY_SECONDS} s:\n{said}"
            time.sleep(0.2)
        ready_line = next(line for line in said.splitlines() if "is ready" in line)
        yield Bot(process, var, f"http://127.0.0.1:{port}", ready_line)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(END_SECONDS + 5)


def test_it_says_what_to_open_and_how_to_stop(bot: Bot) -> None:
    assert bot.url in bot.ready_line
    assert "milia chat" in bot.ready_line
    assert "stop: Ctrl-C" in bot.ready_line


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_answers_and_suggests_a_provider(bot: Bot, question: str) -> None:
    answer = bot.ask(question)
    assert "dermatology provider" in answer


def test_the_api_is_off_and_nothing_listens_beyond_this_machine(bot: Bot) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        WITHOUT_PROXY.open(f"{bot.url}/conversations/e2e/tracker", timeout=10)
    assert error.value.code == 404
    listening = {
        connection.laddr.ip
        for child in psutil.Process(bot.process.pid).children(recursive=True)
        for connection in child.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_the_logs_do_not_repeat_what_people_write(bot: Bot) -> None:
    text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in (bot.var / "log").iterdir())
    assert text
    for question in QUESTIONS:
        assert question not in text


def test_ctrl_c_ends_everything(bot: Bot) -> None:
    children = psutil.Process(bot.process.pid).children(recursive=True)
    assert len(children) == 2
    bot.process.send_signal(signal.SIGINT)
    assert bot.process.wait(END_SECONDS) == 0
    assert not [child for child in children if child.is_running()]
    assert not (bot.var / "milia.pid").exists()
    assert (bot.var / "milia.db").stat().st_mode & 0o077 == 0
