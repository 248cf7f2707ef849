"""`milia run`: the action server and the Rasa server together, started, watched and stopped as one.

Whatever ends one of them (Ctrl-C, SIGTERM, its own death) ends the other too, and leaves no process behind. What they
print goes to `var/log`; the terminal gets the steps, one line that says where the bot is, and the reason of a failure.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import secrets
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from milia import in_service, processes, training
from milia.channels.enabled import platform_credentials, platform_titles
from milia.channels.keys import MIN_SECRET_BYTES, SECRET
from milia.environment import is_loopback, load_env_file, number_setting
from milia.launch import TOKEN
from milia.processes import Child, CommandError, Stopped, StopRequest, stop_on_signals
from milia.progress import Progress
from milia.storage.errors import StorageError
from milia.storage.settings import database_url, retention_days

START_SECONDS = 300
STOP_SECONDS = 10
PROBE_SECONDS = 2
WARM_UP_SECONDS = 60
MIN_TOKEN_LENGTH = 16
# The user of the staff console that `milia run` sets up on a machine of one's own.
LOCAL_STAFF = "local"
# Sanic waits this long for requests in flight after SIGTERM; less than STOP_SECONDS.
DRAIN_SECONDS = 7

_LAUNCH = (sys.executable, "-m", "milia.launch")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_DRAIN = {"SANIC_GRACEFUL_SHUTDOWN_TIMEOUT": str(DRAIN_SECONDS)}

# Never through a proxy of the environment: these requests stay on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Settings:
    """Where to serve, and whether a missing model may be trained first."""

    root: Path
    var: Path
    host: str = "127.0.0.1"
    port: int = 5005
    actions_port: int = 5055
    actions_at: str = ""  # where other machines' action servers are; this machine's if empty
    train: bool = True

    @property
    def local_host(self) -> str:
        """The host under which this machine reaches the server."""
        if self.host in {"0.0.0.0", "::"}:
            return "127.0.0.1"
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def actions_url(self) -> str:
        """The action servers' address."""
        return self.actions_at or f"http://127.0.0.1:{self.actions_port}"

    @property
    def url(self) -> str:
        """The server's address, as a person opens it."""
        return f"http://{self.local_host}:{self.port}"


@dataclass(frozen=True)
class Service:
    """One of the servers: how to start it, and which address answers 200 once it is up."""

    name: str
    command: Sequence[str]
    health: str
    environment: Mapping[str, str] = field(default_factory=dict)
    trouble: Sequence[str] = ()  # words in its log which mean that it answers, but is of no use


def write_endpoints(settings: Settings) -> Path:
    """Write the project's endpoints.yml with the action server's port put in; returns its path, in the var folder."""
    import yaml

    endpoints = yaml.safe_load((settings.root / "endpoints.yml").read_text(encoding="utf-8")) or {}
    endpoints["action_endpoint"] = {
        **(endpoints.get("action_endpoint") or {}),
        "url": f"{settings.actions_url}/webhook",
    }
    path = settings.var / "endpoints.yml"
    path.write_text(yaml.safe_dump(endpoints, sort_keys=False), encoding="utf-8")
    return path


def write_credentials(settings: Settings) -> Path:
    """Write the project's credentials.yml with the messaging platforms whose keys the environment has.

    Returns:
        Its path, in the var folder. No key is in it: the channels read theirs from the environment.
    """
    import yaml

    credentials = yaml.safe_load((settings.root / "credentials.yml").read_text(encoding="utf-8")) or {}
    platforms, _ = platform_credentials(os.environ)
    path = settings.var / "credentials.yml"
    path.write_text(yaml.safe_dump({**credentials, **platforms}, sort_keys=False), encoding="utf-8")
    return path


def services(settings: Settings, model: Path) -> list[Service]:
    """Return the servers to run, in the order in which they are to end; writes the wiring that they read.

    Rasa ends first: a turn in flight still needs the action server.
    """
    return [rasa_service(settings, model), actions_service(settings)]


