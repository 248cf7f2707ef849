"""The errors of the staff console."""

from __future__ import annotations

from collections.abc import Mapping

from milia.channels.problems import HttpProblem

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
    "model-refused": (422, "The model cannot serve"),
    "locked": (429, "Too many tries"),
    "unavailable": (503, "Unavailable"),
}


class Problem(HttpProblem):
    """A request that the console does not serve."""

    codes = CODES
    challenge = "Cookie"
    blanks = ("limit", "needs", "by", "reason", "allowed", "retry_after")
    only_told = ("reason", "allowed")
