"""Amounts and times as people of a language read them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency

# CLDR's currency spacing, which Babel leaves out: `RUB 1,999.00`, not `RUB1,999.00`.
_CODE_BEFORE_DIGIT = re.compile(r"(?<=[A-Z])(?=\d)")


def money(amount: str, currency: str, language: str) -> str:
    """`1 299,00 ₽` for `1299.00`, `RUB` in Russian. The amount is the API's decimal string."""
    written = format_currency(Decimal(amount), currency, locale=language, decimal_quantization=False)
    return _CODE_BEFORE_DIGIT.sub("\u00a0", written)


def age(seconds: float, language: str) -> str:
    """`4 minutes` for 240, in the largest unit that fits."""
    return format_timedelta(timedelta(seconds=max(0, seconds)), locale=language, threshold=1)


def when(seconds: float, language: str) -> str:
    """`in 2 minutes` for 61: the time until then, never shorter than it is."""
    whole = math.ceil(seconds) if seconds < 60 else math.ceil(seconds / 60) * 60
    return format_timedelta(timedelta(seconds=whole), locale=language, threshold=1, add_direction=True)


def country(code: str, language: str) -> str:
    """`Россия` for `RU` in Russian; a code that CLDR does not know as it is."""
    return Locale.parse(language).territories.get(code) or code


def relative(seconds: float, language: str) -> str:
    """`in 4 minutes` for 240, `4 minutes ago` for -240, in the largest unit that fits."""
    return format_timedelta(timedelta(seconds=seconds), locale=language, threshold=1, add_direction=True)


def seconds_since(text: str) -> float:
    """Seconds since a time of the API (RFC 3339)."""
    return (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()


def moment(text: str, language: str) -> str:
    """A time of the API (RFC 3339) in UTC; the script of the pages shows it in the visitor's time zone."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    return format_datetime(at, "d MMM y, HH:mm", locale=language) + " UTC"
