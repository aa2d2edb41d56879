"""The states of workflows in words, as the Web UI shows them: what happens, and what is waited for until when."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderOutcome
    from services.orders.status import CancelReason, OrderStatus
    from workflows.current_details import State
    from workflows.durations import duration

#: Why an order is cancelled, as the end of a sentence.
BECAUSE = {
    CancelReason.BUYER_REQUEST: "the buyer asked for it",
    CancelReason.OPERATOR_REQUEST: "an operator asked for it",
    CancelReason.OUT_OF_STOCK: "the goods are out of stock",
    CancelReason.PAYMENT_DECLINED: "the payment was declined",
    CancelReason.PAYMENT_EXPIRED: "it was not paid in time",
    CancelReason.PAYMENT_UNAVAILABLE: "the provider cannot take this payment",
    CancelReason.RESERVATION_EXPIRED: "the goods were no longer held",
    CancelReason.INTERNAL: "a step was refused for an internal reason",
}
_MAY_CANCEL = "nothing is needed. *More Actions*, *Request Cancellation* cancels the order at once, as its buyer can."

PROCESSING = State(
    "**In progress:** the goods are being reserved and the payment is being taken. This takes seconds.",
    f"if it lasts, *Pending Activities* shows the step, its last failure and its next attempt; otherwise {_MAY_CANCEL}",
)
CONFIRMING = State("**In progress:** the payment has succeeded, and the order is being confirmed.")
RETURNING = State("**In progress:** the provider is asked about the payment, and what it took is sent back.")
RETURNED = State("**Done:** nothing of this payment is owed to the buyer. The workflow has ended.")


def waiting_for_method(until: datetime) -> State:
    """The buyer has yet to give a payment method."""
    return State(
        f"**Waiting for the buyer** to give a payment method, until {_time(until)}. Without one, the order is then "
        "cancelled and its goods are released.",
        _MAY_CANCEL,
    )


def waiting_for_payment(payment_id: UUID, until: datetime) -> State:
    """The provider has yet to decide on a payment."""
    return State(
        f"**Waiting for the payment provider** to decide on payment `{payment_id}`, until {_time(until)}. Without a "
        "decision, the order is then cancelled, and money that arrives later is sent back. The provider is asked again "
        "when it reports something, and at the end of the timer in the history.",
        _MAY_CANCEL,
    )


def cancelling(reason: CancelReason | None, attention_after: int) -> State:
    """The undos of an order run; `attention_after` in seconds."""
    return State(
        f"**Cancelling**, because {_because(reason)}. The goods are released, and the money is sent back if any was "
        "taken. Each is repeated until it has succeeded.",
        f"nothing is needed. What has failed for {duration(attention_after)} asks for a person, on this page and by "
        "`NeedsAttention`.",
    )


def waiting_for_refund(reason: CancelReason | None, until: datetime | None) -> State:
    """Money cannot be sent back yet; `until`: the end of the provider's time, None when the last attempt failed."""
    waits = returning(until)
    return State(f"**Cancelling**, because {_because(reason)}.\n\n{waits.now}", waits.advice)


def returning(until: datetime | None) -> State:
    """The money of a late payment cannot be sent back yet; `until` as for `waiting_for_refund`."""
    if until is None:
        return State(
            "**The last attempt to send the money back failed.** It is repeated at the end of the timer in the "
            "history.",
            "nothing is needed until this page asks for a person.",
        )
    return State(
        "**Waiting for the payment provider**, which has not decided yet on the payment or its refund. It may take "
        f"until {_time(until)}. It is asked again when it reports, and at the end of the timer in the history.",
        "nothing is needed. The money cannot be sent back before the provider has decided.",
    )


def ended(outcome: OrderOutcome) -> State:
    """The order has ended."""
    if outcome.status == OrderStatus.CONFIRMED:
        return State(
            "**Confirmed:** the goods are paid and sold. The workflow has ended.",
            "refund by `POST /refunds`. The order can no longer be cancelled.",
        )
    return State(
        f"**Cancelled**, because {_because(outcome.reason)}. No goods are held and no money is kept, but for what an "
        "operator has written off. The workflow has ended.",
        "nothing is needed. Money that arrives later is sent back by a workflow of its own, `refund-<paymentId>`.",
    )


def _because(reason: CancelReason | None) -> str:
    return BECAUSE[reason] if reason else "a step was refused"


def _time(moment: datetime) -> str:
    return f"**{moment:%Y-%m-%d %H:%M:%S} UTC**"
