"""`milia explain "text"`: what the pipeline reads out of one message, and what the bot says to it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from milia.evaluation.replay import find_model

_SHOWN = ("intent", "understanding", "mentions", "theme", "warning_findings", "language")


def explain(arguments: argparse.Namespace) -> int:
    """Run the command."""
    root = Path.cwd()
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    from milia.evaluation.bot import Bot

    bot = Bot(model, root)
    for text in arguments.text:
        parse = bot.parse(text)
        turn = bot.turn(bot.conversation(text), text)
        shown = {key: parse[key] for key in _SHOWN if key in parse}
        print(json.dumps({"parse": shown, "turn": turn}, ensure_ascii=False, indent=2))
    return 0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia explain`."""
    parser = subparsers.add_parser("explain", help="show what the bot understands in a message, and its reply")
    parser.add_argument("text", nargs="+", help="a message; several are taken one by one")
    parser.add_argument("--model", type=Path, help="model archive (default: the one that `milia train` made last)")
    parser.set_defaults(func=explain)
