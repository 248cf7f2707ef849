"""Dialog tests: listed, drafted from a conversation, saved, run; and files of messages replayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictInt, StrictStr

from milia.staff.api import Handler
from milia.staff.audit import Audit
from milia.staff.calls import Body, Call, Reply
from milia.staff.checkout import Checkout
from milia.staff.conversation_list import ConversationList
from milia.staff.dialog_files import DialogFileError, DialogFiles, FileChanged, as_yaml, expected_of, version_of
from milia.staff.jobs import REPLAY, TESTS, Busy, Jobs
from milia.staff.model import RunningModel
from milia.staff.problems import Problem
from milia.staff.reviews import words_of
from milia.staff.sentence_sets import DIALOGS, SetsError, alike, too_near
from milia.staff.settings import StaffSettings
from milia.staff.tries import Tries
from milia.staff.uploads import CSV, JSON_LINES, UploadError, read_upload
from milia.staff.xray import record_of

MOST_TURNS = 100


class TurnForm(Body):
    """One turn of a dialog test."""

    user: StrictStr | None = Field(None, max_length=8000)
    press: StrictStr | None = Field(None, max_length=200)
    times: StrictInt | None = None
    expect: dict[str, Any] | None = None


class NewTestForm(Body):
    """A dialog test to save; the conversation that it was made from, if it is a stored one."""

    file: StrictStr = Field(max_length=64)
    name: StrictStr = Field(min_length=1, max_length=200)
    why: StrictStr = Field(min_length=1, max_length=500)
    turns: list[TurnForm] = Field(min_items=1, max_items=MOST_TURNS)
    conversation: StrictStr | None = Field(None, max_length=255)
    try_: StrictStr | None = Field(None, alias="try", max_length=64)


class DraftForm(Body):
    """What to draft from."""

    conversation: StrictStr | None = Field(None, max_length=255)
    try_: StrictStr | None = Field(None, alias="try", max_length=64)
    try_turn: StrictStr | None = Field(None, max_length=20)


class FileForm(Body):
    """An edited file, and the version that was edited."""

    version: StrictStr
    text: StrictStr = Field(max_length=500_000)


class JobForm(Body):
    """What to run."""

    kind: Literal["tests"]
    names: list[StrictStr] | None = Field(None, max_items=5000)
    model: StrictStr | None = Field(None, max_length=255)


class TestsApi:
    """The handlers.

    Args:
        files, jobs: the tests and their runs.
        conversations, tries: what tests are made from.
        checkout, model: which models there are, and which one runs.
        audit: who did what.
        settings: limits of uploads.
    """

    def __init__(
        self,
        files: DialogFiles,
        jobs: Jobs,
        conversations: ConversationList,
        tries: Tries,
        checkout: Checkout,
        model: RunningModel,
        audit: Audit,
        settings: StaffSettings,
    ) -> None:
        self._files, self._jobs, self._conversations, self._tries = files, jobs, conversations, tries
        self._checkout, self._model, self._audit, self._settings = checkout, model, audit, settings
        # Two who save at once: the second sees what the first wrote.
        self._saving = asyncio.Lock()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {
            "listTests": self.list,
            "saveTest": self.save,
            "draftTest": self.draft,
            "getTestFile": self.get_file,
            "putTestFile": self.put_file,
            "listJobs": self.list_jobs,
            "startJob": self.start_job,
            "getJob": self.get_job,
            "cancelJob": self.cancel_job,
            "jobReport": self.report,
            "startReplay": self.replay,
        }

    async def list(self, call: Call) -> Reply:
        """List the tests, broken files as one row each."""
        last = await self._jobs.last_of_tests()
        rows: list[dict[str, Any]] = []
        for file in await _off(self._files.all):
            if file.faults:
                broken = {"name": file.name, "why": "", "file": file.name, "line": 1, "turns": 0}
                rows.append({**broken, "broken": list(file.faults), "last": None})
            for test in file.tests:
                row = {"name": test.name, "why": test.why, "file": file.name, "line": test.line, "turns": len(test.turns)}
                rows.append({**row, "broken": [], "last": last.get(test.name)})
        return Reply({"tests": rows})

    async def draft(self, call: Call) -> Reply:
        """Draft a test: from a stored conversation without its words, which are nobody's to publish."""
        form = await call.form(DraftForm)
        if (form.conversation is None) == (form.try_ is None):
            raise Problem("malformed", faults=["a draft needs either conversation or try"])
        turns: list[dict[str, Any]] = []
        if form.try_ is not None:
            for node in self._tries.node(form.try_, call.user, form.try_turn).path:
                original, record = node.turn["user"]["text"], node.turn["record"]
                said = {"user": node.user.get("user"), "press": node.user.get("press")}
                turns.append({**said, "original": original, "expect": expected_of(record)})
        else:
            _, _, stored = await self._conversations.read(form.conversation or "", 0, MOST_TURNS)
            for one in stored[:MOST_TURNS]:
                words = {"user": None if one.title else "", "press": one.title or None}
                original = one.title or words_of(one.events)[0]
                turns.append({**words, "original": original, "expect": expected_of(record_of(one.events))})
        return Reply({"turns": turns, "yaml": as_yaml("", "", [_said(turn) for turn in turns])})

    async def save(self, call: Call) -> Reply:
        """Save a test into a file, made if it is not there; what cannot be written is handed back as text."""
        form = await call.form(NewTestForm)
        turns = [_said(turn.dict(exclude_none=True)) for turn in form.turns]
        texts = [str(turn["user"]) for turn in turns if turn.get("user")]
        await self._refuse_words(form.conversation, texts)
        await self._refuse_held_out(texts)
        item = as_yaml(form.name, form.why, turns)
        async with self._saving:
            try:
                before, version = self._files.read(form.file)
            except KeyError:
                before, version = "", None
            except DialogFileError as error:
                raise Problem("malformed", faults=error.faults) from None
            text = f"{before.rstrip()}\n\n{item}" if before.strip() else item
            saved = await self._write(form.file, text, version, item)
        if saved:
            await self._audit.note(call.user, "test.save", f"{form.file}: {form.name}", call.address)
        return Reply({"file": form.file, "name": form.name, "saved": saved, "text": item}, 201)

    async def get_file(self, call: Call) -> Reply:
        """Return a file."""
        name = call.names["file"]
        try:
            text, version = self._files.read(name)
        except (KeyError, DialogFileError):
            raise Problem("not-found") from None
        return Reply(await self._described(name, text, version))

    async def put_file(self, call: Call) -> Reply:
        """Save an edited file."""
        form, name = await call.form(FileForm), call.names["file"]
        async with self._saving:
            try:
                before, _ = self._files.read(name)
            except (KeyError, DialogFileError):
                raise Problem("not-found") from None
            known = set(before.splitlines())
            fresh = [line for line in form.text.splitlines() if line not in known]
            await self._refuse_held_out([line.partition("user:")[2].strip(" \"'") for line in fresh if "user:" in line])
            if not await self._write(name, form.text, form.version, form.text):
                raise Problem("not-allowed-here", reason="the folder tests/dialogs cannot be written on this server")
        await self._audit.note(call.user, "test.edit", name, call.address)
        return Reply(await self._described(name, form.text, version_of(form.text)))

    async def start_job(self, call: Call) -> Reply:
        """Run tests."""
        form = await call.form(JobForm)
        names = [test.name for file in await _off(self._files.all) for test in file.tests]
        if form.names is not None:
            unknown = [name for name in form.names if name not in set(names)]
            if unknown:
                raise Problem("malformed", faults=[f"names: unknown {name!r}, or its file is broken" for name in unknown[:20]])
            names = list(form.names)
        if not names:
            raise Problem("malformed", faults=["names: there is no test to run"])
        return await self._start(call, TESTS, form.model, names=names)

    async def replay(self, call: Call) -> Reply:
        """Replay an uploaded file: nothing is started unless all of it is in order."""
        name = call.text("name") or "upload"
        kind = (call.request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if kind not in (CSV, JSON_LINES):
            raise Problem("bad-file", faults=[f"{name}: is sent as {kind or 'nothing'}; allowed: {CSV}, {JSON_LINES}"])
        body = await call.bytes(self._settings.upload_bytes)
        try:
            dialogs = await _off(read_upload, body, kind, name, self._settings.upload_rows)
        except UploadError as error:
            raise Problem("bad-file", faults=error.faults) from None
        tasks = [{"id": one.id, "turns": list(one.turns)} for one in dialogs]
        return await self._start(call, REPLAY, call.text("model") or None, dialogs=tasks, file=name)

    async def list_jobs(self, call: Call) -> Reply:
        """List the runs."""
        return Reply({"jobs": [job.to_dict(results=False) for job in await self._jobs.latest()]})

    async def get_job(self, call: Call) -> Reply:
        """Return a run."""
        try:
            job = await self._jobs.get(call.names["job"])
        except KeyError:
            raise Problem("not-found") from None
        return Reply(job.to_dict(failed=call.flag("failed")))

    async def report(self, call: Call) -> Reply:
        """Return the results of a run, one a line."""
        try:
            job = await self._jobs.get(call.names["job"])
        except KeyError:
            raise Problem("not-found") from None
        lines = "".join(f"{json.dumps(result, ensure_ascii=False)}\n" for result in job.results)
        headers = {"Content-Disposition": f'attachment; filename="run-{job.id}.jsonl"'}
        return Reply(lines, headers=headers, content_type="application/x-ndjson")

    async def cancel_job(self, call: Call) -> Reply:
        """Stop a run."""
        try:
            job = await self._jobs.cancel(call.names["job"])
        except KeyError:
            raise Problem("not-found") from None
        await self._audit.note(call.user, "run.cancel", job.id, call.address)
        return Reply(job.to_dict())

    async def _start(self, call: Call, kind: str, model: str | None, file: str | None = None, **what: Sequence[Any]) -> Reply:
        path = self._model_path(model)
        try:
            job = await self._jobs.start(kind, call.user, path, file=file, **what)
        except Busy:
            raise Problem("busy") from None
        await self._audit.note(call.user, f"run.{kind}", f"{job.id} with {path.name}", call.address)
        return Reply(job.to_dict(), 202)

    def _model_path(self, name: str | None) -> Path:
        models = {path.name: path for path in self._checkout.models()}
        wanted = name or self._model.name
        if wanted in models:
            return models[wanted]
        if name is None and models:  # the running model's archive is gone, as after a new training
            return max(models.values(), key=lambda path: path.stat().st_mtime)
        raise Problem("malformed", faults=[f"model: unknown {name!r}; known: {', '.join(sorted(models)) or 'none'}"])

    async def _write(self, name: str, text: str, version: str | None, item: str) -> bool:
        try:
            await _off(self._files.check, name, text)
            await _off(self._files.write, name, text, version)
        except DialogFileError as error:
            raise Problem("bad-file", faults=error.faults) from None
        except FileChanged:
            raise Problem("conflict", by="Somebody") from None
        except OSError:
            return False
        return True

    async def _described(self, name: str, text: str, version: str) -> dict[str, Any]:
        try:
            tests, faults = await _off(self._files.check, name, text), []
        except DialogFileError as error:
            tests, faults = (), error.faults
        return {"file": name, "text": text, "version": version, "tests": [one.name for one in tests], "faults": faults}

    async def _refuse_words(self, conversation: str | None, texts: Sequence[str]) -> None:
        """Refuse sentences that are those of the stored conversation."""
        if conversation is None:
            return
        _, _, stored = await self._conversations.read(conversation, 0, MOST_TURNS)
        theirs = [words_of(one.events)[0] for one in stored if not one.title]
        copied = [text for text in texts if any(too_near(text, words) for words in theirs)]
        if copied:
            raise Problem("users-words", faults=[f"turn with {text[:80]!r}" for text in copied])

    async def _refuse_held_out(self, texts: Sequence[str]) -> None:
        """Refuse held-out sentences: tests/dialogs are looked at while the bot is made."""
        found = []
        for text in texts:
            if len(text.split()) > 2:
                try:
                    near = await _off(alike, self._checkout.root, text, DIALOGS)
                except SetsError as error:
                    raise Problem("bad-file", faults=[str(error)]) from None
                found += [one for one in near if one.blocks and one.set != DIALOGS]
        if found:
            raise Problem("overlap", overlaps=[one.to_dict() for one in found[:20]])


def _said(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return a turn as a file has it."""
    return {name: turn[name] for name in ("user", "times", "press", "expect") if turn.get(name) is not None}


async def _off(work: Any, *arguments: Any) -> Any:
    """Do work that reads many files in a thread."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
