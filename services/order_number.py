"""The number by which people know an order."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from uuid import UUID

from services.pasted_text import clean_identifier

_NUMBER = re.compile(r"[0-9a-f]{8}", re.ASCII | re.IGNORECASE)
# What people type or paste around the digits and between them.
_BETWEEN = re.compile(r"[\s#№\-‐‑–—−]+")
_LONGEST = 40
# Letters of the Russian keyboard that look like digits of a number.
_CYRILLIC = str.maketrans("авсе", "abce")


@lru_cache(maxsize=1024)
def order_number(order_id: str) -> str:
    """The last eight digits of an order's id, `9F3A-21C4`; the first digits are a timestamp, similar for many orders.

    Raises ValueError.
    """
    number = UUID(order_id).hex[-8:].upper()
    return f"{number[:4]}-{number[4:]}"


def end_of_id(number: str) -> str:
    """How the ids of orders with this number end: `9f3a21c4` for `9F3A-21C4`.

    Letter case, spaces, hyphens and dashes, `№` and `#`, and full-width and Cyrillic letters make no difference.
    Raises ValueError.
    """
    typed = _BETWEEN.sub("", clean_identifier(number[:_LONGEST]))
    digits = unicodedata.normalize("NFKC", typed).lower().translate(_CYRILLIC)
    if len(number) > _LONGEST or not _NUMBER.fullmatch(digits):
        raise ValueError("not an order number")
    return digits
