"""Views of orders as response schemas."""

from __future__ import annotations

from api.orders.schemas import (
    OperatorOrderSummary,
    Order,
    OrderEvent,
    OrderLine,
    OrderPayment,
    OrderRefund,
    OrderSummary,
    PlacedOrder,
)
from services.orders import views
from services.orders.status import OrderEventType
from services.orders.views import EventView, LineView, OrderView
from services.payments.status import PaymentMethodType
from services.payments.views import PaymentView, RefundView


def lines(ordered: tuple[LineView, ...]) -> list[OrderLine]:
    """The lines of an order."""
    return [
        OrderLine(product_id=view.product_id, name=view.name, price=view.price.text, quantity=view.quantity)
        for view in ordered
    ]


def placed(order: OrderView) -> PlacedOrder:
    """The response to a new order."""
    return PlacedOrder(
        order_id=order.id,
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        items=lines(order.lines),
        created_at=order.created_at,
    )


def summary(order: views.OrderSummary) -> OrderSummary:
    """An order in a list."""
    return OrderSummary(
        id=order.id,
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        created_at=order.created_at,
    )


def operator_summary(order: views.OrderSummary) -> OperatorOrderSummary:
    """An order in a list for operators."""
    return OperatorOrderSummary(
        **summary(order).model_dump(exclude={"created_at"}),
        created_at=order.created_at,
        buyer_id=order.buyer_id,
        needs_attention=order.needs_attention,
    )


def in_full(order: OrderView, payment: PaymentView | None, refund: RefundView | None) -> Order:
    """An order with its latest payment and refund."""
    return Order(
        id=order.id,
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        items=lines(order.lines),
        country=order.address.country,
        region=order.address.region,
        city=order.address.city,
        street=order.address.street,
        created_at=order.created_at,
        updated_at=order.updated_at,
        payment=payment and paid_by(payment),
        refund=refund and OrderRefund(refund_id=refund.id, status=refund.status, amount=refund.amount.text),
        cancel_reason=order.cancel_reason,
        needs_attention=order.needs_attention,
    )


def paid_by(payment: PaymentView) -> OrderPayment:
    """The payment of an order."""
    return OrderPayment(
        payment_id=payment.id,
        status=payment.status,
        method=PaymentMethodType(payment.method),
        confirmation_url=payment.confirmation_url,
    )


def event(view: EventView) -> OrderEvent:
    """An entry of the timeline."""
    return OrderEvent(
        at=view.at,
        type=OrderEventType(view.type),
        status=view.status,
        detail=view.detail,
        attempt=view.attempt,
        amount=view.amount.text if view.amount else None,
    )
