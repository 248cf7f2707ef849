"""The widget's script and the demo page, served from where they were built (`web/widget/dist`)."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.web_security import PAGE, SCRIPT

DIST = Path(__file__).resolve().parents[2] / "web" / "widget" / "dist"
NOT_BUILT = Path(__file__).with_name("web_not_built.html")

# What may be served, and as what. Anything else is not there.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_COMPRESSED = (".html", ".js", ".css", ".svg", ".json", ".map", ".txt")
_SHORT = "public, max-age=300, must-revalidate"
LONG = "public, max-age=31536000, immutable"
HASHED = re.compile(r"-[A-Za-z0-9_-]{8,}\.\w+")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class _File:
    """A built file as it is served."""

    body: bytes
    compressed: bytes
    tag: str
    stamp: tuple[int, int]


class Pages:
    """Serves built files, read once for each time they change.

    Args:
        dist: the build's folder.
    """

    def __init__(self, dist: Path = DIST) -> None:
        self._dist = dist.resolve()
        self._files: dict[Path, _File] = {}

    async def widget(self, request: Request, path: str = "widget.js") -> HTTPResponse:
        """Serve the script, or a file that belongs to it, to pages of any origin."""
        name = unquote(path)
        cached = LONG if HASHED.search(name) else _SHORT
        return self._file(request, name, SCRIPT, cached, page=False)

    async def demo(self, request: Request, path: str = "") -> HTTPResponse:
        """Serve the demo page, or a file that belongs to it."""
        name = f"demo/{unquote(path) or 'index.html'}"
        return self._file(request, name, PAGE, "no-cache" if name.endswith(".html") else _SHORT, page=True)

    def _file(self, request: Request, name: str, headers: Mapping[str, str], cached: str, page: bool) -> HTTPResponse:
        path = self._path(name)
        if path is None:
            return self._missing(page)
        file = self._read(path)
        headers = {**headers, "Cache-Control": cached, "ETag": file.tag, "Vary": "Accept-Encoding"}
        known = (request.headers.get("if-none-match") or "").replace("W/", "")
        if known == "*" or file.tag in (tag.strip() for tag in known.split(",")):
            return HTTPResponse(status=304, headers=headers)
        body = file.body
        if file.compressed and _takes_gzip(request.headers.get("accept-encoding") or ""):
            body, headers["Content-Encoding"] = file.compressed, "gzip"
        if request.method == "HEAD":
            headers["Content-Length"] = str(len(body))
            body = b""
        return HTTPResponse(body, 200, headers, _TYPES[path.suffix])

    def _path(self, name: str) -> Path | None:
        """Return the file of a name, if it is one of the build's."""
        if not _NAME.fullmatch(name) or Path(name).suffix not in _TYPES:
            return None
        path = (self._dist / name).resolve()
        return path if path.is_relative_to(self._dist) and path.is_file() else None

    def _read(self, path: Path) -> _File:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        file = self._files.get(path)
        if file is None or file.stamp != stamp:
            body = path.read_bytes()
            compressed = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSED else b""
            # One tag for both forms: they differ in the encoding only, and `Vary` tells caches.
            file = _File(body, compressed, f'"{hashlib.sha256(body).hexdigest()[:24]}"', stamp)
            self._files[path] = file
        return file

    def _missing(self, page: bool) -> HTTPResponse:
        built = (self._dist / "widget.js").is_file()
        if page and not built:
            headers = {**PAGE, "Cache-Control": "no-store"}
            return HTTPResponse(NOT_BUILT.read_bytes(), 404, headers, _TYPES[".html"])
        text = "Not found.\n" if built else "The widget has not been built: run `make setup`.\n"
        return HTTPResponse(text, 404, {**SCRIPT, "Cache-Control": "no-store"}, _TYPES[".txt"])


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, quality = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return not re.fullmatch(r"\s*q=0(\.0*)?", quality)
    return False
