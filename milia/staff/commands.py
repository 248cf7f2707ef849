"""`milia staff`: who may use the console. `milia review`: the review queue in the terminal."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milia.environment import load_env_file
from milia.processes import CommandError
from milia.storage.errors import StorageError
from milia.storage.settings import database_url
from milia.training import ROOT

if TYPE_CHECKING:
    from milia.storage.database import Database

Work = Callable[["Database"], Coroutine[Any, Any, int]]
ROLES = ("viewer", "editor", "admin")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia staff` and `milia review`."""
    _add_staff(subparsers.add_parser("staff", help="who may use the staff console: add, list, remove, password"))
    _add_review(subparsers.add_parser("review", help="the review queue: list, accept, reject"))


def _add_staff(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="staff_command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="add somebody; asks for a password, or makes one")
    add.add_argument("name", help="a-z, 0-9, . _ @ -")
    add.add_argument("--role", choices=ROLES, default="viewer", help="what they may do (default: viewer)")
    add.set_defaults(func=lambda a: _run("staff add", lambda d: _add(d, a.name, a.role)))
    show = commands.add_parser("list", help="list them")
    show.set_defaults(func=lambda a: _run("staff list", _list))
    remove = commands.add_parser("remove", help="remove somebody; their logins end at once")
    remove.add_argument("name")
    remove.set_defaults(func=lambda a: _run("staff remove", lambda d: _remove(d, a.name)))
    password = commands.add_parser("password", help="set a password; ends a lockout and all logins")
    password.add_argument("name")
    password.set_defaults(func=lambda a: _run("staff password", lambda d: _password(d, a.name)))


def _add_review(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="review_command", required=True, metavar="COMMAND")
    show = commands.add_parser("list", help="list the reviews, the newest first")
    show.add_argument("--state", choices=("open", "accepted", "rejected"), default="open")
    show.set_defaults(func=lambda a: _run("review list", lambda d: _reviews(d, a.state)))
    accept = commands.add_parser("accept", help="accept in your own words; writes a patch")
    accept.add_argument("review", type=int)
    accept.add_argument("--sentence", help="the sentence, in your own words; left out: accepted without a change")
    accept.add_argument("--label", action="append", default=[], help="what it asks; several times, the main one first")
    accept.add_argument("--sign", action="append", help="a warning sign that it tells of; --sign none: it only looks like one")
    accept.add_argument("--heldout", action="store_true", help="for the held-out sentences, not for training")
    accept.add_argument("--anyway", action="store_true", help="take it although sentences like it are there")
    accept.add_argument("--branch", action="store_true", help="make a git branch with a commit too")
    accept.add_argument("--out", type=Path, help="where the patch goes (default: the terminal)")
    accept.set_defaults(func=lambda a: _run("review accept", lambda d: _accept(d, a)))
    reject = commands.add_parser("reject", help="reject, with a reason")
    reject.add_argument("review", type=int)
    reject.add_argument("reason")
    reject.set_defaults(func=lambda a: _run("review reject", lambda d: _reject(d, a.review, a.reason)))


async def _add(database: Database, name: str, role: str) -> int:
    from milia.staff.users import Role, Users

    password, made = _asked(name)
    await Users(database).add(name, Role.from_id(role), password)
    await _note(database, "user.add", f"{name} as {role}")
    print(f"{name} may use the console as {role}." + (f" Password: {password}" if made else ""))
    return 0


async def _list(database: Database) -> int:
    from milia.staff.times import iso
    from milia.staff.users import Users

    users = await Users(database).all()
    for user in users:
        print(f"{user.name:24} {user.role.id:8} last login: {iso(user.last_seen_at) or '-'}")
    if not users:
        print("Nobody; the console is off. `milia staff add NAME --role admin` switches it on.")
    return 0


async def _remove(database: Database, name: str) -> int:
    from milia.staff.users import Users

    await Users(database).remove(name)
    await _note(database, "user.remove", name)
    print(f"{name} is removed.")
    return 0


async def _password(database: Database, name: str) -> int:
    from milia.staff.users import Users

    users = Users(database)
    if name not in {user.name for user in await users.all()}:
        raise KeyError(name)
    password, made = _asked(name)
    await users.change(name, password=password)
    await _note(database, "user.change", f"{name}: password")
    print(f"The password of {name} is set." + (f" Password: {password}" if made else ""))
    return 0


def _asked(name: str) -> tuple[str, bool]:
    """Return a password that was typed, or a new one, and whether it was made; a pipe gives it in its first line."""
    from milia.staff import passwords

    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\n")
        if given:
            return given, False
        return passwords.generated(), True
    first = getpass.getpass("Password (empty: one is made for you): ")
    if not first:
        return passwords.generated(), True
    passwords.check(first, name)
    if getpass.getpass("Once more: ") != first:
        raise CommandError("the two passwords differ; nothing was changed")
    return first, False


async def _reviews(database: Database, state: str) -> int:
    from milia.staff.reviews import Reviews

    rows, counts = await Reviews(database).page(state, None, 100)
    for row in rows:
        should = row["should"]
        marks = [f"{name}: {', '.join(should[name]) or 'none'}" for name in ("topics", "signs") if should[name] is not None]
        marks += [f"{name}: {should[name]}" for name in ("wording", "note") if should[name]]
        print(f"{row['id']:>5}  {row['made_at'][:10]}  {row['made_by']}\n       wrote: {row['was']['text'] or '(erased)'}")
        print(f"       was: {', '.join(row['was']['topics']) or 'none'}; should have been {'; '.join(marks)}")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


async def _accept(database: Database, arguments: argparse.Namespace) -> int:
    from milia.staff.reviews import Reviews
    from milia.staff.terminal_review import accept

    user = _who()
    review, patch, shown = await accept(Reviews(database), ROOT, arguments, user)
    for line in shown:
        print(line, file=sys.stderr)
    if review is None:
        return 1
    await _note(database, "review.accept", f"review {arguments.review}: {review['made']['kind']} {review['made']['file']}")
    if patch and arguments.out:
        arguments.out.write_text(patch, encoding="utf-8")
    elif patch:
        print(patch, end="")
    if review["made"]["branch"]:
        print(f"Branch {review['made']['branch']}", file=sys.stderr)
    return 0


async def _reject(database: Database, identifier: int, reason: str) -> int:
    from milia.staff.reviews import OPEN, REJECTED, Reviews
    from milia.storage.redaction import redact

    reviews = Reviews(database)
    review = await reviews.get(identifier)
    if review["state"] != OPEN:
        raise CommandError(f"review {identifier} is {review['state']} already, by {review['decided_by']}")
    await reviews.change(identifier, review["version"], _who(), state=REJECTED, reason=redact(reason), made=None)
    await _note(database, "review.reject", f"review {identifier}")
    print(f"Review {identifier} is rejected.")
    return 0


def _who() -> str:
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):  # a container's user without a name
        return "terminal"


async def _note(database: Database, what: str, detail: str) -> None:
    from milia.staff.audit import Audit

    await Audit(database).note(_who(), what, detail, "terminal")


def _run(name: str, work: Work) -> int:
    """Do the work on the database of the settings; returns 0, or 1 after a failure."""
    from milia.storage.database import Database  # the other commands need not wait for SQLAlchemy

    try:
        load_env_file(ROOT / ".env", os.environ)
        database = Database.open(database_url(folder=ROOT))
        try:
            return asyncio.run(work(database))
        finally:
            database.close()
    except KeyError as error:
        print(f"milia {name}: there is no {error.args[0]}", file=sys.stderr)
    except (CommandError, StorageError, ValueError, OSError) as error:
        print(f"milia {name}: {error}", file=sys.stderr)
    return 1
