"""`milia run` refuses early and clearly, watches both servers, and leaves no process behind."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil  # type: ignore[import-untyped]  # its stubs are not in the lock file
import pytest
import yaml

from milia import environment, in_service, launch, processes, server, training
from milia.processes import CommandError, Stopped, StopRequest
from milia.progress import Progress
from milia.server import Service, Settings

ROOT = Path(__file__).resolve().parent.parent

# Stands for one of the servers: answers on a port after a while; "how" says how it ends.
FAKE = """
import http.server, os, signal, subprocess, sys, time
port, how = int(sys.argv[1]), sys.argv[2]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *args): pass
if how == "dies-at-start": print("Traceback: no model"); sys.exit(3)
if how == "stubborn": signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "polite":
    def end(*_):
        time.sleep(0.5); print("finished the turn", flush=True); os._exit(0)
    signal.signal(signal.SIGTERM, end)
if how == "parent": subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
print("up", how, flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

# Stands for `milia run`: serves the fakes, so that a test can send it real signals.
RUNNER = """
import json, pathlib, sys
from milia import processes, server
from milia.progress import Progress
server.STOP_SECONDS = 3
root, services, ready = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), lambda url: None
settings = server.Settings(root=root, var=root / "var", port=services[0]["port"], actions_port=services[1]["port"])
services = [server.Service(s["name"], s["command"], f"http://127.0.0.1:{s['port']}/") for s in services]
with processes.stop_on_signals() as request:
    try:
        server.serve(settings, services, Progress(1), request, ready)
    except processes.CommandError as error:
        sys.exit(f"{type(error).__name__}: {error}")
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def fakes(how: Sequence[str]) -> list[dict[str, object]]:
    names = ("rasa", "actions")
    return [
        {"name": name, "port": port, "command": [sys.executable, "-c", FAKE, str(port), each]}
        for name, port, each in zip(names, free_ports(2), how, strict=True)
    ]


class Runner:
    """A `milia run` over fake servers, in a process of its own."""

    def __init__(self, root: Path, *how: str) -> None:
        self.root = root
        self.services = fakes(how)
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(root), json.dumps(self.services)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )

    def until_ready(self) -> list[psutil.Process]:
        """Wait for the ready line; return the servers' processes."""
        assert self.process.stdout
        line = ""
        while "is ready" not in line:
            line = self.process.stdout.readline()
            assert line, "it ended before it was ready"
        return children_of(self)

    def end(self, seconds: float = 20) -> str:
        """Wait for the end and return what it printed since."""
        return self.process.communicate(timeout=seconds)[0]


@pytest.fixture
def runners(tmp_path: Path) -> Iterator[list[Runner]]:
    started: list[Runner] = []
    yield started
    for runner in started:
        for process in children_of(runner):
            process.kill()
        runner.process.kill()
        runner.process.wait()
        if runner.process.stdout:
            runner.process.stdout.close()


def children_of(runner: Runner) -> list[psutil.Process]:
    try:
        return list(psutil.Process(runner.process.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def gone(children: Sequence[psutil.Process], seconds: float = 0) -> bool:
    """Tell whether none runs any more; collecting a dead grandchild is the system's business."""
    alive = psutil.wait_procs(children, timeout=seconds)[1]
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_both_servers_and_leaves_no_process(
    tmp_path: Path, runners: list[Runner], number: signal.Signals
) -> None:
    runners.append(runner := Runner(tmp_path, "plain", "plain"))
    children = runner.until_ready()
    assert len(children) == 2
    runner.process.send_signal(number)
    said = runner.end()
    assert runner.process.returncode == 0
    assert "Stopped." in said
    assert gone(children)
    assert not (tmp_path / "var/milia.pid").exists()


def test_rasa_ends_before_the_action_server_it_may_still_need(tmp_path: Path, runners: list[Runner]) -> None:
    runners.append(runner := Runner(tmp_path, "polite", "plain"))
    rasa, actions = runner.until_ready()
    runner.process.send_signal(signal.SIGTERM)
    psutil.wait_procs([rasa], timeout=0.3)
    assert actions.is_running()
    runner.end()
    assert gone([rasa, actions])
    assert "finished the turn" in (tmp_path / "var/log/rasa.log").read_text(encoding="utf-8")


def test_ctrl_c_of_the_terminal_does_not_reach_the_servers(tmp_path: Path, runners: list[Runner]) -> None:
    runners.append(runner := Runner(tmp_path, "plain", "plain"))
    groups = {os.getpgid(child.pid) for child in runner.until_ready()}
    assert os.getpgid(runner.process.pid) not in groups
    assert len(groups) == 2


def test_a_server_that_does_not_end_is_killed_with_what_it_started(tmp_path: Path, runners: list[Runner]) -> None:
    runners.append(runner := Runner(tmp_path, "stubborn", "parent"))
    children = runner.until_ready()
    assert len(children) == 3
    began = time.monotonic()
    runner.process.send_signal(signal.SIGTERM)
    said = runner.end()
    assert 1 < time.monotonic() - began < 6
    assert "Had to kill rasa:" in said
    assert gone(children, 1)


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path, runners: list[Runner]) -> None:
    runners.append(runner := Runner(tmp_path, "stubborn", "plain"))
    children = runner.until_ready()
    began = time.monotonic()
    runner.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    runner.process.send_signal(signal.SIGINT)
    runner.end()
    assert time.monotonic() - began < 3
    assert gone(children, 1)


@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_server_dies_the_other_is_stopped_and_the_log_shown(
    tmp_path: Path, runners: list[Runner], victim: int
) -> None:
    runners.append(runner := Runner(tmp_path, "plain", "plain"))
    children = runner.until_ready()
    children[victim].kill()
    said = runner.end()
    name = ("rasa", "actions")[victim]
    assert runner.process.returncode == 1
    assert f"the {name} server was killed by signal 9" in said
    assert str(tmp_path / f"var/log/{name}.log") in said
    assert "up plain" in said
    assert gone(children)


def test_a_server_that_fails_at_start_ends_the_other(tmp_path: Path, runners: list[Runner]) -> None:
    runners.append(runner := Runner(tmp_path, "plain", "dies-at-start"))
    said = runner.end()
    assert runner.process.returncode == 1
    assert "the actions server ended with code 3" in said
    assert "Traceback: no model" in said
    assert "is ready" not in said


def test_servers_end_when_the_command_is_killed(tmp_path: Path) -> None:
    """Nobody can clean up after SIGKILL but the child itself: its pipe closes, so it ends."""
    command = [sys.executable, "-m", "milia.launch", "http.server", "0", "--bind", "127.0.0.1"]
    child = processes.start("server", command, tmp_path / "log/server.log", ROOT, {})
    time.sleep(0.5)
    assert not child.ended
    assert child.process.stdin
    child.process.stdin.close()
    assert child.process.wait(timeout=10) == -signal.SIGTERM


def test_the_token_switches_the_api_on_and_stays_out_of_the_list_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert launch.arguments_for("rasa", ["run"], "") == ["run"]
    assert launch.arguments_for("rasa", ["run"], "s3cret") == ["run", "--enable-api", "--auth-token", "s3cret"]
    assert launch.arguments_for("rasa_sdk", [], "s3cret") == []
    assert launch.arguments_for("rasa", ["train"], "s3cret") == ["train"]
    monkeypatch.setenv(launch.TOKEN, "s3cret")
    for service in server.services(Settings(root=ROOT, var=tmp_path), Path("m")):
        assert not any("s3cret" in part or "--auth-token" in part for part in service.command)


def test_the_servers_listen_on_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yml").write_text("nlg: {}\n", encoding="utf-8")
    (tmp_path / "credentials.yml").write_text("rest:\n", encoding="utf-8")
    (tmp_path / "v").mkdir()
    rasa, actions = server.services(
        Settings(root=tmp_path, var=tmp_path / "v", port=7001, actions_port=7002), Path("m")
    )
    assert rasa.command[rasa.command.index("--interface") + 1] == "127.0.0.1"
    assert "--enable-api" not in rasa.command
    assert actions.environment["SANIC_HOST"] == "127.0.0.1"
    assert rasa.command[rasa.command.index("--endpoints") + 1] == str(tmp_path / "v/endpoints.yml")
    assert (rasa.health, actions.health) == ("http://127.0.0.1:7001/", "http://127.0.0.1:7002/health")


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((host, 0)) as other:
            port = other.getsockname()[1]
            free = free_ports(1)[0]
            with pytest.raises(CommandError, match=rf"port {port} is taken by another program.*MILIA_PORT={port + 10}"):
                server.check_ports(Settings(root=tmp_path, var=tmp_path, port=port, actions_port=free))
            with pytest.raises(CommandError, match=rf"port {port} .*MILIA_ACTIONS_PORT={port + 10}.*--actions-port"):
                server.check_ports(Settings(root=tmp_path, var=tmp_path, port=free, actions_port=port))
    server.check_ports(Settings(root=tmp_path, var=tmp_path, port=free, actions_port=port))


def test_a_port_taken_by_this_bot_names_its_process(tmp_path: Path, runners: list[Runner]) -> None:
    runners.append(runner := Runner(tmp_path, "plain", "plain"))
    runner.until_ready()
    port = int(str(runner.services[0]["port"]))
    with pytest.raises(CommandError, match=f"a Milia that already runs .process {runner.process.pid};"):
        server.check_ports(Settings(root=tmp_path, var=tmp_path / "var", port=port, actions_port=free_ports(1)[0]))


def test_one_port_for_both_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="port 5005 is set for both"):
        server.check_ports(Settings(root=tmp_path, var=tmp_path, port=5005, actions_port=5005))


def test_ports_are_checked_before_anything_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> list[str]:
        raise AssertionError("too early")

    monkeypatch.setattr(training, "content_problems", slow)
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings(root=tmp_path, var=tmp_path / "var", port=other.getsockname()[1])
        with pytest.raises(CommandError, match="is taken"):
            server.run(settings, StopRequest(), Progress(4, io.StringIO()))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    port, actions_port = free_ports(2)
    return Settings(root=tmp_path, var=tmp_path / "var", port=port, actions_port=actions_port, train=False)


def test_content_problems_refuse_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "content_problems", lambda root: ["topics/cyst.yml:7: no provider line"])
    monkeypatch.setattr(server, "serve", lambda *_: pytest.fail("started all the same"))
    with pytest.raises(CommandError, match=r"topics/cyst\.yml:7: no provider line"):
        server.run(settings, StopRequest(), Progress(4, io.StringIO()))


