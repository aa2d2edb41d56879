"""Where a list goes on: opaque, signed, and good only for the caller and the filters that it was made for."""

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
    """Makes and reads cursors; `SECRETS_KEY` may hold several keys: the first signs, all are good for reading."""

    def __init__(self, secrets_key: str) -> None:
        self._keys = [
            hashlib.sha256(b"market-cursor:" + key.strip().encode()).digest() for key in secrets_key.split(",")
        ]

    def write(self, listing: Listing, last: UUID) -> str:
        """The cursor behind `last`."""
        return _written(last.bytes + _mac(self._keys[0], listing, last.bytes))

    def read(self, listing: Listing, cursor: str) -> UUID:
        """The last id of the page before. Raises Invalid for anything that was not made for this list."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==")
        except ValueError:
            raise _unknown() from None
        last, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
        # One spelling only: base64 skips strange characters and the last bits.
        if len(raw) != _ID_BYTES + _MAC_BYTES or _written(raw) != cursor or not self._fits(listing, last, mac):
            raise _unknown()
        return UUID(bytes=last)

    def _fits(self, listing: Listing, last: bytes, mac: bytes) -> bool:
        return any(hmac.compare_digest(_mac(key, listing, last), mac) for key in self._keys)


@dataclass(frozen=True)
class Listing:
    """One list as one caller sees it: the operation, who reads it, and the filters that were asked for."""

    operation: str
    caller: str
    filters: Mapping[str, object]

    @property
    def name(self) -> bytes:
        """The same for the same list only."""
        return repr((self.operation, self.caller, sorted((k, str(v)) for k, v in self.filters.items()))).encode()


def _mac(key: bytes, listing: Listing, last: bytes) -> bytes:
    return hmac.digest(key, last + listing.name, "sha256")[:_MAC_BYTES]


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unknown() -> Invalid:
    return Invalid("This cursor is not good for this list: begin again without it.", pointer="/query/cursor")
