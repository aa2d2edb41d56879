"""How many unpaid units of a product one account may hold, so that nobody takes a whole stock for nothing (T135)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.errors import Conflict

#: An account that has paid an order before may hold so many times as much.
PAID_BEFORE = 10
#: The share with which there is no limit: the whole stock.
ALL = 1.0


class HoldLimit(Conflict):
    """The account would hold more unpaid units of a product than one account may."""

    code = "hold-limit"

    def __init__(self, over: Mapping[UUID, tuple[int, int]]) -> None:
        """`over`: wanted units, and those that the account may still order, by product."""
        super().__init__(
            "There are too many units of some products in unpaid orders of this account: order less, or pay first.",
            products=[
                {"productId": str(product_id), "wanted": wanted, "available": available}
                for product_id, (wanted, available) in over.items()
            ],
        )


@dataclass(frozen=True)
class HoldRule:
    """A share of a product's stock (0 to 1), or a number of units, whichever is more."""

    share: float
    units: int

    @property
    def limits(self) -> bool:
        """False when everything may be held."""
        return self.share < ALL

    def over(
        self, wanted: Mapping[UUID, int], held: Mapping[UUID, int], stock: Mapping[UUID, int], *, paid_before: bool
    ) -> dict[UUID, tuple[int, int]]:
        """The products with more wanted than may be held: the wanted units, and those that are left.

        `held`: units in unpaid orders of the account; `stock`: units that are not sold. A product without stock is not
        limited.
        """
        times, share = PAID_BEFORE if paid_before else 1, Decimal(str(self.share))
        left = {
            product_id: max(0, max(int(share * stock[product_id]), self.units) * times - held.get(product_id, 0))
            for product_id in wanted.keys() & stock.keys()
        }
        return {
            product_id: (units, left[product_id])
            for product_id, units in wanted.items()
            if product_id in left and units > left[product_id]
        }
