"""Receipts of requests: what YooKassa refuses of a fiscal shop."""

from typing import Any

import pytest

from sandbox.standins.provider.receipt_checks import check_receipt
from sandbox.standins.provider.yookassa_json import ApiError

ITEM = {"description": "Lantern", "quantity": "2.000", "amount": {"value": "5.00", "currency": "RUB"}, "vat_code": 1}
RECEIPT: dict[str, Any] = {"customer": {"email": "anna@example.com"}, "items": [ITEM]}


def refused(receipt: object, *, required: bool = True) -> str | None:
    """The parameter that the refusal names, None without one."""
    try:
        check_receipt({} if receipt is None else {"receipt": receipt}, "10.00", "RUB", required=required)
    except ApiError as error:
        return str(error.body["parameter"])
    return None


def item(**changes: Any) -> dict[str, Any]:
    return RECEIPT | {"items": [ITEM | changes]}


def test_T176_only_a_fiscal_shop_needs_a_receipt() -> None:
    assert (refused(None), refused(None, required=False)) == ("receipt", None)


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT,
        RECEIPT | {"customer": {"phone": "79991234567"}},
        RECEIPT | {"tax_system_code": 6},
        item(quantity=2),
        item(quantity="0.001", amount={"value": "10000.00", "currency": "RUB"}),
        item(description="d" * 128),
    ],
    ids=str,
)
def test_T176_a_receipt_that_is_accepted(receipt: dict[str, Any]) -> None:
    assert refused(receipt) is None


@pytest.mark.parametrize(
    ("receipt", "parameter"),
    [
        ({}, "receipt"),
        ([], "receipt"),
        (RECEIPT | {"customer": None}, "receipt"),
        (RECEIPT | {"customer": {}}, "receipt"),
        (RECEIPT | {"customer": {"email": "anna"}}, "receipt"),
        (RECEIPT | {"customer": {"phone": "+79991234567"}}, "receipt"),
        (RECEIPT | {"items": []}, "receipt"),
        (RECEIPT | {"items": [ITEM] * 81}, "receipt"),
        (RECEIPT | {"tax_system_code": 7}, "receipt.tax_system_code"),
        (RECEIPT | {"items": [ITEM, ITEM]}, "receipt.items"),
        (RECEIPT | {"items": ["Lantern"]}, "receipt.items"),
        (item(description="d" * 129), "receipt.items.description"),
        (item(description=""), "receipt.items.description"),
        (item(quantity="0.000"), "receipt.items.quantity"),
        (item(quantity="2.0001"), "receipt.items.quantity"),
        (item(quantity=None), "receipt.items.quantity"),
        (item(vat_code=13), "receipt.items.vat_code"),
        (item(vat_code="1"), "receipt.items.vat_code"),
        (item(amount={"value": "5.00", "currency": "USD"}), "receipt.items.amount"),
        (item(amount={"value": "5.001", "currency": "RUB"}), "receipt.items.amount"),
        (item(amount=None), "receipt.items.amount"),
        (item(quantity="3"), "receipt.items"),
    ],
    ids=str,
)
def test_T176_a_receipt_that_is_refused(receipt: object, parameter: str) -> None:
    assert refused(receipt) == parameter
