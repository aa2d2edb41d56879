"""How many unpaid units of a product an account may hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import TooManyOpenOrders
from services.orders.holds import HoldLimit, HoldRule
from services.orders.service import OrderService
from services.orders.status import CancelReason
from services.orders.transitions import OrderTransitions
from services.orders.views import Policy, Product, WorkflowRun
from services.secrets import Vault
from tests.builders import KEY, a_product, an_order

RUN = WorkflowRun("run", 1000.0)
STOCK = 1000
#: A quarter of the stock.
MOST = 250


def with_policy(database: Database, policy: Policy) -> OrderService:
    return OrderService(database, Vault(KEY), policy)


@pytest.fixture
def orders(database: Database) -> OrderService:
    return with_policy(database, Policy(max_unpaid=0))


@pytest.fixture
def transitions(database: Database) -> OrderTransitions:
    return OrderTransitions(database, Vault(KEY))


def place(orders: OrderService, buyer_id: UUID, product: Product, quantity: int, stock: int = STOCK) -> UUID:
    new = an_order(replace(product, unsold=stock), buyer_id=buyer_id, quantity=quantity)
    return orders.place(new).order.id


def pay(transitions: OrderTransitions, order_id: UUID) -> None:
    transitions.claim(order_id, RUN)
    transitions.reserved(order_id)
    transitions.paid(order_id, new_id(), transitions.start_payment(order_id, 1).total)


def test_T135_an_account_may_hold_a_quarter_of_the_stock(orders: OrderService) -> None:
    buyer, product = new_id(), a_product()
    for quantity in (100, 100):
        place(orders, buyer, product, quantity)
    with pytest.raises(HoldLimit) as refused:
        place(orders, buyer, product, 51)
    assert refused.value.extra == {"products": [{"productId": str(product.id), "wanted": 51, "available": 50}]}
    place(orders, buyer, product, 50)
    with pytest.raises(HoldLimit):
        place(orders, buyer, product, 1)
    place(orders, buyer, a_product(), MOST)
    place(orders, new_id(), product, MOST)


def test_T135_or_a_hundred_units_if_that_is_more(orders: OrderService) -> None:
    buyer, product = new_id(), a_product()
    place(orders, buyer, product, 100, stock=120)
    with pytest.raises(HoldLimit):
        place(orders, buyer, product, 1, stock=120)


def test_T135_parallel_orders_share_the_limit(orders: OrderService) -> None:
    buyer, product = new_id(), a_product()
    together = Barrier(8)

    def order(_: int) -> str:
        together.wait()
        try:
            place(orders, buyer, product, 100)
        except HoldLimit:
            return "refused"
        return "placed"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(order, range(8))) == ["placed"] * 2 + ["refused"] * 6


def test_T135_what_is_paid_or_cancelled_is_not_counted(orders: OrderService, transitions: OrderTransitions) -> None:
    buyer, product = new_id(), a_product()
    cancelled = place(orders, buyer, product, MOST)
    transitions.begin_cancel(cancelled, RUN, CancelReason.BUYER_REQUEST)
    transitions.cancelled(cancelled)
    paid = place(orders, buyer, product, MOST)
    pay(transitions, paid)
    place(orders, buyer, product, MOST)


def test_T135_an_account_that_has_paid_may_hold_ten_times_as_much(
    orders: OrderService, transitions: OrderTransitions
) -> None:
    buyer, product, other = new_id(), a_product(), a_product()
    with pytest.raises(HoldLimit):
        place(orders, buyer, product, 1001, stock=1500)
    pay(transitions, place(orders, buyer, other, 1))
    place(orders, buyer, product, 1000, stock=400)
    with pytest.raises(HoldLimit) as refused:
        place(orders, buyer, product, 1, stock=400)
    assert refused.value.extra["products"][0]["available"] == 0


def test_T135_the_whole_stock_as_share_is_no_limit(database: Database) -> None:
    orders = with_policy(database, Policy(max_unpaid=0, hold_max_share=1, hold_max_units=1))
    buyer, product = new_id(), a_product()
    for _ in range(2):
        place(orders, buyer, product, STOCK // 2)


def test_T135_a_share_is_a_decimal_number() -> None:
    product = new_id()
    rule = HoldRule(share=0.29, units=1)  # 0.29 * 100 is 28.999… in binary
    assert rule.over({product: 29}, {}, {product: 100}, paid_before=False) == {}
    assert rule.over({product: 30}, {}, {product: 100}, paid_before=False) == {product: (30, 29)}


def test_the_number_of_unpaid_orders_is_refused_first(database: Database) -> None:
    orders = with_policy(database, Policy(max_unpaid=1))
    buyer, product = new_id(), a_product()
    place(orders, buyer, product, 1)
    with pytest.raises(TooManyOpenOrders):
        place(orders, buyer, product, STOCK)
