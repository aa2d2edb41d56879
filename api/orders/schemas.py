"""Schemas of the responses of the order operations (contract, section 2)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.requests.fields import Shape, Utc
from services.orders.status import CancelReason, OrderEventType, OrderStatus, ResolveAction, UndoStep
from services.payments.status import PaymentMethodType, PaymentStatus, RefundStatus


class OrderLine(Shape):
    """A product of an order, with name and price as they were when the order was placed."""

    product_id: UUID
    name: str
    price: str
    quantity: int


class PlacedOrder(Shape):
    """The order that was placed."""

    order_id: UUID
    status: OrderStatus
    total_amount: str
    currency: str
    items: list[OrderLine]
    created_at: Utc


class OrderSummary(Shape):
    """An order in a list."""

    id: UUID
    status: OrderStatus
    total_amount: str
    currency: str
    created_at: Utc


class OperatorOrderSummary(OrderSummary):
    """An order in a list for operators."""

    buyer_id: UUID
    needs_attention: bool


class OrderPayment(Shape):
    """The latest payment of an order."""

    payment_id: UUID
    status: PaymentStatus
    method: PaymentMethodType
    confirmation_url: str | None = Field(description="Page of the payment provider that the buyer must visit, if any.")


class OrderRefund(Shape):
    """The latest refund of an order."""

    refund_id: UUID
    status: RefundStatus
    amount: str


class Order(OrderSummary):
    """An order with its lines, address, latest payment and latest refund."""

    items: list[OrderLine]
    country: str
    region: str
    city: str
    street: str
    updated_at: Utc
    payment: OrderPayment | None
    refund: OrderRefund | None
    cancel_reason: CancelReason | None
    needs_attention: bool = Field(description="A step of the order failed and needs an operator.")


class ResolveOrderResult(Shape):
    """The step and how it is being resolved."""

    order_id: UUID
    step: UndoStep
    action: ResolveAction


class OrderProgress(Shape):
    """The status of an order."""

    order_id: UUID
    status: OrderStatus


class ReserveOrderResult(OrderProgress):
    """The reservation of an order; null until there is one."""

    reservation_id: UUID | None
    expires_at: Utc | None


class PayOrderResult(Shape):
    """The payment of an order; null until there is one."""

    payment_id: UUID | None
    status: PaymentStatus
    confirmation_url: str | None = Field(description="Page of the payment provider that the buyer must visit, if any.")


class OrderEvent(Shape):
    """An entry of an order's timeline."""

    at: Utc
    type: OrderEventType
    status: OrderStatus = Field(description="The order's status after this entry.")
    detail: str | None = Field(description="Reason or failure code, if any.")
    attempt: int | None = Field(description="Number of the payment attempt, from 1, if the entry is about one.")
    amount: str | None = Field(description="In the order's currency, if the entry is about money.")
