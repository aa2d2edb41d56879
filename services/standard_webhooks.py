"""Signatures of the Standard Webhooks specification, for messages that we receive and for those that we send.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

from services.secrets import WEBHOOK_PREFIX

#: The version of a signature by HMAC-SHA256, as it is written before it.
SCHEME = "v1,"
#: Random bytes of a secret; the specification asks for 24 to 64.
SECRET_BYTES = 32


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    """The signature of a message by one key; `timestamp` in Unix seconds, as in the header."""
    return hmac.digest(key, b".".join((message_id.encode(), timestamp.encode(), body)), hashlib.sha256)


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers of a message, with a signature by each key: while a secret is rotated there are two."""
    given = [base64.b64encode(signature(key, message_id, str(timestamp), body)).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"{SCHEME}{each}" for each in given),
    }


def new_secret() -> str:
    """A secret, `whsec_` and base64."""
    return f"{WEBHOOK_PREFIX}{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
