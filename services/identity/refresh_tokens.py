"""Refresh tokens: 256 random bits without content, stored as SHA-256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class RefreshTokens:
    """Creates refresh tokens. A successor is derived, so that it can be returned again and need not be stored."""

    def __init__(self, secrets_key: str) -> None:
        self._key = hashlib.sha256(b"market-refresh-tokens:" + secrets_key.split(",")[0].strip().encode()).digest()

    def new(self) -> str:
        """43 URL-safe characters."""
        return secrets.token_urlsafe(32)

    def successor(self, token: str) -> str:
        """The token that replaces `token`: only who has the secret key can derive it."""
        return base64.urlsafe_b64encode(self._derive(b"successor:", token)).decode().rstrip("=")

    def key_hash(self, token: str, idempotency_key: str | None) -> bytes | None:
        """The stored form of the Idempotency-Key of a request that replaces `token`; None without a key."""
        return None if idempotency_key is None else self._derive(b"key:" + idempotency_key.encode(), token)

    def _derive(self, purpose: bytes, token: str) -> bytes:
        return hmac.digest(self._key, hash_token(token) + purpose, "sha256")


def hash_token(token: str) -> bytes:
    """The stored form of a token (SHA-256)."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
