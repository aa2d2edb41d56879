"""Amounts as integer minor units with a currency; decimal text only in requests and answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

import pycountry

#: Upper bound of one amount, in minor units (contract, section 1).
MAX_MINOR = 10**12

# ISO 4217 exponents other than 2 (list one of the standard).
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_EXPONENTS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905 - one string is easier to read
    **dict.fromkeys("CLF UYW".split(), 4),  # noqa: SIM905 - one string is easier to read
}
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,10})?", re.ASCII)


@cache
def is_currency(code: str) -> bool:
    """True for an ISO 4217 alphabetic code in capitals."""
    return code.isascii() and code.isupper() and pycountry.currencies.get(alpha_3=code) is not None


def exponent(currency: str) -> int:
    """Digits after the decimal point that ISO 4217 gives the currency."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, order=True)
class Money:
    """An amount in minor units (kopecks, cents) of an ISO 4217 currency."""

    minor: int
    currency: str

    @property
    def text(self) -> str:
        """The contract's decimal string, with exactly the currency's exponent: `1299.00`, `500` for JPY."""
        digits = exponent(self.currency)
        if not digits:
            return str(self.minor)
        whole, rest = divmod(abs(self.minor), 10**digits)
        return f"{'-' if self.minor < 0 else ''}{whole}.{rest:0{digits}}"

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Parse a decimal string; digits beyond the exponent are refused, never rounded.

        Raises ValueError when the text is not a plain decimal, has too many decimals, or is out of bounds.
        """
        if not _DECIMAL.fullmatch(text):
            raise ValueError("not a decimal amount")
        if len(text.partition(".")[2]) > exponent(currency):
            raise ValueError("too many decimals")
        try:
            minor = Decimal(text).scaleb(exponent(currency))
        except InvalidOperation as error:
            raise ValueError("not a decimal amount") from error
        if minor != minor.to_integral_value() or not -MAX_MINOR <= minor <= MAX_MINOR:
            raise ValueError("too many decimals or out of bounds")
        return cls(int(minor), currency)
