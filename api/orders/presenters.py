"""Views of orders as response schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from api.orders.schemas import (
    EventOperator,
    OperatorOrderSummary,
    Order,
    OrderAttention,
    OrderEvent,
    OrderLine,
    OrderPayment,
    OrderRefund,
    OrderSummary,
    PlacedOrder,
)
from services.money import Money
from services.order_number import order_number
from services.orders import views
from services.orders.status import OrderEventType
from services.orders.views import EventView, LineView, OrderView
from services.payments.status import PaymentMethodType, RefundStatus
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
        number=order_number(str(order.id)),
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
        number=order_number(str(order.id)),
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


def in_full(order: OrderView, payments: Sequence[PaymentView], refunds: Sequence[RefundView]) -> Order:
    """An order with its payments and its refunds, oldest first."""
    attempts = [paid_by(each) for each in payments]
    shown = [OrderRefund(refund_id=each.id, status=each.status, amount=each.amount.text) for each in refunds]
    refunded = sum(each.amount.minor for each in refunds if each.status is RefundStatus.SUCCEEDED)
    return Order(
        id=order.id,
        number=order_number(str(order.id)),
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        items=lines(order.lines),
        country=order.address.country,
        region=order.address.region,
        city=order.address.city,
        street=order.address.street,
        postal_code=order.address.postal_code,
        created_at=order.created_at,
        updated_at=order.updated_at,
        payment=attempts[-1] if attempts else None,
        payments=attempts,
        refund=shown[-1] if shown else None,
        refunds=shown,
        refunded_amount=Money(refunded, order.total.currency).text,
        pay_before=_pay_before(order, payments),
        cancel_reason=order.cancel_reason,
    )


def _pay_before(order: OrderView, payments: Sequence[PaymentView]) -> datetime | None:
    """The deadline of the workflow: once the provider has said `pending`, its own term counts."""
    terms = [each.pending_until for each in payments if each.pending_until]
    return (terms[-1] if terms else order.window_ends) if order.unpaid else None


def for_operator(shown: Order, order: OrderView, contact: str | None, tries: Mapping[str, datetime]) -> Order:
    """An order with what only operators see; `contact`: masked; `tries`: when each reason is tried again by itself."""
    return shown.model_copy(
        update={
            "buyer_id": order.buyer_id,
            "contact": contact,
            "needs_attention": order.needs_attention,
            "attention": attention(order, tries),
        }
    )


def attention(order: OrderView, tries: Mapping[str, datetime]) -> list[OrderAttention]:
    """Why an order needs an operator, oldest first; `tries`: when each reason is tried again by itself."""
    return [
        OrderAttention(
            reason=each.reason,
            since=each.since,
            detail=each.detail,
            next_try=tries.get(each.reason),
            actions=list(each.actions),
            advice=each.advice,
        )
        for each in order.attention
    ]


def paid_by(payment: PaymentView) -> OrderPayment:
    """A payment of an order."""
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


def event_for_operator(view: EventView, operator: EventOperator | None) -> OrderEvent:
    """An entry of the timeline with who did it."""
    return event(view).model_copy(update={"operator": operator})
