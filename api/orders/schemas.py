"""Orders as JSON: what is asked for and what is answered (contract, section 2)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.requests.fields import Body, CardToken, Country, Id, Note, PhoneText, Quantity, Shape, Text, Utc
from services.orders.views import EventView, LineView, OrderSummary, OrderView
from services.payments.views import PaymentView, RefundView

MAX_ORDER_LINES = 500


class OrderedItem(Body):
    """So many units of a product."""

    product_id: Id
    quantity: Quantity


class ByMethod(Body):
    """At most one way to pay."""

    card: CardToken | None = Field(None, description="A one-time token of the payment form; never a card number.")
    phone: PhoneText | None = Field(None, description="A mobile number whose balance pays.")

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if self.card is not None and self.phone is not None:
            raise PydanticCustomError("two-methods", "Give card or phone, not both.")
        return self


class PlaceOrder(ByMethod):
    """One unit of a product, or items; where to; and, if known, how to pay."""

    product_id: Id | None = Field(None, description="One unit of this product; or give `items`.")
    items: Annotated[list[OrderedItem], Field(min_length=1, max_length=MAX_ORDER_LINES)] | None = None
    country: Country
    region: Text
    city: Text
    street: Text

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.product_id is None) == (self.items is None):
            raise PydanticCustomError("product-or-items", "Give either productId or items.")
        return self

    @property
    def quantities(self) -> dict[UUID, int]:
        """Units by product, lines of one product summed (shops that did not sold what they had not: Medusa #16502)."""
        if self.product_id is not None:
            return {self.product_id: 1}
        summed: Counter[UUID] = Counter()
        for item in self.items or ():
            summed[item.product_id] += item.quantity
        return dict(summed)


class CancelOrder(Body):
    """Why, in the caller's words."""

    reason: Note | None = None


class Line(Shape):
    """One product of an order, as it was when it was placed."""

    product_id: UUID
    name: str
    price: str
    quantity: int


class PlacedOrder(Shape):
    """A new order."""

    order_id: UUID
    status: str
    total_amount: str
    currency: str
    items: list[Line]
    created_at: Utc


class Summary(Shape):
    """An order in its buyer's list."""

    id: UUID
    status: str
    total_amount: str
    currency: str
    created_at: Utc


class OperatorSummary(Summary):
    """An order in an operator's list."""

    buyer_id: UUID
    needs_attention: bool


class OrderPayment(Shape):
    """How an order is paid."""

    payment_id: UUID
    status: str
    method: str
    confirmation_url: str | None = Field(description="Where the buyer must go when the provider asks for it.")


class OrderRefund(Shape):
    """What was given back."""

    refund_id: UUID
    status: str
    amount: str


class OrderInFull(Summary):
    """An order with all that belongs to it."""

    items: list[Line]
    country: str
    region: str
    city: str
    street: str
    updated_at: Utc
    payment: OrderPayment | None
    refund: OrderRefund | None
    cancel_reason: str | None
    needs_attention: bool


class ResolveOrder(Body):
    """What an operator decided; `reference` says what was done by hand, and is needed for `mark_done`."""

    action: Literal["retry", "mark_done", "write_off"]
    #: the stuck step; the order's `attentionReason` if not given
    step: Literal["refund_payment", "release_stock"] | None = None
    reference: Text | None = None

    @model_validator(mode="after")
    def _done_by_hand(self) -> Self:
        if self.action == "mark_done" and not self.reference:
            raise PydanticCustomError("reference-needed", "mark_done needs the reference of what was done by hand.")
        return self


class Resolved(Shape):
    """The decision as it was taken."""

    order_id: UUID
    step: str
    action: str


class OrderStep(Shape):
    """Where an order stands."""

    order_id: UUID
    status: str


class Reserved(OrderStep):
    """Where the reservation of an order stands; null while there is none."""

    reservation_id: UUID | None
    expires_at: Utc | None


class Paid(Shape):
    """Where the payment of an order stands; null while there is none."""

    payment_id: UUID | None
    status: str
    confirmation_url: str | None = Field(description="Where the buyer must go when the provider asks for it.")


class Event(Shape):
    """One entry of an order's timeline."""

    at: Utc
    type: str
    status: str
    detail: str | None
    attempt: int | None
    amount: str | None


def lines(views: tuple[LineView, ...]) -> list[Line]:
    """The items of an order."""
    return [
        Line(product_id=view.product_id, name=view.name, price=view.price.text, quantity=view.quantity)
        for view in views
    ]


def placed(order: OrderView) -> PlacedOrder:
    """The answer to a new order."""
    return PlacedOrder(
        order_id=order.id,
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        items=lines(order.lines),
        created_at=order.created_at,
    )


def summary(order: OrderSummary) -> Summary:
    """An order in its buyer's list."""
    return Summary(
        id=order.id,
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        created_at=order.created_at,
    )


def operator_summary(order: OrderSummary) -> OperatorSummary:
    """An order in an operator's list."""
    return OperatorSummary(
        **summary(order).model_dump(exclude={"created_at"}),
        created_at=order.created_at,
        buyer_id=order.buyer_id,
        needs_attention=order.needs_attention,
    )


def in_full(order: OrderView, payment: PaymentView | None, refund: RefundView | None) -> OrderInFull:
    """An order with its payment and refund."""
    return OrderInFull(
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
        method=payment.method,
        confirmation_url=payment.confirmation_url,
    )


def event(view: EventView) -> Event:
    """An entry of the timeline."""
    return Event(
        at=view.at,
        type=view.type,
        status=view.status,
        detail=view.detail,
        attempt=view.attempt,
        amount=view.amount.text if view.amount else None,
    )
