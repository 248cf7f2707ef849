"""Runs of dialog tests, replays and trainings: one at a time, in a process of its own, with progress, kept in the database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, desc, insert, select, update
from sqlalchemy.engine import Connection, Row

from milia.processes import QUIET_ENVIRONMENT
from milia.staff.job import CANCELLED, DONE, FAILED, LOADING, OPEN, REPLAY, TESTS, TRAINING, Job
from milia.staff.times import iso
from milia.storage.database import Database
from milia.storage.settings import SECONDS_A_DAY, retention_days
from milia.storage.tables import staff_run

logger = logging.getLogger(__name__)

_LINE_BYTES = 4_000_000
_SAVE_SECONDS = 2.0
# A run that says nothing for so long hangs. Fitting a training's regressions takes minutes on a busy machine.
_SILENT_SECONDS = {TESTS: 180.0, REPLAY: 180.0, TRAINING: 900.0}
# A training has to end the process that it has started.
_STOP_SECONDS = {TESTS: 5.0, REPLAY: 5.0, TRAINING: 12.0}
MOST_LISTED = 50


class Busy(Exception):
    """A run is in progress."""


class Jobs:
    """All runs.

    Args:
        database: where they are kept.
        root: the project's folder.
        worker: the command of the process; this project's if None.
    """

    def __init__(self, database: Database, root: Path, worker: Sequence[str] | None = None) -> None:
        self._database, self._cipher, self._root = database, database.cipher, root
        self._worker = list(worker or (sys.executable, "-m", "milia.staff.worker"))
        self._job: Job | None = None
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def start(
        self, kind: str, user: str, model: Path, names: Sequence[str] = (), dialogs: Sequence[Mapping[str, Any]] = (),
        file: str | None = None, keep: Sequence[str] = (),
    ) -> Job:
        """Begin a run.

        Args:
            kind: tests, a replay or a training.
            user: who begins it.
            model: the archive to run; for a training the one that it is going to make.
            names: of the tests.
            dialogs: to replay.
            file: that they were in.
            keep: names of archives that a training does not remove.

        Raises:
            Busy: Another one is in progress.
        """
        if self.is_busy:
            raise Busy
        job = Job(secrets.token_hex(8), kind, user, time.time(), model.name, file)
        job.total = len(names) or len(dialogs)
        self._job = job
        before = await self._results_before(job)
        await self._database.run(lambda c: c.execute(insert(staff_run).values(**self._row(job))), write=True)
        task: dict[str, Any] = {"root": str(self._root), "model": str(model), "kind": kind}
        task |= {"names": list(names), "dialogs": list(dialogs), "keep": list(keep)}
        self._task = asyncio.get_running_loop().create_task(self._run(job, task, before))
        return job

    async def cancel(self, identifier: str) -> Job:
        """Stop a run; what is done is kept. One that is over stays as it is.

        Raises:
            KeyError: There is none.
        """
        job = await self.get(identifier)
        if job is self._job and job.is_open:
            job.state = CANCELLED
            await self._end_process(_STOP_SECONDS[job.kind])
            if self._task is not None:
                await asyncio.wait({self._task}, timeout=_STOP_SECONDS[job.kind])
        return job

    async def get(self, identifier: str) -> Job:
        """Return a run.

        Raises:
            KeyError: There is none.
        """
        if self._job is not None and self._job.id == identifier:
            return self._job
        query = select(staff_run).where(staff_run.c.id == identifier)
        row = await self._database.run(lambda connection: connection.execute(query).first())
        if row is None:
            raise KeyError(identifier)
        return self._job_of(row)

    async def latest(self) -> list[Job]:
        """Return the runs, the latest first, without results."""
        columns = [column for column in staff_run.c if column.name != "results"]
        query = select(*columns).order_by(desc(staff_run.c.made_at)).limit(MOST_LISTED)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [self._job if self._job is not None and self._job.id == row.id else Job.of(row, []) for row in rows]

    async def last_training(self, *states: str) -> Job | None:
        """Return the latest training, of these states if some are named."""
        if self._job is not None and self._job.kind == TRAINING and (not states or self._job.state in states):
            return self._job
        wanted = [staff_run.c.kind == TRAINING] + ([staff_run.c.state.in_(states)] if states else [])
        query = select(staff_run).where(and_(*wanted)).order_by(desc(staff_run.c.made_at)).limit(1)
        row = await self._database.run(lambda connection: connection.execute(query).first())
        return None if row is None else self._job_of(row)

    @property
    def is_busy(self) -> bool:
        """Whether a run is in progress."""
        return self._job is not None and self._job.is_open

    async def last_of_tests(self) -> dict[str, dict[str, Any]]:
        """Return how each dialog test went last."""
        found: dict[str, dict[str, Any]] = {}
        for job in await self._finished(and_(staff_run.c.kind == TESTS)):
            for result in job.results:
                at = iso(job.ended_at or job.made_at)
                found.setdefault(result["name"], {"passed": bool(result["passed"]), "at": at, "model": job.model})
        return found

    async def close(self) -> None:
        """Stop what runs: the server ends."""
        if self._job is not None and self._job.is_open:
            with contextlib.suppress(Exception):
                await self.cancel(self._job.id)

    async def tidy(self) -> None:
        """Mark runs that a server left behind as failed, and remove those older than turns are kept: they quote messages."""
        lost = {"state": FAILED, "error": "the server was stopped meanwhile", "ended_at": time.time()}
        old = time.time() - retention_days() * SECONDS_A_DAY

        def write(connection: Connection) -> None:
            connection.execute(update(staff_run).where(staff_run.c.state.in_(OPEN)).values(**lost))
            connection.execute(delete(staff_run).where(staff_run.c.made_at < old))

        await self._database.run(write, write=True)

    async def _run(self, job: Job, task: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> None:
        try:
            job.state = LOADING
            self._process = await asyncio.create_subprocess_exec(
                *self._worker, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL, cwd=self._root, limit=_LINE_BYTES, start_new_session=True,
                env={**os.environ, **QUIET_ENVIRONMENT},
            )  # fmt: skip
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            await self._process.stdin.drain()
            await self._follow(job, before)
        except asyncio.TimeoutError:
            if job.is_open:
                job.state, job.error = FAILED, f"it said nothing for {_SILENT_SECONDS[job.kind] / 60:.0f} minutes, so it was stopped"
        except Exception as error:  # whatever happened, the run is over, and says so
            if job.is_open:
                job.state, job.error = FAILED, f"{type(error).__name__}: {str(error)[:300]}"
        finally:
            await self._end_process(_STOP_SECONDS[job.kind])
            job.break_off()
            job.ended_at = time.time()
            try:
                await self._save(job)
            except Exception as error:
                logger.error("a run could not be kept: %s", type(error).__name__)

    async def _follow(self, job: Job, before: Mapping[str, Mapping[str, Any]]) -> None:
        assert self._process is not None and self._process.stdout is not None
        saved = time.monotonic()
        while job.is_open:
            line = await asyncio.wait_for(self._process.stdout.readline(), _SILENT_SECONDS[job.kind])
            if not line:
                if job.is_open:
                    job.state, job.error = FAILED, f"the process ended early (code {await self._process.wait()})"
                return
            said = json.loads(line)
            if job.is_open:  # a cancelled one may still say its last words
                job.take(said, before)
            if said["event"] == "step" or time.monotonic() - saved > _SAVE_SECONDS:
                saved = time.monotonic()
                await self._save(job)

    async def _end_process(self, patience: float) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _save(self, job: Job) -> None:
        row = self._row(job)
        await self._database.run(
            lambda c: c.execute(update(staff_run).where(staff_run.c.id == job.id).values(**row)), write=True
        )

    async def _results_before(self, job: Job) -> dict[str, Mapping[str, Any]]:
        """Return the results of the runs before, by name: of all tests, or of the same uploaded file."""
        same = staff_run.c.kind == job.kind
        found: dict[str, Mapping[str, Any]] = {}
        for one in await self._finished(same if job.kind == TESTS else and_(same, staff_run.c.file == job.file)):
            for result in one.results:
                found.setdefault(result["name"], result)
        return found

    async def _finished(self, condition: Any) -> list[Job]:
        query = select(staff_run).where(and_(condition, staff_run.c.state.in_((DONE, CANCELLED))))
        query = query.order_by(desc(staff_run.c.made_at)).limit(5)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [self._job_of(row) for row in rows]

    def _row(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id, "kind": job.kind, "state": job.state, "made_by": job.made_by, "made_at": job.made_at,
            "ended_at": job.ended_at, "model": job.model, "file": job.file, "done": job.done, "total": job.total,
            "passed": job.passed, "error": job.error, "results": self._cipher.encrypt(json.dumps(job.results)),
        }  # fmt: skip

    def _job_of(self, row: Row) -> Job:
        return Job.of(row, json.loads(self._cipher.decrypt(row.results)))


__all__ = ["DONE", "FAILED", "REPLAY", "TESTS", "TRAINING", "Busy", "Job", "Jobs"]
