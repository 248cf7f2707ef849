"""A server of the staff console's form: whatever it gets and gives is held against docs/openapi/staff.yml."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from console_turns import at, turn
from console_world import PASSWORD, World
from http_standin import HttpStandIn, StandInHandler
from jsonschema import Draft202012Validator, RefResolver

from milia.staff.pages import HEADERS

ROOT = Path(__file__).resolve().parents[3]
DIST = ROOT / "web" / "console" / "dist"
CONTRACT = ROOT / "docs" / "openapi" / "staff.yml"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml"}
ROLES = ("viewer", "editor", "admin")
PREFIX = "/staff/api"


class Fail(Exception):
    """A problem to answer with."""

    def __init__(self, status: int, code: str, detail: str = "Something is not right.", **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, **more}


@lru_cache
def contract() -> dict[str, Any]:
    """Return the contract."""
    return yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Operation:
    """An operation of the contract, with the parts of the path that was asked for."""

    name: str
    about: Mapping[str, Any]
    at: Mapping[str, str]


def operation(method: str, path: str) -> Operation | None:
    """Find the operation of a request; a fixed path comes before one with names in it."""
    found = []
    for template, verbs in contract()["paths"].items():
        match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1_>[^/]+)", template), path)
        if match and method.lower() in verbs:
            about = verbs[method.lower()]
            names = {name[:-1]: unquote(value) for name, value in match.groupdict().items()}
            found.append(Operation(about["operationId"], about, names))
    return min(found, key=lambda one: len(one.at), default=None)


def against(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Return how a value breaks a schema of the contract."""
    checker = Draft202012Validator(schema, resolver=RefResolver("", contract()))
    return [f"{'/'.join(map(str, error.path))}: {error.message}"[:300] for error in checker.iter_errors(value)]


class ConsoleStandIn(HttpStandIn):
    """Serves the built console and a world in memory.

    Attributes:
        world: what it knows.
        faults: operation's name to what is raised instead of an answer, each once.
        broken: what did not fit the contract, on either side.
        requests: operation, body and query of what came.
    """

    def __init__(self) -> None:
        self.reset()
        super().__init__()

    def reset(self) -> None:
        """Forget all."""
        self.world = World()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.faults: dict[str, Fail] = {}
        self.broken: list[str] = []
        self.requests: list[tuple[str, Any, dict[str, str]]] = []
        self.off = False

    def expire(self) -> None:
        """End all logins."""
        self.sessions.clear()

    def asked(self, name: str) -> list[Any]:
        """Return the bodies of the requests for an operation."""
        return [body for one, body, _ in self.requests if one == name]


class _Handler(StandInHandler):
    stand_in: ConsoleStandIn

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        with contextlib.suppress(ConnectionError, socket.error):
            if not parts.path.startswith(PREFIX):
                self._static(parts.path)
                return
            try:
                self._answer(parts.path, dict(parse_qsl(parts.query)), raw)
            except Fail as fail:
                self._check(fail.body, {"$ref": "#/components/schemas/Problem"}, f"problem {fail.body['code']}")
                self.send(fail.status, json.dumps(fail.body).encode(), "application/problem+json")

    def _answer(self, path: str, query: dict[str, str], raw: bytes) -> None:
        one = operation(self.command, path)
        if one is None:
            self.stand_in.broken.append(f"{self.command} {path} is not in the contract")
            raise Fail(404, "not-found")
        is_json = self.headers.get("Content-Type") == "application/json"
        body = json.loads(raw) if raw and is_json else raw.decode() or None
        self.stand_in.requests.append((one.name, body, query))
        self._request(one, body, query, is_json)
        user = self._user(one)
        fault = self.stand_in.faults.pop(one.name, None)
        if fault:
            raise fault
        try:
            status, answer, headers = _Replies(self.stand_in.world, self.stand_in, user, one.at, query, body).of(one.name)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            self.stand_in.broken.append(f"{one.name}: {error!r}")
            raise Fail(503, "unavailable") from error
        self._respond(one, status, answer, headers)

    def _request(self, one: Operation, body: Any, query: dict[str, str], is_json: bool) -> None:
        schema = one.about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema and is_json:
            self._check(body, schema, f"body of {one.name}")
        known = {parameter["name"]: parameter["schema"] for parameter in one.about.get("parameters", ()) if parameter["in"] == "query"}
        for name, value in query.items():
            if name not in known:
                self.stand_in.broken.append(f"{one.name}: query {name} is not in the contract")
            elif "enum" in known[name] and value not in known[name]["enum"]:
                self.stand_in.broken.append(f"{one.name}: query {name}={value}")

    def _user(self, one: Operation) -> dict[str, Any]:
        if self.stand_in.off:
            raise Fail(404, "console-off", "No staff user is configured.")
        role = one.about["x-role"]
        if role is None:
            return {}
        cookie = re.search(r"milia_staff=(\w+)", self.headers.get("Cookie") or "")
        session = self.stand_in.sessions.get(cookie[1] if cookie else "")
        if session is None:
            raise Fail(401, "login-needed", "Please log in.")
        if self.command != "GET" and self.headers.get("X-CSRF-Token") != session["csrf"]:
            raise Fail(403, "csrf", "The page is too old.")
        if ROLES.index(session["user"]["role"]) < ROLES.index(role):
            raise Fail(403, "role", f"This needs the role {role}.", needs=role)
        return session

    def _respond(self, one: Operation, status: int, answer: Any, headers: Mapping[str, str]) -> None:
        declared = one.about["responses"].get(str(status))
        if declared is None:
            self.stand_in.broken.append(f"{one.name}: status {status} is not in the contract")
        content = (declared or {}).get("content", {})
        if "application/json" in content:
            self._check(answer, content["application/json"]["schema"], f"answer of {one.name}")
            self.send(status, json.dumps(answer).encode(), "application/json", headers)
        else:
            self.send(status, (answer or "").encode(), next(iter(content), "text/plain"), headers)

    def _check(self, value: Any, schema: Mapping[str, Any], what: str) -> None:
        self.stand_in.broken += [f"{what}: {fault}" for fault in against(schema, value)]

    def _static(self, path: str) -> None:
        name = path.removeprefix("/staff").strip("/")
        file = DIST / (name if "." in name else "index.html")
        if not path.startswith("/staff") or not file.is_file():
            self.send(404, b"not found", "text/plain")
        else:
            self.send(200, file.read_bytes(), TYPES[file.suffix], HEADERS)


