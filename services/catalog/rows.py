"""One row of a product list, from CSV text or JSON values, becomes a product; or says why it cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from services.catalog.rules import checked
from services.catalog.views import ProductDraft
from services.errors import Invalid
from services.money import Money, is_currency

REQUIRED = ("sku", "name", "price", "currency", "stock")
OPTIONAL = ("description", "attributes", "isActive")
#: Most units of one product that an import may bring.
MAX_STOCK = 1_000_000_000

_SWITCH = {"": True, "true": True, "1": True, "false": False, "0": False}


def product_of(members: Mapping[str, Any]) -> ProductDraft:
    """The product of a row. Raises Invalid with a pointer to the member that is wrong."""
    if not set(REQUIRED) <= members.keys() <= {*REQUIRED, *OPTIONAL}:
        raise Invalid("is not a whole row: too few or too many fields")
    draft = ProductDraft(
        sku=_text(members, "sku"),
        name=_text(members, "name"),
        price=_price(members["price"], _text(members, "currency")),
        description=_text(members, "description"),
        attributes=_attributes(members.get("attributes")),
        is_active=_switch(members.get("isActive")),
    )
    return checked(draft)


def units_of(members: Mapping[str, Any], otherwise: int | None) -> int:
    """The units that a row brings; `otherwise` when it leaves them empty. Raises Invalid."""
    stock = members["stock"]
    if stock in ("", None) and otherwise is not None:
        return otherwise
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
        raise Invalid("is no ISO 4217 currency", pointer="/currency")
    try:
        return Money.parse(str(value).strip(), currency)
    except ValueError:
        raise Invalid("is no amount of its currency: use a point, and no more decimals", pointer="/price") from None


def _attributes(value: object) -> dict[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) and value.strip() else value or {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Invalid("is no JSON object", pointer="/attributes")
    return found


def _switch(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return value is not False
    switched = _SWITCH.get(value.strip().lower()) if isinstance(value, str) else None
    if switched is None:
        raise Invalid("is neither true nor false", pointer="/isActive")
    return switched
