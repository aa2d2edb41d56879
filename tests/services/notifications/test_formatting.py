"""Template filters: amounts by language and currency, and order numbers."""

from __future__ import annotations

from decimal import Decimal

import pycountry
import pytest
from babel.numbers import format_currency
from jinja2 import Environment

from services.money import Money
from services.notifications.formatting import money
from services.notifications.template_registry import LANGUAGES

NBSP = "\u00a0"
CURRENCIES = [currency.alpha_3 for currency in pycountry.currencies]


@pytest.mark.parametrize("minor", [0, 1, 99, 1000, -123456, 123456789012, 10**12])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_amount_is_written_as_babel_writes_it(language: str, minor: int) -> None:
    context = Environment().from_string("").new_context({"language": language})  # noqa: S701 - renders nothing
    amounts = [Money(minor, currency) for currency in CURRENCIES]
    written = [money(context, amount.text, amount.currency) for amount in amounts]
    assert [text.replace(NBSP, "") for text in written] == [
        format_currency(Decimal(amount.text), amount.currency, locale=language, decimal_quantization=False).replace(
            NBSP, ""
        )
        for amount in amounts
    ]
