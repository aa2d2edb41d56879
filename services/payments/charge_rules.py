"""What an order and a charge must be for the provider to accept them, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from services.errors import AmountMismatch, CurrencyMismatch, Invalid
from services.money import MAX_MINOR, Money, is_currency
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
    if not rules.takes_currency(charge.currency):
        raise CurrencyMismatch("The provider does not accept this currency.", pointer="/currency")
    if not rules.takes_amount(charge.amount_minor):
        raise AmountMismatch("The provider does not accept this amount for this payment method.", pointer="/amount")


def check_method(
    method: PaymentMethodType,
    total: Money,
    lines: int,
    methods: Mapping[PaymentMethodType, MethodRules],
    pointer: str,
) -> None:
    """Raise Invalid, with the bounds of the method, for an order of so many lines that it cannot pay.

    `pointer` is that of the method in the request.
    """
    rules = methods.get(method)
    if rules is None:
        raise Invalid(f"The shop takes no payment by {method}.", pointer=pointer)
    bounds = _bounds(rules, total.currency)
    if not rules.takes_currency(total.currency):
        taken = " or ".join(sorted(rules.currencies or ()))
        raise Invalid(f"A payment by {method} must be in {taken}.", pointer=pointer, bounds=bounds)
    if not rules.takes_amount(total.minor):
        low, high = bounds["minAmount"], bounds["maxAmount"]
        sentence = f"A payment by {method} must be at least {low} and at most {high} {total.currency}."
        raise Invalid(sentence, pointer=pointer, bounds=bounds)
    if rules.max_lines is not None and lines > rules.max_lines:
        sentence = f"A payment by {method} takes an order of at most {rules.max_lines} products."
        raise Invalid(sentence, pointer=pointer, bounds=bounds)


def _bounds(rules: MethodRules, currency: str) -> dict[str, object]:
    """Amounts as decimal text: in `currency`, or in one that the method takes."""
    shown = currency if rules.takes_currency(currency) else min(rules.currencies or (currency,))
    return {
        "minAmount": Money(rules.min_minor, shown).text,
        "maxAmount": Money(rules.max_minor, shown).text,
        "currencies": None if rules.currencies is None else sorted(rules.currencies),
        "maxLines": rules.max_lines,
    }
