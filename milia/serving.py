"""`milia serve rasa` and `milia serve actions`: one server alone, in the foreground, for containers and service managers.

The same checks and wiring as `milia run`; nothing is trained. The command becomes the server: signals reach it, its log goes to the
terminal, and whoever started it starts it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from milia import processes, training
from milia.launch import ALONE
from milia.processes import QUIET_ENVIRONMENT, CommandError
from milia.server import Service, Settings, actions_service, check_database, rasa_service, read_settings

ACTIONS_URL = "MILIA_ACTIONS_URL"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia serve`."""
    parser = subparsers.add_parser("serve", help="run one server alone, as in a container: rasa or actions")
    parser.add_argument("which", choices=("rasa", "actions"))
    parser.add_argument("--model", type=Path, help="the model; that of the present content and data if left out")
    parser.set_defaults(func=command, host=None, port=None, actions_port=None, no_train=True)


def command(arguments: argparse.Namespace) -> int:
    """Become the server; returns 1 if it cannot be started."""
    try:
        settings = read_settings(arguments, training.ROOT, people=arguments.which == "rasa")
        service = _actions(settings) if arguments.which == "actions" else _rasa(settings, arguments.model)
    except (CommandError, OSError) as error:
        print(f"milia serve: {processes.explain(error)}", file=sys.stderr)
        return 1
    os.chdir(settings.root)
    os.execve(sys.executable, alone(service.command), {**os.environ, **QUIET_ENVIRONMENT, **service.environment})


def alone(child: Sequence[str]) -> list[str]:
    """Return the command of a child of `milia run` as one that has no parent."""
    at = child.index("milia.launch") + 1
    return [*child[:at], ALONE, *child[at:]]


def actions_url(value: str) -> str:
    """Return the action servers' address without the path that Rasa calls.

    Raises:
        CommandError: It is none.
    """
    address = value.strip().rstrip("/").removesuffix("/webhook")
    if address and (urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname):
        raise CommandError(f"{ACTIONS_URL}={value!r} is no address of an action server: write http://host:5055")
    return address


def _rasa(settings: Settings, model: Path | None) -> Service:
    settings = replace(settings, actions_at=actions_url(os.environ.get(ACTIONS_URL, "")))
    processes.private_folder(settings.var)
    training.refuse_content_problems(training.content_problems(settings.root))
    check_database(settings)
    found = model or training.current_model(settings.root)
    if found is None:
        raise CommandError("no model of the present content and data: run `make train`, or name one with --model")
    if not found.is_file():
        raise CommandError(f"there is no model {found}")
    return rasa_service(settings, found.absolute())


def _actions(settings: Settings) -> Service:
    return actions_service(settings, settings.host)
