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
    RefundLatePayment,
    SettlePayment,
    UndoPayment,
)
from services.errors import PaymentDeclined, PaymentExpired, Unavailable

if TYPE_CHECKING:
    from services.orders.steps import OrderSteps
    from services.payments.service import PaymentService
    from services.payments.views import Charge, PaymentView, Undone
    from services.reservations.service import ReservationService


@dataclass(frozen=True)
class PaymentActivities:
    """Steps over the payments service, and what each means for the order and its hold."""

    orders: OrderSteps
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
    def settle_payment(self, message: SettlePayment) -> PaymentState:
        """Ask the provider what became of a payment; charge again only when it knows of none."""
        charge = self._charge(message.order_id, message.attempt)
        with self.faults.around("settle"):
            payment = self.payments.settle(message.payment_id, charge)
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

    def _charge(self, order_id: UUID, attempt: int) -> Charge | None:
        due = self.orders.start_payment(order_id, attempt)
        if due.method is None:
            return None
        return self.charge_of(
            order_id=order_id,
            attempt=attempt,
            amount_minor=due.total.minor,
            currency=due.total.currency,
            method=due.method.kind,
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
        if payment.surplus:
            self._send_back(payment)
        elif payment.status == "succeeded":
            self.orders.paid(order_id, payment.id, payment.amount)
        elif payment.status == "failed":
            self.orders.note(
                order_id, "payment_failed", f"payment_failed:{attempt}", detail=payment.failure_code, attempt=attempt
            )
            self.orders.forget_method(order_id)
            raise PaymentDeclined("The provider declined the payment.")
        elif payment.status == "pending" and payment.provider_id:
            self.reservations.extend(order_id, int(payment.settles_in or 0))
            self.orders.note(order_id, "payment_waiting", f"payment_waiting:{attempt}", attempt=attempt)
        return PaymentState(payment.id, payment.status, payment.retry_after, payment.settles_in)

    def _send_back(self, payment: PaymentView) -> NoReturn:
        # The money came after this try had been given up: it pays nothing.
        undone = self.payments.refund_late(payment.id)
        if not self._returned(payment.order_id, undone).done:
            raise Unavailable("The refund of a late success is under way.")
        raise PaymentDeclined("The payment succeeded too late and was sent back.")

    def _returned(self, order_id: UUID, undone: Undone) -> MoneyReturned:
        if undone.refund_id and undone.done:
            key = f"refunded:{undone.refund_id}"
            self.orders.note(order_id, "refunded", key, amount_minor=undone.refunded_minor)
        return MoneyReturned(undone.done, undone.retry_after, undone.refunded_minor)
