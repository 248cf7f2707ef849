"""Errors over HTTP, as RFC 9457 writes them: a code for the program, a sentence for the person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from sanic.response import HTTPResponse

CONTENT_TYPE = "application/problem+json"


class HttpProblem(Exception):
    """Base of the errors of one interface: a request that is not served.

    Attributes:
        codes: status and title of each code; their sentences stand in the interface's texts.
        challenge: how one logs in (`WWW-Authenticate`).
        blanks: details that a sentence may name and that are empty when not given.
        only_told: details that fill the sentence and are no members of the answer.

    Args:
        code: one of `codes`.
        retry_after: seconds to wait; needed with 429 and 503.
        headers: further headers of the answer.
        **details: members of the answer that a program may use; also fill the sentence.
    """

    codes: ClassVar[Mapping[str, tuple[int, str]]]
    challenge: ClassVar[str]
    blanks: ClassVar[tuple[str, ...]]
    only_told: ClassVar[tuple[str, ...]] = ()

    def __init__(self, code: str, *, retry_after: int = 0, headers: Mapping[str, str] | None = None, **details: Any) -> None:
        super().__init__(code)
        self.code, self.details, self.headers = code, details, dict(headers or {})
        self.status, self.title = self.codes[code]
        if retry_after:
            self.details["retry_after"] = retry_after
            self.headers["Retry-After"] = str(retry_after)
        if self.status == 401:
            self.headers["WWW-Authenticate"] = self.challenge

    def response(self, sentences: Mapping[str, str]) -> HTTPResponse:
        """Return the answer; `sentences` has one for each code."""
        sentence = sentences[self.code].format(**{**dict.fromkeys(self.blanks, ""), **self.details})
        body = {
            "type": f"urn:milia:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": sentence.strip(),
            "code": self.code,
            **{name: value for name, value in self.details.items() if name not in self.only_told},
        }
        return HTTPResponse(json.dumps(body, ensure_ascii=False), self.status, self.headers, CONTENT_TYPE)
