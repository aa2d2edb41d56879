"""Amounts in requests: decimal text or a number, exact in its currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.requests.amounts import Amount, Currency, money
from services.errors import Invalid
from services.money import Money

AMOUNT: TypeAdapter[str] = TypeAdapter(Amount)
CURRENCY: TypeAdapter[str] = TypeAdapter(Currency)


@pytest.mark.parametrize(
    ("value", "text"),
    [("1299.00", "1299.00"), (Decimal("12.5"), "12.5"), (7, "7"), (Decimal("1E+3"), "1000"), ("0", "0")],
)
def test_an_amount(value: Any, text: str) -> None:
    assert AMOUNT.validate_python(value) == text


@pytest.mark.parametrize(
    "value", ["1,5", "-1", "01", "1e3", "", " 1", "1.00000", True, None, 1.5, Decimal("1E+999999"), -1]
)
def test_another_value_is_no_amount(value: Any) -> None:
    with pytest.raises(ValidationError):
        AMOUNT.validate_python(value)


def test_a_currency_is_an_iso_4217_code() -> None:
    assert CURRENCY.validate_python("RUB") == "RUB"
    for code in ("rub", "RUR", "RUBB", 643):
        with pytest.raises(ValidationError):
            CURRENCY.validate_python(code)


def test_money_is_exact_in_its_currency() -> None:
    assert money("12.5", "RUB") == Money(1250, "RUB")
    for amount, currency in (("0", "RUB"), ("0.00", "RUB"), ("1.001", "RUB"), ("1.5", "JPY"), ("9" * 13, "RUB")):
        with pytest.raises(Invalid) as raised:
            money(amount, currency)
        assert raised.value.pointer == "/amount"