def rasa_service(settings: Settings, model: Path) -> Service:
    """Return the Rasa server; writes the wiring that it reads."""
    command = [*_LAUNCH, "rasa", "run", "--interface", settings.host, "--port", str(settings.port), "--model", str(model)]
    command += ["--endpoints", str(write_endpoints(settings)), "--credentials", str(write_credentials(settings))]
    # The tracker store and the channels read it; the action server needs no database.
    environment = {**_DRAIN, **one_core(os.environ), "DATABASE_URL": _database(settings), SECRET: secret_key(settings)}
    trouble = ("Could not load model", "No valid model found")
    return Service("rasa", command, f"{settings.url}/", environment, trouble)


def one_core(environment: Mapping[str, str]) -> dict[str, str]:
    """Return settings that keep the libraries that compute on one core, as far as the environment does not say otherwise.

    Their threads wait for each other in loops: a turn's small matrices cost 38 ms of processor time on two cores, 28 on one.
    """
    return {name: "1" for name in _THREADS if not environment.get(name)}


def actions_service(settings: Settings, host: str = "127.0.0.1") -> Service:
    """Return the action server, which listens on this machine only unless told otherwise."""
    # --cors without a value: by default pages of any origin, open in a browser of this machine, may call the action server.
    command = [*_LAUNCH, "rasa_sdk", "--actions", "actions", "--port", str(settings.actions_port), "--cors"]
    # It reads SANIC_HOST, and would otherwise listen on every network interface.
    return Service("actions", command, f"{settings.actions_url}/health", {**_DRAIN, "SANIC_HOST": host})


def check_ports(settings: Settings) -> None:
    """Refuse ports that another program has.

    Raises:
        CommandError: Names the port and the setting that chooses another.
    """
    if settings.port == settings.actions_port:
        raise CommandError(
            f"port {settings.port} is set for both servers: choose another with MILIA_PORT or MILIA_ACTIONS_PORT"
        )
    ports = (
        (settings.host, settings.port, "MILIA_PORT", "--port"),
        ("127.0.0.1", settings.actions_port, "MILIA_ACTIONS_PORT", "--actions-port"),
    )
    for host, port, name, option in ports:
        if _taken(host, port):
            other = _other_run(settings.var, port)
            who = (
                f"a Milia that already runs (process {other}; `kill {other}` stops it)" if other else "another program"
            )
            free = port + 10
            raise CommandError(
                f"port {port} is taken by {who}. Stop it, or choose another port: `{name}={free} make run`, or "
                f"`.venv/bin/milia run {option} {free}`, or {name} in the file .env"
            )


def secret_key(settings: Settings) -> str:
    """Return the secret of which all keys are made: `MILIA_SECRET_KEY`, or on this machine alone one that is made once.

    Raises:
        CommandError: The bot can be reached from elsewhere and has no secret, or the file of it is of no use.
    """
    given = os.environ.get(SECRET, "").strip()
    if given:
        return given
    if not is_loopback(settings.host):
        raise CommandError(
            f"{SECRET} is not set. It is needed because {settings.host} can be reached from other machines: make one with "
            "`openssl rand -hex 32`, keep it, and give the same to every server"
        )
    path = settings.var / "secret.key"
    if not path.exists():
        processes.private_folder(settings.var)
        made = settings.var / f".secret.key.{os.getpid()}"
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        made.replace(path)
    value = path.read_text(encoding="ascii", errors="replace").strip()
    if len(value) < MIN_SECRET_BYTES:
        raise CommandError(f"{path} holds no secret ({len(value)} characters): remove it, and a new one is made")
    if path.stat().st_mode & 0o077:
        raise CommandError(f"{path} can be read by others: run `chmod 600 {path}`, or remove it, and a new one is made")
    return value


