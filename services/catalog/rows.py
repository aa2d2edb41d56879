"""Parses one row of a product list, from CSV text or JSON values, into a product."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.catalog.rules import check_product
from services.catalog.views import ImportedProduct
from services.errors import Invalid
from services.money import Money, is_currency

#: The members of a product: columns of CSV, members of JSON.
MEMBERS = ("sku", "name", "price", "currency", "stock", "description", "attributes", "isActive")
#: Most units of one product in an import.
MAX_STOCK = 1_000_000_000

# An empty cell cannot empty what is true or false: it leaves it as it is.
_BOOLEANS = {"": None, "true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: its place (`line 7`, `item 3`), and its members as text or JSON values."""

    place: str
    members: Mapping[str, Any]
    #: the attributes that the file has columns for; None: `attributes` holds all
    attribute_names: frozenset[str] | None = None
    #: why the row is no product
    skipped: str | None = None


def product_of(row: Row, currency: str | None = None) -> ImportedProduct:
    """The product of a row; a member that the row does not have is None.

    `currency`: that of a price without one. Raises Invalid with a pointer to the invalid member.
    """
    members = row.members
    if "sku" not in members or not members.keys() <= set(MEMBERS):
        raise Invalid("is not a complete row: too few or too many fields")
    product = ImportedProduct(
        sku=_text(members["sku"], "sku"),
        name=_text(members["name"], "name") if "name" in members else None,
        price=_price(members, currency),
        description=_text(members["description"], "description") if "description" in members else None,
        attributes=_attributes(members["attributes"]) if "attributes" in members else None,
        is_active=_boolean(members.get("isActive")),
        attribute_names=row.attribute_names,
    )
    check_product(product)
    return product


def units_of(members: Mapping[str, Any], default: int | None) -> int | None:
    """The units of a row; `default` when the field is empty or left out. Raises Invalid."""
    if "stock" not in members:
        return default
    stock = members["stock"]
    if stock in ("", None) and default is not None:
        return default
    if isinstance(stock, str) and re.fullmatch("[0-9]{1,10}", stock.strip()):
        stock = int(stock)
    if type(stock) is not int or not 0 <= stock <= MAX_STOCK:
        raise Invalid(f"is not a whole number from 0 to {MAX_STOCK}", pointer="/stock")
    return stock


def _text(value: object, name: str) -> str:
    if value is not None and not isinstance(value, str):
        raise Invalid("is not text", pointer=f"/{name}")
    # A description is text of several lines: its white space is kept.
    return (value or "") if name == "description" else (value or "").strip()


def _price(members: Mapping[str, Any], default: str | None) -> Money | None:
    if "price" not in members:
        if "currency" in members:
            raise Invalid("is missing: price and currency belong together", pointer="/price")
        return None
    currency = _text(members["currency"], "currency") if "currency" in members else default
    if currency is None:
        raise Invalid("is missing: add it, or use --currency", pointer="/currency")
    if not is_currency(currency):
        raise Invalid("is not an ISO 4217 currency", pointer="/currency")
    try:
        return Money.parse(str(members["price"]).strip(), currency)
    except ValueError:
        raise Invalid("is not an amount of its currency, such as 1299.00", pointer="/price") from None


def _attributes(value: object) -> dict[str, Any]:
    try:
        text = value.strip() if isinstance(value, str) else json.dumps(value or {})
        found = _parsed(text) if text else {}
    except (ValueError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid("is not a JSON object", pointer="/attributes")
    return found


@lru_cache(10_000)
def _parsed(text: str) -> Any:
    # Many products of a file have the same attributes, which are never changed in place: one copy is kept.
    return json.loads(text)


def _boolean(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else None
    if text not in _BOOLEANS:
        raise Invalid("is neither true nor false", pointer="/isActive")
    return _BOOLEANS[text]
