"""Creating a refund: of a payment of a confirmed order, recorded on the order's timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.dependencies import Orders, Payments
from api.payments.refund_ends import Ends, RefundEnds
from services.errors import InvalidTransition, PaymentOrderMismatch
from services.idempotency import IdempotentRequest
from services.money import Money
from services.orders.service import OrderService
from services.orders.status import OperatorAction
from services.orders.views import OrderStatus
from services.payments.service import PaymentService
from services.payments.views import PaymentView, RefundView


@dataclass(frozen=True)
class RefundCreation:
    """Creates refunds over payments and orders."""

    orders: OrderService
    payments: PaymentService
    ends: RefundEnds

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

    def create(
        self, order_id: UUID, payment_id: UUID, amount: Money, request: IdempotentRequest | None, *, restock: bool
    ) -> RefundView:
        """Refund this amount; a refund that is decided at once is added to the order's timeline.

        `restock`: the goods of the order go back to stock when the refund has succeeded.
        Raises what `PaymentService.refund` raises.
        """
        refund = self.payments.refund(order_id, payment_id, amount, restock=restock, idempotent=request)
        if refund.status != "pending":
            self.ends.record([refund])
        return refund

    def record_operator(self, refund: RefundView, by: str) -> None:
        """Write on the order's timeline, for operators, who made the refund; once a refund."""
        amount = f"{refund.amount.text} {refund.amount.currency}"
        self.orders.record_action(refund.order_id, OperatorAction.REFUND, f"refund:{refund.id}", by, amount)


async def _creation(orders: Orders, payments: Payments, ends: Ends) -> RefundCreation:
    return RefundCreation(orders, payments, ends)


Creation = Annotated[RefundCreation, Depends(_creation)]
