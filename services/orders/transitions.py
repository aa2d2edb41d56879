"""Transitions of an order: each is one guarded, repeatable statement, in the transaction `tx` when it is given."""

from __future__ import annotations

from uuid import UUID

from services.db import Database, Executor, retried
from services.errors import InvalidTransition, NotFound, OrderClaimed, OrderClosing
from services.money import Money
from services.orders import repository, transitions_repository
from services.orders.status import CLOSING, CancelReason, OrderEventType, OrderStatus, has_reached
from services.orders.transitions_repository import StateRow, TimelineEntry, Transition
from services.orders.views import ClaimedOrder, OrderState, PaymentDue, PaymentMethod
from services.secrets import Vault


class OrderTransitions:
    """The transitions of an order that its workflow's steps make, and the entries of its timeline."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    @retried
    def claim(self, order_id: UUID, run_id: str, tx: Executor | None = None) -> ClaimedOrder:
        """Claim the order for one run of its workflow: the run's original id, which a reset keeps.

        Raises NotFound, OrderClaimed (another run holds it), OrderClosing (cancelled before it began).
        """
        db = tx or self._database
        claimed = transitions_repository.claim(db, order_id, run_id)
        if claimed is None:
            self._state(db, order_id)
            raise OrderClaimed("Another run of the workflow holds this order.")
        status, items = claimed
        _refuse_closing(status)
        return ClaimedOrder(status, tuple((UUID(product_id), quantity) for product_id, quantity in items))

    def reserved(self, order_id: UUID, tx: Executor | None = None) -> OrderState:
        """`created → reserved`. Raises OrderClosing, NotFound."""
        return self._forward(tx, order_id, Transition(OrderStatus.RESERVED))

    @retried
    def start_payment(self, order_id: UUID, attempt: int, tx: Executor | None = None) -> PaymentDue:
        """`reserved → payment_pending`; returns what is to be paid.

        Raises OrderClosing, InvalidTransition, NotFound.
        """
        transition = Transition(OrderStatus.PAYMENT_PENDING, attempt=attempt)
        db = tx or self._database
        moved = transitions_repository.move(db, order_id, transition)
        return self._due(moved or self._reached(db, order_id, transition.target))

    def payment_due(self, order_id: UUID) -> PaymentDue:
        """What is to be paid of an order whose payment was started; changes nothing. Raises OrderClosing, NotFound."""
        return self._due(self._reached(self._database, order_id, OrderStatus.PAYMENT_PENDING))

    def paid(self, order_id: UUID, payment_id: UUID, amount: Money, tx: Executor | None = None) -> OrderState:
        """`payment_pending → paid`; the payment method is dropped. Raises OrderClosing, NotFound."""
        transition = Transition(OrderStatus.PAID, paid_by=payment_id, amount_minor=amount.minor, forget_method=True)
        return self._forward(tx, order_id, transition)

    def confirmed(self, order_id: UUID, tx: Executor | None = None) -> OrderState:
        """`paid → confirmed`, the point of no return. Raises OrderClosing, InvalidTransition (unpaid), NotFound."""
        return self._forward(tx, order_id, Transition(OrderStatus.CONFIRMED))

    @retried
    def begin_cancel(self, order_id: UUID, run_id: str, reason: CancelReason) -> OrderState:
        """To `cancelling` from any status that allows it; returns the status after that, which may be `confirmed`.

        The first reason stays. Raises OrderClaimed, NotFound.
        """
        transition = Transition(OrderStatus.CANCELLING, detail=reason, cancel_reason=reason, run_id=run_id)
        moved = transitions_repository.move(self._database, order_id, transition)
        state = moved or self._state(self._database, order_id)
        if state.claimed_by not in (None, run_id):
            raise OrderClaimed("Another run of the workflow holds this order.")
        return OrderState(state.status, state.cancel_reason)

    @retried
    def cancelled(self, order_id: UUID) -> OrderState:
        """`cancelling → cancelled`, after everything was undone. Repeatable. Raises InvalidTransition, NotFound."""
        transition = Transition(OrderStatus.CANCELLED, forget_method=True)
        moved = transitions_repository.move(self._database, order_id, transition)
        state = moved or self._state(self._database, order_id)
        if state.status is not OrderStatus.CANCELLED:
            raise InvalidTransition(f"The order is {state.status}: it is not being cancelled.")
        return OrderState(state.status, state.cancel_reason)

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
    def raise_attention(self, order_id: UUID, reason: str) -> None:
        """Add a reason (a short code) for which a person is needed; the code that raises a reason clears it."""
        transitions_repository.raise_attention(self._database, order_id, reason)

    @retried
    def clear_attention(self, order_id: UUID, reason: str) -> None:
        """Remove a reason for which a person was needed; other reasons stay. Repeatable."""
        transitions_repository.clear_attention(self._database, order_id, reason)

    @retried
    def _forward(self, tx: Executor | None, order_id: UUID, transition: Transition) -> OrderState:
        db = tx or self._database
        if transitions_repository.move(db, order_id, transition) is None:
            self._reached(db, order_id, transition.target)
        return OrderState(transition.target)

    def _reached(self, tx: Executor, order_id: UUID, target: OrderStatus) -> StateRow:
        """The state of an order that reached `target` before. Raises OrderClosing, InvalidTransition, NotFound."""
        state = self._state(tx, order_id)
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
        return PaymentDue(Money(state.total_minor, state.currency), method)


def _refuse_closing(status: OrderStatus) -> None:
    if status in CLOSING:
        raise OrderClosing(f"The order is {status}.")
