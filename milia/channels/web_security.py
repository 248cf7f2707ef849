"""Which pages may talk to the server, and the headers that keep browsers from doing anything else with its answers."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from sanic.request import Request

from milia.channels.web_limits import client_address, is_trusted
from milia.channels.web_problems import Problem
from milia.channels.web_settings import WebSettings

METHODS = "GET, POST, DELETE, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type"
EXPOSED_HEADERS = "Retry-After, ETag"
# How long a browser may remember that it may ask, in seconds.
PREFLIGHT_SECONDS = 7_200

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
API = {
    **_ALWAYS,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    # The page has to be allowed by CORS; a page of another origin cannot embed it otherwise.
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PAGE = {
    **_ALWAYS,
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            # Lit's own policy, and the widget's if it needs one.
            "trusted-types lit-html milia",
            "require-trusted-types-for 'script'",
        )
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SCRIPT = {
    **_ALWAYS,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


# For what is not this channel's: Rasa's own routes, and errors before any route is found.
ELSEWHERE = {
    **_ALWAYS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'",
}


class Origins:
    """Decides by the `Origin` header, which browsers set and pages cannot change.

    Requests without one come from no page of another origin; the token decides there.
    """

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings

    def require(self, request: Request) -> None:
        """Accept a request of an allowed page, or of no page.

        Raises:
            Problem: The page's origin is not allowed.
        """
        if request.headers.get("origin") is not None and not self.allowed(request):
            raise Problem("origin")

    def allowed(self, request: Request) -> bool:
        """Tell whether the request names an origin that may hold conversations."""
        origin = (request.headers.get("origin") or "").lower()
        if origin in self._settings.origins:
            return True
        parsed = _split(origin)
        return parsed is not None and parsed == self._own_host(request)

    def headers(self, request: Request) -> Mapping[str, str]:
        """Return the CORS headers of an answer, whatever its status."""
        headers = {"Vary": "Origin"}
        if request.headers.get("origin") is not None and self.allowed(request):
            headers["Access-Control-Allow-Origin"] = request.headers["origin"]
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            if request.method == "OPTIONS":
                headers["Access-Control-Allow-Methods"] = METHODS
                headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
                headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return headers

    def address(self, request: Request) -> str:
        """Return the address to count by."""
        forwarded = request.headers.get("x-forwarded-for") or ""
        return client_address(request.ip or "", forwarded, self._settings.trusted_proxies)

    def _own_host(self, request: Request) -> str:
        if is_trusted(request.ip or "", self._settings.trusted_proxies):
            forwarded: str = request.headers.get("x-forwarded-host") or ""
            if forwarded:
                return forwarded.lower()
        return str(request.headers.get("host") or "").lower()


def _split(origin: str) -> str | None:
    """Return the host and port of an origin; None if it is none (`null`, another scheme, a whole address)."""
    try:
        parsed = urlsplit(origin)
    except ValueError:
        return None
    if parsed.scheme not in ("http", "https") or origin != f"{parsed.scheme}://{parsed.netloc}":
        return None
    return parsed.netloc
