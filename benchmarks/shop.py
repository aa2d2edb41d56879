"""What can be bought and who buys, the same for every case."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from benchmarks.plan import Case

#: Products of one order: what most orders of small shops have.
LINES = 2
ADDRESS = {"country": "GB", "region": "England", "city": "London", "street": "1 Gift Street"}


@dataclass(frozen=True)
class Shopper:
    """A registered buyer, reached by e-mail."""

    id: UUID
    token: str


@dataclass(frozen=True)
class Shop:
    """The whole shop; one buyer a place in flight, so that no order waits for another of the same buyer."""

    products: Sequence[UUID]
    buyers: Sequence[Shopper]
    #: a token that the stand-in charges at once
    card: str

    @property
    def hot(self) -> UUID:
        """The one product that everybody wants."""
        return self.products[0]


class Baskets:
    """Chooses what each order holds, by chance that is the same in every run."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self._shop = shop
        self._chance = random.Random(seed)

    def choose(self, case: Case) -> list[UUID]:
        """Two different products, one unit of each.

        Of hot orders the one product is in every one, and the other makes them as large as the rest: what differs is
        only that they meet at one row.
        """
        if case is Case.HOT:
            return [self._shop.hot, self._chance.choice(self._shop.products[1:])]
        return self._chance.sample(self._shop.products, LINES)
