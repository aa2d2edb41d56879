"""Schemas of the payment and refund operations, and of status reports."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from api.requests.amounts import Amount, Currency, PositiveAmount
from api.requests.fields import Body, CardToken, Id, PhoneText, Shape
from services.payments.status import PaymentMethodType, PaymentStatus, RefundStatus

FailureCode = Annotated[StrictStr, Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9._:-]+$")]
FailureMessage = Annotated[
    StrictStr, Field(description="The first 500 characters are kept for operators. The buyer does not see it.")
]


class CreatePayment(Body):
    """The payment of an order. Amount and currency must be the order's own."""

    order_id: Id
    amount: Amount
    currency: Currency
    method: Annotated[PaymentMethodType, Field(strict=False)]
    card_token: CardToken | None = Field(None, description="Required for the method `card`.")
    phone: PhoneText | None = Field(None, description="Required for the method `phone`.")

    @model_validator(mode="after")
    def _what_the_method_needs(self) -> Self:
        if (self.card_token is not None) != (self.method is PaymentMethodType.CARD):
            raise PydanticCustomError("card-token-needed", "cardToken goes with the method card, and only with it.")
        if (self.phone is not None) != (self.method is PaymentMethodType.PHONE):
            raise PydanticCustomError("phone-needed", "phone goes with the method phone, and only with it.")
        return self


class CreatePaymentResult(Shape):
    """The payment of an order; null until its process has started one."""

    payment_id: UUID | None
    status: PaymentStatus


class Payment(Shape):
    """A payment."""

    payment_id: UUID
    order_id: UUID
    status: PaymentStatus
    amount: str
    currency: str
    method: PaymentMethodType


class CreateRefund(Body):
    """A refund of a payment, in part or in full."""

    order_id: Id
    payment_id: Id
    amount: PositiveAmount
    currency: Currency | None = Field(None, description="Defaults to the payment's currency.")
    restock: StrictBool = Field(
        False, description="Also return the goods to stock; only with a refund of all that is left of the payment."
    )


class CreateRefundResult(Shape):
    """The refund that was created."""

    refund_id: UUID
    status: RefundStatus


class Refund(Shape):
    """A refund."""

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    status: RefundStatus
    amount: str
    currency: str


class ReportedPaymentStatus(StrEnum):
    """The status of a payment in a report."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"


class PaymentStatusReport(Body):
    """The status of a payment, as reported by a service."""

    status: Annotated[ReportedPaymentStatus, Field(strict=False)]
    failure_code: FailureCode | None = None
    failure_message: FailureMessage | None = None
    payment_id: Id


class SignedPaymentStatusReport(PaymentStatusReport):
    """The status and the amount of a payment, as reported by the payment provider."""

    amount: Amount
    currency: Currency


class ReportedPayment(Shape):
    """The payment as recorded. A report changes it only after the provider has confirmed the report."""

    order_id: UUID
    payment_id: UUID
    status: PaymentStatus


class WebhookAcknowledgement(Shape):
    """The webhook was received."""

    status: Literal["accepted"] = "accepted"
