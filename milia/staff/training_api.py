"""Training from the console: what the running model does not know yet, training it, and putting a model in service."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, StrictStr

from milia import in_service, model_record, training
from milia.staff import accepted
from milia.staff.accepted import Accepted
from milia.staff.api import Handler
from milia.staff.audit import Audit
from milia.staff.calls import Body, Call, Reply
from milia.staff.changes import ChangeError
from milia.staff.checkout import Checkout
from milia.staff.jobs import DONE, TRAINING, Busy, Jobs
from milia.staff.model import RunningModel
from milia.staff.model_service import ModelRefused, ModelService
from milia.staff.problems import Problem
from milia.staff.reviews import Reviews
from milia.staff.settings import StaffSettings
from milia.staff.texts import said, texts
from milia.staff.times import iso

# Of the accepted reviews so many are looked at, the latest first; of the changed files so many are named.
MOST_ACCEPTED, MOST_FILES = 200, 200
_NEEDED = ("config.yml", "domain.yml", "data/nlu", "models")


class TrainForm(Body):
    """Which accepted reviews to put into the files first."""

    take: list[StrictStr] = Field(max_items=MOST_ACCEPTED)


class ServiceForm(Body):
    """The archive that is to serve."""

    model: StrictStr = Field(max_length=255)


class TrainingApi:
    """The handlers.

    Args:
        root: the project's folder.
        settings: whether training is on.
        reviews: what was accepted.
        jobs: where trainings run.
        checkout, model, service: which models there are, which one runs, and putting another one in service.
        audit: who did what.
    """

    def __init__(
        self, root: Path, settings: StaffSettings, reviews: Reviews, jobs: Jobs, checkout: Checkout,
        model: RunningModel, service: ModelService, audit: Audit,
    ) -> None:  # fmt: skip
        self._root, self._settings, self._reviews, self._jobs = root, settings, reviews, jobs
        self._checkout, self._model, self._service, self._audit = checkout, model, service, audit
        # Two who begin at once: the second is refused before it touches a file.
        self._starting = asyncio.Lock()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {"getTraining": self.get, "startTraining": self.start, "putModelInService": self.put}

    async def get(self, call: Call) -> Reply:
        """Say how the running model stands to the project's files, and how the latest training went."""
        job, done = await self._jobs.last_training(), await self._jobs.last_training(DONE)
        found = Accepted.of(await self._reviews.accepted(MOST_ACCEPTED))
        standing = await _off(self._standing, found)
        took = round(done.ended_at - done.made_at, 1) if done and done.ended_at else None
        return Reply({**standing, "job": job.to_dict() if job else None, "last_seconds": took})

    async def start(self, call: Call) -> Reply:
        """Put accepted changes into the files, then train a model of them."""
        form = await call.form(TrainForm)
        reason = self._reason()
        if reason:
            raise Problem("not-allowed-here", reason=reason)
        async with self._starting:
            if self._jobs.is_busy:
                raise Problem("busy")
            if form.take:
                await self._take(call, form.take)
            model = await _off(training.model_path, self._root)
            if model.is_file():
                raise Problem("not-allowed-here", reason=said("training", "nothing_new", model=model.name))
            keep = [self._model.name, in_service.before(self._root, self._model.name)]
            try:
                job = await self._jobs.start(TRAINING, call.user, model, keep=keep)
            except Busy:
                raise Problem("busy") from None
        await self._audit.note(call.user, "training.start", f"{job.id}: {model.name}", call.address)
        return Reply(job.to_dict(), 202)

    async def put(self, call: Call) -> Reply:
        """Put a model in service, the new one or one from before."""
        form = await call.form(ServiceForm)
        if not self._settings.training:
            raise Problem("not-allowed-here", reason=said("training", "turned_off"))
        models = {path.name: path for path in self._checkout.models()}
        if form.model not in models:
            raise Problem("malformed", faults=[f"model: unknown {form.model!r}; known: {', '.join(sorted(models)) or 'none'}"])
        self._model.processor()  # 503 while none is loaded
        before, present = self._model.name, await _off(training.model_path, self._root)
        try:
            await self._service.put(models[form.model], present.name)
        except Busy:
            raise Problem("busy") from None
        except ModelRefused as error:
            await self._audit.note(call.user, "model.refused", form.model, call.address)
            raise Problem("model-refused", faults=[str(error)]) from None
        await self._audit.note(call.user, "model.service", f"{form.model} instead of {before}", call.address)
        return await self.get(call)

    async def _take(self, call: Call, names: list[str]) -> None:
        found = Accepted.of(await self._reviews.accepted(MOST_ACCEPTED))
        there = await _off(accepted.in_files, self._root, found)
        open_ = {one.review: one for one in found if one.review not in there}
        faults = [said("training", "not_accepted", review=name) for name in names if name not in open_]
        if faults:
            raise Problem("malformed", faults=faults)
        changes = [open_[name] for name in dict.fromkeys(names)]
        try:
            files = await _off(accepted.take, self._root, changes)
        except ChangeError as error:
            raise Problem("content-refused", faults=error.faults) from None
        except OSError as error:
            raise Problem("not-allowed-here", reason=f"{error.filename}: {error.strerror}") from None
        detail = f"reviews {', '.join(one.review for one in changes)}: {', '.join(files)}"
        await self._audit.note(call.user, "training.take", detail, call.address)

    def _standing(self, found: list[Accepted]) -> dict[str, Any]:
        running, inputs = self._model.name, training.inputs(self._root)
        present = training.model_path(self._root, inputs).name
        now = model_record.of_inputs(self._root, inputs)
        record = model_record.read(self._root / "models" / running) if running else None
        if record is None and running == present:
            record = now
        changed = model_record.changes(record, now) if record else []
        there = accepted.in_files(self._root, found)
        news = [one for one in found if record is None or not record.knows(one.file, one.added)]
        before = in_service.before(self._root, running)
        reason = self._reason()
        return {
            "available": reason is None,
            "reason": reason,
            "can_take": reason is None and os.access(self._root / "data" / "nlu", os.W_OK),
            "running": running,
            "present": present,
            "is_trained": (self._root / "models" / present).is_file(),
            "is_recorded": record is not None,
            "changes": [vars(one) for one in changed[:MOST_FILES]],
            "accepted": [{**one.told(), "in_files": one.review in there} for one in news],
            "models": [
                {
                    "name": path.name, "made_at": iso(path.stat().st_mtime), "in_service": path.name == running,
                    "is_before": path.name == before, "is_present": path.name == present,
                }
                for path in sorted(self._checkout.models(), key=lambda path: -path.stat().st_mtime)
            ],
        }  # fmt: skip

    def _reason(self) -> str | None:
        """Say why nothing can be trained here; None if it can."""
        named: Mapping[str, str] = texts()["training"]
        if not self._settings.training:
            return named["turned_off"]
        if not all((self._root / name).exists() for name in _NEEDED):
            return named["no_files"]
        log = next(folder for folder in (self._root / training.LOG).parents if folder.is_dir())
        can = all(os.access(folder, os.W_OK | os.X_OK) for folder in (self._root / "models", log))
        return None if can else named["read_only"]


async def _off(work: Any, *arguments: Any) -> Any:
    """Do work that reads many files in a thread."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
