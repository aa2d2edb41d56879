"""What the state of a payment means for its order and its hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from activities.messages import PaymentState, RefundState
from services.errors import Invalid, PaymentDeclined, Refused, Unavailable
from services.orders.status import OrderEventType
from services.payments.status import CAPTURED, FailureCode, PaymentStatus

if TYPE_CHECKING:
    from services.db import Executor
    from services.orders.transitions import OrderTransitions
    from services.payments.service import PaymentService
    from services.payments.views import PaymentView, RefundProgress
    from services.reservations.service import ReservationService


@dataclass(frozen=True)
class Recorded:
    """A payment whose state the order has; `refusal` is what ended its step."""

    payment: PaymentView
    refusal: Refused | None = None


@dataclass(frozen=True)
class PaymentOutcomes:
    """Records the state of a charge in the order, and sends back money that pays nothing."""

    orders: OrderTransitions
    reservations: ReservationService
    payments: PaymentService

    def record(self, tx: Executor, payment: PaymentView) -> Recorded:
        """Write what became of a charge into the order and its timeline; repeatable.

        The payment's state is committed with it in any case, so a refusal is returned, for `finish`.
        """
        try:
            return Recorded(payment, self._record(tx, payment))
        except Refused as refusal:
            return Recorded(payment, refusal)

    def finish(self, recorded: Recorded) -> PaymentState:
        """The result of a step after its commit; money of a late success is sent back first.

        Raises PaymentDeclined, Invalid (the shop's fault), OrderClosing, and Unavailable while a refund of a late
        success is not finished.
        """
        payment = recorded.payment
        if payment.captured_late:
            self._send_back(payment)
        if recorded.refusal is not None:
            raise recorded.refusal
        # What was sent back since does not matter here: the order was paid, and its confirmation looks at that.
        status = PaymentStatus.SUCCEEDED if payment.status in CAPTURED else payment.status
        return PaymentState(payment.id, status, payment.retry_after, payment.term_left)

    def refunded(self, order_id: UUID, undone: RefundProgress) -> RefundState:
        """Write finished refunds into the timeline, and return whether anything is still owed."""
        for refund in self.payments.refunds_of(order_id) if undone.refund_id and undone.done else ():
            if refund.status == "succeeded":
                self.orders.record_refund(order_id, refund.id, refund.amount.minor, None)
        return RefundState(undone.done, undone.retry_after, undone.refunded_minor, undone.waiting)

    def _record(self, tx: Executor, payment: PaymentView) -> Refused | None:
        if payment.captured_late:
            return None
        if payment.status in CAPTURED:
            self.orders.paid(payment.order_id, payment.id, payment.amount, tx)
        elif payment.status is PaymentStatus.FAILED:
            return self._declined(tx, payment)
        elif payment.status is PaymentStatus.PENDING and payment.provider_id:
            self._waiting(tx, payment)
        return None

    def _declined(self, tx: Executor, payment: PaymentView) -> Refused:
        key, attempt = f"payment_failed:{payment.attempt}", payment.attempt
        kind, detail = OrderEventType.PAYMENT_FAILED, payment.failure_code
        self.orders.note(payment.order_id, kind, key, detail=detail, attempt=attempt, tx=tx)
        self.orders.forget_method(payment.order_id, tx)
        if payment.failure_code == FailureCode.PAYMENT_UNAVAILABLE:
            return Invalid("The provider did not accept the shop's request.")
        return PaymentDeclined("The provider declined the payment.")

    def _waiting(self, tx: Executor, payment: PaymentView) -> None:
        # It locks the order, so it is first: the confirmation locks the order, then its reservation.
        key = f"payment_waiting:{payment.attempt}"
        self.orders.note(payment.order_id, OrderEventType.PAYMENT_WAITING, key, attempt=payment.attempt, tx=tx)
        self.reservations.extend(payment.order_id, int(payment.term_left or 0), tx)

    def _send_back(self, payment: PaymentView) -> NoReturn:
        # This attempt had been given up before its money arrived, so the money pays nothing.
        undone = self.payments.refund_late(payment.id)
        if not self.refunded(payment.order_id, undone).done:
            raise Unavailable("The refund of a late success is not finished.")
        raise PaymentDeclined("The payment succeeded too late and was sent back.")
