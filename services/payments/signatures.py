"""Standard Webhooks: whether a message was signed by somebody who knows our secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from services.errors import InvalidSignature

log = structlog.get_logger(__name__)

#: Seconds by which a message's time may differ from ours, either way.
TOLERANCE = 300
_SCHEME = "v1,"
# What is stored of it, with a prefix of ours, has to fit its column.
_ID = re.compile(r"[!-~]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class Signatures:
    """Checks messages with each of several keys, so that keys can be rotated."""

    def __init__(self, keys: Sequence[bytes], now: Callable[[], float] = time.time) -> None:
        """`now`: Unix seconds. Raises ValueError without a key: an empty one would let everybody in."""
        if not keys or not all(keys):
            raise ValueError("PAYMENT_WEBHOOK_SECRETS has no secret, or an empty one")
        self._keys = keys
        self._now = now

    def verify(self, headers: Iterable[tuple[str, str]], body: bytes) -> str:
        """The id of a genuine message, from its headers (names in lower case) and its raw body.

        Raises InvalidSignature, which never says what is wrong.
        """
        found = list(headers)
        try:
            message_id, timestamp, signatures = (_once(found, f"webhook-{name}") for name in _NAMES)
            self._check(message_id, timestamp, signatures, body)
        except ValueError as error:
            log.warning("payments.signature_refused", reason=str(error))
            raise InvalidSignature("The signature does not fit this message.") from None
        return message_id

    def _check(self, message_id: str, timestamp: str, signatures: str, body: bytes) -> None:
        if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
            raise ValueError("malformed")
        signed = b".".join((message_id.encode(), timestamp.encode(), body))
        # Every key with every signature, so that the time it takes tells nothing.
        expected = [hmac.digest(key, signed, hashlib.sha256) for key in self._keys]
        fits = [hmac.compare_digest(one, other) for other in _decoded(signatures) for one in expected]
        if not any(fits):
            raise ValueError("signature")
        # Last: a clock that is wrong, ours or theirs, is news only of messages that are genuine (FAULTS F51).
        if abs(self._now() - int(timestamp)) > TOLERANCE:
            raise ValueError("time")


_NAMES = ("id", "timestamp", "signature")


def _once(headers: Sequence[tuple[str, str]], name: str) -> str:
    values = [value for given, value in headers if given == name]
    if len(values) != 1:
        raise ValueError(f"{name} is there {len(values)} times")
    return values[0]


def _decoded(signatures: str) -> Iterator[bytes]:
    for signature in signatures.split(" "):
        if signature.startswith(_SCHEME):
            try:
                yield base64.b64decode(signature.removeprefix(_SCHEME), validate=True)
            except (binascii.Error, ValueError):
                continue