def test_no_train_refuses_a_missing_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "content_problems", lambda root: [])
    with pytest.raises(CommandError, match="make train"):
        server.run(settings, StopRequest(), Progress(4, io.StringIO()))


def test_the_trained_model_is_used_and_the_folder_is_private(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    monkeypatch.setattr(training, "content_problems", lambda root: [])
    monkeypatch.setattr(server, "serve", lambda settings, services, *_: served.extend(services[0].command))
    (settings.root / "endpoints.yml").write_text("nlg: {}\n", encoding="utf-8")
    (settings.root / "credentials.yml").write_text("rest:\n", encoding="utf-8")
    model = training.model_path(settings.root)
    model.parent.mkdir()
    model.write_bytes(b"model")
    server.run(settings, StopRequest(), Progress(4, io.StringIO()))
    assert served[served.index("--model") + 1] == str(model)
    assert settings.var.stat().st_mode & 0o777 == 0o700
    # What staff have gone back to is served, and said to be, until the files change.
    older = model.with_name("milia-older.tar.gz")
    older.write_bytes(b"older")
    in_service.choose(settings.root, older.name, model.name, model.name)
    served.clear()
    out = io.StringIO()
    server.run(settings, StopRequest(), Progress(4, out))
    assert served[served.index("--model") + 1] == str(older)
    assert f"{older.name} serves, as chosen in the staff console" in out.getvalue()
    (settings.root / "config.yml").write_text("pipeline: []\n", encoding="utf-8")
    training.model_path(settings.root).write_bytes(b"new")
    served.clear()
    server.run(settings, StopRequest(), Progress(4, io.StringIO()))
    assert served[served.index("--model") + 1] == str(training.model_path(settings.root))


def test_a_signal_before_the_start_stops_quietly(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    request = StopRequest()
    request.note(signal.SIGINT)
    monkeypatch.setattr(server, "serve", lambda *_: pytest.fail("started all the same"))
    with pytest.raises(Stopped):
        server.run(settings, request, Progress(4, io.StringIO()))


class Channel(BaseHTTPRequestHandler):
    """Stands for the REST channel; the class attribute says what it answers."""

    status = 200
    body = b'[{"text": "hi"}]'
    asked: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        self.asked.append({"method": self.command, "token": self.headers["Authorization"], **sent})
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    do_DELETE = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"token": "t", "replies": [{"text": "hi"}]}', None),
        (404, b"", None),
        (403, b"", "the error 403"),
        (503, b"", "the error 503"),
        (200, b'{"token": "t", "replies": []}', "empty answer"),
        (200, b"{}", "does not answer a test message"),
        (200, b"<html>", "does not answer a test message"),
        (200, b"[]", "does not answer a test message"),
    ],
)
def test_the_warm_up_needs_an_answer_unless_the_channel_is_off(status: int, body: bytes, error: str | None) -> None:
    class Handler(Channel):
        asked: ClassVar[list[dict[str, str]]] = []

    Handler.status, Handler.body = status, body
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{http.server_address[1]}"
        if error:
            with pytest.raises(CommandError, match=error):
                server.warm_up(url)
        else:
            server.warm_up(url)
        http.shutdown()
    methods = [asked["method"] for asked in Handler.asked]
    assert methods == (["POST", "POST", "DELETE"] if b'"t"' in body else ["POST"])
    if len(methods) == 3:
        assert Handler.asked[1]["text"] == "hello"
        assert {asked["token"] for asked in Handler.asked[1:]} == {"Bearer t"}


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    test_the_warm_up_needs_an_answer_unless_the_channel_is_off(200, b'{"token": "t", "replies": [1]}', None)


