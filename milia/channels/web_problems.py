"""The errors of the web channel."""

from __future__ import annotations

from collections.abc import Mapping

from milia.channels.problems import HttpProblem

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


class Problem(HttpProblem):
    """A request that the web channel does not serve."""

    codes = CODES
    challenge = 'Bearer realm="milia"'
    blanks = ("limit", "length")
