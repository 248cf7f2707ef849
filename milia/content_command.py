"""`milia content check`: every problem of the content, with file and line. `milia content book`: all of it, for review."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def check_content(arguments: argparse.Namespace) -> int:
    """Run `milia content check`."""
    from milia.training import content_problems

    problems = content_problems(arguments.root)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{len(problems)} problems in {arguments.root / 'data' / 'content'}", file=sys.stderr)
        return 1
    print("content: no problems")
    return 0


def write_book(arguments: argparse.Namespace) -> int:
    """Run `milia content book`."""
    from milia.content_book import write_book as write  # Jinja and the content: not for other commands

    return write(arguments)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia content`."""
    parser = subparsers.add_parser("content", help="check the content that the bot answers from, or print it for review")
    commands = parser.add_subparsers(dest="content_command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="list every problem with file and line")
    check.add_argument("--root", type=Path, default=Path.cwd(), help="the project folder (default: here)")
    check.set_defaults(func=check_content)
    book = commands.add_parser("book", help="write everything that the bot says as one HTML page, for review on paper")
    book.add_argument("--out", type=Path, help="the file to write (default: results/content-book.html)")
    book.add_argument("--root", type=Path, default=Path.cwd(), help="the project folder (default: here)")
    book.set_defaults(func=write_book)
