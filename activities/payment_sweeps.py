"""Periodic jobs over payments and refunds: what no workflow and no webhook has settled."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio import activity

from services.errors import Unavailable
from services.orders.status import OrderEventType

if TYPE_CHECKING:
    from services.orders.service import OrderService
    from services.orders.transitions import OrderTransitions
    from services.payments.service import PaymentService
    from services.reservations.service import ReservationService

#: Refunds that one run continues, and writes into timelines.
REFUNDS = 50
#: Seconds after which money that came too late should have been sent back, and between two commands to do it.
QUIET = 60.0
COMMANDED_EVERY = 600
#: How far back the provider's lists are read: longer than an outage of the workers should last.
REFUNDS_BACK = timedelta(days=3)
PAYMENTS_BACK = timedelta(days=1)


@dataclass(frozen=True)
class PaymentSweeps:
    """Jobs over the payments service; each is repeatable, and harmless beside itself."""

    orders: OrderService
    order_transitions: OrderTransitions
    payments: PaymentService
    reservations: ReservationService

    @activity.defn(no_thread_cancel_exception=True)
    def continue_refunds(self) -> int:
        """Continue refunds that wait, and report those that ended; returns how many ended.

        A refund that fails does not keep the others from it; its error is raised at the end.
        """
        errors = list[Exception]()
        for refund_id in self.payments.pending_refunds(REFUNDS):
            try:
                self.payments.refresh_refund(refund_id)
            except Unavailable:
                # The provider is away: the next run comes in a minute.
                break
            except Exception as error:
                errors.append(error)
        self._return_late_money()
        ended = self._report_ended()
        if errors:
            raise errors[0]
        return ended

    @activity.defn(no_thread_cancel_exception=True)
    def find_provider_refunds(self) -> int:
        """Record refunds that were made on the provider's own page, and report them; returns how many ended."""
        self.payments.find_provider_refunds(REFUNDS_BACK)
        return self._report_ended()

    @activity.defn(no_thread_cancel_exception=True)
    def find_provider_payments(self) -> int:
        """Let orders look at payments of which only the provider knows the end; returns how many there are."""
        found = self.payments.find_provider_payments(PAYMENTS_BACK)
        for payment in found:
            key = f"listed:{payment.payment_id}:{'late' if payment.late else 'open'}"
            self.orders.notice_payment(payment.order_id, payment.payment_id, key, late=payment.late)
        self._report_ended()
        return len(found)

    def _return_late_money(self) -> None:
        """Command a refund of money that came too late and is still kept: its workflow may have been terminated."""
        for payment in self.payments.late_and_kept(QUIET, REFUNDS):
            key = f"late:{payment.id}:{int(time.time() / COMMANDED_EVERY)}"
            self.orders.notice_payment(payment.order_id, payment.id, key, late=True)

    def _report_ended(self) -> int:
        """Write refunds that ended into timelines, and return goods; a workflow that waits for one looks at once."""
        ended = self.payments.unreported_refunds(REFUNDS)
        for refund in ended:
            if refund.returns_goods:
                self.reservations.restock(refund.order_id)
                self.order_transitions.note(refund.order_id, OrderEventType.RESTOCKED, "restocked")
            amount_minor = refund.amount.minor
            self.order_transitions.record_refund(refund.order_id, refund.id, amount_minor, refund.failure_code)
            self.orders.notice_refund(refund.order_id, refund.payment_id, f"refund:{refund.id}:{refund.status}")
        self.payments.mark_reported(ended)
        return len(ended)
