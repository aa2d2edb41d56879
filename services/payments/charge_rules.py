"""What a charge must be for the provider to accept it, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from services.errors import AmountMismatch, CurrencyMismatch, Invalid
from services.money import MAX_MINOR, is_currency
from services.payments.gateway import MethodRules
from services.payments.status import PaymentMethodType
from services.payments.views import Charge


def check_charge(charge: Charge, methods: Mapping[PaymentMethodType, MethodRules]) -> None:
    """Raise for a charge that the provider cannot accept; `methods` are its rules for each payment method.

    Raises CurrencyMismatch, AmountMismatch, Invalid.
    """
    if not is_currency(charge.currency):
        raise CurrencyMismatch("The currency is unknown.", pointer="/currency")
    if not 1 <= charge.amount_minor <= MAX_MINOR:
        raise AmountMismatch("The amount is out of bounds.", pointer="/amount")
    if charge.method == PaymentMethodType.CARD and not charge.card_token:
        raise Invalid("A card payment needs a card token.", pointer="/cardToken")
    if charge.method == PaymentMethodType.PHONE and not charge.phone:
        raise Invalid("A phone payment needs a phone number.", pointer="/phone")
    rules = methods.get(charge.method)
    if rules is None:
        raise Invalid("The provider does not accept this payment method.", pointer="/method")
    if rules.currencies is not None and charge.currency not in rules.currencies:
        raise CurrencyMismatch("The provider does not accept this currency.", pointer="/currency")
    if not rules.min_minor <= charge.amount_minor <= rules.max_minor:
        raise AmountMismatch("The provider does not accept this amount for this payment method.", pointer="/amount")
