"""Validates products: lengths, prices, and characters that the database can store and a page can show."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard

from services.catalog.comparing import without_invisible
from services.catalog.views import ImportedProduct, ProductChange, ProductDraft
from services.errors import Invalid
from services.money import MAX_MINOR, Money, is_currency

MAX_SKU = 64
MAX_NAME = 200
MAX_DESCRIPTION = 10_000
#: Most bytes of the attributes as JSON.
MAX_ATTRIBUTES = 16_384
# Embeddings, overrides and isolates (Unicode UAX #9): the rest of a page could be shown backwards.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Has no visible form, although it is a symbol: the pattern of Braille without dots.
_BLANK = "\u2800"
# An escaped U+0000 in JSON text; after an escaped backslash the same characters are ordinary text.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def check_product(product: ProductDraft | ImportedProduct | ProductChange) -> None:
    """Raises Invalid with a pointer to the first invalid member. A member that is None is not given."""
    if not isinstance(product, ProductChange):
        check_text(product.sku, "/sku", MAX_SKU)
    if product.name is not None:
        check_text(product.name, "/name", MAX_NAME)
    if product.description is not None:
        check_text(product.description, "/description", MAX_DESCRIPTION, multiline=True)
    if product.price is not None:
        check_price(product.price)
    if product.attributes is not None:
        check_attributes(product.attributes)


def check_text(text: str, pointer: str, longest: int, *, multiline: bool = False) -> None:
    """Raises Invalid for text that is too long or has control characters.

    `multiline`: the text may be empty and have several lines; otherwise it has a visible character, and none that
    changes the direction of what follows.
    """
    if not multiline and not text.strip():
        raise Invalid("is empty", pointer=pointer)
    if len(text) > longest:
        raise Invalid(f"has more than {longest:,} characters", pointer=pointer)
    allowed = "\n\r\t" if multiline else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise Invalid("contains control characters", pointer=pointer)
    if multiline:
        return
    if _DIRECTION.search(text):
        raise Invalid("contains a character that changes the direction of the text", pointer=pointer)
    if not any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in without_invisible(text)):
        raise Invalid("has no visible character", pointer=pointer)


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
        raise Invalid(f"has more than {MAX_ATTRIBUTES:,} bytes", pointer="/attributes")
    if _NUL.search(text):
        raise Invalid("contains U+0000", pointer="/attributes")
    if "vatCode" in attributes and not is_vat_code(attributes["vatCode"]):
        raise Invalid("is not a VAT code, a number from 1 to 12", pointer="/attributes/vatCode")


def is_vat_code(value: object) -> TypeGuard[int]:
    """Whether this is a VAT code of fiscal receipts, as the payment provider numbers them."""
    return type(value) is int and 1 <= value <= 12
