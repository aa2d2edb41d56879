"""What may stand in a product: bounds, and text that the database and a screen can hold."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from services.catalog.views import ProductDraft
from services.errors import Invalid
from services.money import MAX_MINOR, Money, is_currency

MAX_SKU = 64
MAX_NAME = 200
MAX_DESCRIPTION = 10_000
#: Bytes of the attributes as JSON.
MAX_ATTRIBUTES = 16_384
# An escaped U+0000 in JSON text, not the six characters behind an escaped backslash.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def checked(draft: ProductDraft) -> ProductDraft:
    """The draft itself. Raises Invalid, with a pointer to the member, for what cannot be sold."""
    check_text(draft.sku, "/sku", MAX_SKU)
    check_text(draft.name, "/name", MAX_NAME)
    check_text(draft.description, "/description", MAX_DESCRIPTION, free=True)
    check_price(draft.price)
    check_attributes(draft.attributes)
    return draft


def check_text(text: str, pointer: str, longest: int, *, free: bool = False) -> None:
    """Raises Invalid for text that is too long or unprintable; unless `free`, also when empty or of several lines."""
    if not text.strip() and not free:
        raise Invalid("is empty", pointer=pointer)
    if len(text) > longest:
        raise Invalid(f"has more than {longest} characters", pointer=pointer)
    allowed = "\n\r\t" if free else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise Invalid("holds control characters", pointer=pointer)


def check_price(price: Money) -> None:
    """Raises Invalid unless the price is within 1 … 10^12 minor units of an ISO 4217 currency."""
    if not is_currency(price.currency):
        raise Invalid("is no ISO 4217 currency", pointer="/currency")
    if not 1 <= price.minor <= MAX_MINOR:
        raise Invalid("is not above zero or too large", pointer="/price")


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Raises Invalid for what PostgreSQL's jsonb cannot hold, and for too much of it."""
    try:
        text = json.dumps(attributes, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError):
        raise Invalid("is no plain JSON object", pointer="/attributes") from None
    if size > MAX_ATTRIBUTES:
        raise Invalid(f"has more than {MAX_ATTRIBUTES} bytes", pointer="/attributes")
    if _NUL.search(text):
        raise Invalid("holds U+0000", pointer="/attributes")
