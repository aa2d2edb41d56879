"""Taking an order's money, making an unknown charge known, and giving money back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from temporalio import activity

from activities.faults import Faults
from activities.messages import (
    ChargePayment,
    MoneyReturned,
    PaymentState,
    RecordResolution,
    RefreshPayment,
    RefundLatePayment,
    UndoPayment,
)
from services.errors import PaymentDeclined, PaymentExpired, Unavailable
from services.payments.status import MethodKind

if TYPE_CHECKING:
    from services.orders.transitions import OrderTransitions
    from services.payments.service import PaymentService
    from services.payments.views import Charge, PaymentView, RefundProgress
    from services.reservations.service import ReservationService

#: Refunds that one sweep goes on with, and tells of.
REFUNDS = 50


@dataclass(frozen=True)
class PaymentActivities:
    """Steps over the payments service, and what each means for the order and its hold."""

    orders: OrderTransitions
    reservations: ReservationService
    payments: PaymentService
    #: builds a `Charge`; given, so that this room loads no database code
    charge_of: type[Charge]
    #: where a buyer comes back to from the provider's page
    return_url: str
    faults: Faults

    @activity.defn(no_thread_cancel_exception=True)
    def charge_payment(self, message: ChargePayment) -> PaymentState:
        """Pin the hold, then take the money. Key: order and attempt."""
        self.reservations.pin(message.order_id)
        charge = self._charge(message.order_id, message.attempt)
        if charge is None:
            return self._recorded(message)
        with self.faults.around("charge"):
            payment = self.payments.charge(charge)
        return self._told(payment)

    @activity.defn(no_thread_cancel_exception=True)
    def refresh_payment(self, message: RefreshPayment) -> PaymentState:
        """Ask the provider what became of a payment; charge again only when it knows of none."""
        charge = self._charge(message.order_id, message.attempt)
        with self.faults.around("refresh"):
            payment = self.payments.refresh(message.payment_id, charge)
        return self._told(payment)

    @activity.defn(no_thread_cancel_exception=True)
    def refund_payment(self, message: UndoPayment) -> MoneyReturned:
        """Let no charge begin any more, make every one known, and give back what was taken."""
        with self.faults.around("refund"):
            undone = self.payments.undo(message.order_id)
        return self._returned(message.order_id, undone)

    @activity.defn(no_thread_cancel_exception=True)
    def refund_late_payment(self, message: RefundLatePayment) -> MoneyReturned:
        """Give back money that came after the order had ended without it."""
        undone = self.payments.refund_late(message.payment_id)
        return self._returned(message.order_id, undone)

    @activity.defn(no_thread_cancel_exception=True)
    def record_resolution(self, message: RecordResolution) -> None:
        """Write what an operator decided about a stuck step into the timeline, and into the books if it is money."""
        is_money = message.step == "refund_payment" or message.payment_id is not None
        if is_money and message.action != "retry":
            reference, lost = message.reference or message.action, message.action == "write_off"
            self.payments.book_manually(message.order_id, reference, lost=lost, payment_id=message.payment_id)
        key = f"resolved:{message.step}:{message.action}"
        self.orders.note(message.order_id, "resolved", key, detail=f"{message.step}: {message.action}")

    @activity.defn(no_thread_cancel_exception=True)
    def continue_refunds(self) -> int:
        """Go on with refunds that wait, and tell the orders of those that have ended; returns how many were told."""
        for refund_id in self.payments.pending_refunds(REFUNDS):
            try:
                self.payments.refresh_refund(refund_id)
            except Unavailable:
                # One look is enough for a provider that is away: the next sweep comes in a minute.
                break
        ended = self.payments.unreported_refunds(REFUNDS)
        for refund in ended:
            self.orders.record_refund(refund.order_id, refund.id, refund.amount.minor, refund.failure_code)
        self.payments.mark_reported([refund.id for refund in ended])
        return len(ended)

    def _charge(self, order_id: UUID, attempt: int) -> Charge | None:
        due = self.orders.start_payment(order_id, attempt)
        if due.method is None:
            return None
        return self.charge_of(
            order_id=order_id,
            attempt=attempt,
            amount_minor=due.total.minor,
            currency=due.total.currency,
            method=MethodKind(due.method.kind),
            card_token=due.method.card,
            phone=due.method.phone,
            return_url=self.return_url,
        )

    def _recorded(self, message: ChargePayment) -> PaymentState:
        # The way to pay is forgotten once a charge is final: this attempt ran before, in full.
        for payment in self.payments.of_order(message.order_id):
            if payment.attempt == message.attempt:
                return self._told(payment)
        raise PaymentExpired("No way to pay is known.")

    def _told(self, payment: PaymentView) -> PaymentState:
        order_id, attempt = payment.order_id, payment.attempt
        if payment.captured_late:
            self._send_back(payment)
        elif payment.status == "succeeded":
            self.orders.paid(order_id, payment.id, payment.amount)
        elif payment.status == "failed":
            self.orders.note(
                order_id, "payment_failed", f"payment_failed:{attempt}", detail=payment.failure_code, attempt=attempt
            )
            self.orders.forget_method(order_id)
            raise PaymentDeclined("The provider declined the payment.")
        elif payment.status == "review":
            self.orders.set_attention(order_id, "payment_review")
        elif payment.status == "pending" and payment.provider_id:
            self.reservations.extend(order_id, int(payment.term_left or 0))
            self.orders.note(order_id, "payment_waiting", f"payment_waiting:{attempt}", attempt=attempt)
        return PaymentState(payment.id, payment.status, payment.retry_after, payment.term_left)

    def _send_back(self, payment: PaymentView) -> NoReturn:
        # The money came after this try had been given up: it pays nothing.
        undone = self.payments.refund_late(payment.id)
        if not self._returned(payment.order_id, undone).done:
            raise Unavailable("The refund of a late success is under way.")
        raise PaymentDeclined("The payment succeeded too late and was sent back.")

    def _returned(self, order_id: UUID, undone: RefundProgress) -> MoneyReturned:
        for refund in self.payments.refunds_of(order_id) if undone.refund_id and undone.done else ():
            if refund.status == "succeeded":
                self.orders.record_refund(order_id, refund.id, refund.amount.minor, None)
        return MoneyReturned(undone.done, undone.retry_after, undone.refunded_minor)
