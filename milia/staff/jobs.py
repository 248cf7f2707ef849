"""Runs of dialog tests and replays: one at a time, in a process of its own, with progress, and kept in the database."""

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, desc, insert, select, update
from sqlalchemy.engine import Connection, Row

from milia.processes import QUIET_ENVIRONMENT
from milia.staff.times import iso
from milia.staff.worker import REPLAY, TESTS
from milia.storage.database import Database
from milia.storage.settings import SECONDS_A_DAY, retention_days
from milia.storage.tables import staff_run

logger = logging.getLogger(__name__)

WAITING, LOADING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "loading", "running", "done", "failed", "cancelled"
_OPEN = (WAITING, LOADING, RUNNING)
_LINE_BYTES = 4_000_000
_SAVE_SECONDS = 2.0
_STOP_SECONDS = 5.0
# A run that says nothing for so long hangs.
_SILENT_SECONDS = 180.0
MOST_LISTED = 50


class Busy(Exception):
    """A run is in progress."""


@dataclass
class Job:
    """One run.

    Attributes:
        id, kind, made_by, model, file: what, by whom, of which model, of which uploaded file.
        state, done, total, passed, error: how it goes.
        results: as the contract describes them.
    """

    id: str
    kind: str
    made_by: str
    made_at: float
    model: str
    file: str | None = None
    state: str = WAITING
    done: int = 0
    total: int = 0
    passed: int = 0
    error: str | None = None
    ended_at: float | None = None
    results: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self, results: bool = True, failed: bool = False) -> dict[str, Any]:
        """Return it as the contract describes it."""
        shown = [one for one in self.results if not failed or one["passed"] is False or _changed(one)] if results else []
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "made_by": self.made_by, "made_at": iso(self.made_at),
            "ended_at": iso(self.ended_at), "model": self.model, "done": self.done, "total": self.total,
            "passed": self.passed, "error": self.error, "file": self.file, "results": shown, "next": None,
        }  # fmt: skip


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
        self, kind: str, user: str, model: Path, names: Sequence[str] = (), dialogs: Sequence[Mapping[str, Any]] = (), file: str | None = None
    ) -> Job:
        """Begin a run.

        Raises:
            Busy: Another one is in progress.
        """
        if self._job is not None and self._job.state in _OPEN:
            raise Busy
        job = Job(secrets.token_hex(8), kind, user, time.time(), model.name, file)
        job.total = len(names) if kind == TESTS else len(dialogs)
        self._job = job
        before = await self._results_before(job)
        await self._database.run(lambda c: c.execute(insert(staff_run).values(**self._row(job))), write=True)
        task = {"root": str(self._root), "model": str(model), "kind": kind, "names": list(names), "dialogs": list(dialogs)}
        self._task = asyncio.get_running_loop().create_task(self._run(job, task, before))
        return job

    async def cancel(self, identifier: str) -> Job:
        """Stop a run; what is done is kept. One that is over stays as it is.

        Raises:
            KeyError: There is none.
        """
        job = await self.get(identifier)
        if job is self._job and job.state in _OPEN:
            job.state = CANCELLED
            await self._end_process()
            if self._task is not None:
                await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
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
        return [self._job if self._job is not None and self._job.id == row.id else _job(row, []) for row in rows]

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
        if self._job is not None and self._job.state in _OPEN:
            with contextlib.suppress(Exception):
                await self.cancel(self._job.id)

    async def tidy(self) -> None:
        """Mark runs that a server left behind as failed, and remove those older than turns are kept: they quote messages."""
        lost = {"state": FAILED, "error": "the server was stopped meanwhile", "ended_at": time.time()}
        old = time.time() - retention_days() * SECONDS_A_DAY

        def write(connection: Connection) -> None:
            connection.execute(update(staff_run).where(staff_run.c.state.in_(_OPEN)).values(**lost))
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
        except Exception as error:  # whatever happened, the run is over, and says so
            if job.state in _OPEN:
                job.state, job.error = FAILED, f"{type(error).__name__}: {str(error)[:300]}"
        finally:
            await self._end_process()
            job.ended_at = time.time()
            try:
                await self._save(job)
            except Exception as error:
                logger.error("a run could not be kept: %s", type(error).__name__)

    async def _follow(self, job: Job, before: Mapping[str, Mapping[str, Any]]) -> None:
        assert self._process is not None and self._process.stdout is not None
        saved = time.monotonic()
        while job.state in _OPEN:
            line = await asyncio.wait_for(self._process.stdout.readline(), _SILENT_SECONDS)
            if not line:
                if job.state in _OPEN:
                    job.state, job.error = FAILED, f"the process ended early (code {await self._process.wait()})"
                return
            said = json.loads(line)
            if said["event"] == "loaded":
                job.state, job.total = RUNNING, said["total"]
            elif said["event"] == "result":
                _compare(said["result"], before.get(said["result"]["name"]))
                job.results.append(said["result"])
                job.done += 1
                job.passed += bool(said["result"]["passed"])
            elif said["event"] == "failed":
                job.state, job.error = FAILED, said["reason"]
            elif said["event"] == "end":
                job.state = DONE
            if time.monotonic() - saved > _SAVE_SECONDS:
                saved = time.monotonic()
                await self._save(job)

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
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
        return _job(row, json.loads(self._cipher.decrypt(row.results)))


def _job(row: Row, results: list[dict[str, Any]]) -> Job:
    return Job(
        row.id, row.kind, row.made_by, row.made_at, row.model, row.file, row.state, row.done, row.total, row.passed,
        row.error, row.ended_at, results,
    )  # fmt: skip


def _changed(result: Mapping[str, Any]) -> bool:
    before = result.get("before")
    return (before is not None and before != result["passed"]) or any(turn["changed"] for turn in result["turns"])


def _compare(result: dict[str, Any], before: Mapping[str, Any] | None) -> None:
    """Note what is other than in the run before."""
    result["before"] = before["passed"] if before else None
    for turn, was in zip(result["turns"], before["turns"] if before else (), strict=False):
        turn["changed"] = [
            f"{name}: was {_shown(was[name])}, is {_shown(turn[name])}"
            for name in ("topics", "signs", "level", "text")
            if was.get(name) != turn[name]
        ]


def _shown(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value if value is not None else "none")


__all__ = ["DONE", "FAILED", "REPLAY", "TESTS", "Busy", "Job", "Jobs"]