def check_database(settings: Settings) -> None:
    """Make the database ready, so that what is wrong with it is said in one line before any server starts.

    Raises:
        CommandError: It cannot be reached or written, or a setting about it is of no use.
    """
    from milia.storage.database import Database  # SQLAlchemy: the other commands need not wait for it

    try:
        retention_days()
        database = Database.open(_database(settings))
        try:
            database.check_key()
        finally:
            database.close()
    except StorageError as error:
        raise CommandError(f"{error}. See docs/operating.md.") from error


def local_staff(settings: Settings) -> str:
    """Set up an admin of the staff console on a machine that serves nobody else, if there is no staff yet.

    Returns:
        What to tell the person at the terminal, this once: the password is stored nowhere. Empty if there is staff, or
        others can reach the server: then people are set up by `milia staff add`.

    Raises:
        CommandError: The database cannot be used.
    """
    from milia.channels.web_settings import in_production

    if not is_loopback(settings.host) or in_production():
        return ""
    from milia.staff import passwords
    from milia.staff.users import Role, Users, UserTaken
    from milia.storage.database import Database  # SQLAlchemy: the other commands need not wait for it

    password = passwords.generated()

    async def add(users: Users) -> bool:
        if await users.any():
            return False
        try:
            await users.add(LOCAL_STAFF, Role.ADMIN, password)
        except UserTaken:  # by another server that starts at this moment
            return False
        return True

    try:
        database = Database.open(_database(settings))
        try:
            made = asyncio.run(add(Users(database)))
        finally:
            database.close()
    except StorageError as error:
        raise CommandError(f"{error}. See docs/operating.md.") from error
    if not made:
        return ""
    return (
        f"Staff console: {settings.url}/staff  user: {LOCAL_STAFF}  password: {password}\n"
        f"  (shown this once; `.venv/bin/milia staff password {LOCAL_STAFF}` sets another)"
    )


