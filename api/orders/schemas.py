"""Schemas of the responses of the order operations (contract, section 2)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.requests.fields import Shape, Utc
from services.orders.status import CancelReason, OrderEventType, OrderStatus, ResolveAction, ResolveStep
from services.payments.status import PaymentMethodType, PaymentStatus, RefundStatus

_NUMBER: str = Field(description="The number by which people know the order; messages show it.")


class OrderLine(Shape):
    """A product of an order, with name and price as they were when the order was placed."""

    product_id: UUID
    name: str
    price: str
    quantity: int


class PlacedOrder(Shape):
    """The order that was placed."""

    order_id: UUID
    number: str = _NUMBER
    status: OrderStatus
    total_amount: str
    currency: str
    items: list[OrderLine]
    created_at: Utc


class EventStreamTicket(Shape):
    """A ticket that opens the event stream of one order, once."""

    ticket: str
    expires_in: int = Field(description="Seconds until the ticket expires.")


class OrderSummary(Shape):
    """An order in a list."""

    id: UUID
    number: str = _NUMBER
    status: OrderStatus
    total_amount: str
    currency: str
    created_at: Utc


class OperatorOrderSummary(OrderSummary):
    """An order in a list for operators."""

    buyer_id: UUID
    needs_attention: bool


class OrderPayment(Shape):
    """A payment of an order."""

    payment_id: UUID
    status: PaymentStatus
    method: PaymentMethodType
    confirmation_url: str | None = Field(description="Page of the payment provider that the buyer must visit, if any.")


class OrderRefund(Shape):
    """A refund of an order."""

    refund_id: UUID
    status: RefundStatus
    amount: str


class OrderAttention(Shape):
    """Why an order needs an operator."""

    reason: str = Field(description="The stuck step, or `payment_review`, `workflow_lost` and the like.")
    since: Utc | None
    detail: str | None = Field(description="The code of the last failure, if it is known.")
    next_try: Utc | None = Field(
        description="When it is tried again by itself; null when nothing is, or when Temporal does not answer."
    )
    actions: list[ResolveAction] = Field(description="How `POST /orders/{orderId}/resolve` can resolve it.")
    advice: str = Field(description="What is tried by itself, and what a person can do.")


class Order(OrderSummary):
    """An order with its lines, address, payments and refunds."""

    items: list[OrderLine]
    country: str
    region: str
    city: str
    street: str
    postal_code: str | None
    updated_at: Utc
    payment: OrderPayment | None = Field(description="The latest payment.")
    payments: list[OrderPayment] = Field(description="Every payment, first attempt first.")
    refund: OrderRefund | None = Field(description="The latest refund.")
    refunds: list[OrderRefund] = Field(description="Every refund, oldest first.")
    refunded_amount: str = Field(description="The sum of the refunds that succeeded, in the order's currency.")
    pay_before: Utc | None = Field(
        description="Until when it must be paid: the end of its payment window, or of the provider's term of a pending "
        "payment; then it is cancelled. Null unless it is `created`, `reserved` or `payment_pending`."
    )
    cancel_reason: CancelReason | None
    buyer_id: UUID | None = Field(None, description="For operators only.")
    contact: str | None = Field(
        None, description="For operators only: the phone of the order, or else of the account, or its e-mail; masked."
    )
    needs_attention: bool | None = Field(None, description="For operators only: something failed and needs one.")
    attention: list[OrderAttention] | None = Field(None, description="For operators only: why, oldest reason first.")


class ResolveOrderResult(Shape):
    """The step and how it is being resolved."""

    order_id: UUID
    step: ResolveStep
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


class EventOperator(Shape):
    """The account of an operator."""

    id: UUID
    name: str = Field(description="The first name.")
    email: str | None


class OrderEvent(Shape):
    """An entry of an order's timeline."""

    at: Utc
    type: OrderEventType
    status: OrderStatus = Field(description="The order's status after this entry.")
    detail: str | None = Field(description="Reason or failure code, if any.")
    attempt: int | None = Field(description="Number of the payment attempt, from 1, if the entry is about one.")
    amount: str | None = Field(description="In the order's currency, if the entry is about money.")
    operator: EventOperator | None = Field(
        None, description="For operators only, in the list only: who did it, if that was an account that still exists."
    )
