"""JSON objects of the YooKassa API v3, validated, and their conversion to the types of the gateway port."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue

from services.money import Money
from services.payments.gateway import Outcome, ProviderPayment, ProviderRefund
from services.payments.status import PaymentMethodType
from services.payments.views import Charge

Item = TypeVar("Item")

#: Ids become part of URLs, so they may contain no character with a meaning there.
ObjectId = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")]

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


class Confirmation(BaseModel):
    """Where the buyer confirms a payment."""

    confirmation_url: Annotated[str, Field(pattern=r"^https?://", max_length=2048)] | None = None


class Cancellation(BaseModel):
    """Why a payment or refund was cancelled."""

    reason: Annotated[str, Field(max_length=64)] = "canceled"


class PaymentObject(BaseModel):
    """https://yookassa.ru/developers/api#payment_object"""

    id: ObjectId
    status: Literal["pending", "waiting_for_capture", "succeeded", "canceled"]
    amount: Amount
    metadata: dict[str, str] = {}
    confirmation: Confirmation | None = None
    cancellation_details: Cancellation | None = None

    @property
    def reference(self) -> str | None:
        """Our payment's id."""
        return self.metadata.get("reference")

    def to_provider_payment(self) -> ProviderPayment:
        """The payment as the port's type. Raises ValueError when the amount is invalid."""
        return ProviderPayment(
            provider_id=self.id,
            outcome=_OUTCOMES[self.status],
            amount=self.amount.money(),
            confirmation_url=self.confirmation.confirmation_url if self.confirmation else None,
            failure_code=_reason(self.status, self.cancellation_details),
        )


class RefundObject(BaseModel):
    """https://yookassa.ru/developers/api#refund_object; `description` carries our key."""

    id: ObjectId
    payment_id: ObjectId
    status: Literal["pending", "succeeded", "canceled"]
    amount: Amount
    description: str | None = None
    cancellation_details: Cancellation | None = None

    def to_provider_refund(self) -> ProviderRefund:
        """The refund as the port's type. Raises ValueError when the amount is invalid."""
        reason = _reason(self.status, self.cancellation_details)
        return ProviderRefund(self.id, _OUTCOMES[self.status], self.amount.money(), reason)


class Page(BaseModel, Generic[Item]):
    """A page of a list, newest first."""

    items: list[Item]
    next_cursor: str | None = None


PaymentPage = Page[PaymentObject]
RefundPage = Page[RefundObject]


class Problem(BaseModel):
    """https://yookassa.ru/developers/using-api/response-handling/http-codes"""

    code: Annotated[str, Field(max_length=64)]
    parameter: str | None = None


class NotifiedObject(BaseModel):
    """The fields of an object that we read from a webhook; a look-up returns the rest."""

    id: ObjectId
    status: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    payment_id: ObjectId | None = None
    metadata: dict[str, JsonValue] = {}

    @property
    def reference(self) -> UUID | None:
        """Our payment's id, if the object has one."""
        try:
            return UUID(str(self.metadata.get("reference")))
        except ValueError:
            return None


class Notification(BaseModel):
    """https://yookassa.ru/developers/using-api/webhooks"""

    type: Literal["notification"]
    event: Annotated[str, Field(pattern=r"^[a-z_.]{1,48}$")]
    object: NotifiedObject


def payment_body(reference: UUID, charge: Charge) -> dict[str, JsonValue]:
    """The body of POST /payments: immediate capture, our payment's id in `metadata`."""
    common: dict[str, JsonValue] = {
        "amount": {"value": charge.amount.text, "currency": charge.currency},
        "capture": True,
        "metadata": {"reference": str(reference)},
    }
    if charge.method == PaymentMethodType.PHONE:
        digits = (charge.phone or "").removeprefix("+")
        data: JsonValue = {"type": "mobile_balance", "phone": digits}
        return common | {"payment_method_data": data, "confirmation": {"type": "external"}}
    if charge.return_url is None:
        return common | {"payment_token": charge.card_token}
    confirmation: JsonValue = {"type": "redirect", "return_url": charge.return_url}
    return common | {"payment_token": charge.card_token, "confirmation": confirmation}


def _reason(status: str, details: Cancellation | None) -> str | None:
    if status != "canceled":
        return None
    return details.reason if details else "canceled"
