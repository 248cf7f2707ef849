"""Accepting a review in the terminal: the same checks as in the console."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from milia.processes import CommandError
from milia.staff import changes
from milia.staff.checkout import Checkout, CheckoutError
from milia.staff.knowledge import load_knowledge
from milia.staff.reviews import ACCEPTED, OPEN, Changed, Reviews
from milia.staff.sentence_sets import DIALOGS, HELD_OUT, TRAINING, alike, too_near
from milia.staff.texts import said


async def accept(
    reviews: Reviews, root: Path, arguments: argparse.Namespace, user: str
) -> tuple[Mapping[str, Any] | None, str, list[str]]:
    """Accept a review.

    Args:
        reviews: the queue.
        root: the project's folder.
        arguments: of `milia review accept`.
        user: who accepts.

    Returns:
        The decided review (None: refused), the patch, and lines that tell of sentences alike.

    Raises:
        KeyError: There is no such review.
        CommandError: It is decided already, or the sentence is not allowed.
    """
    review = await reviews.get(arguments.review)
    if review["state"] != OPEN:
        raise CommandError(f"review {review['id']} is {review['state']} already, by {review['decided_by']}")
    made: dict[str, Any] = {"kind": "none", "file": "", "sentence": arguments.sentence, "patch": None}
    shown: list[str] = []
    if arguments.sentence:
        checkout = Checkout(root)
        signs = None if arguments.sign is None else [one for one in arguments.sign if one != "none"]
        make = changes.held_out_sentence if arguments.heldout else changes.training_sentence
        change = make(checkout, load_knowledge(root), arguments.sentence, arguments.label, signs)
        if review["conversation"] is not None and too_near(arguments.sentence, review["was"]["text"] or ""):
            raise CommandError(said("problems", "users-words"))
        found = [
            one
            for one in alike(root, arguments.sentence, HELD_OUT if arguments.heldout else TRAINING)
            if one.set != DIALOGS
        ]
        shown = [f"{'forbids' if one.blocks else 'like it'} ({one.likeness:.2f}) {one.file}: {one.text}" for one in found]
        if any(one.blocks for one in found) or (found and not arguments.anyway):
            return None, "", [*shown, "Not accepted. Say it otherwise" + ("." if any(o.blocks for o in found) else ", or add --anyway.")]
        made |= {"kind": "heldout" if arguments.heldout else "training", "file": change.file, "patch": change.patch}
        if arguments.branch:
            made |= _branch(checkout, change, review["id"], user)
    try:
        decided = await reviews.change(int(review["id"]), review["version"], user, state=ACCEPTED, reason=None, made=made)
    except Changed as changed:
        raise CommandError(f"{changed.by} was first; look at it again") from None
    return decided, str(made["patch"] or ""), shown


def _branch(checkout: Checkout, change: changes.Change, review: str, user: str) -> dict[str, str]:
    branch = f"staff/review-{review}"
    message = said("review", "patch", kind=change.file, review=review, user=user)
    try:
        return {"branch": branch, "commit": checkout.commit(branch, {change.file: change.after}, message, user)}
    except CheckoutError as error:
        raise CommandError(str(error)) from error
