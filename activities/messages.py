"""Inputs and results of activities, workflows and signals: frozen dataclasses of ids, minor units, flags and seconds.

They hold nothing about a person: a workflow's history can be read by every operator. A field that is added later needs
a default, because inputs of open workflows are stored.
"""

# No `from __future__ import annotations`: decoding evaluates string annotations each time (60 µs a message, measured).
from dataclasses import dataclass
from uuid import UUID

from services.orders.start_input import OrderInput as OrderInput
from services.orders.status import CancelReason as CancelReason
from services.orders.status import OrderStatus as OrderStatus
from services.payments.status import PaymentStatus


@dataclass(frozen=True)
class OrderOutcome:
    """How an order ended: `confirmed` or `cancelled`, and the reason of a cancellation."""

    status: OrderStatus
    reason: CancelReason | None = None


@dataclass(frozen=True)
class OrderState:
    """The status of the order's row after a step."""

    status: OrderStatus
    reason: CancelReason | None = None


@dataclass(frozen=True)
class ReservedOrder:
    """The order's row after its goods were held: a run that continues another run's work goes on from here.

    The defaults are those of runs that were recorded before the row was read.
    """

    status: OrderStatus
    #: whether a payment method is kept, or was used; None: as the start input says
    has_method: bool | None = None
    #: seconds that are left to start a payment; None: the payment window began with the workflow
    window_left: float | None = None
    #: attempts to pay that have failed
    failed_attempts: int = 0


@dataclass(frozen=True)
class ReserveStock:
    order_id: UUID
    #: the first run of the workflow: a reset keeps its id
    run_id: str
    hold_seconds: int
    #: when the run started, in seconds since 1970: a later run takes the order over
    run_started: float = 0
    #: seconds in which a payment must have been started, from the creation of the order
    payment_window: int = 0


@dataclass(frozen=True)
class ReleaseStock:
    order_id: UUID


@dataclass(frozen=True)
class ChargePayment:
    order_id: UUID
    #: number of the attempt to pay this order, from 1
    attempt: int
    #: the run that must hold the order; empty: not checked (sent by an earlier release)
    run_id: str = ""


@dataclass(frozen=True)
class RefreshPayment:
    order_id: UUID
    payment_id: UUID
    attempt: int
    run_id: str = ""


@dataclass(frozen=True)
class PaymentState:
    """The state of a payment after the provider was asked."""

    payment_id: UUID
    status: PaymentStatus
    #: seconds until it makes sense to ask again
    retry_after: float = 0
    #: seconds that are left of the provider's own term, once it said `pending`
    term_left: float | None = None


@dataclass(frozen=True)
class RefundPayment:
    order_id: UUID


@dataclass(frozen=True)
class RefundLatePayment:
    order_id: UUID
    payment_id: UUID


@dataclass(frozen=True)
class RefundState:
    """Whether everything that is owed to the buyer was sent back."""

    done: bool
    #: seconds until it makes sense to ask again, when it is not done
    retry_after: float = 0
    refunded_minor: int = 0
    #: seconds that the provider may still take: until then nothing has failed
    waiting: float = 0


@dataclass(frozen=True)
class ConfirmOrder:
    order_id: UUID
    run_id: str = ""


@dataclass(frozen=True)
class BeginCancel:
    order_id: UUID
    run_id: str
    reason: CancelReason
    run_started: float = 0


@dataclass(frozen=True)
class FinishCancel:
    order_id: UUID
    run_id: str = ""


@dataclass(frozen=True)
class RaiseAttention:
    order_id: UUID
    #: a short code: the step that is stuck, or `payment_review`
    reason: str


@dataclass(frozen=True)
class ClearAttention:
    order_id: UUID
    reason: str


@dataclass(frozen=True)
class Resolve:
    """An operator's decision about a stuck undo: `retry`, `mark_done` or `write_off`."""

    step: str
    action: str
    #: what was done by hand, or why the loss is taken
    reference: str = ""
    #: the operator
    by: str = ""


@dataclass(frozen=True)
class RecordResolution:
    order_id: UUID
    step: str
    action: str
    reference: str
    #: the payment that was decided about; None: all payments of the order
    payment_id: UUID | None = None
    #: the id of the Update, so that every decision has an entry of its own
    decision_id: str = ""
    by: str = ""


@dataclass(frozen=True)
class PaymentUpdated:
    payment_id: UUID


@dataclass(frozen=True)
class RefundInput:
    """The start input of the workflow that refunds a late payment."""

    order_id: UUID
    payment_id: UUID
    #: seconds of trying after which a stuck refund asks for attention
    attention_after: int = 600
    local_lane: bool = True


@dataclass(frozen=True)
class PeriodicJob:
    """The start input of the workflow that repeats one job; durations in seconds."""

    #: the activity that does the job, and is its name; it returns how many things it changed
    activity: str
    every: int
    #: how long one attempt may take
    attempt: int
    #: runs until the workflow continues as new
    rounds: int = 60
