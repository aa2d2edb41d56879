"""What YooKassa accepts for each payment method: the live provider, and the sandbox's stand-in for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.payments.gateway import MethodRules
from services.payments.status import PaymentMethodType
from services.payments.yookassa.receipt_body import MAX_LINES


def live_methods(card_term: float, phone_term: float) -> dict[PaymentMethodType, MethodRules]:
    """Rules of the real YooKassa: RUB only; by phone 10 to 15,000 RUB, refunded in full only. Terms in seconds."""
    rub = frozenset({"RUB"})
    return {
        PaymentMethodType.CARD: MethodRules(card_term, min_minor=100, currencies=rub),
        PaymentMethodType.PHONE: MethodRules(
            phone_term, partial_refunds=False, min_minor=1_000, max_minor=1_500_000, currencies=rub
        ),
    }


def any_amount_methods(card_term: float, phone_term: float) -> dict[PaymentMethodType, MethodRules]:
    """Rules of the sandbox's stand-in: any amount in any currency. Terms in seconds."""
    phone = MethodRules(phone_term, partial_refunds=False)
    return {PaymentMethodType.CARD: MethodRules(card_term), PaymentMethodType.PHONE: phone}


def with_receipts(methods: Mapping[PaymentMethodType, MethodRules]) -> dict[PaymentMethodType, MethodRules]:
    """The rules of a shop that sends fiscal receipts, which have a limited number of lines."""
    return {method: replace(rules, max_lines=MAX_LINES) for method, rules in methods.items()}
