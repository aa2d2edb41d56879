"""Keeps values that must be read again, but never lie open in a row: card tokens, phones, message variables."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Vault:
    """Encrypts small JSON objects with keys derived from `SECRETS_KEY` (comma-separated: first writes, all read)."""

    def __init__(self, secrets_key: str) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in secrets_key.split(",")])

    def seal(self, values: Mapping[str, object]) -> bytes:
        """The encrypted form of a JSON object."""
        return self._fernet.encrypt(json.dumps(values).encode())

    def open(self, sealed: bytes) -> dict[str, str]:
        """The object again. Raises ValueError when no key fits."""
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(bytes(sealed)))
        except InvalidToken as error:
            raise ValueError("SECRETS_KEY does not open a stored value: was a key retired too early?") from error
        return opened


def _derived(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"market-vault:" + key.strip().encode()).digest())
