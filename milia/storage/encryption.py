"""Encryption of what people wrote, at rest: keys from `MILIA_DATA_KEY`, optional.

Several keys, separated by commas, make a rotation: the first encrypts, all decrypt. What was stored without a key, or
before one was set, stays readable. How to rotate stands in `docs/operating.md`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from milia.storage.errors import DataKeyError

DATA_KEY = "MILIA_DATA_KEY"
# Every Fernet token starts so (its version byte); JSON never does.
_TOKEN_START = "gAAAA"


class TextCipher:
    """Encrypts and decrypts stored JSON; without a key it leaves it as it is.

    Args:
        keys: Fernet keys; the first one encrypts.

    Raises:
        DataKeyError: A key is not one; the message says which (by its place) and how to make one, never its value.
    """

    def __init__(self, keys: tuple[str, ...] = ()) -> None:
        ciphers = []
        for place, key in enumerate(keys, start=1):
            try:
                ciphers.append(Fernet(key.encode()))
            except ValueError as error:
                raise DataKeyError(
                    f"key {place} of {DATA_KEY} is not a Fernet key (32 bytes in URL-safe base64): make one with "
                    "`openssl rand -base64 32 | tr '+/' '-_'`"
                ) from error
        self._cipher = MultiFernet(ciphers) if ciphers else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> TextCipher:
        """Take the keys of `MILIA_DATA_KEY`; unset, nothing is encrypted."""
        value = (os.environ if environment is None else environment).get(DATA_KEY, "")
        return cls(tuple(key.strip() for key in value.split(",") if key.strip()))

    @property
    def encrypts(self) -> bool:
        """Tell whether there is a key."""
        return self._cipher is not None

    def encrypt(self, text: str) -> str:
        """Return the text as it is stored."""
        return self._cipher.encrypt(text.encode()).decode("ascii") if self._cipher else text

    def decrypt(self, stored: str) -> str:
        """Return the text that was stored.

        Raises:
            DataKeyError: It is encrypted, and none of the keys fits.
        """
        if not stored.startswith(_TOKEN_START):
            return stored
        if self._cipher is None:
            raise DataKeyError(f"stored texts are encrypted: set {DATA_KEY} to the key they were stored with")
        try:
            return self._cipher.decrypt(stored.encode("ascii")).decode()
        except InvalidToken as error:
            raise DataKeyError(
                f"a stored text fits none of the keys of {DATA_KEY}: keep an old key in the list, after the new one, for "
                "as long as what it encrypted is kept"
            ) from error
