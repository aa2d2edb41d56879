"""Amounts: decimal text of each currency's exponent, read exactly and never rounded."""

from __future__ import annotations

import pytest

from services.money import MAX_MINOR, Money, exponent, is_currency


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (129900, "RUB", "1299.00"),
        (500, "JPY", "500"),
        (1, "KWD", "0.001"),
        (12345, "CLF", "1.2345"),
        (-5, "EUR", "-0.05"),
    ],
)
def test_text_has_the_exponent_of_the_currency(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).text == text
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1.001", "RUB"),
        ("1.0", "JPY"),
        ("1e3", "RUB"),
        ("01", "RUB"),
        ("+1", "RUB"),
        (" 1", "RUB"),
        ("1,5", "RUB"),
        ("", "RUB"),
        ("NaN", "RUB"),
        ("١", "RUB"),
        (f"{MAX_MINOR // 100}.01", "RUB"),
    ],
)
def test_a_text_that_is_not_an_exact_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError):
        Money.parse(text, currency)


def test_the_largest_amount_is_accepted() -> None:
    assert Money.parse(str(MAX_MINOR // 100), "RUB").minor == MAX_MINOR


def test_currencies() -> None:
    assert [is_currency(code) for code in ("RUB", "rub", "RUR", "XX", "РУБ")] == [True, False, False, False, False]
    assert [exponent(code) for code in ("RUB", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
