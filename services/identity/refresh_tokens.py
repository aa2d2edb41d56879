"""Refresh tokens: 256 bits that mean nothing by themselves, kept as SHA-256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class RefreshTokens:
    """Makes them; a successor that may be asked for twice is derived, so that nothing of it is stored."""

    def __init__(self, secrets_key: str) -> None:
        self._key = hashlib.sha256(b"market-refresh-tokens:" + secrets_key.split(",")[0].strip().encode()).digest()

    def new(self) -> str:
        """43 URL-safe letters."""
        return secrets.token_urlsafe(32)

    def successor(self, token: str, idempotency_key: str | None) -> str:
        """What replaces a token: with a key the same each time, and nobody else can know it; without one a new one."""
        if idempotency_key is None:
            return self.new()
        derived = hmac.digest(self._key, hash_token(token) + idempotency_key.encode(), "sha256")
        return base64.urlsafe_b64encode(derived).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
