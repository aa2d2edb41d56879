"""JSON objects of the YooKassa API v3, validated, and their conversion to the types of the gateway port."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, JsonValue, RootModel

from services.money import Money
from services.order_number import order_number
from services.payments.gateway import Outcome, ProviderPayment, ProviderRefund
from services.payments.status import FailureCode, PaymentMethodType
from services.payments.views import Charge

#: A JSON object that is not validated yet: in a list, only those that concern us have to be valid.
JsonObject = dict[str, JsonValue]
#: Ids become part of URLs, so they may contain no character with a meaning there.
ObjectId = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")]

#: Longest description of a payment and of a line of a receipt, in characters.
MAX_DESCRIPTION = 128

_OUTCOMES = {
    "pending": Outcome.PENDING,
    "waiting_for_capture": Outcome.PENDING,
    "succeeded": Outcome.SUCCEEDED,
    "canceled": Outcome.FAILED,
}


class Amount(BaseModel):
    """An amount as decimal text."""

    value: str
    currency: str

    def money(self) -> Money:
        """The amount in minor units. Raises ValueError when it is not a valid amount of its currency."""
        return Money.parse(self.value, self.currency)


def _page_url(value: object) -> str | None:
    """The URL of a web page; None for anything else, such as a link into the app of a bank."""
    if isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= 2048:
        return value
    return None


def _short_text(value: object) -> str | None:
    return value[:64] if isinstance(value, str) else None


class Confirmation(BaseModel):
    """Where the buyer confirms a payment."""

    confirmation_url: Annotated[str | None, BeforeValidator(_page_url)] = None


class Cancellation(BaseModel):
    """Why a payment or refund was cancelled."""

    reason: Annotated[str | None, BeforeValidator(_short_text)] = None


class PaymentObject(BaseModel):
    """https://yookassa.ru/developers/api#payment_object"""

    id: ObjectId
    status: Literal["pending", "waiting_for_capture", "succeeded", "canceled"]
    amount: Amount
    created_at: AwareDatetime
    metadata: JsonValue = None
    payment_method: JsonValue = None
    refunded_amount: Amount | None = None
    confirmation: Confirmation | None = None
    cancellation_details: Cancellation | None = None

    def to_provider_payment(self) -> ProviderPayment:
        """The payment as the port's type. Raises ValueError when an amount is invalid."""
        return ProviderPayment(
            provider_id=self.id,
            outcome=_OUTCOMES[self.status],
            amount=self.amount.money(),
            created_at=self.created_at.astimezone(UTC),
            confirmation_url=self.confirmation.confirmation_url if self.confirmation else None,
            failure_code=_reason(self.status, self.cancellation_details),
            reference=our_reference(self.metadata),
            order_id=_id_in(self.metadata, "order"),
            refunded_minor=self.refunded_amount.money().minor if self.refunded_amount else 0,
            method=_method(self.payment_method),
        )


class RefundObject(BaseModel):
    """https://yookassa.ru/developers/api#refund_object; `description` carries our key."""

    id: ObjectId
    payment_id: ObjectId
    status: Literal["pending", "succeeded", "canceled"]
    amount: Amount
    created_at: AwareDatetime
    description: JsonValue = None
    cancellation_details: Cancellation | None = None

    def to_provider_refund(self) -> ProviderRefund:
        """The refund as the port's type. Raises ValueError when the amount is invalid."""
        return ProviderRefund(
            provider_id=self.id,
            payment_provider_id=self.payment_id,
            outcome=_OUTCOMES[self.status],
            amount=self.amount.money(),
            created_at=self.created_at.astimezone(UTC),
            failure_code=_reason(self.status, self.cancellation_details),
            key=key_of(self.description),
        )


class AnyObject(RootModel[JsonObject]):
    """An object that is not validated yet, because it may not be ours."""


class Page(BaseModel):
    """A page of a list, newest first. An item may be anything: only what is ours is read."""

    items: list[JsonValue]
    next_cursor: str | None = None


class Problem(BaseModel):
    """https://yookassa.ru/developers/using-api/response-handling/http-codes"""

    code: Annotated[str, Field(max_length=64)]
    parameter: Annotated[str | None, BeforeValidator(_short_text)] = None


class NotifiedObject(BaseModel):
    """The fields of a payment or refund that we read from a webhook; a look-up returns the rest."""

    id: ObjectId
    status: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    payment_id: ObjectId | None = None


class Notification(BaseModel):
    """https://yookassa.ru/developers/using-api/webhooks; the object may be any kind, and of another site."""

    type: Literal["notification"]
    event: Annotated[str, Field(pattern=r"^[a-z_.]{1,48}$")]
    object: JsonObject


def payment_body(reference: UUID, charge: Charge, shop_name: str) -> JsonObject:
    """The body of POST /payments: immediate capture, the ids of our payment and order in `metadata`.

    The provider's page shows `description` to the buyer: the shop and the number of the order.
    """
    number = f", № {order_number(str(charge.order_id))}"
    common: JsonObject = {
        "amount": {"value": charge.amount.text, "currency": charge.currency},
        "capture": True,
        "description": shop_name[: MAX_DESCRIPTION - len(number)] + number,
        "metadata": {"reference": str(reference), "order": str(charge.order_id)},
    }
    if charge.method == PaymentMethodType.PHONE:
        digits = (charge.phone or "").removeprefix("+")
        data: JsonValue = {"type": "mobile_balance", "phone": digits}
        return common | {"payment_method_data": data, "confirmation": {"type": "external"}}
    if charge.return_url is None:
        return common | {"payment_token": charge.card_token}
    confirmation: JsonValue = {"type": "redirect", "return_url": charge.return_url}
    return common | {"payment_token": charge.card_token, "confirmation": confirmation}


def reference_of(found: JsonObject) -> UUID | None:
    """The id that a payment object which is not validated has where ours have that of our payment."""
    return _id_in(found.get("metadata"), "reference")


def our_reference(metadata: JsonValue) -> UUID | None:
    """Our payment's id; None when the payment was not made by us.

    Another site on the same shop id may have a `reference` of its own: ours comes with the id of its order.
    """
    return _id_in(metadata, "reference") if _id_in(metadata, "order") else None


def key_of(description: JsonValue) -> str | None:
    """The key of a refund that we requested, which its description carries; None for any other."""
    return description if isinstance(description, str) and description.startswith("refund:") else None


def _id_in(metadata: JsonValue, name: str) -> UUID | None:
    value = metadata.get(name) if isinstance(metadata, dict) else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _method(found: JsonValue) -> PaymentMethodType:
    of_phone = isinstance(found, dict) and found.get("type") == "mobile_balance"
    return PaymentMethodType.PHONE if of_phone else PaymentMethodType.CARD


def _reason(status: str, details: Cancellation | None) -> str | None:
    if status != "canceled":
        return None
    return (details and details.reason) or FailureCode.CANCELED
