"""What a product may contain: what PostgreSQL can store and a page can show."""

from __future__ import annotations

from typing import Any

import pytest

from services.catalog.rules import MAX_ATTRIBUTES, check_attributes, check_price, check_text
from services.errors import Invalid
from services.money import MAX_MINOR, Money


@pytest.mark.parametrize("text", ["", "  ", "a" * 11, "a\x00b", "a\nb", "a\ud800"])
def test_a_line_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_text(text, "/name", 10)
    assert raised.value.pointer == "/name"


def test_several_lines_may_be_empty_and_have_line_ends() -> None:
    check_text("", "/description", 10, multiline=True)
    check_text("a\r\n\tb", "/description", 10, multiline=True)
    with pytest.raises(Invalid, match="control characters"):
        check_text("a\x00b", "/description", 10, multiline=True)


@pytest.mark.parametrize("price", [Money(0, "RUB"), Money(-1, "RUB"), Money(MAX_MINOR + 1, "RUB"), Money(1, "RUR")])
def test_a_price_out_of_bounds_is_refused(price: Money) -> None:
    with pytest.raises(Invalid):
        check_price(price)
    check_price(Money(MAX_MINOR, "RUB"))


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": float("nan")},
        {"a": object()},
        {"a": "\x00"},
        {"\x00": 1},
        {"a": "\\\x00"},
        {"a": "я" * (MAX_ATTRIBUTES // 2)},
    ],
)
def test_attributes_that_jsonb_cannot_store_are_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as raised:
        check_attributes(attributes)
    assert raised.value.pointer == "/attributes"


def test_a_backslash_before_u0000_is_ordinary_text() -> None:
    check_attributes({"path": "\\u0000", "nested": {"list": [1, None]}})


@pytest.mark.parametrize("code", [0, 13, "4", "20%", 4.0, True, None, []])
def test_T176_a_vat_code_that_the_provider_does_not_know_is_refused(code: object) -> None:
    with pytest.raises(Invalid) as raised:
        check_attributes({"vatCode": code})
    assert raised.value.pointer == "/attributes/vatCode"


def test_T176_vat_codes() -> None:
    for code in range(1, 13):
        check_attributes({"vatCode": code})


@pytest.mark.parametrize(
    "name",
    ["\u200b", "\u00ad \ufeff", "\u3164", "\u2800", "\u0301", "\U000e0041", "Lamp \u202egnp.exe", "\u2066Lamp\u2069"],
    ids=ascii,
)
def test_T184_a_name_that_shows_nothing_or_turns_the_text_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as raised:
        check_text(name, "/name", 200)
    assert raised.value.pointer == "/name"


@pytest.mark.parametrize("name", ["Лампа", "می‌خواهم", "👩‍👧 mug", "½", "-", "שלום\u200f!", "e\u0301"])
def test_T184_a_name_of_any_script_is_kept(name: str) -> None:
    check_text(name, "/name", 200)
