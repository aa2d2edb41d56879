"""The goods that a visitor has picked, kept in a cookie; prices come from the API each time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Different products in a basket: as many as fit into a cookie.
MOST_PRODUCTS = 40
#: Units of one product.
MOST_UNITS = 99_999
_ENTRY = re.compile(r"([0-9a-f]{32})\.([1-9][0-9]{0,4})")
_PRODUCT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Basket:
    """Quantities by product id (UUID as 32 hexadecimal digits), in the order in which they were picked."""

    quantities: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, value: str | None) -> Basket:
        """From the cookie; what is malformed is left out."""
        found = _ENTRY.findall(value or "")[:MOST_PRODUCTS]
        return cls({product: int(quantity) for product, quantity in found})

    def write(self) -> str:
        """The value of the cookie; empty when nothing is in it."""
        return "_".join(f"{product}.{quantity}" for product, quantity in self.quantities.items())

    def with_more(self, product: str, quantity: int) -> Basket:
        """With so many units more of a product."""
        return self.with_quantity(product, self.quantities.get(_hex(product), 0) + quantity)

    def with_quantity(self, product: str, quantity: int) -> Basket:
        """With exactly so many units of a product; none removes it.

        A full basket takes no other product, and none takes what is no id of a product.
        """
        changed, name = dict(self.quantities), _hex(product)
        if quantity < 1:
            changed.pop(name, None)
        elif name in changed or (len(changed) < MOST_PRODUCTS and _PRODUCT.fullmatch(name)):
            changed[name] = min(quantity, MOST_UNITS)
        return Basket(changed)

    def __len__(self) -> int:
        """Number of different products."""
        return len(self.quantities)


def _hex(product: str) -> str:
    return product.replace("-", "").lower()
