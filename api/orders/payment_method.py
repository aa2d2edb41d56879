"""Builds the payment method of a request; phone numbers become E.164."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberType

from api.orders.request_schemas import PaymentChoice
from services.errors import Invalid
from services.identity.identifiers import phone_number
from services.orders.views import PaymentMethod

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def payment_method(body: PaymentChoice, region: str) -> PaymentMethod | None:
    """The card or phone of the request, or None; `region` (ISO 3166-1) is for numbers without a country code.

    Raises Invalid for a phone number that is not mobile.
    """
    if body.phone is None:
        return PaymentMethod(card=body.card) if body.card is not None else None
    return mobile(body.phone, region)


def mobile(phone: str, region: str) -> PaymentMethod:
    """Payment from the balance of a mobile number. Raises Invalid for any other number."""
    number = phone_number(phone, region)
    if phonenumbers.number_type(phonenumbers.parse(number)) not in _MOBILE:
        raise Invalid("Only a mobile phone number can pay.", pointer="/phone")
    return PaymentMethod(phone=number)
