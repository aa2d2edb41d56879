"""Parses one row of a product list, from CSV text or JSON values, into a product."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from services.catalog.rules import checked_product
from services.catalog.views import ProductDraft
from services.errors import Invalid
from services.money import Money, is_currency

REQUIRED = ("sku", "name", "price", "currency", "stock")
OPTIONAL = ("description", "attributes", "isActive")
#: Most units of one product in an import.
MAX_STOCK = 1_000_000_000

_BOOLEANS = {"": True, "true": True, "1": True, "false": False, "0": False}


def product_of(members: Mapping[str, Any]) -> ProductDraft:
    """The product of a row. Raises Invalid with a pointer to the invalid member."""
    if not set(REQUIRED) <= members.keys() <= {*REQUIRED, *OPTIONAL}:
        raise Invalid("is not a complete row: too few or too many fields")
    draft = ProductDraft(
        sku=_text(members, "sku"),
        name=_text(members, "name"),
        price=_price(members["price"], _text(members, "currency")),
        description=_text(members, "description"),
        attributes=_attributes(members.get("attributes")),
        is_active=_boolean(members.get("isActive")),
    )
    return checked_product(draft)


def units_of(members: Mapping[str, Any], default: int | None) -> int:
    """The units of a row; `default` when the field is empty. Raises Invalid."""
    stock = members["stock"]
    if stock in ("", None) and default is not None:
        return default
    if isinstance(stock, str) and re.fullmatch("[0-9]{1,10}", stock.strip()):
        stock = int(stock)
    if type(stock) is not int or not 0 <= stock <= MAX_STOCK:
        raise Invalid(f"is not a whole number from 0 to {MAX_STOCK}", pointer="/stock")
    return stock


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid("is not text", pointer=f"/{name}")
    return (value or "").strip()


def _price(value: object, currency: str) -> Money:
    if not is_currency(currency):
        raise Invalid("is not an ISO 4217 currency", pointer="/currency")
    try:
        return Money.parse(str(value).strip(), currency)
    except ValueError:
        raise Invalid(
            "is not an amount of its currency, such as 1299.00",
            pointer="/price",
        ) from None


def _attributes(value: object) -> dict[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) and value.strip() else value or {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid("is not a JSON object", pointer="/attributes")
    return found


def _boolean(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return value is not False
    parsed = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
    if parsed is None:
        raise Invalid("is neither true nor false", pointer="/isActive")
    return parsed
