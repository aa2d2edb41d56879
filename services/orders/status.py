"""Statuses of an order, why it was cancelled, and which status may follow which (contract, section 3)."""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    """The status of an order."""

    CREATED = "created"
    RESERVED = "reserved"
    PAYMENT_PENDING = "payment_pending"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    BUYER_REQUEST = "buyer_request"
    OPERATOR_REQUEST = "operator_request"
    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    PAYMENT_EXPIRED = "payment_expired"
    PAYMENT_UNAVAILABLE = "payment_unavailable"
    RESERVATION_EXPIRED = "reservation_expired"
    INTERNAL = "internal"


class OrderEventType(StrEnum):
    """What an entry of an order's timeline reports: a new status, or a step that changes none."""

    CREATED = "created"
    RESERVED = "reserved"
    PAYMENT_METHOD_GIVEN = "payment_method_given"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_WAITING = "payment_waiting"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CANCELLING = "cancelling"
    RELEASED = "released"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    RESTOCKED = "restocked"
    ATTENTION_RAISED = "attention_raised"
    ATTENTION_CLEARED = "attention_cleared"
    RESOLVED = "resolved"
    OPERATOR_ACTION = "operator_action"
    CANCELLED = "cancelled"


#: Entries of the timeline that only operators see.
FOR_OPERATORS = (
    OrderEventType.ATTENTION_RAISED,
    OrderEventType.ATTENTION_CLEARED,
    OrderEventType.RESOLVED,
    OrderEventType.OPERATOR_ACTION,
)

#: Start of the id of the workflow that refunds a late payment, which is also its attention reason.
LATE_REFUND_PREFIX = "refund-"


class UndoStep(StrEnum):
    """The undos that can get stuck and be resolved."""

    RELEASE_STOCK = "release_stock"
    REFUND_PAYMENT = "refund_payment"
    #: the refund of money that arrived after the order had ended; its attention reason is its workflow's id
    REFUND_LATE_PAYMENT = "refund_late_payment"

    @classmethod
    def of(cls, reason: str) -> UndoStep | None:
        """The undo that raised an attention reason; None for a reason that no undo raised."""
        if reason.startswith(LATE_REFUND_PREFIX):
            return cls.REFUND_LATE_PAYMENT
        return cls(reason) if reason in [*cls] else None

    @classmethod
    def is_refund(cls, reason: str) -> bool:
        """Whether an attention reason is about money that is to be returned."""
        return cls.of(reason) in (cls.REFUND_PAYMENT, cls.REFUND_LATE_PAYMENT)


class ResolveStep(StrEnum):
    """What an operator can resolve: a stuck undo, and a reason for which something can be tried again at once."""

    RELEASE_STOCK = "release_stock"
    REFUND_PAYMENT = "refund_payment"
    REFUND_LATE_PAYMENT = "refund_late_payment"
    PAYMENT_REVIEW = "payment_review"
    WORKFLOW_LOST = "workflow_lost"
    NO_PROGRESS = "no_progress"

    @classmethod
    def of(cls, reason: str) -> ResolveStep | None:
        """The step that stands for an attention reason; None for a reason that cannot be resolved."""
        undo = UndoStep.of(reason)
        return cls(undo or reason) if undo or reason in [*cls] else None


class ResolveAction(StrEnum):
    """How an operator resolves a step (contract, `POST /orders/{orderId}/resolve`)."""

    RETRY = "retry"
    MARK_DONE = "mark_done"
    WRITE_OFF = "write_off"


class OperatorAction(StrEnum):
    """What an operator does with an order besides resolving a step; an entry of the timeline begins with it."""

    CANCEL = "cancel"
    RESTART = "restart"
    REFUND = "refund"


#: The attention reason of an order whose payment the provider reports with another amount than asked.
PAYMENT_REVIEW = "payment_review"
#: Of an order whose workflow keeps ending before the order does.
WORKFLOW_LOST = "workflow_lost"
#: Of an order whose workflow's tasks fail: a bug in its code, which Temporal retries for ever.
WORKFLOW_FAILING = "workflow_failing"
#: Of an order that is pinned to a build of the workers of which none runs.
NO_WORKER = "no_worker"
#: Of an order that stands still for longer than its status can take.
NO_PROGRESS = "no_progress"

#: Reasons that recovery tries again, not the workflow of the order.
RECOVERED = (WORKFLOW_LOST, NO_PROGRESS)

S = OrderStatus

#: From each status, where an order may go next.
TRANSITIONS: dict[S, frozenset[S]] = {
    S.CREATED: frozenset({S.RESERVED, S.CANCELLING}),
    S.RESERVED: frozenset({S.PAYMENT_PENDING, S.CANCELLING}),
    S.PAYMENT_PENDING: frozenset({S.PAID, S.CANCELLING}),
    S.PAID: frozenset({S.CONFIRMED, S.CANCELLING}),
    S.CONFIRMED: frozenset(),
    S.CANCELLING: frozenset({S.CANCELLED}),
    S.CANCELLED: frozenset(),
}

#: Being cancelled, or cancelled: no forward step is taken any more.
CLOSING = frozenset({S.CANCELLING, S.CANCELLED})
#: Nothing changes any more.
FINAL = frozenset({S.CONFIRMED, S.CANCELLED})

PAID = frozenset({S.PAID, S.CONFIRMED})
UNPAID = frozenset({S.CREATED, S.RESERVED, S.PAYMENT_PENDING})

_FORWARD = (S.CREATED, S.RESERVED, S.PAYMENT_PENDING, S.PAID, S.CONFIRMED)


def sources(target: S) -> list[str]:
    """The statuses from which an order may go to `target`."""
    return [str(status) for status, following in TRANSITIONS.items() if target in following]


def has_reached(status: S, target: S) -> bool:
    """True when the forward step to `target` was done before, so that doing it again is a repetition."""
    return {status, target} <= set(_FORWARD) and _FORWARD.index(status) >= _FORWARD.index(target)