def test_words_of_trouble_in_the_log_count_as_a_failure(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    fake = Service(
        "rasa", [sys.executable, "-c", FAKE, str(port), "no-model"], f"http://127.0.0.1:{port}/", trouble=("no-model",)
    )
    settings = Settings(root=tmp_path, var=tmp_path / "var", port=port)
    with pytest.raises(CommandError, match="the rasa server says: no-model"):
        server.serve(settings, [fake], Progress(1, io.StringIO()), StopRequest(), lambda url: None)


def arguments(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**{"host": None, "port": None, "actions_port": None, "no_train": False, **given})


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MILIA_") or name == "DATABASE_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", dict(os.environ))


@pytest.mark.usefixtures("clean_environment")
def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    assert server.read_settings(arguments(), tmp_path) == Settings(root=tmp_path, var=tmp_path / "var")
    (tmp_path / ".env").write_text(
        "MILIA_PORT=6001\nexport MILIA_ACTIONS_PORT='6002' \nMILIA_VAR=other # here\n\n# no\n"
    )
    os.environ["MILIA_PORT"] = "6003"
    found = server.read_settings(arguments(), tmp_path)
    assert (found.port, found.actions_port, found.var) == (6003, 6002, tmp_path / "other")
    assert server.read_settings(arguments(port=6004), tmp_path).port == 6004


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", "5005.0"])
def test_a_value_that_is_no_port_is_refused(tmp_path: Path, value: str) -> None:
    os.environ["MILIA_PORT"] = value
    with pytest.raises(CommandError, match=re.escape(f"MILIA_PORT='{value}' is not a port")):
        server.read_settings(arguments(), tmp_path)


@pytest.mark.usefixtures("clean_environment")
def test_a_short_token_is_refused_without_showing_it(tmp_path: Path) -> None:
    os.environ["MILIA_API_TOKEN"] = "short"
    with pytest.raises(CommandError, match="has 5 characters, it needs 16") as error:
        server.read_settings(arguments(), tmp_path)
    assert "short" not in str(error.value)


@pytest.mark.usefixtures("clean_environment")
def test_an_address_beyond_this_machine_is_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.read_settings(arguments(host="::1"), tmp_path)
    assert not capsys.readouterr().err
    assert server.read_settings(arguments(host="0.0.0.0"), tmp_path).url == "http://127.0.0.1:5005"
    assert "can be reached from other machines" in capsys.readouterr().err


def test_a_bad_line_of_the_env_file_is_named_without_its_value(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\nmy secret\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"^\.env:2: expected NAME=value") as error:
        environment.read_env_file(path)
    assert "secret" not in str(error.value)


def test_errors_of_the_system_say_what_to_do() -> None:
    assert "disk is full" in processes.explain(OSError(28, "No space left on device", "var/log/rasa.log"))
    assert "belong to another user" in processes.explain(PermissionError(13, "denied", "var"))
    assert processes.explain(CommandError("plain")) == "plain"


def test_the_tail_of_a_log_is_plain_and_short(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert "printed nothing" in processes.tail(log)
    log.write_text("\n".join(f"\x1b[92mline {number}\x1b[0m\n" for number in range(30)), encoding="utf-8")
    assert processes.tail(log, 2) == "  line 28\n  line 29"
    log.write_text(
        "a.py:1: DeprecationWarning: old\n  import old\nb.py:2: UserWarning: new\n  import new\n", encoding="utf-8"
    )
    assert processes.tail(log) == "  b.py:2: UserWarning: new\n    import new"
    log.write_text("UserWarning: No valid model found at models/x.tar.gz!\n", encoding="utf-8")
    assert "milia train --force" in processes.advice(log)
    log.write_text("ModuleNotFoundError: No module named 'rasa_sdk.x'\n", encoding="utf-8")
    assert "'rasa_sdk.x' is missing: run `make setup`" in processes.advice(log)


def test_the_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = processes.start("x", [sys.executable, "-c", f"print({word!r})"], tmp_path / "log/x.log", tmp_path, {})
        child.process.wait()
        processes.stop([child], 1)
    assert (tmp_path / "log/x.log").read_text() == "second\n"
    assert (tmp_path / "log/x.log.1").read_text() == "first\n"


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    documented = set(
        re.findall(r"^# (MILIA_[A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    )
    files = [path for folder in ("milia", "actions") for path in (ROOT / folder).rglob("*.py")]
    files += [ROOT / name for name in ("endpoints.yml", "credentials.yml", "config.yml", "scripts/setup.sh")]
    read = {
        name
        for path in files
        if path.is_file()
        for name in re.findall(r"""(?:["']|\$\{)(MILIA_[A-Z_]+)""", path.read_text(encoding="utf-8"))
    }
    assert read - documented == set(), "add these to .env.example, with a sentence each"
    assert documented - read == set(), "nothing reads these: remove them from .env.example"


def test_what_computes_stays_on_one_core_unless_told_otherwise() -> None:
    assert set(server.one_core({}).values()) == {"1"}
    assert "OMP_NUM_THREADS" not in server.one_core({"OMP_NUM_THREADS": "4"})


@pytest.mark.parametrize("name", ["endpoints.yml", "credentials.yml"])
def test_variables_stand_without_quotes(name: str) -> None:
    """Rasa puts a variable's value in only where it is not quoted, and says nothing where it is."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.findall(r"""["'][^"'\n]*\$\{.*""", text)


@pytest.mark.usefixtures("clean_environment")
def test_the_wiring_gets_the_port_of_the_settings_and_keeps_the_rest(tmp_path: Path) -> None:
    text = "action_endpoint:\n  url: x\n  timeout: 3\nlock_store:\n  type: redis\n  password: ${REDIS_PASSWORD}\n"
    (tmp_path / "project").mkdir()
    (tmp_path / "project/endpoints.yml").write_text(text, encoding="utf-8")
    settings = Settings(root=tmp_path / "project", var=tmp_path, actions_port=7002)
    written = server.write_endpoints(settings).read_text(encoding="utf-8")
    assert yaml.safe_load(written)["action_endpoint"] == {"url": "http://127.0.0.1:7002/webhook", "timeout": 3}
    assert "password: ${REDIS_PASSWORD}\n" in written  # unquoted: Rasa fills it in
    assert (tmp_path / "project/endpoints.yml").read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MILIA_DATA_KEY", "abc", "key 1 of MILIA_DATA_KEY is not a Fernet key"),
        ("MILIA_RETENTION_DAYS", "0", "from 1 to 3650"),
        ("DATABASE_URL", "mysql://me:hunter22@host/name", "allowed: postgresql, sqlite"),
    ],
)
def test_a_wrong_setting_of_the_database_is_said_before_any_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    server.check_database(Settings(root=tmp_path, var=tmp_path / "v"))
    assert (tmp_path / "v/milia.db").is_file()
    monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=says) as caught:
        server.check_database(Settings(root=tmp_path, var=tmp_path / "v"))
    assert "hunter22" not in str(caught.value)


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "sqlite:///{root}/v/milia.db"),
        ({"MILIA_DB": "other.db"}, "sqlite:///{root}/other.db"),
        ({"DATABASE_URL": "postgres://a:b@host/name", "MILIA_DB": "other.db"}, "postgresql://a:b@host/name"),
    ],
)
def test_only_the_rasa_server_gets_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "endpoints.yml").write_text("nlg: {}\n", encoding="utf-8")
    (tmp_path / "credentials.yml").write_text("rest:\n", encoding="utf-8")
    (tmp_path / "v").mkdir()
    rasa, actions = server.services(Settings(root=tmp_path, var=tmp_path / "v"), tmp_path / "m.tar.gz")
    assert rasa.environment["DATABASE_URL"] == url.format(root=tmp_path)
    assert "DATABASE_URL" not in actions.environment


