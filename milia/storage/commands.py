"""`milia erase`, `milia export` and `milia purge`: what an operator does with stored conversations."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milia.environment import load_env_file
from milia.processes import CommandError
from milia.storage.errors import StorageError
from milia.storage.settings import MAX_RETENTION_DAYS, SECONDS_A_DAY, database_url, retention_days
from milia.training import ROOT

if TYPE_CHECKING:
    from milia.storage.conversations import Conversations

Work = Callable[["Conversations"], Coroutine[Any, Any, int]]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia erase`, `milia export` and `milia purge`."""
    erase = subparsers.add_parser("erase", help="remove everything stored of one conversation; prints a receipt")
    erase.add_argument("conversation", help="its id")
    erase.set_defaults(func=lambda arguments: _run("erase", lambda stored: _erase(stored, arguments.conversation)))
    export = subparsers.add_parser("export", help="write everything stored of one conversation, for its owner, as JSON")
    export.add_argument("conversation", help="its id")
    export.add_argument("--out", type=Path, help="file to write, readable for you only; default: the terminal")
    export.set_defaults(
        func=lambda arguments: _run("export", lambda stored: _export(stored, arguments.conversation, arguments.out))
    )
    purge = subparsers.add_parser("purge", help="remove what is older than MILIA_RETENTION_DAYS")
    purge.add_argument("--days", type=int, help="keep this many days instead")
    purge.set_defaults(func=lambda arguments: _run("purge", lambda stored: _purge(stored, arguments.days)))


async def _erase(stored: Conversations, conversation_id: str) -> int:
    receipt = await stored.erase(conversation_id)
    print(json.dumps(receipt.to_dict(), indent=2))
    if not receipt.counts:
        print("Nothing was stored of this conversation.", file=sys.stderr)
    return 0


async def _export(stored: Conversations, conversation_id: str, out: Path | None) -> int:
    try:
        exported = await stored.export(conversation_id)
    except KeyError:
        raise StorageError(f"nothing is stored of the conversation {conversation_id!r}") from None
    text = json.dumps(exported, indent=2, ensure_ascii=False) + "\n"
    data = text.encode("utf-8", "replace")  # a lone surrogate, which some keyboards send, is no text
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
    return 0


async def _purge(stored: Conversations, days: int | None) -> int:
    if days is not None and not 0 <= days <= MAX_RETENTION_DAYS:
        raise StorageError(f"--days {days} is not allowed: give a whole number from 0 to {MAX_RETENTION_DAYS}")
    kept = retention_days() if days is None else days
    counts = await stored.purge(time.time() - kept * SECONDS_A_DAY)
    print(json.dumps({"kept_days": kept, "rows": counts}, indent=2))
    return 0


def _run(name: str, work: Work) -> int:
    """Do the work on the database of the settings; returns 0, or 1 after a failure."""
    from milia.storage.conversations import Conversations  # the other commands need not wait for SQLAlchemy
    from milia.storage.database import Database

    try:
        load_env_file(ROOT / ".env", os.environ)
        database = Database.open(database_url(folder=ROOT))
        try:
            return asyncio.run(work(Conversations(database)))
        finally:
            database.close()
    except (CommandError, StorageError, OSError) as error:
        print(f"milia {name}: {error}", file=sys.stderr)
        return 1