def warm_up(url: str) -> None:
    """Send one message through the web channel, so that the first user does not wait; the conversation is deleted.

    Raises:
        CommandError: The bot takes messages but gives no answer.
    """
    conversations, messages = f"{url}/webhooks/web/conversations", f"{url}/webhooks/web/messages"
    try:
        token = _ask("POST", conversations, {})["token"]
        answer = _ask("POST", messages, {"id": f"warm-up-{uuid.uuid4().hex}", "text": "hello"}, token)
        _ask("DELETE", conversations, None, token)
    except urllib.error.HTTPError as error:
        if error.code == 404:  # the channel is not in credentials.yml: nothing to warm up
            return
        raise CommandError(f"the bot answers a test message with the error {error.code}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"the bot does not answer a test message: {error}") from error
    if not answer.get("replies"):
        raise CommandError("the bot gives an empty answer to a test message")


def _ask(method: str, url: str, body: Mapping[str, str] | None, token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with _OPENER.open(request, timeout=WARM_UP_SECONDS) as answer:
        value = json.load(answer)
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no JSON object")
    return value


def serve(
    settings: Settings,
    to_run: Sequence[Service],
    progress: Progress,
    request: StopRequest,
    ready: Callable[[str], None] = warm_up,
) -> None:
    """Run the servers until a signal comes or one of them dies, then end them all.

    Raises:
        Stopped: The signal came before the servers were up.
        CommandError: A server died, or did not come up in time.
    """
    children: list[Child] = []
    pid_file = settings.var / "milia.pid"
    try:
        with progress.step("Starting the servers"):
            for service in to_run:
                log = settings.var / "log" / f"{service.name}.log"
                children.append(processes.start(service.name, service.command, log, settings.root, service.environment))
            _write_pid_file(pid_file, settings)
            _wait_until_up(to_run, children, progress, request)
            _answer(ready, settings, children)
        on = ", ".join(["web", *platform_titles(os.environ)])
        progress.say(
            f"Milia Triage is ready: {settings.url}/demo  "
            f"(channels: {on}; chat in a terminal: .venv/bin/milia chat; stop: Ctrl-C)"
        )
        while not request.signal:
            _require_alive(children)
            time.sleep(processes.POLL_SECONDS)
        progress.say("\nStopping: a turn in flight may finish ...")
    finally:
        killed = processes.stop(children, STOP_SECONDS, request)
        pid_file.unlink(missing_ok=True)
    if killed:
        progress.say(f"Had to kill {' and '.join(killed)}: no end within {STOP_SECONDS} s.")
    progress.say("Stopped.")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia run`."""
    parser = subparsers.add_parser("run", help="train if needed, then start the bot: action server and Rasa server")
    parser.add_argument("--host", help="address to listen on (MILIA_HOST; default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port of the bot (MILIA_PORT; default 5005)")
    parser.add_argument("--actions-port", type=int, help="port of the action server (MILIA_ACTIONS_PORT; default 5055)")
    parser.add_argument("--no-train", action="store_true", help="refuse to start, instead of training, without a model")
    parser.set_defaults(func=command)


def command(arguments: argparse.Namespace) -> int:
    """Run `milia run`; returns 0 once stopped by a signal, 128 + signal if it came before the bot was up, 1 else."""
    with stop_on_signals() as request:
        try:
            settings = read_settings(arguments, training.ROOT)
            run(settings, request, Progress(5))
            return 0
        except Stopped:
            print("Stopped.")
            return 128 + (request.signal or 0)
        except (CommandError, OSError) as error:
            print(f"milia run: {processes.explain(error)}", file=sys.stderr)
            return 1


def run(settings: Settings, request: StopRequest, progress: Progress) -> None:
    """Check, train if needed, and serve: the steps of `milia run`, cheap ones first."""
    with progress.step(f"Ports {settings.port} and {settings.actions_port}"):
        check_ports(settings)
        processes.private_folder(settings.var / "log")
    request.check()
    with progress.step("Checking the content"):
        training.refuse_content_problems(training.content_problems(settings.root))
    request.check()
    with progress.step("Opening the database"):
        check_database(settings)
        login = local_staff(settings)
    request.check()
    for problem in platform_credentials(os.environ)[1]:
        progress.say(f"Note: {problem}. `.venv/bin/milia channels check` says more.")
    present = training.model_path(settings.root)
    model = in_service.chosen(settings.root, present.name) or (present if present.is_file() else None)
    if model and model != present:
        progress.say(f"Note: {model.name} serves, as chosen in the staff console, not {present.name} of the present data.")
    with progress.step("The model is up to date" if model else "Training the model (ten minutes or more)"):
        if not model and not settings.train:
            raise CommandError("no model of the present content and data: run `make train`, or leave --no-train out")
        model = model or training.train(settings.root, progress=progress, request=request)
        training.note_inputs(settings.root)
    to_run = services(settings, model)
    if login:
        progress.say(login)
    serve(settings, to_run, progress, request)


def read_settings(arguments: argparse.Namespace, root: Path, *, people: bool = True) -> Settings:
    """Take the settings from the arguments, else from the environment, else from `.env`.

    Args:
        arguments: of the command.
        root: the project's folder.
        people: whether people reach the server; the action server alone needs no secret, and is asked for none.

    Raises:
        CommandError: A value is not allowed; the message says what is.
    """
    load_env_file(root / ".env", os.environ)
    if people:
        _require_safe(root / ".env")
    token = os.environ.get(TOKEN, "")
    if 0 < len(token) < MIN_TOKEN_LENGTH:
        raise CommandError(
            f"{TOKEN} has {len(token)} characters, it needs {MIN_TOKEN_LENGTH}: make one with `openssl rand -hex 24`"
        )
    settings = Settings(
        root=root,
        var=(root / (os.environ.get("MILIA_VAR") or "var")).absolute(),
        host=arguments.host or os.environ.get("MILIA_HOST") or Settings.host,
        port=_port(arguments.port, "MILIA_PORT", Settings.port),
        actions_port=_port(arguments.actions_port, "MILIA_ACTIONS_PORT", Settings.actions_port),
        train=not arguments.no_train,
    )
    if people and not is_loopback(settings.host):
        print(
            f"Note: {settings.host} can be reached from other machines; put a proxy with TLS and a rate limit in front.",
            file=sys.stderr,
        )
    return settings


def _require_safe(env_file: Path) -> None:
    from milia.observability.access import MetricsAccess
    from milia.observability.logs import format_of, level_of
    from milia.production import require_safe

    try:
        require_safe(os.environ, (), env_file)
        MetricsAccess.from_environment()
        format_of(os.environ)
        level_of(os.environ)
    except ValueError as error:
        raise CommandError(f"{error}") from error


def _database(settings: Settings) -> str:
    return database_url({**os.environ, "MILIA_VAR": str(settings.var)}, settings.root)


def _port(argument: int | None, name: str, default: int) -> int:
    if argument is None:
        return number_setting(os.environ, name, default)
    return number_setting({name: str(argument)}, name, default)



def _taken(host: str, port: int) -> bool:
    """Tell whether a program listens there. Binding alone does not tell on macOS, connecting alone not everywhere."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(PROBE_SECONDS)
        if probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, port)) == 0:
            return True
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that just closed is free
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise CommandError(
                f"cannot listen on {host}:{port}: {error.strerror}. Choose another with MILIA_HOST or MILIA_PORT "
                "(ports below 1024 need more rights)"
            ) from error
    return False


def _write_pid_file(path: Path, settings: Settings) -> None:
    path.write_text(json.dumps({"pid": os.getpid(), "ports": [settings.port, settings.actions_port]}), encoding="utf-8")


def _other_run(var: Path, port: int) -> int | None:
    """Return the process number of a `milia run` of this folder that holds the port, if its note says so."""
    try:
        note = json.loads((var / "milia.pid").read_text(encoding="utf-8"))
        if port in note["ports"]:
            os.kill(note["pid"], 0)
            return int(note["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _wait_until_up(
    to_run: Sequence[Service], children: Sequence[Child], progress: Progress, request: StopRequest
) -> None:
    """Wait until each server answers."""
    deadline = time.monotonic() + START_SECONDS
    waiting = {service.name: service.health for service in to_run}
    while waiting:
        request.check()
        _require_alive(children)
        for name, url in list(waiting.items()):
            if _answers(url):
                del waiting[name]
        if time.monotonic() > deadline:
            slow = next(child for child in children if child.name in waiting)
            raise CommandError(f"{slow.name} did not answer within {START_SECONDS} s.{_end_of(slow)}")
        progress.tick()
        time.sleep(processes.POLL_SECONDS)
    for service, child in zip(to_run, children, strict=True):
        said = child.log.read_text(encoding="utf-8", errors="replace")
        for words in service.trouble:
            if words in said:
                raise CommandError(f"the {child.name} server says: {words}.{_end_of(child)}")


def _answer(ready: Callable[[str], None], settings: Settings, children: Sequence[Child]) -> None:
    try:
        ready(settings.url)
    except CommandError as error:
        raise CommandError(f"{error}.{''.join(map(_end_of, children))}") from error


def _answers(url: str) -> bool:
    try:
        with _OPENER.open(url, timeout=PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _require_alive(children: Sequence[Child]) -> None:
    for child in children:
        if child.ended:
            code = child.process.returncode
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            raise CommandError(f"the {child.name} server {how}; the others were stopped.{_end_of(child)}")


def _end_of(child: Child) -> str:
    log = child.log
    return f"\nLast lines of {child.name} (all of it: {log}):\n{processes.tail(log)}{processes.advice(log)}"
