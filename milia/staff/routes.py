"""The one table of routes: which request needs which role, and which handler serves it.

docs/openapi/staff.yml says the same (a test compares them); the tests of roles are generated from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from milia.staff.users import Role

PREFIX = "/staff/api"
VIEWER, EDITOR, ADMIN = Role.VIEWER, Role.EDITOR, Role.ADMIN


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        method, path: of the request; `{name}` stands for one part of the path.
        handler: the handler's name, which is the operation's id in the contract.
        role: the lowest role that may; None: everybody, without a login.
        body_bytes: how large the request may be.
    """

    method: str
    path: str
    handler: str
    role: Role | None
    body_bytes: int = 65_536

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the whole path of a request."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1_>[^/]{1,255})", f"{PREFIX}{self.path}"))

    def names(self, path: str) -> dict[str, str] | None:
        """Return the parts of a path that the route names; None if it is another path."""
        found = self.pattern.fullmatch(path)
        return None if found is None else {name.removesuffix("_"): value for name, value in found.groupdict().items()}


ROUTES = (
    Route("POST", "/login", "login", None),
    Route("GET", "/session", "session", VIEWER),
    Route("POST", "/logout", "logout", VIEWER),
    Route("POST", "/password", "changePassword", VIEWER),
    Route("GET", "/about", "about", VIEWER),
    Route("POST", "/tries", "startTry", VIEWER),
    Route("GET", "/tries/{try}", "getTry", VIEWER),
    Route("DELETE", "/tries/{try}", "dropTry", VIEWER),
    Route("POST", "/tries/{try}/messages", "tryMessage", VIEWER),
    Route("GET", "/conversations", "listConversations", VIEWER),
    Route("GET", "/conversations/{conversation}", "getConversation", VIEWER),
    Route("GET", "/statistics", "statistics", VIEWER),
    Route("GET", "/reviews", "listReviews", VIEWER),
    Route("POST", "/reviews", "addReview", VIEWER),
    Route("GET", "/reviews/{review}", "getReview", VIEWER),
    Route("PATCH", "/reviews/{review}", "changeReview", EDITOR),
    Route("POST", "/reviews/{review}/check", "checkAccept", EDITOR),
    Route("POST", "/reviews/{review}/accept", "acceptReview", EDITOR),
    Route("POST", "/reviews/{review}/reject", "rejectReview", EDITOR),
    Route("POST", "/reviews/{review}/reopen", "reopenReview", EDITOR),
    Route("GET", "/reviews/{review}/patch", "reviewPatch", EDITOR),
    Route("GET", "/tests", "listTests", VIEWER),
    Route("POST", "/tests", "saveTest", EDITOR, 500_000),
    Route("POST", "/tests/draft", "draftTest", EDITOR),
    Route("GET", "/tests/files/{file}", "getTestFile", VIEWER),
    Route("PUT", "/tests/files/{file}", "putTestFile", EDITOR, 1_000_000),
    Route("GET", "/jobs", "listJobs", VIEWER),
    Route("POST", "/jobs", "startJob", EDITOR),
    Route("GET", "/jobs/{job}", "getJob", VIEWER),
    Route("POST", "/jobs/{job}/cancel", "cancelJob", EDITOR),
    Route("GET", "/jobs/{job}/report", "jobReport", VIEWER),
    # Its limit is the setting for uploads: see jobs_api.py.
    Route("POST", "/replays", "startReplay", EDITOR, 0),
    Route("GET", "/training", "getTraining", VIEWER),
    Route("POST", "/training", "startTraining", EDITOR),
    # What patients get from then on.
    Route("PUT", "/training/service", "putModelInService", ADMIN),
    Route("GET", "/content/topics", "listTopics", VIEWER),
    Route("GET", "/content/topics/{topic}", "getTopic", VIEWER),
    Route("GET", "/content/unanswered", "listUnanswered", VIEWER),
    Route("GET", "/content/book", "contentBook", VIEWER),
    Route("GET", "/users", "listUsers", ADMIN),
    Route("POST", "/users", "addUser", ADMIN),
    Route("PATCH", "/users/{name}", "changeUser", ADMIN),
    Route("DELETE", "/users/{name}", "removeUser", ADMIN),
    Route("GET", "/audit", "listAudit", ADMIN),
)


def at(path: str) -> Iterator[tuple[Route, dict[str, str]]]:
    """Yield the routes of a path, whatever their method, with the parts that they name."""
    for route in ROUTES:
        names = route.names(path)
        if names is not None:
            yield route, names
