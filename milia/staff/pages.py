"""The console's pages, served from where they were built (`web/console/dist`)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.web_pages import HASHED, LONG, Pages
from milia.channels.web_security import PAGE

DIST = Path(__file__).resolve().parents[2] / "web" / "console" / "dist"
INDEX = "index.html"
# What the login shows is for staff alone: no other page may frame it, no cache keep it.
HEADERS = {**PAGE, "X-Frame-Options": "DENY"}
HEADERS["Content-Security-Policy"] = HEADERS["Content-Security-Policy"].replace(
    "frame-ancestors 'self'", "frame-ancestors 'none'"
)


class ConsolePages(Pages):
    """Serves the console.

    Args:
        dist: the build's folder.
    """

    def __init__(self, dist: Path = DIST) -> None:
        super().__init__(dist)

    async def page(self, request: Request, path: str = "") -> HTTPResponse:
        """Serve a file of the console; an address of one of its views is the page itself."""
        name = unquote(path) or INDEX
        is_view = "." not in name.rpartition("/")[2]
        if is_view:
            name = INDEX
        if self._path(name) is None:
            built = self._path(INDEX) is not None
            text = "Not found.\n" if built else "The console has not been built: run `make setup`.\n"
            return HTTPResponse(text, 404, {**HEADERS, "Cache-Control": "no-store"}, "text/plain; charset=utf-8")
        cached = LONG if HASHED.search(name) else "no-cache"
        return self._file(request, name, HEADERS, cached, page=False)
