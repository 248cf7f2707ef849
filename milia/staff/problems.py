"""Errors of the staff console, as RFC 9457 writes them: a code for the page, a sentence for the person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sanic.response import HTTPResponse

# Status and title of each code; its sentence stands in texts.yml.
CODES: Mapping[str, tuple[int, str]] = {
    "login-needed": (401, "Not logged in"),
    "login-failed": (401, "Name or password wrong"),
    "csrf": (403, "Not sent by the console"),
    "origin": (403, "Another site asks"),
    "role": (403, "Not allowed for this role"),
    "console-off": (404, "The console is off"),
    "not-found": (404, "Not found"),
    "try-gone": (404, "The conversation is forgotten"),
    "method": (405, "Method not allowed"),
    "conflict": (409, "Somebody was first"),
    "busy": (409, "A run is in progress"),
    "not-allowed-here": (409, "Not possible"),
    "body-too-large": (413, "Too large"),
    "malformed": (422, "Not understood"),
    "not-offered": (422, "Button not on offer"),
    "bad-file": (422, "The file is not in order"),
    "overlap": (422, "A sentence like it is there already"),
    "users-words": (422, "These are the person's words"),
    "content-refused": (422, "The change is not possible"),
    "locked": (429, "Too many tries"),
    "unavailable": (503, "Unavailable"),
}
CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is not served.

    Args:
        code: one of `CODES`.
        retry_after: seconds to wait; needed with 429 and 503.
        **details: members of the answer; they also fill the sentence.
    """

    def __init__(self, code: str, *, retry_after: int = 0, **details: Any) -> None:
        super().__init__(code)
        self.code, self.details = code, details
        self.status, self.title = CODES[code]
        self.headers: dict[str, str] = {}
        if retry_after:
            self.details["retry_after"] = retry_after
            self.headers["Retry-After"] = str(retry_after)
        if self.status == 401:
            self.headers["WWW-Authenticate"] = "Cookie"

    def response(self, sentences: Mapping[str, str]) -> HTTPResponse:
        """Return the answer; `sentences` has one for each code."""
        known = {"limit": "", "needs": "", "by": "", "reason": "", "allowed": "", "retry_after": "", **self.details}
        members = {name: value for name, value in self.details.items() if name not in ("reason", "allowed")}
        body = {
            "type": f"urn:milia:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": sentences[self.code].format(**known).strip(),
            "code": self.code,
            **members,
        }
        return HTTPResponse(json.dumps(body, ensure_ascii=False), self.status, self.headers, CONTENT_TYPE)
