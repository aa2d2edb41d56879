"""Rows of payments and refunds as the repositories read them, and the records that the service works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.money import Money
from services.payments.gateway import PaymentLookup, RefundRequest
from services.payments.payment_ids import earliest_charge
from services.payments.status import UNDECIDED, PaymentMethodType, PaymentStatus, RefundStatus
from services.payments.views import PaymentView, RefundView


@dataclass(frozen=True)
class PaymentRecord:
    """A payment with the data that only this service uses."""

    view: PaymentView
    #: until then one caller has the right to call the provider; also the version for optimistic locking
    claimed_until: datetime | None
    #: seconds until then, 0 when it has passed
    claimed_for: float
    #: no charge may begin for the order any more
    payments_closed: bool
    created_at: datetime
    #: ids at the provider that webhooks have named
    candidate_ids: tuple[str, ...]

    @property
    def lookup(self) -> PaymentLookup:
        """How to find the payment at the provider."""
        until = max(self.created_at, self.claimed_until or self.created_at)
        known = self.view.provider_id, self.candidate_ids
        return PaymentLookup(self.view.id, *known, self.created_at, until, self.earliest_charge)

    @property
    def earliest_charge(self) -> datetime:
        """Before this moment nobody charged it; the row may be younger, when the database was restored meanwhile."""
        return min(earliest_charge(self.view.id) or self.created_at, self.created_at)


@dataclass(frozen=True)
class RefundRecord:
    """A refund with the data that only this service uses."""

    view: RefundView
    #: number of the refund within its payment, from 1
    number: int
    provider_id: str | None
    payment_provider_id: str
    claimed_until: datetime | None
    #: seconds until then, 0 when it has passed
    claimed_for: float
    #: seconds since the last change
    unchanged_for: float
    #: seconds since it was requested
    age: float

    @property
    def request(self) -> RefundRequest:
        """The request to the provider, with the same key for every repetition."""
        key = refund_key(self.view.payment_id, self.number)
        return RefundRequest(key, self.payment_provider_id, self.view.amount)


def refund_key(payment_id: UUID, number: int) -> str:
    """The key of a payment's refund at the provider."""
    return f"refund:{payment_id}:{number}"


def next_number(refunds: Sequence[RefundRecord]) -> int:
    """The number of a payment's next refund."""
    return max((refund.number for refund in refunds), default=0) + 1


@dataclass(frozen=True)
class PaymentRow:
    """One row of the payment columns; times in seconds."""

    id: UUID
    order_id: UUID
    attempt: int
    status: str
    amount_minor: int
    currency: str
    method: str
    provider_id: str | None
    confirmation_url: str | None
    failure_code: str | None
    captured_minor: int
    refunded_minor: int
    captured_late: bool
    claimed_until: datetime | None
    created_at: datetime
    claimed_for: float
    term_left: float | None
    pending_until: datetime | None
    age: float
    payments_closed: bool
    candidate_ids: Sequence[str]

    def record(self) -> PaymentRecord:
        """The row as a record."""
        view = PaymentView(
            id=self.id,
            order_id=self.order_id,
            attempt=self.attempt,
            status=PaymentStatus(self.status),
            amount=Money(self.amount_minor, self.currency),
            method=PaymentMethodType(self.method),
            provider_id=self.provider_id,
            confirmation_url=self.confirmation_url,
            failure_code=self.failure_code,
            captured_minor=self.captured_minor,
            refunded_minor=self.refunded_minor,
            captured_late=self.captured_late,
            retry_after=self._retry_after(),
            term_left=self.term_left if self.status in UNDECIDED else None,
            pending_until=self.pending_until if self.status in UNDECIDED else None,
        )
        closed, candidates = self.payments_closed, tuple(self.candidate_ids)
        return PaymentRecord(view, self.claimed_until, self.claimed_for, closed, self.created_at, candidates)

    def _retry_after(self) -> float:
        """After the current claim; then every second for a young payment, up to once a minute for an old one."""
        if self.status not in UNDECIDED:
            return 0.0
        return self.claimed_for if self.provider_id is None else min(max(self.age / 8, 1.0), 60.0)


@dataclass(frozen=True)
class RefundRow:
    """One row of the refund columns; times in seconds."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    number: int
    amount_minor: int
    currency: str
    status: str
    provider_id: str | None
    failure_code: str | None
    claimed_until: datetime | None
    restock: bool
    payment_provider_id: str
    claimed_for: float
    unchanged_for: float
    age: float

    def record(self) -> RefundRecord:
        """The row as a record."""
        pending = self.status == RefundStatus.PENDING
        view = RefundView(
            id=self.id,
            payment_id=self.payment_id,
            order_id=self.order_id,
            status=RefundStatus(self.status),
            amount=Money(self.amount_minor, self.currency),
            failure_code=self.failure_code,
            retry_after=max(self.claimed_for, 1.0) if pending else 0.0,
            restock=self.restock,
        )
        return RefundRecord(
            view=view,
            number=self.number,
            provider_id=self.provider_id,
            payment_provider_id=self.payment_provider_id,
            claimed_until=self.claimed_until,
            claimed_for=self.claimed_for,
            unchanged_for=self.unchanged_for,
            age=self.age,
        )
