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
from services.errors import PaymentExpired, Unavailable
from services.orders.status import OrderEventType, ResolveAction, UndoStep
from services.payments.status import PaymentMethodType
from services.payments.views import Charge, PaymentView

if TYPE_CHECKING:
    from services.db import Database, Executor
    from services.orders.transitions import OrderTransitions
    from services.orders.views import PaymentDue
    from services.payments.charging import PaymentIntent
    from services.payments.service import PaymentService
    from services.reservations.service import ReservationService

#: Refunds that one sweep continues, and writes into timelines.
REFUNDS = 50


@dataclass(frozen=True)
class PaymentActivities:
    """Steps over the payments service."""

    database: Database
    orders: OrderTransitions
    reservations: ReservationService
    payments: PaymentService
    #: the address to which the provider's page sends the buyer back
    return_url: str

    @property
    def _outcomes(self) -> PaymentOutcomes:
        return PaymentOutcomes(self.orders, self.reservations, self.payments)

    @activity.defn(no_thread_cancel_exception=True)
    def charge_payment(self, message: ChargePayment) -> PaymentState:
        """Pin the hold, then take the money. Business key: order and attempt.

        Hold, order and the payment's intent are one commit, before the provider is called; the provider's answer and
        what it means for the order are another.
        """
        intent = self.database.run_in_transaction(partial(self._start, message))
        outcomes = self._outcomes
        if intent is None:
            return outcomes.finish(outcomes.record(self.database, self._earlier(message)))
        return outcomes.finish(self.payments.charge_intent(intent, outcomes.record))

    @activity.defn(no_thread_cancel_exception=True)
    def refresh_payment(self, message: RefreshPayment) -> PaymentState:
        """Ask the provider what became of a payment; charge again only when it knows of none."""
        due = self.orders.payment_due(message.order_id)
        charge, outcomes = self._charge(message.order_id, message.attempt, due), self._outcomes
        return outcomes.finish(self.payments.refresh_and(message.payment_id, charge, outcomes.record))

    @activity.defn(no_thread_cancel_exception=True)
    def refund_payment(self, message: RefundPayment) -> RefundState:
        """Let no charge start any more, find out about every charge, and send back what was taken."""
        return self._outcomes.refunded(message.order_id, self.payments.undo(message.order_id))

    @activity.defn(no_thread_cancel_exception=True)
    def refund_late_payment(self, message: RefundLatePayment) -> RefundState:
        """Send back money that arrived after the order had ended without it."""
        return self._outcomes.refunded(message.order_id, self.payments.refund_late(message.payment_id))

    @activity.defn(no_thread_cancel_exception=True)
    def record_resolution(self, message: RecordResolution) -> None:
        """Write an operator's decision about a stuck undo into the timeline, and into the ledger if it is money."""
        is_money = message.step == UndoStep.REFUND_PAYMENT or message.payment_id is not None
        if is_money and message.action != ResolveAction.RETRY:
            reference, lost = message.reference or message.action, message.action == ResolveAction.WRITE_OFF
            self.payments.book_manually(message.order_id, reference, lost=lost, payment_id=message.payment_id)
        key = f"resolved:{message.step}:{message.action}"
        self.orders.note(message.order_id, OrderEventType.RESOLVED, key, detail=f"{message.step}: {message.action}")

    @activity.defn(no_thread_cancel_exception=True)
    def continue_refunds(self) -> int:
        """Continue refunds that wait, and write those that ended into timelines; returns how many were written."""
        for refund_id in self.payments.pending_refunds(REFUNDS):
            try:
                self.payments.refresh_refund(refund_id)
            except Unavailable:
                # The provider is away: the next sweep comes in a minute.
                break
        ended = self.payments.unreported_refunds(REFUNDS)
        for refund in ended:
            self.orders.record_refund(refund.order_id, refund.id, refund.amount.minor, refund.failure_code)
        self.payments.mark_reported([refund.id for refund in ended])
        return len(ended)

    def _start(self, message: ChargePayment, tx: Executor) -> PaymentIntent | None:
        """The intent of the attempt; None when the order has no payment method any more."""
        self.reservations.pin(message.order_id, tx)
        due = self.orders.start_payment(message.order_id, message.attempt, tx)
        charge = self._charge(message.order_id, message.attempt, due)
        return self.payments.create_intent(charge, tx) if charge else None

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
            return_url=self.return_url,
        )

    def _earlier(self, message: ChargePayment) -> PaymentView:
        # The payment method is dropped once a charge is final, so this attempt ran to its end before.
        for payment in self.payments.of_order(message.order_id):
            if payment.attempt == message.attempt:
                return payment
        raise PaymentExpired("The order has no payment method.")
