"""Countries by name in each language."""

from __future__ import annotations

from functools import cache

from babel import Locale

# CLDR's territories of two letters that are no countries of ISO 3166-1: regions, groups and test codes.
_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})


@cache
def countries(language: str) -> list[tuple[str, str]]:
    """Code and name of every country that an order may go to, by name."""
    territories = Locale.parse(language).territories
    known = ((code, name) for code, name in territories.items() if len(code) == 2 and code not in _NOT_COUNTRIES)
    return sorted(known, key=lambda pair: pair[1])
