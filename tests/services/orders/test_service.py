"""Placing: what is frozen, what is refused, and what a key makes of a second try."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import IntegrityError

from activities.messages import OrderInput
from services.clock import new_id
from services.db import Database
from services.errors import (
    CurrencyMismatch,
    IdempotencyKeyReused,
    Invalid,
    NotFound,
    ProductUnavailable,
    TooManyOpenOrders,
)
from services.idempotency import IdempotentRequest
from services.money import Money
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderFilter, WorkflowRun
from tests.builders import a_product, an_order
from workflows.order_commands import order_input


def test_placing_returns_what_is_stored_without_reading_it(orders: OrderService) -> None:
    placed = orders.place(an_order(lines=3, phone="+79161234567", card=None))
    assert placed.order == orders.get(placed.order.id)
    assert placed.start_input == orders.start_input(placed.order.id)


def test_an_order_has_its_total_lines_and_first_event(orders: OrderService) -> None:
    lamp, cup = a_product("2.55"), a_product("3.39")
    placed = orders.place(an_order(lamp, cup, quantity=6)).order
    assert placed.status == OrderStatus.CREATED
    assert placed.total == Money(6 * 255 + 6 * 339, "RUB")
    assert [(line.product_id, line.price.text, line.quantity) for line in placed.lines] == [
        (lamp.id, "2.55", 6),
        (cup.id, "3.39", 6),
    ]
    assert [(event.type, event.amount) for event in orders.events(placed.id)] == [("created", placed.total)]


def test_F63_the_price_is_frozen_when_the_order_is_placed(orders: OrderService) -> None:
    lamp = a_product("2.55")
    placed = orders.place(an_order(lamp)).order
    orders.place(an_order(a_product("9.99")))
    assert orders.get(placed.id).lines[0].price.text == "2.55"


def test_T49_unknown_and_inactive_products_are_refused(orders: OrderService) -> None:
    sold, gone = a_product(), a_product(active=False)
    with pytest.raises(ProductUnavailable) as refusal:
        orders.place(an_order(sold, gone))
    assert refusal.value.extra["products"] == [str(gone.id)]
    assert orders.list_orders(OrderFilter(), None, 10) == []


def test_T50_two_currencies_are_refused(orders: OrderService) -> None:
    with pytest.raises(CurrencyMismatch):
        orders.place(an_order(a_product("1.00", "RUB"), a_product("1.00", "EUR")))


def test_T47_a_total_out_of_bounds_is_refused(orders: OrderService) -> None:
    dear = a_product("9999999999.99")
    assert orders.place(an_order(dear)).order.total.minor == 999_999_999_999
    with pytest.raises(Invalid):
        orders.place(an_order(dear, quantity=2))


@pytest.mark.parametrize("quantity", [0, -1, 600_000_000])
def test_T47_the_database_is_the_second_wall(orders: OrderService, quantity: int) -> None:
    cheap = a_product("0.01")
    with pytest.raises((IntegrityError, Invalid)):
        orders.place(an_order(cheap, a_product("99.00"), quantity=quantity))
    assert orders.list_orders(OrderFilter(), None, 10) == []


def test_T55_five_unpaid_orders_are_the_limit_also_in_parallel(orders: OrderService) -> None:
    buyer = new_id()

    def place(_: int) -> str:
        try:
            return str(orders.place(an_order(buyer_id=buyer)).order.status)
        except TooManyOpenOrders:
            return "refused"

    with ThreadPoolExecutor(16) as pool:
        results = sorted(pool.map(place, range(16)))
    assert results == ["created"] * 5 + ["refused"] * 11


def test_T53_one_key_makes_one_order_also_in_parallel(orders: OrderService, database: Database) -> None:
    new = an_order()
    key = IdempotentRequest.of(f"buyer:{new.buyer_id}", "POST /orders", "click", {"a": 1})
    with ThreadPoolExecutor(16) as pool:
        placed = list(pool.map(lambda _: orders.place(new, key), range(64)))
    assert len({one.order.id for one in placed}) == 1
    assert sorted(one.replayed for one in placed) == [False] + [True] * 63
    with database.transaction() as tx:
        assert tx.fetch_value("SELECT count(*) FROM orders.orders") == 1


def test_T54_a_key_with_another_body_is_refused_and_another_callers_key_is_another(orders: OrderService) -> None:
    first = an_order()
    orders.place(first, IdempotentRequest.of("buyer:1", "POST /orders", "k", {"a": 1}))
    with pytest.raises(IdempotencyKeyReused):
        orders.place(first, IdempotentRequest.of("buyer:1", "POST /orders", "k", {"a": 2}))
    other = orders.place(an_order(), IdempotentRequest.of("buyer:2", "POST /orders", "k", {"a": 2}))
    assert not other.replayed


def test_a_refused_order_leaves_no_key_behind(orders: OrderService) -> None:
    key = IdempotentRequest.of("buyer:1", "POST /orders", "k", {"a": 1})
    with pytest.raises(ProductUnavailable):
        orders.place(an_order(a_product(active=False)), key)
    assert not orders.place(an_order(), key).replayed


def test_T59_another_buyers_order_is_not_found(orders: OrderService) -> None:
    placed = orders.place(an_order()).order
    with pytest.raises(NotFound):
        orders.get(placed.id, new_id())
    assert orders.get(placed.id, placed.buyer_id).id == placed.id


def test_the_way_to_pay_is_sealed_and_no_part_of_what_starts_the_workflow(
    orders: OrderService, steps: OrderTransitions, database: Database
) -> None:
    placed = orders.place(an_order(card=None, phone="+79161234567")).order
    with database.transaction() as tx:
        row = tx.fetch_one("SELECT * FROM orders.orders")
    assert b"79161234567" not in bytes(row.payment_method) + bytes(row.contact)
    assert "79161234567" not in str(row.start_input)
    steps.claim(placed.id, WorkflowRun("run", 1000.0))
    steps.reserved(placed.id)
    due = steps.start_payment(placed.id, 1)
    assert due.method is not None
    assert due.method.phone == "+79161234567"


def test_the_stored_start_is_the_workflows_input(orders: OrderService) -> None:
    placed = orders.place(an_order(card=None)).order
    assert order_input(orders.start_input(placed.id)) == OrderInput(
        order_id=placed.id,
        buyer_id=placed.buyer_id,
        total_minor=1000,
        currency="RUB",
        has_method=False,
        hold_seconds=1200,
        payment_window=900,
        payment_attempts=1,
        attention_after=600,
        local_lane=True,
        units=1,
        method="",
    )


def test_lists_are_newest_first_by_key(orders: OrderService) -> None:
    buyer = new_id()
    ids = [orders.place(an_order(buyer_id=buyer)).order.id for _ in range(3)]
    orders.place(an_order())
    mine = OrderFilter(buyer_id=buyer)
    first = orders.list_orders(mine, None, 2)
    assert [order.id for order in first] == [ids[2], ids[1]]
    assert [order.id for order in orders.list_orders(mine, first[-1].id, 2)] == [ids[0]]
    assert orders.list_orders(OrderFilter(buyer_id=buyer, status=OrderStatus.PAID), None, 2) == []
