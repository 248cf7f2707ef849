"""The endpoints of the web channel, as docs/openapi/web.yml describes them."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.request_body import BodyTooLarge, read_body
from milia.channels.web_deletion import Deletion
from milia.channels.web_limits import SlidingWindow
from milia.channels.web_messages import read_feedback, read_message, require_empty
from milia.channels.web_problems import Problem
from milia.channels.web_replies import Replies, title_of
from milia.channels.web_security import Origins
from milia.channels.web_settings import WebSettings
from milia.channels.web_texts import WebTexts
from milia.channels.web_tokens import Session, Tokens, as_time
from milia.channels.web_turns import RETRY_SECONDS, Stored, Turns
from milia.observability.metrics import WEB_PROBLEMS

logger = logging.getLogger(__name__)

PREFIX = "/webhooks/web"
MOST_TURNS, TURNS = 200, 100
Handler = Callable[[Request], Awaitable[HTTPResponse]]


@dataclass(frozen=True)
class Parts:
    """What the endpoints are put together from."""

    settings: WebSettings
    texts: WebTexts
    tokens: Tokens
    origins: Origins
    turns: Turns
    replies: Replies
    deletion: Deletion
    stored: Callable[[], Stored]
    feedback: Callable[[str, str, bool], Awaitable[bool]]
    greeting: Callable[[Request], str]
    retention_days: int


class WebApi:
    """Answers the requests of clients. Whatever goes wrong is a `Problem` with a sentence for the person."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        settings = parts.settings
        self._of_address = SlidingWindow(settings.address_rate, 60)
        self._of_conversation = SlidingWindow(settings.rate, 60)
        self._opened_by_address = SlidingWindow(settings.address_conversations, 3_600)
        self._opened = SlidingWindow(settings.conversations, 3_600)

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handler of each path and method."""
        return {
            f"{PREFIX}/conversations": {"POST": self._open, "DELETE": self._delete},
            f"{PREFIX}/messages": {"POST": self._message, "GET": self._history},
            f"{PREFIX}/feedback": {"POST": self._feedback},
        }

    async def serve(self, request: Request, methods: Mapping[str, Handler]) -> HTTPResponse:
        """Answer a request by the handler of its method."""
        if request.stream is not None:
            # What a handler leaves unread is read and dropped up to here only.
            request.stream.request_max_size = self._parts.settings.body_bytes
        try:
            if request.method == "OPTIONS":
                return HTTPResponse(status=204)
            self._parts.origins.require(request)
            wait = self._of_address.wait(self._parts.origins.address(request))
            if wait:
                raise Problem("too-many-messages", retry_after=wait)
            if not methods:
                raise Problem("not-found")
            if request.method not in methods:
                raise Problem("method", headers={"Allow": allowed(methods)})
            return await methods[request.method](request)
        except Problem as problem:
            WEB_PROBLEMS.labels(problem.code).inc()
            return problem.response(self._parts.texts.problems)
        except Exception as error:  # the one boundary: a person gets a sentence, never a trace
            logger.error("A web request failed: %s at %s", type(error).__name__, _place(error))
            WEB_PROBLEMS.labels("unavailable").inc()
            return Problem("unavailable", retry_after=RETRY_SECONDS).response(self._parts.texts.problems)

    async def _open(self, request: Request) -> HTTPResponse:
        require_empty(await self._body(request))
        address = self._parts.origins.address(request)
        wait = self._opened_by_address.wait(address)
        if wait:
            raise Problem("too-many-conversations", retry_after=wait)
        wait = self._opened.wait("")
        if wait:
            raise Problem("busy", retry_after=min(wait, 60))
        session = self._parts.tokens.open()
        body = {"conversation": session.conversation, **self._token(session), **self._about(request)}
        return _json(body, 201)

    async def _message(self, request: Request) -> HTTPResponse:
        session = self._session(request)
        message = read_message(await self._body(request), self._parts.settings.text_length)
        answer = await self._parts.turns.answer(session.conversation, message)
        now = self._parts.tokens.now()
        body = self._parts.replies.turn(session.conversation, message.id, answer.text, now, answer.replies, latest=True)
        body["ended"] = answer.ended
        if not answer.ended and self._parts.tokens.due(session):
            body["session"] = self._token(self._parts.tokens.renewed(session))
        return _json(body)

    async def _history(self, request: Request) -> HTTPResponse:
        session = self._session(request)
        limit = _limit(request)
        # The question whether to delete is not stored, so it is not in the history that the person will see.
        self._parts.deletion.forget(session.conversation)
        stored = await self._parts.stored().turns(session.conversation, limit=limit + 1)
        messages = []
        for place, turn in enumerate(stored):
            text = title_of(turn.text, stored[place - 1].replies) if place else ""
            latest = place == len(stored) - 1
            identifier = turn.message_id or f"stored-{place}"
            conversation = session.conversation
            messages.append(
                self._parts.replies.turn(conversation, identifier, text or turn.text, turn.time, turn.replies, latest)
            )
        body = {
            "conversation": session.conversation,
            "messages": messages[-limit:],
            "earlier": len(messages) > limit,
            "session": self._token(self._parts.tokens.renewed(session)),
            **self._about(request),
        }
        return _json(body)

    async def _delete(self, request: Request) -> HTTPResponse:
        session = self._session(request)
        await self._body(request)
        receipt = await self._parts.turns.delete(session.conversation)
        body = {
            "conversation": session.conversation,
            "deleted_at": as_time(receipt.time),
            "turns": receipt.counts.get("turn", 0),
            "detail": self._parts.texts.deletion.receipt,
        }
        return _json(body)

    async def _feedback(self, request: Request) -> HTTPResponse:
        session = self._session(request)
        feedback = read_feedback(await self._body(request))
        if not await self._parts.feedback(session.conversation, feedback.id, feedback.helpful):
            raise Problem("no-such-message")
        return HTTPResponse(status=204)

    def _session(self, request: Request) -> Session:
        """Return the conversation of the token, if it may go on just now."""
        session = self._parts.tokens.read(request.headers.get("authorization"))
        self._parts.turns.require_open(session.conversation)
        wait = self._of_conversation.wait(session.conversation) if request.method == "POST" else 0
        if wait:
            raise Problem("too-many-messages", retry_after=wait)
        return session

    async def _body(self, request: Request) -> bytes:
        limit = self._parts.settings.body_bytes
        try:
            return await read_body(request, limit)
        except BodyTooLarge as error:
            raise Problem("body-too-large", limit=limit) from error

    def _token(self, session: Session) -> dict[str, str]:
        return {"token": self._parts.tokens.token(session), "expires_at": as_time(session.expires)}

    def _about(self, request: Request) -> dict[str, Any]:
        texts = self._parts.texts
        return {
            "greeting": {
                "text": self._parts.greeting(request),
                "suggestions": [{"title": title, "text": text} for title, text in texts.suggestions],
            },
            "notice": {
                "text": list(texts.notice),
                "retention_days": self._parts.retention_days,
                "emergency": texts.emergency,
            },
            "limits": {"text": self._parts.settings.text_length},
        }


def allowed(methods: Mapping[str, Handler]) -> str:
    """Return the `Allow` header of a path."""
    return ", ".join((*methods, "OPTIONS"))


def _limit(request: Request) -> int:
    values = request.args.getlist("limit") or [str(TURNS)]
    value = values[0]
    if len(values) > 1 or set(request.args) - {"limit"} or not value.isascii() or not value.isdigit() or len(value) > 3 or not 1 <= int(value) <= MOST_TURNS:
        raise Problem("malformed")
    return int(value)


def _json(body: Mapping[str, Any], status: int = 200) -> HTTPResponse:
    return HTTPResponse(json.dumps(body, ensure_ascii=False), status, content_type="application/json")


def _place(error: BaseException) -> str:
    """Say where an error happened, without its text, which may quote what somebody wrote."""
    return " < ".join(f"{Path(at.filename).name}:{at.lineno}" for at in reversed(traceback.extract_tb(error.__traceback__)))
