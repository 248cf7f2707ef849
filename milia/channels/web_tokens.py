"""Signed, expiring tokens that name a conversation: who holds one may take part in it, and in no other.

Nothing is stored for a token, so that any server with the same `MILIA_SECRET_KEY` can read it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

import jwt

from milia.channels.keys import WEB_TOKEN, Keys
from milia.channels.web_problems import Problem

ALGORITHM = "HS256"
ISSUER, AUDIENCE = "milia", "milia-web"
MAX_TOKEN_LENGTH = 1_000
# A token younger than this is not renewed, so that not every turn brings a new one.
RENEW_AFTER_SECONDS = 3_600
# However often it is renewed, a conversation has to be opened anew after a week.
LONGEST_SECONDS = 7 * 24 * 3_600


@dataclass(frozen=True)
class Session:
    """What a valid token says.

    Attributes:
        conversation: id of the conversation, which is the sender id inside the bot.
        issued, expires, opened: seconds since 1970; `opened` is when the conversation was.
    """

    conversation: str
    issued: int
    expires: int
    opened: int


class Tokens:
    """Issues and reads tokens.

    Args:
        keys: the installation's keys.
        hours: how long a token holds.
        clock: seconds since 1970.
    """

    def __init__(self, keys: Keys, hours: int, clock: Callable[[], float] = time.time) -> None:
        self._key = keys.derive(WEB_TOKEN)
        self._seconds = hours * 3_600
        self._clock = clock

    def now(self) -> float:
        """Return the present time, in seconds since 1970."""
        return self._clock()

    def open(self) -> Session:
        """Begin a conversation whose name nobody can guess."""
        now = int(self._clock())
        return Session(f"web-{secrets.token_urlsafe(24)}", now, now + self._seconds, now)

    def token(self, session: Session) -> str:
        """Return the signed token of a session."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": session.conversation,
            "iat": session.issued,
            "exp": session.expires,
            "opened": session.opened,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, authorization: str | None) -> Session:
        """Return what the `Authorization` header says.

        Raises:
            Problem: There is no token, it was not issued here, or its time is over.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Problem("token-missing")
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise Problem("token-invalid")
        try:
            # The time is compared below, by this object's clock. The algorithm is a constant: the token's header has no say.
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["iss", "aud", "sub", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
            session = Session(str(claims["sub"]), int(claims["iat"]), int(claims["exp"]), int(claims["opened"]))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise Problem("token-invalid") from error
        if self._clock() >= min(session.expires, session.opened + LONGEST_SECONDS):
            raise Problem("token-expired")
        return session

    def renewed(self, session: Session) -> Session:
        """Return the same conversation's session with its time begun anew."""
        now = int(self._clock())
        expires = min(now + self._seconds, session.opened + LONGEST_SECONDS)
        return Session(session.conversation, now, expires, session.opened)

    def due(self, session: Session) -> bool:
        """Tell whether a turn should bring a new token."""
        return self._clock() - session.issued >= min(RENEW_AFTER_SECONDS, self._seconds / 2)


def as_time(seconds: float) -> str:
    """Return a time as JSON carries it: UTC, to the second."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
