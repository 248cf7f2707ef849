"""Passwords as argon2id hashes; the work is done in a thread, as one takes tens of milliseconds."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MIN_LENGTH, MAX_LENGTH = 12, 1024


class PasswordError(ValueError):
    """A password that cannot be used; the message says what is allowed, never the value."""


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # the library's defaults are those of RFC 9106 for little memory


def check(password: str, name: str = "") -> None:
    """Accept a new password.

    Raises:
        PasswordError: It is too short or long, hardly varied, or the user's name.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise PasswordError(f"the password has {len(password)} characters; allowed: {MIN_LENGTH} to {MAX_LENGTH}")
    if len(set(password)) < 5:
        raise PasswordError("the password has fewer than 5 different characters")
    if name and password.lower().strip("0123456789!.") == name.lower():
        raise PasswordError("the password is the user's name")


def hashed(password: str) -> str:
    """Return a password as it is stored."""
    return _hasher().hash(password)


def fits(stored: str, password: str) -> bool:
    """Tell whether a password is the stored one."""
    try:
        return _hasher().verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def nobodys() -> str:
    """Return the hash of a password that nobody has: an unknown name must take as long as a wrong password."""
    return hashed(secrets.token_urlsafe(24))


def generated() -> str:
    """Return a new random password that can be read aloud and typed."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))
