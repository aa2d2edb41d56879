"""What the state of a payment means for its order and its hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from activities.messages import PaymentState, RefundState
from services.errors import PaymentDeclined, Unavailable
from services.orders.status import OrderEventType
from services.payments.status import PaymentStatus

if TYPE_CHECKING:
    from services.orders.transitions import OrderTransitions
    from services.payments.service import PaymentService
    from services.payments.views import PaymentView, RefundProgress
    from services.reservations.service import ReservationService


@dataclass(frozen=True)
class PaymentOutcomes:
    """Applies the outcome of a charge to the order, and sends back money that pays nothing."""

    orders: OrderTransitions
    reservations: ReservationService
    payments: PaymentService

    def apply(self, payment: PaymentView) -> PaymentState:
        """Write what became of a charge into the order and its timeline; repeatable.

        Raises PaymentDeclined, OrderClosing, and Unavailable while a refund of a late success is not finished.
        """
        if payment.captured_late:
            self._send_back(payment)
        elif payment.status is PaymentStatus.SUCCEEDED:
            self.orders.paid(payment.order_id, payment.id, payment.amount)
        elif payment.status is PaymentStatus.FAILED:
            self._declined(payment)
        elif payment.status is PaymentStatus.PENDING and payment.provider_id:
            self._waiting(payment)
        return PaymentState(payment.id, payment.status, payment.retry_after, payment.term_left)

    def refunded(self, order_id: UUID, undone: RefundProgress) -> RefundState:
        """Write finished refunds into the timeline, and return whether anything is still owed."""
        for refund in self.payments.refunds_of(order_id) if undone.refund_id and undone.done else ():
            if refund.status == "succeeded":
                self.orders.record_refund(order_id, refund.id, refund.amount.minor, None)
        return RefundState(undone.done, undone.retry_after, undone.refunded_minor)

    def _declined(self, payment: PaymentView) -> NoReturn:
        key = f"payment_failed:{payment.attempt}"
        self.orders.note(
            payment.order_id,
            OrderEventType.PAYMENT_FAILED,
            key,
            detail=payment.failure_code,
            attempt=payment.attempt,
        )
        self.orders.forget_method(payment.order_id)
        raise PaymentDeclined("The provider declined the payment.")

    def _waiting(self, payment: PaymentView) -> None:
        self.reservations.extend(payment.order_id, int(payment.term_left or 0))
        key = f"payment_waiting:{payment.attempt}"
        self.orders.note(payment.order_id, OrderEventType.PAYMENT_WAITING, key, attempt=payment.attempt)

    def _send_back(self, payment: PaymentView) -> NoReturn:
        # This attempt had been given up before its money arrived, so the money pays nothing.
        undone = self.payments.refund_late(payment.id)
        if not self.refunded(payment.order_id, undone).done:
            raise Unavailable("The refund of a late success is not finished.")
        raise PaymentDeclined("The payment succeeded too late and was sent back.")
