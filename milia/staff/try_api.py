"""Trying messages: a conversation of one's own with the X-ray of each turn; and the names that pages offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, StrictStr

from milia.channels.web_limits import SlidingWindow
from milia.channels.web_messages import cleaned
from milia.evaluation.dialog_format import KINDS, OUTCOMES
from milia.sign_catalog import Level
from milia.staff.api import Handler
from milia.staff.calls import Body, Call, Reply
from milia.staff.checkout import Checkout
from milia.staff.knowledge import Knowledge
from milia.staff.model import RunningModel
from milia.staff.problems import Problem
from milia.staff.settings import StaffSettings
from milia.staff.texts import texts
from milia.staff.times import iso
from milia.staff.tries import Tries
from milia.staff.xray import LOW_CONFIDENCE

# Messages a minute of one user: the model is the patients' too.
_RATE = 120


class StartForm(Body):
    """The scene to set up."""

    scene: StrictStr | None = None


class MessageForm(Body):
    """A typed text, or the payload of a button; after which turn."""

    text: StrictStr | None = Field(None, max_length=8000)
    payload: StrictStr | None = Field(None, min_length=1, max_length=1000)
    after: StrictStr | None = Field(None, max_length=20)


class TryApi:
    """The handlers.

    Args:
        tries: the conversations.
        model: the running one.
        knowledge: the content.
        settings: limits that pages show.
        checkout: whether there is a git checkout, and tests can be saved.
        channels: those that conversations came by.
    """

    def __init__(
        self,
        tries: Tries,
        model: RunningModel,
        knowledge: Callable[[], Knowledge],
        settings: StaffSettings,
        checkout: Checkout,
        channels: Callable[[], Any],
    ) -> None:
        self._tries, self._model, self._knowledge, self._settings = tries, model, knowledge, settings
        self._checkout, self._channels = checkout, channels
        self._rate = SlidingWindow(_RATE, 60)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {
            "about": self.about,
            "startTry": self.start,
            "getTry": self.get,
            "dropTry": self.drop,
            "tryMessage": self.message,
        }

    async def start(self, call: Call) -> Reply:
        """Begin."""
        form = await call.form(StartForm)
        self._count(call)
        return Reply((await self._tries.start(call.user, form.scene)).to_dict(), 201)

    async def get(self, call: Call) -> Reply:
        """Return a conversation."""
        return Reply(self._tries.get(call.names["try"], call.user).to_dict())

    async def drop(self, call: Call) -> Reply:
        """Forget a conversation."""
        self._tries.drop(call.names["try"], call.user)
        return Reply(status=204)

    async def message(self, call: Call) -> Reply:
        """Take a message."""
        form = await call.form(MessageForm)
        if (form.text is None) == (form.payload is None):
            raise Problem("malformed", faults=["a message needs either text or payload"])
        self._count(call)
        message = {"press": form.payload} if form.payload is not None else {"user": cleaned(form.text or "")}
        latest = "after" not in form.__fields_set__
        node = await self._tries.say(call.names["try"], call.user, message, form.after, latest)
        return Reply(node.turn)

    async def about(self, call: Call) -> Reply:
        """Return the names that pages show and offer."""
        known, named = self._knowledge(), texts()
        return Reply(
            {
                "topics": [{"id": one.id, "title": one.title} for one in known.content.topics.values()],
                "kinds": [{"id": kind, "title": named["kinds"][kind]} for kind in KINDS],
                "labels": list(known.labels()),
                "signs": [
                    {"id": s.id, "title": s.title, "level": s.level.id, "group": s.group} for s in known.catalog.signs.values()
                ],
                "levels": [{"id": level.id, "title": named["levels"][level.id]} for level in Level],
                "scenes": [
                    {"id": name, "title": one["title"], "description": one["description"]}
                    for name, one in named["scenes"].items()
                ],
                "intents": list(known.intents),
                "outcomes": list(OUTCOMES),
                "channels": await self._channels(),
                "themes": [{"id": one.id, "title": one.title} for one in known.content.unanswered.themes.values()],
                "models": self._models(),
                "can_commit": self._checkout.is_git,
                "can_save_tests": self._checkout.can_write("tests/dialogs"),
                "upload": {
                    "bytes": self._settings.upload_bytes,
                    "rows": self._settings.upload_rows,
                    "formats": ["text/csv", "application/x-ndjson"],
                },
                "article": known.article,
                "low_confidence": LOW_CONFIDENCE,
            }
        )

    def _models(self) -> list[dict[str, Any]]:
        running = self._model.name
        paths = sorted(self._checkout.models(), key=lambda path: -path.stat().st_mtime)
        rows = [_row(path, running) for path in paths]
        return rows or ([{"name": running, "current": True, "made_at": iso(0.0)}] if running else [])

    def _count(self, call: Call) -> None:
        wait = self._rate.wait(call.user)
        if wait:
            raise Problem("locked", retry_after=wait)


def _row(path: Path, running: str) -> dict[str, Any]:
    return {"name": path.name, "current": path.name == running, "made_at": iso(path.stat().st_mtime)}
