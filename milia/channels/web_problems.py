"""Errors of the web channel, as RFC 9457 writes them: a code for the program, a sentence for the person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sanic.response import HTTPResponse

# Status and title of each code; its sentence stands in web_texts.yml.
CODES: Mapping[str, tuple[int, str]] = {
    "token-missing": (401, "No token"),
    "token-invalid": (401, "Token not valid"),
    "token-expired": (401, "Token expired"),
    "conversation-ended": (401, "Conversation ended"),
    "origin": (403, "Origin not allowed"),
    "not-found": (404, "Not found"),
    "no-such-message": (404, "No such message"),
    "method": (405, "Method not allowed"),
    "id-taken": (409, "Id in use"),
    "text-too-long": (413, "Text too long"),
    "body-too-large": (413, "Request too large"),
    "malformed": (422, "Not understood"),
    "not-offered": (422, "Button no longer on offer"),
    "too-many-messages": (429, "Too many messages"),
    "too-many-conversations": (429, "Too many conversations"),
    "busy": (503, "Busy"),
    "unavailable": (503, "Unavailable"),
}
CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is not served.

    Args:
        code: one of `CODES`.
        retry_after: seconds to wait; needed with 429 and 503.
        headers: further headers of the answer.
        **details: members of the answer that a program may use; also fill the sentence.
    """

    def __init__(self, code: str, *, retry_after: int = 0, headers: Mapping[str, str] | None = None, **details: Any) -> None:
        super().__init__(code)
        self.code, self.details, self.headers = code, details, dict(headers or {})
        self.status, self.title = CODES[code]
        if retry_after:
            self.details["retry_after"] = retry_after
            self.headers["Retry-After"] = str(retry_after)
        if self.status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="milia"'

    def response(self, sentences: Mapping[str, str]) -> HTTPResponse:
        """Return the answer; `sentences` has one for each code."""
        body = {
            "type": f"urn:milia:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": sentences[self.code].format(**{"limit": "", "length": "", **self.details}),
            "code": self.code,
            **self.details,
        }
        return HTTPResponse(json.dumps(body, ensure_ascii=False), self.status, self.headers, CONTENT_TYPE)
