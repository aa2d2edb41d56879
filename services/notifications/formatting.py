"""Template filters: amounts and order numbers as text for people."""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import UUID

from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.runtime import Context

from services.money import Money, is_currency

# CLDR's currency spacing, which Babel leaves out: `RUB 1,999.00`, not `RUB1,999.00`.
_CODE_BEFORE_DIGIT = re.compile(r"(?<=[A-Z])(?=\d)")


@pass_context
def money(context: Context, amount: str, currency: str) -> str:
    """`1 999,00 ₽` for `1999.00`, `RUB` in the template's language, to the last digit. Raises ValueError."""
    if not is_currency(currency):
        raise ValueError("currency must be a code of ISO 4217")
    exact = Decimal(Money.parse(amount, currency).text)
    # Not quantized: CLDR drops the decimals of some currencies that have decimals in ISO 4217.
    formatted = format_currency(exact, currency, locale=context["language"], decimal_quantization=False)
    return _CODE_BEFORE_DIGIT.sub("\u00a0", formatted)


def order_number(order_id: str) -> str:
    """The last eight digits of an order's id, `9F3A-21C4`; the first digits are a timestamp, similar for many orders.

    Raises ValueError.
    """
    number = UUID(order_id).hex[-8:].upper()
    return f"{number[:4]}-{number[4:]}"
