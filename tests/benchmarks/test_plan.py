"""Cases alternate, so that changes of the machine's speed affect all cases equally."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from benchmarks.plan import FULL, Case, Plan
from benchmarks.shop import Baskets, Shop

SHOP = Shop([uuid4() for _ in range(50)], [], "tok")


def test_every_case_is_measured_equally_often_and_is_equally_often_first() -> None:
    steps = Plan(rounds=4, seconds=1, in_flight=(1, 16)).steps
    assert Counter(steps) == {(level, case): 4 for level in (1, 16) for case in Case}
    assert [case for _, case in steps[:16:4]] == list(Case)
    assert [level for level, _ in steps] == [1] * 16 + [16] * 16


def test_full_run_takes_between_150_and_240_seconds() -> None:
    assert 150 <= len(FULL.steps) * FULL.seconds <= 240


def test_orders_have_two_products_and_hot_orders_share_one() -> None:
    baskets = Baskets(SHOP, seed=1)
    plain = [baskets.choose(Case.SAGA) for _ in range(200)]
    hot = [baskets.choose(Case.HOT) for _ in range(200)]
    assert {len(set(basket)) for basket in plain + hot} == {2}
    assert all(SHOP.hot in basket for basket in hot)
    assert len({product for basket in plain for product in basket}) == 50
    assert Baskets(SHOP, seed=1).choose(Case.SAGA) == plain[0]
