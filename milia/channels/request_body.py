"""Reads the body of a request piece by piece, so that one that is too large is never held."""

from __future__ import annotations

from sanic.exceptions import PayloadTooLarge
from sanic.request import Request


class BodyTooLarge(Exception):
    """A body is larger than allowed."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body.

    Args:
        request: of a route that streams, or one that is read already.
        limit: bytes.

    Raises:
        BodyTooLarge: there is more.
    """
    if request.stream is None:
        return bytes(request.body)
    parts, size = [], 0
    try:
        async for part in request.stream:
            size += len(part)
            if size > limit:
                raise BodyTooLarge
            parts.append(part)
    except PayloadTooLarge as error:
        raise BodyTooLarge from error
    return b"".join(parts)
