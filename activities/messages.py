"""What crosses Temporal's border: frozen dataclasses of ids, minor units, flags and durations in seconds.

Never a name, address, phone, e-mail or token: all of this can be read in a workflow's history for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class OrderInput:
    """What an order's workflow is started with; stored with the order, so that any start is the same start."""

    order_id: UUID
    buyer_id: UUID
    total_minor: int
    currency: str
    has_method: bool
    hold_seconds: int
    payment_window: int
    payment_attempts: int
    attention_after: int
    local_lane: bool


@dataclass(frozen=True)
class OrderOutcome:
    """How an order ended: `confirmed` or `cancelled`, and why if cancelled."""

    status: str
    reason: str | None = None


@dataclass(frozen=True)
class ReserveStock:
    order_id: UUID
    #: the original run of the workflow: it survives a reset
    run_id: str
    hold_seconds: int


@dataclass(frozen=True)
class ReleaseStock:
    order_id: UUID


@dataclass(frozen=True)
class ChargePayment:
    order_id: UUID
    #: which try of the order this is, from 1
    attempt: int


@dataclass(frozen=True)
class RefreshPayment:
    order_id: UUID
    payment_id: UUID
    attempt: int


@dataclass(frozen=True)
class PaymentState:
    """Where a payment stands; `look_again` is in seconds from now."""

    payment_id: UUID
    status: str
    look_again: float = 0
    #: seconds of the provider's own term that are left, when it said `pending`
    term_left: float | None = None


@dataclass(frozen=True)
class UndoPayment:
    order_id: UUID


@dataclass(frozen=True)
class RefundLatePayment:
    order_id: UUID
    payment_id: UUID


@dataclass(frozen=True)
class MoneyReturned:
    """Whether nothing is owed any more; if not, look again in so many seconds."""

    done: bool
    look_again: float = 0
    refunded_minor: int = 0


@dataclass(frozen=True)
class ConfirmOrder:
    order_id: UUID


@dataclass(frozen=True)
class BeginCancel:
    order_id: UUID
    run_id: str
    reason: str


@dataclass(frozen=True)
class FinishCancel:
    order_id: UUID


@dataclass(frozen=True)
class OrderStanding:
    """Where the order's row stands: it is the arbiter."""

    status: str
    reason: str | None = None


@dataclass(frozen=True)
class RaiseAttention:
    order_id: UUID
    #: a short code: which step is stuck; None when it no longer is
    reason: str | None


@dataclass(frozen=True)
class RecordResolution:
    order_id: UUID
    step: str
    action: str
    reference: str
    #: the one payment that it is about; None: all of the order
    payment_id: UUID | None = None


@dataclass(frozen=True)
class Resolve:
    """An operator's word about a stuck step: `retry`, `mark_done` (with a reference) or `write_off`."""

    step: str
    action: str
    reference: str = ""


@dataclass(frozen=True)
class PaymentUpdated:
    payment_id: UUID


@dataclass(frozen=True)
class RefundInput:
    order_id: UUID
    payment_id: UUID
    attention_after: int = 600
    local_lane: bool = True


@dataclass(frozen=True)
class Swept:
    """What one round of maintenance ended."""

    holds: int
