"""Transitions of an order: each is one guarded, repeatable statement, in the transaction `tx` when it is given."""

from __future__ import annotations

from uuid import UUID

from services.db import Database, Executor, retried
from services.errors import InvalidTransition, NotFound, OrderClaimed, OrderClosing
from services.money import Money
from services.orders import repository, transitions_repository
from services.orders.status import (
    CLOSING,
    PAYMENT_REVIEW,
    CancelReason,
    OrderEventType,
    OrderStatus,
    ResolveAction,
    UndoStep,
    has_reached,
)
from services.orders.transitions_repository import StateRow, TimelineEntry, Transition
from services.orders.views import ClaimedOrder, OrderState, PaymentDue, PaymentMethod, WorkflowRun
from services.secrets import Vault


class OrderTransitions:
    """The transitions of an order that its workflow's steps make, and the entries of its timeline."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @retried
    def claim(self, order_id: UUID, run: WorkflowRun, tx: Executor | None = None) -> ClaimedOrder:
        """Claim the order for one run of its workflow, and take it over from an earlier run.

        From then on the steps of the earlier run are refused.
        Raises NotFound, OrderClaimed (a later run holds it), OrderClosing (cancelled before it began).
        """
        db = tx or self._database
        claimed = transitions_repository.claim(db, order_id, run)
        if claimed is None:
            self._state(db, order_id)
            raise _claimed()
        _refuse_closing(claimed.status)
        return claimed

    def reserved(self, order_id: UUID, tx: Executor | None = None) -> OrderState:
        """`created → reserved`. Raises OrderClosing, NotFound."""
        return self._forward(tx, order_id, Transition(OrderStatus.RESERVED))

    @retried
    def start_payment(
        self, order_id: UUID, attempt: int, run_id: str | None = None, tx: Executor | None = None
    ) -> PaymentDue:
        """`reserved → payment_pending`; returns what is to be paid. `run_id`: the run that must hold the order.

        Raises OrderClosing, OrderClaimed, InvalidTransition, NotFound.
        """
        transition = Transition(OrderStatus.PAYMENT_PENDING, attempt=attempt, run_id=run_id)
        db = tx or self._database
        moved = transitions_repository.move(db, order_id, transition)
        return self._due(moved or self._reached(db, order_id, transition))

    def payment_due(self, order_id: UUID, run_id: str | None = None) -> PaymentDue:
        """What is to be paid of an order whose payment was started; changes nothing.

        Raises OrderClosing, OrderClaimed, NotFound.
        """
        transition = Transition(OrderStatus.PAYMENT_PENDING, run_id=run_id)
        return self._due(self._reached(self._database, order_id, transition))

    def paid(self, order_id: UUID, payment_id: UUID, amount: Money, tx: Executor | None = None) -> OrderState:
        """`payment_pending → paid`; the payment method is dropped. Raises OrderClosing, NotFound.

        Not bound to a run: it records what the provider did.
        """
        transition = Transition(OrderStatus.PAID, paid_by=payment_id, amount_minor=amount.minor, forget_method=True)
        return self._forward(tx, order_id, transition)

    def confirmed(self, order_id: UUID, run_id: str | None = None, tx: Executor | None = None) -> OrderState:
        """`paid → confirmed`, the point of no return. `run_id`: the run that must hold the order.

        Raises OrderClosing, OrderClaimed, InvalidTransition (unpaid), NotFound.
        """
        return self._forward(tx, order_id, Transition(OrderStatus.CONFIRMED, run_id=run_id))

    @retried
    def begin_cancel(self, order_id: UUID, run: WorkflowRun, reason: CancelReason) -> OrderState:
        """To `cancelling` from any status that allows it; returns the status after that, which may be `confirmed`.

        The first reason stays; the run takes the order over as in `claim`. Raises OrderClaimed, NotFound.
        """
        transition = Transition(OrderStatus.CANCELLING, detail=reason, cancel_reason=reason)
        with self._database.transaction() as tx:
            taken = transitions_repository.take_claim(tx, order_id, run)
            state = (taken and transitions_repository.move(tx, order_id, transition)) or self._state(tx, order_id)
            if not taken:
                raise _claimed()
        return OrderState(state.status, state.cancel_reason)

    @retried
    def cancelled(self, order_id: UUID, run_id: str | None = None, tx: Executor | None = None) -> OrderState:
        """`cancelling → cancelled`, after everything was undone. Repeatable.

        `run_id`: the run that must hold the order. Raises OrderClaimed, InvalidTransition, NotFound.
        """
        transition = Transition(OrderStatus.CANCELLED, forget_method=True, run_id=run_id)
        db = tx or self._database
        moved = transitions_repository.move(db, order_id, transition)
        state = moved or self._state(db, order_id)
        _refuse_other_run(state, run_id)
        if state.status is not OrderStatus.CANCELLED:
            raise InvalidTransition(f"The order is {state.status}: it is not being cancelled.")
        return OrderState(state.status, state.cancel_reason, moved.age if moved else None)

    def require_closing(self, order_id: UUID) -> None:
        """Refuse to undo the steps of an order that is not being cancelled. Raises InvalidTransition, NotFound."""
        status = self._state(self._database, order_id).status
        if status not in CLOSING:
            raise InvalidTransition(f"The order is {status}: it is not being cancelled.")

    def settled_by_hand(self, order_id: UUID, tx: Executor) -> set[str]:
        """The undos that an operator has marked as done or written off, by their steps."""
        keys = [key.split(":") for key in transitions_repository.resolutions(tx, order_id)]
        return {step for _, step, action, *_ in keys if action != ResolveAction.RETRY}

    def is_noted(self, order_id: UUID, key: str) -> bool:
        """Whether an operator's decision with this key is in the timeline."""
        return key in transitions_repository.resolutions(self._database, order_id)

    @retried
    def note(
        self,
        order_id: UUID,
        type_: OrderEventType,
        key: str,
        *,
        detail: str | None = None,
        attempt: int | None = None,
        amount_minor: int | None = None,
        tx: Executor | None = None,
    ) -> None:
        """Write an entry of the timeline that changes no status; once a key."""
        entry = TimelineEntry(type_, key, detail, attempt, amount_minor)
        transitions_repository.note(tx or self._database, order_id, entry)

    def record_refund(self, order_id: UUID, refund_id: UUID, amount_minor: int, failure_code: str | None) -> None:
        """Write the end of a refund into the timeline: every success, and the first failure.

        A failed refund is tried again under a new number; the timeline does not repeat that.
        """
        if failure_code is None:
            self.note(order_id, OrderEventType.REFUNDED, f"refunded:{refund_id}", amount_minor=amount_minor)
        else:
            key = "refund_failed"
            self.note(order_id, OrderEventType.REFUND_FAILED, key, detail=failure_code, amount_minor=amount_minor)

    @retried
    def forget_method(self, order_id: UUID, tx: Executor | None = None) -> None:
        """Drop the card token or phone number of a payment that failed for good."""
        repository.forget_method(tx or self._database, order_id)

    @retried
    def raise_attention(self, order_id: UUID, reason: str, detail: str | None = None) -> None:
        """Add a reason (a short code) for which a person is needed; the code that raises a reason clears it.

        `detail`: the code of the last failure, if it is known; no text that came from a person.
        """
        transitions_repository.raise_attention(self._database, order_id, reason, detail)

    @retried
    def clear_attention(self, order_id: UUID, reason: str, tx: Executor | None = None) -> None:
        """Remove a reason for which a person was needed; other reasons stay. Repeatable."""
        transitions_repository.clear_attention(tx or self._database, order_id, reason)

    def clear_disproved(self, order_id: UUID, tx: Executor) -> None:
        """Remove the reasons that the end of a cancellation disproves: a run clears only what it has raised itself."""
        for reason in transitions_repository.attention_reasons(tx, order_id):
            if reason in (UndoStep.RELEASE_STOCK, UndoStep.REFUND_PAYMENT, PAYMENT_REVIEW):
                transitions_repository.clear_attention(tx, order_id, reason)

    @retried
    def _forward(self, tx: Executor | None, order_id: UUID, transition: Transition) -> OrderState:
        db = tx or self._database
        moved = transitions_repository.move(db, order_id, transition)
        if moved is None:
            self._reached(db, order_id, transition)
        return OrderState(transition.target, age=moved.age if moved else None)

    def _reached(self, tx: Executor, order_id: UUID, transition: Transition) -> StateRow:
        """The state of an order that made the transition before.

        Raises OrderClosing, OrderClaimed, InvalidTransition, NotFound.
        """
        state, target = self._state(tx, order_id), transition.target
        _refuse_other_run(state, transition.run_id)
        _refuse_closing(state.status)
        if not has_reached(state.status, target):
            raise InvalidTransition(f"The order is {state.status}: it cannot become {target}.")
        return state

    def _state(self, tx: Executor, order_id: UUID) -> StateRow:
        state = transitions_repository.find_state(tx, order_id)
        if state is None:
            raise NotFound("There is no such order.")
        return state

    def _due(self, state: StateRow) -> PaymentDue:
        sealed = state.payment_method
        method = PaymentMethod(**self._vault.open(sealed)) if sealed else None
        return PaymentDue(Money(state.total_minor, state.currency), method, state.return_url)


def _claimed() -> OrderClaimed:
    return OrderClaimed("A later run of the workflow holds this order.")


def _refuse_other_run(state: StateRow, run_id: str | None) -> None:
    if run_id and state.claimed_by != run_id:
        raise _claimed()


def _refuse_closing(status: OrderStatus) -> None:
    if status in CLOSING:
        raise OrderClosing(f"The order is {status}.")
