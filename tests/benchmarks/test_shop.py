"""Orders of a run: two products each unless more are wanted, the same in every run."""

from __future__ import annotations

from uuid import uuid4

from benchmarks.plan import Case
from benchmarks.shop import Baskets, Shop

SHOP = Shop([uuid4() for _ in range(50)], [], "tok")


def test_orders_have_two_products_and_hot_orders_share_one() -> None:
    baskets = Baskets(SHOP, seed=1)
    plain = [baskets.choose(Case.SAGA) for _ in range(200)]
    hot = [baskets.choose(Case.HOT) for _ in range(200)]
    assert {len(set(basket)) for basket in plain + hot} == {2}
    assert all(SHOP.hot in basket for basket in hot)
    assert len({product for basket in plain for product in basket}) == 50
    assert Baskets(SHOP, seed=1).choose(Case.SAGA) == plain[0]
    assert len(set(baskets.choose(Case.REST, 40))) == 40