@pytest.mark.usefixtures("clean_environment")
def test_on_this_machine_a_secret_is_made_once_for_its_owner(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, var=tmp_path / "v")
    first = server.secret_key(settings)
    assert len(first) == 64
    assert server.secret_key(settings) == first
    assert (tmp_path / "v/secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "v").iterdir()] == ["secret.key"]


@pytest.mark.usefixtures("clean_environment")
def test_a_secret_of_the_environment_is_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILIA_SECRET_KEY", "k" * 40)
    assert server.secret_key(Settings(root=tmp_path, var=tmp_path / "v", host="0.0.0.0")) == "k" * 40
    assert not (tmp_path / "v").exists()


@pytest.mark.usefixtures("clean_environment")
def test_a_bot_that_others_reach_needs_a_secret_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="MILIA_SECRET_KEY is not set"):
        server.secret_key(Settings(root=tmp_path, var=tmp_path, host="0.0.0.0"))


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(("text", "mode", "error"), [("short", 0o600, "holds no secret"), ("a1" * 32, 0o644, "chmod 600")])
def test_a_secret_file_of_no_use_is_refused(tmp_path: Path, text: str, mode: int, error: str) -> None:
    (tmp_path / "secret.key").write_text(text, encoding="ascii")
    (tmp_path / "secret.key").chmod(mode)
    with pytest.raises(CommandError, match=error):
        server.secret_key(Settings(root=tmp_path, var=tmp_path))
