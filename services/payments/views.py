"""What the payments service takes and gives: charges, payments, refunds and what came of an undo, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.money import Money
from services.payments.status import PaymentStatus, RefundStatus

Method = Literal["card", "phone"]


@dataclass(frozen=True)
class Charge:
    """One attempt to take an order's money; `amount_minor` in minor units, attempts count from 1."""

    order_id: UUID
    attempt: int
    amount_minor: int
    currency: str
    method: Method
    #: one-time token of a card, for `card`
    card_token: str | None = field(default=None, repr=False)
    #: E.164, for `phone`
    phone: str | None = field(default=None, repr=False)
    #: where the provider sends the buyer back to
    return_url: str | None = None

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


@dataclass(frozen=True)
class PaymentView:
    """A payment as our books have it; `captured_minor` and `refunded_minor` in minor units of `amount.currency`."""

    id: UUID
    order_id: UUID
    attempt: int
    status: PaymentStatus
    amount: Money
    method: Method
    provider_id: str | None
    #: where the buyer must go, when the provider asks for 3-D Secure or the like
    confirmation_url: str | None
    failure_code: str | None
    captured_minor: int
    refunded_minor: int
    #: a success that came after the payment had been given up; it pays nothing and is to be sent back
    captured_late: bool
    #: seconds until looking again makes sense; 0 once it is decided
    retry_after: float
    #: seconds left of the provider's term for a pending payment
    term_left: float | None

    @property
    def undecided(self) -> bool:
        """Nobody knows yet whether money was taken, or will be."""
        return self.status in (PaymentStatus.PENDING, PaymentStatus.UNKNOWN)


@dataclass(frozen=True)
class RefundView:
    """Money on its way back to the buyer."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    status: RefundStatus
    amount: Money
    failure_code: str | None
    #: seconds until looking again makes sense; 0 once it is decided
    retry_after: float
    #: this answers a request that came before, with the same Idempotency-Key
    replayed: bool = False


@dataclass(frozen=True)
class Undone:
    """How far giving back has come; when not `done`, do the same again after `retry_after` seconds."""

    done: bool
    #: what the order's buyer has back, in minor units
    refunded_minor: int
    refund_id: UUID | None = None
    payment_id: UUID | None = None
    retry_after: float = 0.0
    #: why it is not done: `payment_undecided`, `refund_pending`, `refund_failed`, `review`
    reason: str | None = None


@dataclass(frozen=True)
class Received:
    """A provider's message about a payment; not `fresh` when the same message came before."""

    payment_id: UUID
    order_id: UUID
    fresh: bool
    #: we had given this payment up: money that comes for it now pays nothing
    late: bool = False


@dataclass(frozen=True)
class News:
    """What somebody whom we know tells of a payment: a hint, but for an amount that differs from ours."""

    #: `pending`, `succeeded`, `failed` or `refunded`
    status: str
    #: None: not said
    amount: Money | None = None
    failure_code: str | None = field(default=None, repr=False)
    failure_message: str | None = field(default=None, repr=False)
