"""Steps that take an order's money, find out what became of it, and send it back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from temporalio import activity

from activities.messages import (
    ChargePayment,
    PaymentState,
    RecordResolution,
    RefreshPayment,
    RefundLatePayment,
    RefundPayment,
    RefundState,
)
from activities.payment_outcomes import PaymentOutcomes
from services.errors import InvalidTransition, NotFound, OrderClaimed, OrderClosing
from services.orders.status import OrderEventType, ResolveAction, UndoStep
from services.payments.status import PaymentMethodType
from services.payments.views import Charge

if TYPE_CHECKING:
    from services.db import Database, Executor
    from services.orders.transitions import OrderTransitions
    from services.orders.views import PaymentDue
    from services.payments.charging import PaymentIntent
    from services.payments.service import PaymentService
    from services.reservations.service import ReservationService


class _NoMethod(Exception):
    """The order has no payment method, or has none any more."""


@dataclass(frozen=True)
class PaymentActivities:
    """Steps over the payments service."""

    database: Database
    orders: OrderTransitions
    reservations: ReservationService
    payments: PaymentService
    #: where the provider's page sends the buyer back by default; `{orderId}` stands for the order's id
    return_url: str

    @property
    def _outcomes(self) -> PaymentOutcomes:
        return PaymentOutcomes(self.orders, self.reservations, self.payments)

    @activity.defn(no_thread_cancel_exception=True)
    def charge_payment(self, message: ChargePayment) -> PaymentState | None:
        """Pin the hold, then take the money; None when the buyer has not given a payment method.

        Business key: order and attempt.

        Hold, order and the payment's intent are one commit, before the provider is called; the provider's answer and
        what it means for the order are another.
        """
        outcomes = self._outcomes
        try:
            intent = self.database.run_in_transaction(partial(self._start, message))
        except _NoMethod:
            # It is dropped once a charge is final: this attempt ran to its end before, or there was no method yet.
            earlier = [each for each in self.payments.of_order(message.order_id) if each.attempt == message.attempt]
            return outcomes.finish(outcomes.record(self.database, earlier[0])) if earlier else None
        return outcomes.finish(self.payments.charge_intent(intent, outcomes.record))

    @activity.defn(no_thread_cancel_exception=True)
    def refresh_payment(self, message: RefreshPayment) -> PaymentState:
        """Ask the provider what became of a payment; charge again only when it knows of none.

        A run whose order has no such payment is of another time than the database: one of them was restored. It ends
        like a run that does not hold the order, and recovery starts the order again from its row.
        """
        outcomes = self._outcomes
        try:
            due = self.orders.payment_due(message.order_id, message.run_id or None)
            charge = self._charge(message.order_id, message.attempt, due)
            recorded = self.payments.refresh_and(message.payment_id, charge, outcomes.record)
        except OrderClosing:
            raise
        except (InvalidTransition, NotFound):
            raise OrderClaimed("The order's row is older than this run of its workflow.") from None
        return outcomes.finish(recorded)

    @activity.defn(no_thread_cancel_exception=True)
    def refund_payment(self, message: RefundPayment) -> RefundState:
        """Let no charge start any more, find out about every charge, and send back what was taken."""
        self.orders.require_closing(message.order_id)
        return self._outcomes.refunded(message.order_id, self.payments.undo(message.order_id))

    @activity.defn(no_thread_cancel_exception=True)
    def refund_late_payment(self, message: RefundLatePayment) -> RefundState:
        """Send back money that arrived after the order had ended without it."""
        return self._outcomes.refunded(message.order_id, self.payments.refund_late(message.payment_id))

    @activity.defn(no_thread_cancel_exception=True)
    def record_resolution(self, message: RecordResolution) -> None:
        """Write an operator's decision about a stuck undo into the timeline, and into the ledger if it is money.

        Raises InvalidTransition, and writes nothing, when an undo was done meanwhile that is to be marked as done or
        written off: a decision must not name what it did not decide.
        """
        key = f"resolved:{UndoStep.of(message.step) or message.step}:{message.action}:{message.decision_id}"
        if message.action != ResolveAction.RETRY and not self._decided(message, key):
            raise InvalidTransition("Nothing is left to decide: it was done meanwhile.")
        self.orders.note(message.order_id, OrderEventType.RESOLVED, key, detail=_decision(message))

    def _decided(self, message: RecordResolution, key: str) -> bool:
        """Let a decision take effect in the tables; False when nothing was left for it."""
        if self.orders.is_noted(message.order_id, key):
            return True
        if message.step != UndoStep.REFUND_PAYMENT and message.payment_id is None:
            return self.reservations.holds_goods(message.order_id)
        reference, lost = message.reference or message.action, message.action == ResolveAction.WRITE_OFF
        return self.payments.book_manually(message.order_id, reference, lost=lost, payment_id=message.payment_id)

    def _start(self, message: ChargePayment, tx: Executor) -> PaymentIntent:
        """The intent of the attempt; raises _NoMethod, which undoes the transaction, when there is no method."""
        self.reservations.pin(message.order_id, tx)
        due = self.orders.start_payment(message.order_id, message.attempt, message.run_id or None, tx)
        charge = self._charge(message.order_id, message.attempt, due)
        if charge is None:
            raise _NoMethod
        return self.payments.create_intent(charge, tx)

    def _charge(self, order_id: UUID, attempt: int, due: PaymentDue) -> Charge | None:
        if due.method is None:
            return None
        return Charge(
            order_id=order_id,
            attempt=attempt,
            amount_minor=due.total.minor,
            currency=due.total.currency,
            method=PaymentMethodType(due.method.kind),
            card_token=due.method.card,
            phone=due.method.phone,
            return_url=due.return_to(order_id, self.return_url),
        )


def _decision(message: RecordResolution) -> str:
    """`refund_payment: mark_done by anna, transfer 4711`."""
    by = f" by {message.by}" if message.by else ""
    reference = f", {message.reference}" if message.reference else ""
    return f"{message.step}: {message.action}{by}{reference}"
