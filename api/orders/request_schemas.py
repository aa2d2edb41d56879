"""Schemas of the request bodies of the order operations (contract, section 2)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.requests.amounts import PositiveAmount
from api.requests.fields import (
    Body,
    CardToken,
    Country,
    Id,
    Note,
    PhoneText,
    PostalCode,
    Quantity,
    ReturnUrl,
    Text,
    TextOrEmpty,
)
from services.orders.status import ResolveAction, ResolveStep

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

    return_url: ReturnUrl | None = Field(None, description="As that of the order, for the payment by this method.")


class PlaceOrder(PaymentChoice):
    """Products, delivery address and, optionally, the payment method."""

    product_id: Id | None = Field(None, description="Orders one unit of this product. Send either this or `items`.")
    items: Annotated[list[NewOrderLine], Field(min_length=1, max_length=MAX_ORDER_LINES)] | None = None
    country: Country = Field(description="ISO 3166-1 alpha-2 code, or XK.")
    region: TextOrEmpty = Field(description="Empty where there are no regions.")
    city: Text
    street: Text
    postal_code: PostalCode | None = None
    return_url: ReturnUrl | None = Field(
        None,
        description="Where the payment provider's page sends the buyer back: a URL of the shop, with `{orderId}` in"
        " place of the order's id.",
    )
    expected_total: PositiveAmount | None = Field(
        None, description="The total that the buyer was shown. If the total is another now, nothing is ordered."
    )

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
    step: Annotated[ResolveStep, Field(strict=False)] | None = Field(
        None,
        description="The stuck step, or the attention reason that is to be tried again at once; by default the oldest,"
        " a stuck step first.",
    )
    reference: Text | None = Field(
        None, description="What was done by hand, for example a bank reference. Required for `mark_done`."
    )
    reason: Text | None = Field(None, description="Why the loss is taken. Required for `write_off`.")

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.action is ResolveAction.MARK_DONE and not self.reference:
            raise PydanticCustomError("reference-needed", "reference is required when action is mark_done.")
        if self.action is ResolveAction.WRITE_OFF and not self.reason:
            raise PydanticCustomError("reason-needed", "reason is required when action is write_off.")
        return self
