"""Schemas of the order operations (contract, section 2)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.requests.fields import Body, CardToken, Country, Id, Note, PhoneText, Quantity, Shape, Text, Utc
from services.orders.status import CancelReason, OrderEventType, OrderStatus, ResolveAction, UndoStep
from services.payments.status import PaymentMethodType, PaymentStatus, RefundStatus

MAX_ORDER_LINES = 500


class NewOrderLine(Body):
    """A product and the quantity to order."""

    product_id: Id
    quantity: Quantity


class PaymentChoice(Body):
    """At most one payment method."""

    card: CardToken | None = Field(None, description="One-time token from the payment form. A card number is refused.")
    phone: PhoneText | None = Field(None, description="Mobile phone number whose balance pays.")

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if self.card is not None and self.phone is not None:
            raise PydanticCustomError("two-methods", "Send either card or phone, not both.")
        return self


class PayOrder(PaymentChoice):
    """The payment method; without one the order's own is used."""


class PlaceOrder(PaymentChoice):
    """Products, delivery address and, optionally, the payment method."""

    product_id: Id | None = Field(None, description="Orders one unit of this product. Send either this or `items`.")
    items: Annotated[list[NewOrderLine], Field(min_length=1, max_length=MAX_ORDER_LINES)] | None = None
    country: Country = Field(description="ISO 3166-1 alpha-2 code.")
    region: Text
    city: Text
    street: Text

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.product_id is None) == (self.items is None):
            raise PydanticCustomError("product-or-items", "Send either productId or items.")
        return self

    @property
    def quantities(self) -> dict[UUID, int]:
        """Units by product; lines of one product are summed (a shop that did not oversold: Medusa #16502)."""
        if self.product_id is not None:
            return {self.product_id: 1}
        summed: Counter[UUID] = Counter()
        for item in self.items or ():
            summed[item.product_id] += item.quantity
        return dict(summed)


class CancelOrder(Body):
    """Why the order is cancelled."""

    reason: Note | None = Field(None, description="Kept for operators.")


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


class ResolveOrder(Body):
    """How an operator resolves a stuck step."""

    action: Annotated[ResolveAction, Field(strict=False)]
    step: Annotated[UndoStep, Field(strict=False)] | None = Field(
        None, description="The stuck step; the oldest one by default."
    )
    reference: Text | None = Field(
        None, description="What was done by hand, for example a bank reference. Required for `mark_done`."
    )

    @model_validator(mode="after")
    def _done_by_hand(self) -> Self:
        if self.action is ResolveAction.MARK_DONE and not self.reference:
            raise PydanticCustomError("reference-needed", "reference is required when action is mark_done.")
        return self


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
