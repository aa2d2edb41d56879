"""Signatures of webhooks in the Standard Webhooks form: https://www.standardwebhooks.com."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


class InvalidSecret(ValueError):
    """The value is not a signing secret."""


def read_secrets(given: str) -> tuple[bytes, ...]:
    """Parse a comma-separated list of secrets, each `whsec_` and base64. Raises InvalidSecret."""
    return tuple(_key(secret.strip()) for secret in given.split(",") if secret.strip())


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key or not secret.startswith(PREFIX):
        raise InvalidSecret(f"Each secret in PAYMENT_WEBHOOK_SECRETS must be {PREFIX} and base64")
    return key


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a webhook, with one signature for each key; `timestamp` in Unix seconds."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signatures = (base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
