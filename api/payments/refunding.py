"""Creating a refund: of a payment of a confirmed order, recorded on the order's timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.dependencies import Orders, OrderTransitions, Payments
from services.errors import InvalidTransition, PaymentOrderMismatch
from services.idempotency import IdempotentRequest
from services.money import Money
from services.orders import transitions
from services.orders.service import OrderService
from services.orders.views import OrderStatus
from services.payments.service import PaymentService
from services.payments.views import PaymentView, RefundView


@dataclass(frozen=True)
class RefundCreation:
    """Creates refunds over payments and orders."""

    orders: OrderService
    order_transitions: transitions.OrderTransitions
    payments: PaymentService

    def refundable(self, order_id: UUID, payment_id: UUID) -> PaymentView:
        """The payment to refund. Raises NotFound, PaymentOrderMismatch, InvalidTransition (order not confirmed)."""
        order = self.orders.get(order_id)
        payment = self.payments.get(payment_id)
        if payment.order_id != order_id:
            raise PaymentOrderMismatch("This payment belongs to another order.")
        if order.status is not OrderStatus.CONFIRMED:
            # The workflow of any other order refunds what was captured.
            raise InvalidTransition(f"The order is {order.status}: only payments of confirmed orders can be refunded.")
        return payment

    def create(self, order_id: UUID, payment_id: UUID, amount: Money, request: IdempotentRequest | None) -> RefundView:
        """Refund this amount; a refund that is decided at once is added to the order's timeline.

        Raises what `PaymentService.refund` raises.
        """
        refund = self.payments.refund(order_id, payment_id, amount, idempotent=request)
        # When this process stops before the timeline has it, the sweep of unreported refunds adds it.
        if refund.status != "pending":
            self.order_transitions.record_refund(refund.order_id, refund.id, refund.amount.minor, refund.failure_code)
            self.payments.mark_reported([refund.id])
        return refund


async def _creation(orders: Orders, order_transitions: OrderTransitions, payments: Payments) -> RefundCreation:
    return RefundCreation(orders, order_transitions, payments)


Creation = Annotated[RefundCreation, Depends(_creation)]
