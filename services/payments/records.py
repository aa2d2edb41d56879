"""Rows of payments and refunds, with what only this service needs to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.money import Money
from services.payments.gateway import RefundOrder, Search
from services.payments.status import PaymentStatus, RefundStatus
from services.payments.views import PaymentView, RefundView

_UNDECIDED = (PaymentStatus.PENDING, PaymentStatus.UNKNOWN)


@dataclass(frozen=True)
class PaymentRecord:
    """A payment with the moment until which somebody may be talking to the provider about it."""

    view: PaymentView
    claimed_until: datetime | None
    #: seconds until then, 0 when it has passed
    busy_for: float
    #: the order's door is closed: no charge may begin any more
    closed: bool
    created_at: datetime
    #: ids at the provider that messages have named
    hints: tuple[str, ...]

    @property
    def search(self) -> Search:
        """Where the provider may have it."""
        until = max(self.created_at, self.claimed_until or self.created_at)
        return Search(self.view.id, self.view.provider_id, self.hints, self.created_at, until)


@dataclass(frozen=True)
class RefundRecord:
    """A refund with its number within the payment, and where the provider has the payment."""

    view: RefundView
    number: int
    provider_id: str | None
    payment_provider_id: str
    claimed_until: datetime | None
    busy_for: float
    #: seconds since it last changed
    still_for: float

    @property
    def order(self) -> RefundOrder:
        """What is asked of the provider, under one key however often it is asked."""
        key = f"refund:{self.view.payment_id}:{self.number}"
        return RefundOrder(key, self.payment_provider_id, self.view.amount)


def payment_record(row: Row[Any]) -> PaymentRecord:
    """A row of the repository's payment columns."""
    view = PaymentView(
        id=row.id,
        order_id=row.order_id,
        attempt=row.attempt,
        status=PaymentStatus(row.status),
        amount=Money(row.amount_minor, row.currency),
        method=row.method,
        provider_id=row.provider_id,
        confirmation_url=row.confirmation_url,
        failure_code=row.failure_code,
        captured_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        captured_late=row.captured_late,
        retry_after=_pace(row),
        term_left=row.term_left if row.status in _UNDECIDED else None,
    )
    return PaymentRecord(view, row.claimed_until, row.busy_for, row.closed, row.created_at, tuple(row.hints))


def _pace(row: Row[Any]) -> float:
    """Not while somebody talks to the provider; then often for a young payment, once a minute for an old one."""
    if row.status not in _UNDECIDED:
        return 0.0
    return float(row.busy_for) if row.provider_id is None else min(max(row.age / 8, 1.0), 60.0)


def refund_record(row: Row[Any]) -> RefundRecord:
    """A row of the repository's refund columns."""
    pending = row.status == RefundStatus.PENDING
    view = RefundView(
        id=row.id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        status=RefundStatus(row.status),
        amount=Money(row.amount_minor, row.currency),
        failure_code=row.failure_code,
        retry_after=max(row.busy_for, 1.0) if pending else 0.0,
    )
    return RefundRecord(
        view, row.number, row.provider_id, row.payment_provider_id, row.claimed_until, row.busy_for, row.still_for
    )
