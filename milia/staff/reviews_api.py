"""The review queue: marking a turn, deciding about a mark, and the patch that comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConstrainedInt, Field, StrictBool, StrictInt, StrictStr

from milia.staff import changes
from milia.staff.api import Handler
from milia.staff.audit import Audit
from milia.staff.calls import Body, Call, Reply
from milia.staff.changes import Change, ChangeError
from milia.staff.checkout import Checkout, CheckoutError
from milia.staff.knowledge import Knowledge
from milia.staff.problems import Problem
from milia.staff.reviews import (
    ACCEPTED,
    OPEN,
    REJECTED,
    STATES,
    Changed,
    NewReview,
    Reviews,
    stored_turn,
    was_of,
)
from milia.staff.sentence_sets import DIALOGS, HELD_OUT, TRAINING, Alike, SetsError, alike, too_near
from milia.staff.texts import said
from milia.staff.tries import Tries
from milia.storage.database import Database

Redact = Callable[[str], Awaitable[str]]
_WORDS = 2000


class Mark(Body):
    """What it should have been."""

    topics: list[StrictStr] | None = Field(None, max_items=20)
    signs: list[StrictStr] | None = Field(None, max_items=20)
    wording: StrictStr | None = Field(None, max_length=_WORDS)
    note: StrictStr | None = Field(None, max_length=_WORDS)


class TurnNumber(ConstrainedInt):
    """Number of a stored turn."""

    strict, ge, le = True, 0, 10**9


class NewForm(Body):
    """A turn, stored or tried, and the mark."""

    should: Mark
    conversation: StrictStr | None = Field(None, max_length=255)
    turn: TurnNumber | None = None
    try_: StrictStr | None = Field(None, alias="try", max_length=64)
    try_turn: StrictStr | None = Field(None, max_length=20)


class ChangeForm(Body):
    """Another mark for an open review."""

    version: StrictInt
    should: Mark


class AcceptForm(Body):
    """What accepting makes."""

    version: StrictInt
    kind: Literal["training", "heldout", "content", "none"]
    sentence: StrictStr | None = Field(None, max_length=1000)
    labels: list[StrictStr] | None = Field(None, max_items=10)
    signs: list[StrictStr] | None = Field(None, max_items=10)
    file: StrictStr | None = Field(None, max_length=200)
    old: StrictStr | None = Field(None, max_length=_WORDS)
    new: StrictStr | None = Field(None, max_length=_WORDS)
    anyway: StrictBool = False
    branch: StrictBool = False


class RejectForm(Body):
    """Why not."""

    version: StrictInt
    reason: StrictStr = Field(min_length=1, max_length=_WORDS)


class VersionForm(Body):
    """The version that was seen."""

    version: StrictInt


@dataclass(frozen=True)
class Prepared:
    """What accepting would make: the change, sentences alike, and what stands against it."""

    change: Change | None
    alike: list[Alike]
    users_words: bool
    faults: list[str]


class ReviewsApi:
    """The handlers.

    Args:
        reviews: the queue.
        database: where stored turns are.
        tries: where tried turns are.
        audit: who did what.
        checkout: the project's files.
        knowledge: the content.
        redact: takes personal data out of what staff write about a turn.
    """

    def __init__(
        self,
        reviews: Reviews,
        database: Database,
        tries: Tries,
        audit: Audit,
        checkout: Checkout,
        knowledge: Callable[[], Knowledge],
        redact: Redact,
    ) -> None:
        self._reviews, self._database, self._tries, self._audit = reviews, database, tries, audit
        self._checkout, self._knowledge, self._redact = checkout, knowledge, redact

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {
            "listReviews": self.list,
            "addReview": self.add,
            "getReview": self.get,
            "changeReview": self.change,
            "checkAccept": self.check,
            "acceptReview": self.accept,
            "rejectReview": self.reject,
            "reopenReview": self.reopen,
            "reviewPatch": self.patch,
        }

    async def list(self, call: Call) -> Reply:
        """List reviews."""
        limit = call.number("limit", 50, 100)
        before = call.number("cursor", 0, 10**15) or None
        rows, counts = await self._reviews.page(call.one_of("state", STATES), before, limit + 1)
        more = len(rows) > limit
        return Reply({"reviews": rows[:limit], "next": rows[limit - 1]["id"] if more else None, "counts": counts})

    async def add(self, call: Call) -> Reply:
        """Mark a turn."""
        form = await call.form(NewForm)
        should = await self._should(form.should)
        stored, tried = form.conversation is not None, form.try_ is not None
        if stored == tried or (stored and form.turn is None):
            raise Problem("malformed", faults=["a review needs either conversation and turn, or try and try_turn"])
        if tried:
            node = self._tries.node(form.try_ or "", call.user, form.try_turn)
            record = node.turn["record"]
            text, reply = node.turn["user"]["text"], "\n".join(one["text"] for one in node.turn["replies"])
            new = NewReview(
                should,
                {name: record[name] for name in ("topics", "signs", "level")},
                {"text": await self._redacted(text), "reply": reply},
            )
        else:
            assert form.conversation is not None and form.turn is not None
            events = await _found(stored_turn(self._database, form.conversation, form.turn))
            new = NewReview(should, was_of(events), None, form.conversation, form.turn)
        made = await _found(self._reviews.add(new, call.user))
        await self._audit.note(call.user, "review.add", f"review {made['id']}", call.address)
        return Reply(made, 201)

    async def get(self, call: Call) -> Reply:
        """Return a review."""
        return Reply(await _found(self._reviews.get(call.identifier("review"))))

    async def change(self, call: Call) -> Reply:
        """Change the marks of an open review."""
        form, identifier = await call.form(ChangeForm), call.identifier("review")
        await self._require_open(identifier, form.version)
        should = await self._should(form.should)
        made = await _found(self._reviews.change(identifier, form.version, call.user, should=should))
        await self._audit.note(call.user, "review.change", f"review {identifier}", call.address)
        return Reply(made)

    async def check(self, call: Call) -> Reply:
        """Say what accepting would make."""
        form = await call.form(AcceptForm)
        review = await _found(self._reviews.get(call.identifier("review")))
        prepared = await self._prepare(form, review)
        return Reply(
            {
                "overlaps": [one.to_dict() for one in prepared.alike],
                "users_words": prepared.users_words,
                "faults": prepared.faults,
                "patch": prepared.change.patch if prepared.change else None,
            }
        )

    async def accept(self, call: Call) -> Reply:
        """Accept a review in one's own words."""
        form, identifier = await call.form(AcceptForm), call.identifier("review")
        review = await self._require_open(identifier, form.version)
        prepared = await self._prepare(form, review)
        if prepared.faults:
            raise Problem("content-refused", faults=prepared.faults)
        if prepared.users_words:
            raise Problem("users-words")
        if any(one.blocks for one in prepared.alike) or (prepared.alike and not form.anyway):
            raise Problem("overlap", overlaps=[one.to_dict() for one in prepared.alike])
        change = prepared.change
        made: dict[str, Any] = {"kind": form.kind, "file": change.file if change else "", "sentence": form.sentence}
        made["patch"] = change.patch if change else None
        # First the decision, so that of two editors only one makes a branch.
        values = {"state": ACCEPTED, "reason": None, "made": made}
        decided = await _found(self._reviews.change(identifier, form.version, call.user, **values))
        if form.branch and change is not None:
            made |= await self._commit(change, identifier, call.user)
            decided = await _found(self._reviews.change(identifier, form.version + 1, call.user, made=made))
        await self._audit.note(call.user, "review.accept", f"review {identifier}: {form.kind} {made['file']}", call.address)
        return Reply(decided)

    async def reject(self, call: Call) -> Reply:
        """Reject a review."""
        form, identifier = await call.form(RejectForm), call.identifier("review")
        await self._require_open(identifier, form.version)
        reason = await self._redacted(form.reason)
        decided = await _found(
            self._reviews.change(identifier, form.version, call.user, state=REJECTED, reason=reason, made=None)
        )
        await self._audit.note(call.user, "review.reject", f"review {identifier}", call.address)
        return Reply(decided)

    async def reopen(self, call: Call) -> Reply:
        """Open a decided review again; a branch that was made stays."""
        form, identifier = await call.form(VersionForm), call.identifier("review")
        made = await _found(
            self._reviews.change(identifier, form.version, call.user, state=OPEN, reason=None, made=None)
        )
        await self._audit.note(call.user, "review.reopen", f"review {identifier}", call.address)
        return Reply(made)

    async def patch(self, call: Call) -> Reply:
        """Return the patch."""
        identifier = call.identifier("review")
        patch = await _found(self._reviews.patch(identifier))
        if not patch:
            raise Problem("not-found")
        headers = {"Content-Disposition": f'attachment; filename="review-{identifier}.patch"'}
        return Reply(patch, headers=headers, content_type="text/x-diff; charset=utf-8")

    async def _require_open(self, identifier: int, version: int) -> dict[str, Any]:
        review: dict[str, Any] = await _found(self._reviews.get(identifier))
        if review["version"] != version or review["state"] != OPEN:
            raise Problem("conflict", version=review["version"], by=review["decided_by"] or review["made_by"])
        return review

    async def _prepare(self, form: AcceptForm, review: Mapping[str, Any]) -> Prepared:
        def work() -> Prepared:
            try:
                return self._prepared(form, review)
            except ChangeError as error:
                return Prepared(None, [], False, error.faults)
            except SetsError as error:
                return Prepared(None, [], False, [str(error)])

        return await asyncio.get_running_loop().run_in_executor(None, work)

    def _prepared(self, form: AcceptForm, review: Mapping[str, Any]) -> Prepared:
        known = self._knowledge()
        if form.kind == "none":
            return Prepared(None, [], False, [])
        if form.kind == "content":
            if form.file is None or form.old is None or form.new is None:
                raise ChangeError("a content change needs file, old and new")
            return Prepared(changes.wording(self._checkout, form.file, form.old, form.new), [], False, [])
        if not form.sentence:
            raise ChangeError("sentence: is missing; say it in your own words")
        make = changes.training_sentence if form.kind == "training" else changes.held_out_sentence
        change = make(self._checkout, known, form.sentence, form.labels or [], form.signs)
        found = alike(self._checkout.root, form.sentence, TRAINING if form.kind == "training" else HELD_OUT)
        # A dialog test may well say what is trained; it is no score.
        found = [one for one in found if one.set != DIALOGS]
        # What staff tried is their own; what a person wrote is not.
        theirs = review["conversation"] is not None and bool(review["was"]["text"])
        return Prepared(change, found, theirs and too_near(form.sentence, review["was"]["text"]), [])

    async def _commit(self, change: Change, identifier: int, user: str) -> dict[str, Any]:
        message = said("review", "patch", kind=change.file, review=identifier, user=user)

        def work() -> dict[str, Any]:
            for number in range(1, 20):
                branch = f"staff/review-{identifier}" + (f"-{number}" if number > 1 else "")
                if not self._checkout.has_branch(branch):
                    return {
                        "branch": branch,
                        "commit": self._checkout.commit(branch, {change.file: change.after}, message, user),
                    }
            raise CheckoutError(f"there are 19 branches staff/review-{identifier} already")

        try:
            return await asyncio.get_running_loop().run_in_executor(None, work)
        except CheckoutError as error:
            raise Problem("not-allowed-here", reason=f"accepted, with its patch, but no branch was made: {error}") from None

    async def _should(self, mark: Mark) -> dict[str, Any]:
        """Return a mark as it is kept: names checked, free words without personal data.

        Raises:
            Problem: It says nothing, or names something unknown.
        """
        known = self._knowledge()
        topics = {*known.content.topics, *(one for one in known.labels()), "chitchat"}
        faults = [f"topics: unknown {one!r}; allowed: {', '.join(sorted(topics))}" for one in mark.topics or () if one not in topics]
        faults += [f"signs: unknown {one!r}" for one in mark.signs or () if one not in known.catalog.signs]
        if mark.topics is None and mark.signs is None and not (mark.wording or "").strip() and not (mark.note or "").strip():
            faults.append("should: at least one of topics, signs, wording, note is needed")
        if faults:
            raise Problem("malformed", faults=faults)
        return {
            "topics": mark.topics,
            "signs": mark.signs,
            "wording": await self._redacted(mark.wording or "") or None,
            "note": await self._redacted(mark.note or "") or None,
        }

    async def _redacted(self, text: str) -> str:
        text = text.strip()
        return await self._redact(text) if text else ""


async def _found(work: Any) -> Any:
    """Wait for what a store does; what is not there, or was changed meanwhile, becomes a problem."""
    try:
        return await work
    except KeyError:
        raise Problem("not-found") from None
    except Changed as changed:
        raise Problem("conflict", version=changed.version, by=changed.by) from None
