"""The `milia` command: one subcommand a module, each with `add_parser`; heavy imports wait until a command runs."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from milia import content_command, server, serving, training
from milia.channels import commands as channel_commands
from milia.evaluation import bench, chat, dialog_tests, explain, replay, report
from milia.staff import commands as staff_commands
from milia.storage import commands as storage_commands

_MODULES = (
    server, serving, training, content_command, replay, chat, explain, dialog_tests, report, bench, storage_commands,
    channel_commands, staff_commands,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    # This bot tells nobody about its users; and the libraries below it warn about each other on every start.
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(prog="milia", description="Milia Triage: run, train, check and test the assistant.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in _MODULES:
        module.add_parser(subparsers)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.func(chosen))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
