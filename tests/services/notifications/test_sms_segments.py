"""Every SMS is one segment, in every language, template and currency."""

from __future__ import annotations

import pycountry
import pytest

from services.money import MAX_MINOR, Money
from services.notifications.gsm_alphabet import septets
from services.notifications.rendering import Templates
from services.notifications.template_registry import LANGUAGES, VARIABLES
from tests.services.notifications.test_rendering import REASONS, given

CURRENCIES = [currency.alpha_3 for currency in pycountry.currencies]


def is_one_segment(text: str) -> bool:
    used = septets(text)
    return used <= 160 if used is not None else len(text.encode("utf-16-be")) <= 2 * 70


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", VARIABLES)
def test_T197_an_sms_is_one_segment_in_every_currency(templates: Templates, name: str, language: str) -> None:
    amounts = [Money(minor, currency) for currency in CURRENCIES for minor in (1, MAX_MINOR)]
    longer = [
        text
        for amount in amounts
        for reason in REASONS
        for variables in [given(name, totalAmount=amount.text, currency=amount.currency, reason=reason)]
        for text in [templates.sms(name, language, {**variables, "moneyReturned": "yes"})]
        if not is_one_segment(text)
    ]
    assert longer == []


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1999.00", "ILS", "ILS 1,999.00"),
        ("1999.00", "INR", "INR 1,999.00"),
        ("1999", "KRW", "KRW 1,999"),
        ("1999.50", "PHP", "PHP 1,999.50"),
        ("1999", "VND", "VND 1,999"),
        ("1999", "XOF", "XOF 1,999"),
        ("1999.00", "EUR", "€1,999.00"),
        ("1999.00", "GBP", "£1,999.00"),
    ],
)
def test_T197_a_symbol_that_sms_do_not_have_is_written_as_a_code(
    templates: Templates, amount: str, currency: str, shown: str
) -> None:
    sms = templates.sms("order_paid", "en", given("order_paid", totalAmount=amount, currency=currency))
    assert f" {shown}." in sms
    assert septets(sms) is not None


@pytest.mark.parametrize(("text", "used"), [("Order", 5), ("€1 [a]", 9), ("₪", None), ("a\u00a0b", None), ("à é", 3)])
def test_septets(text: str, used: int | None) -> None:
    assert septets(text) == used
