"""Refresh tokens: 256 random bits without content, stored as SHA-256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class RefreshTokens:
    """Creates refresh tokens. A successor that may be requested again is derived, so that it need not be stored."""

    def __init__(self, secrets_key: str) -> None:
        self._key = hashlib.sha256(b"market-refresh-tokens:" + secrets_key.split(",")[0].strip().encode()).digest()

    def new(self) -> str:
        """43 URL-safe characters."""
        return secrets.token_urlsafe(32)

    def successor(self, token: str, idempotency_key: str | None) -> str:
        """The token that replaces `token`: derived with a key, and so repeatable; random without one."""
        if idempotency_key is None:
            return self.new()
        derived = hmac.digest(self._key, hash_token(token) + idempotency_key.encode(), "sha256")
        return base64.urlsafe_b64encode(derived).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    """The stored form of a token (SHA-256)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
