"""Verifies the signatures of webhooks by the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from services.errors import InvalidSignature
from services.standard_webhooks import SCHEME, signature

log = structlog.get_logger(__name__)

#: Largest difference between a message's timestamp and our clock, in seconds, in both directions.
TOLERANCE = 300
# The id is stored with a prefix and must fit its column.
_ID = re.compile(r"[!-~]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class SignatureVerifier:
    """Checks messages against several keys, so that keys can be rotated."""

    def __init__(self, keys: Sequence[bytes], now: Callable[[], float] = time.time) -> None:
        """`now` returns Unix seconds. Raises ValueError without keys, or with an empty key that anyone could use."""
        if not keys or not all(keys):
            raise ValueError("PAYMENT_WEBHOOK_SECRETS has no secret, or an empty one")
        self._keys = keys
        self._now = now

    def verify(self, headers: Iterable[tuple[str, str]], body: bytes) -> str:
        """The id of an authentic message; `headers` with names in lower case, `body` as received.

        Raises InvalidSignature, which does not tell which check failed; the log does.
        """
        found = list(headers)
        try:
            message_id, timestamp, signatures = (_once(found, f"webhook-{name}") for name in _NAMES)
            self._check(message_id, timestamp, signatures, body)
        except ValueError as error:
            log.warning("payments.signature_invalid", reason=str(error))
            raise InvalidSignature("The signature does not match this message.") from None
        return message_id

    def _check(self, message_id: str, timestamp: str, signatures: str, body: bytes) -> None:
        if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
            raise ValueError("malformed")
        # Compare every key with every signature, so that the duration reveals nothing.
        expected = [signature(key, message_id, timestamp, body) for key in self._keys]
        matches = [hmac.compare_digest(one, other) for other in _decoded(signatures) for one in expected]
        if not any(matches):
            raise ValueError("signature")
        # Last, so that the log reports a wrong clock only for authentic messages (FAULTS F51).
        if abs(self._now() - int(timestamp)) > TOLERANCE:
            raise ValueError("time")


_NAMES = ("id", "timestamp", "signature")


def _once(headers: Sequence[tuple[str, str]], name: str) -> str:
    values = [value for given, value in headers if given == name]
    if len(values) != 1:
        raise ValueError(f"{len(values)} headers {name}")
    return values[0]


def _decoded(signatures: str) -> Iterator[bytes]:
    for given in signatures.split(" "):
        if given.startswith(SCHEME):
            try:
                yield base64.b64decode(given.removeprefix(SCHEME), validate=True)
            except (binascii.Error, ValueError):
                continue