ConsoleStandIn.handler = _Handler
Reply = tuple[int, Any, dict[str, str]]


@dataclass
class _Replies:
    """Answers one request, from the world."""

    world: World
    stand_in: ConsoleStandIn
    session: dict[str, Any]
    at: Mapping[str, str]
    query: dict[str, str]
    body: Any

    def of(self, name: str) -> Reply:
        made: Callable[[], Any] = getattr(self, "session_" if name == "session" else name)
        answer = made()
        if isinstance(answer, tuple):
            return answer[0], answer[1], answer[2] if len(answer) > 2 else {}
        return (204 if answer is None else 200), answer, {}

    @property
    def _name(self) -> str:
        return str(self.session["user"]["name"])

    def login(self) -> Any:
        user = next((one for one in self.world.users if one["name"] == self.body["name"]), None)
        if user is None or self.body["password"] != PASSWORD:
            raise Fail(401, "login-failed", "The name or the password is wrong.")
        token = uuid.uuid4().hex
        self.stand_in.sessions[token] = {"user": user, "csrf": f"csrf-{token}", "idle_seconds": 1800, "expires_at": at(-600)}
        return 200, self.stand_in.sessions[token], {"Set-Cookie": f"milia_staff={token}; Path=/staff; HttpOnly; SameSite=Strict"}

    def session_(self) -> Any:
        return self.session

    def logout(self) -> Any:
        self.stand_in.expire()

    def changePassword(self) -> Any:
        if self.body["old"] != PASSWORD:
            raise Fail(401, "login-failed", "The password until now is wrong.")

    def about(self) -> Any:
        return self.world.about()

    def startTry(self) -> Any:
        name = f"y{len(self.world.tries)}"
        scene = self.body.get("scene")
        turns = [turn("My baby is 2 weeks old", 0, scene=True)] if scene else []
        self.world.tries[name] = {"id": name, "scene": scene, "turns": turns}
        return 201, self.world.tries[name]

    def getTry(self) -> Any:
        return self._try()

    def dropTry(self) -> Any:
        self.world.tries.pop(self.at["try"], None)

    def _try(self) -> dict[str, Any]:
        found = self.world.tries.get(self.at["try"])
        if found is None:
            raise Fail(404, "try-gone", "The server forgot it.")
        return found

    def tryMessage(self) -> Any:
        turns = self._try()["turns"]
        after = self.body.get("after", turns[-1]["id"] if turns else None)
        pressed = "payload" in self.body
        made = turn("Are they harmless?" if pressed else self.body["text"], len(turns), pressed=pressed, parent=after)
        turns.append(made)
        return made

    def listConversations(self) -> Any:
        rows = [self.world.row(number) for number in range(self.world.conversations)]
        wanted = self.query
        for flag in ("fallback", "not_helpful"):
            if wanted.get(flag) == "true":
                rows = [one for one in rows if one[flag]]
        if wanted.get("warning") == "true":
            rows = [one for one in rows if one["signs"]]
        if "topic" in wanted:
            rows = [one for one in rows if wanted["topic"] in one["topics"]]
        if "q" in wanted:
            rows = [one for one in rows if wanted["q"].lower() in one["first_text"].lower()]
        begin, size = int(wanted.get("cursor", 0)), int(wanted.get("limit", 50))
        more = begin + size < len(rows)
        return {"conversations": rows[begin : begin + size], "next": str(begin + size) if more else None, "complete": True, "searched_to": None, "indexed": True}

    def getConversation(self) -> Any:
        if int(self.at["conversation"][1:]) >= self.world.conversations:
            raise Fail(404, "not-found", "This conversation is not there any more.")
        return self.world.conversation(self.at["conversation"])

    def statistics(self) -> Any:
        return self.world.statistics()

    def listReviews(self) -> Any:
        state = self.query.get("state", "open")
        counts = {one: sum(review["state"] == one for review in self.world.reviews) for one in ("open", "accepted", "rejected")}
        return {"reviews": [one for one in self.world.reviews if one["state"] == state], "next": None, "counts": counts}

    def addReview(self) -> Any:
        review = self.world.review(f"n{len(self.world.reviews)}") | {"should": {"topics": None, "signs": None, "wording": None, "note": None, **self.body["should"]}, "made_by": self._name}
        self.world.reviews.insert(0, review)
        return 201, review

    def _review(self) -> dict[str, Any]:
        found = next((one for one in self.world.reviews if one["id"] == self.at["review"]), None)
        if found is None:
            raise Fail(404, "not-found")
        return found

    def getReview(self) -> Any:
        return self._review()

    def _decide(self, **change: Any) -> dict[str, Any]:
        review = self._review()
        if review["version"] != self.body["version"]:
            raise Fail(409, "conflict", "Somebody was first.", version=review["version"], by=review["decided_by"] or "somebody")
        review |= {"version": review["version"] + 1, "decided_by": self._name, "decided_at": at(0), **change}
        return dict(review)

    def checkAccept(self) -> Any:
        near = [{"text": "may i pop them", "file": "data/nlu/ask_removal_self.yml", "label": "removal_self", "set": "training", "likeness": 0.93, "blocks": False}]
        sentence = self.body.get("sentence") or ""
        return {"overlaps": near if "pop" in sentence else [], "users_words": sentence == self._review()["was"]["text"], "faults": [], "patch": f"--- a/x\n+++ b/x\n+- {sentence}\n"}

    def acceptReview(self) -> Any:
        if "pop" in (self.body.get("sentence") or "") and not self.body.get("anyway"):
            raise Fail(422, "overlap", "There is nearly the same sentence.", overlaps=self.checkAccept()["overlaps"])
        kind = self.body["kind"]
        file = {"training": "data/nlu/ask_removal_self.yml", "heldout": "tests/heldout/removal_self.yml", "none": ""}.get(kind, self.body.get("file"))
        made = {"kind": kind, "file": file, "sentence": self.body.get("sentence"), "patch": None if kind == "none" else f"{PREFIX}/reviews/{self.at['review']}/patch", "branch": "review-r0" if self.body.get("branch") else None, "commit": None}
        return self._decide(state="accepted", made=made)

    def rejectReview(self) -> Any:
        return self._decide(state="rejected", reason=self.body["reason"])

    def reopenReview(self) -> Any:
        return self._decide(state="open", made=None, reason=None, decided_by=None, decided_at=None)

    def reviewPatch(self) -> Any:
        return 200, f"--- a/x\n+++ b/x\n+- {(self._review()['made'] or {}).get('sentence')}\n"

    def listTests(self) -> Any:
        return {"tests": self.world.tests}

    def draftTest(self) -> Any:
        stored = "conversation" in self.body
        turns = self.world.conversation(self.body["conversation"])["turns"] if stored else self.world.tries[self.body["try"]]["turns"]
        made = [
            {"user": None if stored else one["user"]["text"], "press": None, "original": one["user"]["text"], "expect": {"topics": one["record"]["topics"], "level": one["record"]["level"], "signs": one["record"]["signs"]}}
            for one in turns
        ]
        return {"turns": made, "yaml": "- name: ''\n"}

    def saveTest(self) -> Any:
        if any(one["name"] == self.body["name"] for one in self.world.tests):
            raise Fail(409, "conflict", f"There is a test with the name “{self.body['name']}” already: choose another.", by="somebody")
        self.world.tests.append(self.world.test(self.body["name"]) | {"file": self.body["file"], "last": None})
        return 201, {"file": self.body["file"], "name": self.body["name"], "saved": self.world.can_save, "text": f"- name: {self.body['name']}\n"}

    def getTestFile(self) -> Any:
        if self.at["file"] not in self.world.files:
            raise Fail(404, "not-found")
        return self.world.files[self.at["file"]]

    def putTestFile(self) -> Any:
        file = self.world.files[self.at["file"]]
        if file["version"] != self.body["version"]:
            raise Fail(409, "conflict", "Somebody saved it.", by="ada", version=2)
        if "\t" in self.body["text"]:
            raise Fail(422, "bad-file", "The file is not in order; nothing was saved.", faults=["topics.yml:2: a tab; use spaces."])
        file |= {"text": self.body["text"], "version": str(int(file["version"]) + 1)}
        return file

    def listJobs(self) -> Any:
        return {"jobs": [{**job, "results": []} for job in self.world.jobs]}

    def startJob(self) -> Any:
        wanted = self.body.get("names") or [one["name"] for one in self.world.tests]
        job = self.world.new_job("tests", len(wanted), self._name)
        job["model"] = self.body.get("model") or self.world.running
        return 202, job

    def _job(self) -> dict[str, Any]:
        return next(one for one in self.world.jobs if one["id"] == self.at["job"])

    def getJob(self) -> Any:
        return self.world.go_on(self._job())

    def cancelJob(self) -> Any:
        job = self._job()
        job |= {"state": "cancelled", "ended_at": at(0)}
        for step in job["steps"][-1:]:
            step["state"] = "cancelled"
        return job

    def getTraining(self) -> Any:
        return self.world.training()

    def startTraining(self) -> Any:
        if any(one["state"] == "running" for one in self.world.jobs):
            raise Fail(409, "busy", "A run is in progress already.")
        for one in self.world.accepted:
            one["in_files"] = one["in_files"] or one["review"] in self.body["take"]
        job = self.world.new_job("training", 0, self._name)
        job["model"] = "milia-2.tar.gz"
        return 202, job

    def putModelInService(self) -> Any:
        if self.body["model"] == "milia-0.tar.gz":
            raise Fail(422, "model-refused", "This model cannot serve, so the one before goes on.", faults=["milia-0.tar.gz: ValueError: damaged"])
        self.world.before, self.world.running = self.world.running, self.body["model"]
        return self.world.training()

    def jobReport(self) -> Any:
        return 200, "\n".join(json.dumps(one) for one in self._job()["results"])

    def startReplay(self) -> Any:
        lines = (self.body or "").splitlines()
        if lines and lines[0].startswith("{"):
            job = self.world.new_job("replay", len(lines), self._name, self.query["name"])
            job["model"] = self.query["model"]
            return 202, job
        if not lines or "text" not in lines[0]:
            raise Fail(422, "bad-file", "The file cannot be replayed; nothing was started.", faults=[f"{self.query['name']}, line 1: a head line with the column `text` was expected."])
        return 202, self.world.new_job("replay", len(lines) - 1, self._name, self.query["name"])

    def listTopics(self) -> Any:
        return self.world.topics()

    def getTopic(self) -> Any:
        return self.world.topic(self.at["topic"])

    def listUnanswered(self) -> Any:
        return {"rows": self.world.unanswered, "turns": sum(one["turns"] for one in self.world.unanswered)}

    def contentBook(self) -> Any:
        return 200, "<!doctype html><title>Book</title>"

    def listUsers(self) -> Any:
        return {"users": self.world.users}

    def _found(self) -> dict[str, Any]:
        return next(one for one in self.world.users if one["name"] == self.at["name"])

    def addUser(self) -> Any:
        if any(one["name"] == self.body["name"] for one in self.world.users):
            raise Fail(409, "conflict", "There is somebody with this name already.", by="ada")
        user = {"name": self.body["name"], "role": self.body["role"], "created_at": at(0), "last_seen_at": None, "locked_until": None}
        self.world.users.append(user)
        return 201, user

    def changeUser(self) -> Any:
        user = self._found()
        admins = [one for one in self.world.users if one["role"] == "admin"]
        if self.body.get("role") not in (None, "admin") and admins == [user]:
            raise Fail(409, "conflict", "The last admin stays one: make somebody else admin first.", by="")
        user |= {key: value for key, value in self.body.items() if key == "role"}
        return user

    def removeUser(self) -> Any:
        self.world.users.remove(self._found())

    def listAudit(self) -> Any:
        rows = [one for one in self.world.audit if self.query.get("user", "") in one["user"]]
        begin = int(self.query.get("cursor", 0))
        return {"rows": rows[begin : begin + 50], "next": str(begin + 50) if begin + 50 < len(rows) else None}
