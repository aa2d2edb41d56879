"""Ids of payments, which follow from the order and the attempt.

A database that was restored to an older state may have lost a payment that the provider has. Charged again, the attempt
has the same id, which is our reference and part of the idempotency key at the provider: there is no second charge.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

#: Most attempts to pay one order (`PAYMENT_ATTEMPTS`).
_ATTEMPTS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BASED = 7
_CUSTOM = 8
_RANDOM_BITS = 80


def payment_id(order_id: UUID, attempt: int) -> UUID:
    """The id of an order's payment, `attempt` counting from 1.

    A UUIDv7 with the time of the order's id, so that payments are stored in the order of time; a UUIDv8 (RFC 9562) when
    the order's id has no time.
    """
    digest = int.from_bytes(sha256(f"payment:{order_id}:{attempt}".encode()).digest()[:16], "big")
    timed = order_id.version == _TIME_BASED
    time = order_id.int >> _RANDOM_BITS if timed else digest >> _RANDOM_BITS
    value = time << _RANDOM_BITS | digest & ((1 << _RANDOM_BITS) - 1)
    return _with_version(value, _TIME_BASED if timed else _CUSTOM)


def attempt_of(order_id: UUID, payment: UUID) -> int | None:
    """The attempt of an order's payment with this id; None when the id does not follow from the order."""
    return next((attempt for attempt in range(1, _ATTEMPTS + 1) if payment_id(order_id, attempt) == payment), None)


def earliest_charge(payment: UUID) -> datetime | None:
    """The moment (UTC) before which no payment with this id was made: when its order was placed.

    In payments of earlier releases it is their own creation. None when the id has no time.
    """
    if payment.version != _TIME_BASED:
        return None
    return _EPOCH + timedelta(milliseconds=payment.int >> _RANDOM_BITS)


def _with_version(value: int, version: int) -> UUID:
    value &= ~(0xF << 76 | 0x3 << 62)
    return UUID(int=value | version << 76 | 0x2 << 62)
