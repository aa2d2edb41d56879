"""What a person can do about each reason for which an order needs one."""

from __future__ import annotations

from collections.abc import Sequence

from services.errors import InvalidTransition
from services.orders.status import (
    NO_PROGRESS,
    NO_WORKER,
    PAYMENT_REVIEW,
    WORKFLOW_FAILING,
    WORKFLOW_LOST,
    OrderStatus,
    ResolveAction,
    ResolveStep,
    UndoStep,
)

_UNDO = (
    "It is repeated by itself. When the cause is corrected, retry it at once. When it was done by hand, mark it as done"
    " before the next try, and do not retry it: that asks for it once more."
)
_ADVICE = {
    PAYMENT_REVIEW: (
        "The provider reported another amount than was asked for, so the order is being cancelled, and the payment"
        " cannot be accepted any more. The provider is asked again by itself, and what it took is sent back;"
        " retry asks it at once. Compare the payment with the provider's own page: money in another currency"
        " is refunded there."
    ),
    WORKFLOW_LOST: (
        "Its workflow ended before the order did, several times. Recovery starts it again, later each time;"
        " retry starts it at once. Find out in the Temporal Web UI why it ends."
    ),
    WORKFLOW_FAILING: (
        "The code of its workflow fails. Temporal repeats the task by itself, and nothing else is tried: deploy the"
        " release that corrects the code, then the order goes on."
    ),
    NO_WORKER: (
        "No worker of the build that began it runs, and nothing is tried until one does: start one, or move the order"
        " to another build."
    ),
    NO_PROGRESS: (
        "Nothing is due for it. Look at what it waits for; retry tries a step that failed again at once, and starts its"
        " workflow when that is gone. Otherwise cancel the order."
    ),
}
_OTHER = "Look at what the order waits for."


def actions(reason: str) -> tuple[ResolveAction, ...]:
    """How an operator can resolve a reason: done by hand and written off only where money or goods are stuck."""
    if UndoStep.of(reason):
        return (ResolveAction.RETRY, ResolveAction.MARK_DONE, ResolveAction.WRITE_OFF)
    return (ResolveAction.RETRY,) if ResolveStep.of(reason) else ()


def advice(reason: str) -> str:
    """What is tried by itself, and what a person can do about a reason."""
    return _UNDO if UndoStep.of(reason) else _ADVICE.get(reason, _OTHER)


def chosen(reasons: Sequence[str], status: OrderStatus, step: ResolveStep | None, action: ResolveAction) -> str:
    """The oldest of an order's reasons that the action resolves, of this step if one is given; stuck undos first.

    Raises InvalidTransition, which says what is possible, when there is none.
    """
    asked = [reason for reason in reasons if step in (None, ResolveStep.of(reason))]
    able = [reason for reason in asked if action in actions(reason)]
    if able:
        return min(able, key=lambda reason: UndoStep.of(reason) is None)
    if not asked and (stuck := [reason for reason in reasons if actions(reason)]):
        raise InvalidTransition(f"That step is not stuck. Stuck: {', '.join(stuck)}.")
    if not reasons:
        raise InvalidTransition(f"No step of this order is stuck. The order is {status}.")
    raise InvalidTransition(_not_possible(asked or reasons, action))


def _not_possible(reasons: Sequence[str], action: ResolveAction) -> str:
    only = " Only goods or money that are stuck are." if action is not ResolveAction.RETRY else ""
    return " ".join(f"{reason} cannot be resolved by {action}.{only} {advice(reason)}" for reason in reasons)
