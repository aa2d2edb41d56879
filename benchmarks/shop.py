"""The products and buyers, the same for every case."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from benchmarks.plan import LINES, Case

ADDRESS = {"country": "GB", "region": "England", "city": "London", "street": "1 Gift Street"}


@dataclass(frozen=True)
class Shopper:
    """A buyer who registered by e-mail, with an access token."""

    id: UUID
    token: str


@dataclass(frozen=True)
class Shop:
    """Products and buyers; one buyer for each slot, so that no order waits for another of the same buyer."""

    products: Sequence[UUID]
    buyers: Sequence[Shopper]
    #: a card token that is charged at once
    card: str

    @property
    def hot(self) -> UUID:
        """The product that is in every order of the case hot."""
        return self.products[0]


class Baskets:
    """Chooses the products of each order at random, with the same seed in every run."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self._shop = shop
        self._random = random.Random(seed)

    def choose(self, case: Case, lines: int = LINES) -> list[UUID]:
        """Choose so many different products.

        In the case hot they are two, and the first is always the same product, so that orders differ from other cases
        only by the contention on its row.
        """
        if case is Case.HOT:
            return [self._shop.hot, self._random.choice(self._shop.products[1:])]
        return self._random.sample(self._shop.products, lines)
