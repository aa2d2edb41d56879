"""Amounts of money in requests: a decimal string, or a number with no more decimals than its currency has."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr
from pydantic_core import PydanticCustomError

from services.errors import Invalid
from services.money import Money, is_currency

# Exponents are written out up to this value only: `1E+999999` is a short text of a very long number.
_DIGITS = 20
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,4})?", re.ASCII)


def _amount(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _DIGITS:
        value = f"{value:f}"
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return value
    raise PydanticCustomError("not-an-amount", "This must be a decimal amount like 1299.00.")


def _positive(amount: str) -> str:
    if not Decimal(amount):
        raise PydanticCustomError("not-positive", "This must be more than zero.")
    return amount


def _currency(code: str) -> str:
    if not is_currency(code):
        raise PydanticCustomError("not-a-currency", "This must be an ISO 4217 code like RUB.")
    return code


#: A non-negative amount; how many decimals are allowed depends on its currency.
Amount = Annotated[
    str,
    BeforeValidator(_amount, json_schema_input_type=str | float),
    Field(json_schema_extra={"examples": ["1299.00"]}),
]
#: An amount above zero.
PositiveAmount = Annotated[Amount, AfterValidator(_positive)]
Currency = Annotated[StrictStr, Field(min_length=3, max_length=3), AfterValidator(_currency)]


def money(amount: str, currency: str) -> Money:
    """The amount in its currency. Raises Invalid: too many decimals, zero, or above the maximum."""
    try:
        parsed = Money.parse(amount, currency)
    except ValueError:
        parsed = Money(0, currency)
    if parsed.minor < 1:
        raise Invalid("The amount is zero, too large, or has more decimals than its currency.", pointer="/amount")
    return parsed
