"""`milia explain "text"`: the X-ray of a message, as the staff console shows it: what was understood, and why it was said."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from milia.evaluation.replay import find_model

_SHOWN = ("intent", "understanding", "mentions", "theme", "warning_findings", "recognized_signs", "language")


def explain(arguments: argparse.Namespace) -> int:
    """Run the command."""
    root = Path.cwd()
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    from milia.evaluation.bot import Bot
    from milia.staff.knowledge import load_knowledge
    from milia.staff.terminal_xray import lines
    from milia.staff.trial import TrialProcessor, detector_of
    from milia.staff.xray import Material, xray

    bot = Bot(model, root)
    processor, known = TrialProcessor.of(bot.agent.processor), load_knowledge(root)
    for number, text in enumerate(arguments.text):
        parse = bot.parse(text)  # the first message also loads what is loaded late, so that times are those of a running bot
        turn = bot.run(processor.take(f"explain-{number}", [], text))
        found = xray(
            Material(turn.fresh, turn.before, 0, "", True, turn.steps, turn.milliseconds), known, detector_of(processor.graph_runner)
        )
        if arguments.json:
            shown = {key: parse[key] for key in _SHOWN if key in parse}
            print(json.dumps({"parse": shown, "turn": found}, ensure_ascii=False, indent=2))
        else:
            print("\n".join([*lines(found), ""]))
    return 0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia explain`."""
    parser = subparsers.add_parser("explain", help="show what the bot understands in a message, its reply, and why")
    parser.add_argument("text", nargs="+", help="a message; several are taken one by one")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument("--model", type=Path, help="model archive (default: the one that `milia train` made last)")
    parser.set_defaults(func=explain)
