"""Validates products: lengths, prices, and characters that the database can store and a page can show."""

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
#: Most bytes of the attributes as JSON.
MAX_ATTRIBUTES = 16_384
# An escaped U+0000 in JSON text; after an escaped backslash the same characters are ordinary text.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def checked_product(draft: ProductDraft) -> ProductDraft:
    """The draft unchanged. Raises Invalid with a pointer to the invalid member."""
    check_text(draft.sku, "/sku", MAX_SKU)
    check_text(draft.name, "/name", MAX_NAME)
    check_text(draft.description, "/description", MAX_DESCRIPTION, multiline=True)
    check_price(draft.price)
    check_attributes(draft.attributes)
    return draft


def check_text(text: str, pointer: str, longest: int, *, multiline: bool = False) -> None:
    """Raises Invalid for text that is too long or has control characters.

    `multiline`: the text may be empty and have several lines.
    """
    if not text.strip() and not multiline:
        raise Invalid("is empty", pointer=pointer)
    if len(text) > longest:
        raise Invalid(f"has more than {longest} characters", pointer=pointer)
    allowed = "\n\r\t" if multiline else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise Invalid("contains control characters", pointer=pointer)


def check_price(price: Money) -> None:
    """Raises Invalid unless the price is within 1 … 10^12 minor units of an ISO 4217 currency."""
    if not is_currency(price.currency):
        raise Invalid("is not an ISO 4217 currency", pointer="/currency")
    if not 1 <= price.minor <= MAX_MINOR:
        raise Invalid("is not above zero, or is too large", pointer="/price")


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Raises Invalid for attributes that PostgreSQL's jsonb cannot store, or that are too large."""
    try:
        text = json.dumps(attributes, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (ValueError, TypeError, RecursionError):
        raise Invalid("is not a plain JSON object", pointer="/attributes") from None
    if size > MAX_ATTRIBUTES:
        raise Invalid(f"has more than {MAX_ATTRIBUTES} bytes", pointer="/attributes")
    if _NUL.search(text):
        raise Invalid("contains U+0000", pointer="/attributes")
