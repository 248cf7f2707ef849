"""A server of the web channel's form (docs/openapi/web.yml) that says and does what a test needs, faults included."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from http_standin import HttpStandIn, StandInHandler

DIST = Path(__file__).resolve().parents[3] / "web" / "widget" / "dist"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
# The strictest policy that docs/embedding.md promises to work under; {server} is the widget's own.
STRICT = (
    "default-src 'none'; script-src {server}; connect-src {server}; base-uri 'none'; form-action 'none'; "
    "trusted-types lit-html; require-trusted-types-for 'script'"
)
GREETING = {
    "text": "Hello. I answer questions about milia. A dermatology provider can tell what your bumps are.",
    "suggestions": [
        {"title": "Check my bumps", "text": "Check my bumps"},
        {"title": "How long do they last?", "text": "How long do they last?"},
    ],
}
NOTICE = {
    "text": [
        "This is a chatbot. It is not a doctor, and it can't say what your bumps are; a dermatology provider can.",
        "What you write is erased after 30 days without a new message. You can delete the chat at any time.",
    ],
    "retention_days": 30,
    "emergency": "If someone is in danger, call 911 (US) now.",
}
ARTICLE = {
    "title": "What Is Milia?",
    "publisher": "Hims & Hers",
    "reviewer": "Katelyn Hagerty, FNP",
    "updated": "12/4/2021",
    "note": "This is information, not medical advice.",
    "references": ["Cleveland Clinic. Milia. 2018.", "National Cancer Institute. Keratin."],
}


@dataclass
class Fault:
    """What happens to the next `times` requests of a path instead of an answer; status 0 closes the connection."""

    path: str
    status: int = 0
    code: str = ""
    detail: str = ""
    retry_after: int = 0
    body: str = ""
    times: int = 1
    """After the turn was run, so that only the reply is lost."""
    after: bool = False


def says(
    text: str = "Most go by themselves. A dermatology provider can tell you more.",
    *,
    buttons: Mapping[str, str] | None = None,
    level: str = "provider_routine",
    alert: bool = False,
    sources: bool = True,
    check_question: bool = False,
) -> dict[str, Any]:
    """Return a reply."""
    return {
        "id": uuid.uuid4().hex,
        "text": text,
        "paragraphs": [part for part in text.split("\n") if part],
        "buttons": [{"title": title, "payload": payload} for title, payload in (buttons or {}).items()],
        "level": level,
        "alert": alert,
        "topics": [] if alert or check_question else [{"id": "duration", "title": "How long milia last"}],
        "sources": [ARTICLE] if sources and not alert else [],
        "check_question": check_question,
    }


@dataclass
class Page:
    """A page that the stand-in serves."""

    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


class StandIn(HttpStandIn):
    """Serves the built widget, pages, and conversations that live in memory.

    Attributes:
        answer: makes the replies to a text or payload.
        delay: seconds that a message takes.
        faults: what goes wrong next.
        requests: method, path and body of what came.
        pages: by path.
        conversations: the turns, by token.
        limit: characters of a message.
        files: further files, by path.
    """

    def __init__(self) -> None:
        self.reset()
        super().__init__()

    def reset(self) -> None:
        """Forget all."""
        self.answer: Callable[[str], list[dict[str, Any]]] = lambda said: [says()]
        self.delay = 0.0
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.pages: dict[str, Page] = {}
        self.conversations: dict[str, list[dict[str, Any]]] = {}
        self.limit = 8000
        self.files: dict[str, Path] = {}
        self.origins = "*"

    @property
    def other_origin(self) -> str:
        """The same server under a name that makes it another site."""
        return f"http://localhost:{self.port}"

    def page(self, path: str, head: str = "", body: str = "<h1>A page</h1>", *, script: str = "", csp: str = STRICT, **headers: str) -> str:
        """Lay a page with the widget on it; returns its address.

        Args:
            script: attributes of the widget's script tag; `none` leaves it out.
        """
        tag = "" if script == "none" else f'<script src="{self.url}/widget.js" {script}></script>'
        html = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test page</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>'
            f"<body><main>{body}</main>{tag}</body></html>"
        )
        policy = {"Content-Security-Policy": csp.format(server=self.url)} if csp else {}
        self.pages[path] = Page(html, {**policy, **headers})
        return f"{self.other_origin}{path}"

    def sent(self, path: str, method: str = "POST") -> list[Any]:
        """Return the bodies of the requests to a path of the web channel."""
        return [body for verb, where, body in self.requests if (verb, where) == (method, f"/webhooks/web/{path}")]


class _Handler(StandInHandler):
    stand_in: StandIn

    def do_OPTIONS(self) -> None:
        self.send(204, b"")

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        path = urlsplit(self.path).path
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        server = self.stand_in
        if not path.startswith("/webhooks/"):
            self._static(path)
            return
        server.requests.append((method, path, body))
        fault = next((one for one in server.faults if path.endswith(one.path) and one.times > 0), None)
        if fault:
            fault.times -= 1
            if fault.after:
                self._api(method, path, body)
            if not fault.status:
                self.close_connection = True
                self.connection.close()
            elif fault.body:
                self.send(fault.status, fault.body.encode(), "text/html")
            else:
                self._problem(fault.status, fault.code, fault.detail, fault.retry_after)
            return
        status, answer = self._api(method, path, body)
        if status >= 400:
            self._problem(status, answer["code"], answer["detail"])
        else:
            self.send(status, b"" if answer is None else json.dumps(answer).encode(), "application/json")

    def _api(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        server = self.stand_in
        what = path.removeprefix("/webhooks/web/")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        turns = server.conversations.get(token)
        expires = (datetime.now(timezone.utc) + timedelta(hours=24)).isoformat()
        introduction = {"greeting": GREETING, "notice": NOTICE, "limits": {"text": server.limit}}
        if (method, what) == ("POST", "conversations"):
            token = uuid.uuid4().hex
            server.conversations[token] = []
            return 201, {"conversation": f"c-{token}", "token": token, "expires_at": expires, **introduction}
        if turns is None:
            return 401, {"code": "conversation-ended", "detail": "This chat has ended. Please start a new one."}
        if method == "DELETE":
            del server.conversations[token]
            detail = "This chat is deleted. Nothing of it is left on the server."
            return 200, {"conversation": f"c-{token}", "deleted_at": _now(), "turns": len(turns), "detail": detail}
        if what == "feedback":
            return 204, None
        if method == "GET":
            session = {"token": token, "expires_at": expires}
            return 200, {"conversation": f"c-{token}", "messages": turns, "earlier": False, "session": session, **introduction}
        if len(body.get("text", "")) > server.limit:
            return 413, {"code": "text-too-long", "detail": f"At most {server.limit} characters, please."}
        turn = next((one for one in turns if one["id"] == body["id"]), None)
        if turn is None:
            time.sleep(server.delay)
            said = body.get("text") or body["payload"]
            offered = {b["payload"]: b["title"] for one in turns[-1:] for r in one["replies"] for b in r["buttons"]}
            if "payload" in body and said not in offered:
                return 422, {"code": "not-offered", "detail": "That button no longer works."}
            turn = {"id": body["id"], "text": offered.get(said, said), "time": _now(), "replies": server.answer(said)}
            for one in turns:
                for reply in one["replies"]:
                    reply["buttons"] = []
            turns.append(turn)
        ended = said_bye(turn)
        if ended:
            server.conversations.pop(token, None)
        return 200, {**turn, "ended": ended}

    def _static(self, path: str) -> None:
        server = self.stand_in
        if path in server.pages:
            page = server.pages[path]
            self.send(200, page.html.encode(), "text/html; charset=utf-8", page.headers)
            return
        file = server.files.get(path, DIST / path.lstrip("/"))
        if not file.is_file():
            self.send(404, b"not found", "text/plain")
            return
        self.send(200, _compressed(file, file.stat().st_mtime_ns), TYPES[file.suffix], {"Content-Encoding": "gzip", "Cache-Control": "max-age=300"})

    def _problem(self, status: int, code: str, detail: str, retry_after: int = 0) -> None:
        body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
        if retry_after:
            body["retry_after"] = retry_after
        self.send(status, json.dumps(body).encode(), "application/problem+json")

    def send(self, status: int, body: bytes, kind: str = "text/plain", headers: Mapping[str, str] | None = None) -> None:
        """Send an answer that pages of the allowed origins may read."""
        allowed = {
            "Access-Control-Allow-Origin": self.stand_in.origins,
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
        }
        super().send(status, body, kind, {**allowed, **(headers or {})})


StandIn.handler = _Handler

@lru_cache(maxsize=32)
def _compressed(file: Path, changed: int) -> bytes:
    return gzip.compress(file.read_bytes(), 9)


def said_bye(turn: Mapping[str, Any]) -> bool:
    """Tell whether this turn deleted the conversation, as the real bot does when it is asked to."""
    return bool(turn["text"] == "Yes, delete it")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
