"""Signed page cursors, valid only for the caller and the filters that they were made for."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.errors import Invalid

_MAC_BYTES = 16
_ID_BYTES = 16


class Cursors:
    """Writes and reads cursors. SECRETS_KEY may have several keys: the first signs, all verify."""

    def __init__(self, secrets_key: str) -> None:
        self._keys = [
            hashlib.sha256(b"market-cursor:" + key.strip().encode()).digest() for key in secrets_key.split(",")
        ]

    def write(self, listing: Listing, last: UUID) -> str:
        """The cursor of the page after `last`."""
        return _written(last.bytes + _mac(self._keys[0], listing, last.bytes))

    def read(self, listing: Listing, cursor: str) -> UUID:
        """The last id of the previous page. Raises Invalid for a cursor that was not made for this list."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        except ValueError:
            raise _unknown() from None
        last, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
        # Accept the canonical form only: base64 ignores invalid characters and the last bits.
        if len(raw) != _ID_BYTES + _MAC_BYTES or _written(raw) != cursor or not self._fits(listing, last, mac):
            raise _unknown()
        return UUID(bytes=last)

    def _fits(self, listing: Listing, last: bytes, mac: bytes) -> bool:
        return any(hmac.compare_digest(_mac(key, listing, last), mac) for key in self._keys)


@dataclass(frozen=True)
class Listing:
    """A list as one caller sees it: the operation, the caller and the filters."""

    operation: str
    caller: str
    filters: Mapping[str, object]

    @property
    def name(self) -> bytes:
        """Bytes that identify the list."""
        return repr((self.operation, self.caller, sorted((k, str(v)) for k, v in self.filters.items()))).encode()


def _mac(key: bytes, listing: Listing, last: bytes) -> bytes:
    return hmac.digest(key, last + listing.name, "sha256")[:_MAC_BYTES]


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unknown() -> Invalid:
    return Invalid("This cursor is not valid for this list: start again without it.", pointer="/query/cursor")
