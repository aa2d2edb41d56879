"""Schemas of the request bodies of the order operations (contract, section 2)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.requests.fields import Body, CardToken, Country, Id, Note, PhoneText, Quantity, Text
from services.orders.status import ResolveAction, UndoStep

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
