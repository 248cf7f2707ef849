"""`milia chat`: a conversation in the terminal, with the whole bot in one process."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from milia.evaluation.replay import find_model


def chat(arguments: argparse.Namespace) -> int:
    """Run the command: a number presses a button, an empty line or Ctrl-D ends."""
    root = Path.cwd()
    model = find_model(root, arguments.model)
    if model is None:
        return 2
    print("Loading the model ...", flush=True)
    from milia.evaluation.bot import Bot

    bot = Bot(model, root)
    conversation = bot.conversation(f"chat {time.time()}")
    print("Type a message; a number presses a button; an empty line ends the chat.\n")
    while True:
        try:
            text = input("you> ").strip()
        except EOFError:
            print()
            return 0
        if not text:
            return 0
        buttons = [button["title"] for button in conversation.buttons]
        pressed = text.isdigit() and 1 <= int(text) <= len(buttons)
        turn = bot.turn(conversation, {"press": buttons[int(text) - 1]} if pressed else text)
        print(f"\n{turn['text']}")
        for number, button in enumerate(turn["buttons"], 1):
            print(f"  [{number}] {button['title']}")
        print()


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia chat`."""
    parser = subparsers.add_parser("chat", help="talk to the bot in this terminal")
    parser.add_argument("--model", type=Path, help="model archive (default: the one that `milia train` made last)")
    parser.set_defaults(func=chat)
