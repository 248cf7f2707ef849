"""The keys of all channels, each derived from one secret: `MILIA_SECRET_KEY`.

Owns how a key is made, not where the secret comes from: `milia run` gives its servers one (`milia/server.py`). Whoever
changes the secret ends every open web conversation and can no longer read recipients that are still to be sent to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from functools import lru_cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET = "MILIA_SECRET_KEY"
MIN_SECRET_BYTES = 32
# Fewer different characters than this is a placeholder, not a secret.
_MIN_DIFFERENT = 8

# What keys are for. A purpose has a key of its own, so that what one signs or encrypts means nothing to another.
WEB_TOKEN = "web-token"
WEB_CONFIRMATION = "web-confirmation"
PLATFORM_ID = "platform-id"
RECIPIENT = "recipient"


class SecretError(ValueError):
    """The secret is missing or of no use; the message says what is allowed, and never the value."""


class Keys:
    """Keys derived from a root secret (HKDF-SHA256), one for each purpose.

    Args:
        root: the secret.

    Raises:
        SecretError: It is shorter than 32 bytes, or has hardly any different characters.
    """

    def __init__(self, root: bytes) -> None:
        if len(root) < MIN_SECRET_BYTES or len(set(root)) < _MIN_DIFFERENT:
            raise SecretError(
                f"{SECRET} has {len(root)} bytes, {len(set(root))} of them different; it needs {MIN_SECRET_BYTES} or more "
                "random ones: make one with `openssl rand -hex 32`"
            )
        self._root = root

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Keys:
        """Take the secret from `MILIA_SECRET_KEY`.

        Raises:
            SecretError: It is not set, or of no use.
        """
        value = (os.environ if environment is None else environment).get(SECRET, "").strip()
        if not value:
            raise SecretError(f"{SECRET} is not set: make one with `openssl rand -hex 32` and keep it for this installation")
        return _keys_of(value.encode())

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """Return the key of a purpose: the same for the same secret, on every server."""
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"milia/{purpose}".encode()).derive(self._root)

    def keyed_hash(self, purpose: str, value: str) -> str:
        """Return a hash (64 hex digits) that nobody can recompute or look up without the secret."""
        return hmac.new(self.derive(purpose), value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def fernet(self, purpose: str) -> Fernet:
        """Return a cipher for what has to be read again."""
        return Fernet(base64.urlsafe_b64encode(self.derive(purpose)))


@lru_cache(maxsize=4)
def _keys_of(root: bytes) -> Keys:
    return Keys(root)
