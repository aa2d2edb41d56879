"""What follows when a refund has ended: its goods go back to stock if it asked for that, and the timeline shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from api.dependencies import OrderTransitions, Payments, Reservations
from services.orders import transitions
from services.orders.status import OrderEventType
from services.payments.service import PaymentService
from services.payments.views import RefundView
from services.reservations.service import ReservationService


@dataclass(frozen=True)
class RefundEnds:
    """Records the ends of refunds over payments, reservations and orders."""

    order_transitions: transitions.OrderTransitions
    reservations: ReservationService
    payments: PaymentService

    def record(self, ended: Sequence[RefundView]) -> None:
        """Record refunds that have ended; repeatable.

        When this process stops before the end, the sweep of unreported refunds (`activities.payment_sweeps`) does it.
        """
        for refund in ended:
            if refund.returns_goods:
                self.reservations.restock(refund.order_id)
                self.order_transitions.note(refund.order_id, OrderEventType.RESTOCKED, "restocked")
            self.order_transitions.record_refund(refund.order_id, refund.id, refund.amount.minor, refund.failure_code)
        self.payments.mark_reported(ended)


async def _ends(order_transitions: OrderTransitions, reservations: Reservations, payments: Payments) -> RefundEnds:
    return RefundEnds(order_transitions, reservations, payments)


Ends = Annotated[RefundEnds, Depends(_ends)]
