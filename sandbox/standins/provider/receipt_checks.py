"""Checks the fiscal receipt (54-FZ) of a request for a payment or refund as YooKassa does."""

import re
from decimal import Decimal
from typing import Any

from sandbox.standins.provider.yookassa_json import ApiError, JsonObject, invalid_request

MAX_ITEMS = 80
MAX_DESCRIPTION = 128
QUANTITY = re.compile(r"\d{1,8}(\.\d{1,3})?")
VALUE = re.compile(r"\d{1,10}(\.\d{1,2})?")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\d{7,15}")


def check_receipt(body: JsonObject, value: str, currency: str, *, required: bool) -> None:
    """Raise ApiError 400 for a receipt that is invalid or does not sum to the amount, or is missing if required."""
    receipt = body.get("receipt")
    if receipt is None and not required:
        return
    if not isinstance(receipt, dict) or not _has_customer(receipt.get("customer")):
        raise _illegal()
    items = receipt.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise _illegal()
    if receipt.get("tax_system_code", 1) not in range(1, 7):
        raise _illegal("tax_system_code")
    if sum(_total(item, currency) for item in items) != Decimal(value):
        raise invalid_request("The sum of the items differs from the amount", "receipt.items")


def _has_customer(customer: Any) -> bool:
    if not isinstance(customer, dict):
        return False
    email, phone = customer.get("email"), customer.get("phone")
    return bool(EMAIL.fullmatch(str(email)) or PHONE.fullmatch(str(phone)))


def _total(item: Any, currency: str) -> Decimal:
    if not isinstance(item, dict):
        raise _illegal("items")
    description, quantity, vat_code = item.get("description"), item.get("quantity"), item.get("vat_code")
    if not isinstance(description, str) or not 1 <= len(description) <= MAX_DESCRIPTION:
        raise _illegal("items.description")
    if not QUANTITY.fullmatch(str(quantity)) or not Decimal(str(quantity)):
        raise _illegal("items.quantity")
    if type(vat_code) is not int or not 1 <= vat_code <= 12:
        raise _illegal("items.vat_code")
    return _price(item.get("amount"), currency) * Decimal(str(quantity))


def _price(amount: Any, currency: str) -> Decimal:
    given = amount if isinstance(amount, dict) else {}
    if given.get("currency") != currency or not VALUE.fullmatch(str(given.get("value"))):
        raise _illegal("items.amount")
    return Decimal(given["value"])


def _illegal(member: str | None = None) -> ApiError:
    return invalid_request("Receipt is missing or illegal", f"receipt.{member}" if member else "receipt")
