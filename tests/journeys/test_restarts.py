"""Processes that are killed again and again, or all at once, and the one of two that is left (FAULTS)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import pytest

from sandbox.component import Component
from tests.journeys.customers import answered
from tests.journeys.load import Load
from tests.journeys.shop import STOCK, Shop, address_of
from tests.journeys.test_crashes import assert_confirmed_once
from tests.journeys.two_apis import TwoApis
from tests.journeys.waiting import until

#: Buyers, the unpaid orders that each may have, and those whose first order is in the middle of a charge.
BUYERS, EACH, CHARGED = 40, 5, 6
#: Seconds without a worker, and until the backlog must be drained.
DOWNTIME, DRAINED_WITHIN = 30.0, 60.0
#: Kills of one of three workers, and the seconds between two.
KILLS, BETWEEN = int(os.environ.get("WORKER_KILLS", "8")), 3.0
#: Seconds for which one of two APIs is killed again and again, after the first time.
API_KILL_SECONDS = float(os.environ.get("API_KILL_SECONDS", "0"))
_ORDERS = "SELECT order_id FROM orders.lines WHERE product_id = %(id)s"


def test_F09_orders_that_were_open_while_every_worker_was_killed_are_confirmed_after_the_start(parts: Shop) -> None:
    """The orders before the kill are in the middle of a charge, the others were not begun."""
    product = parts.product()
    buyers = [parts.customer() for _ in range(BUYERS)]
    with ThreadPoolExecutor(8) as pool:
        begun = [(buyer, buyer.place(product, card="tok_succeeds_3")) for buyer in buyers[:CHARGED]]
        for buyer, order_id in begun:
            buyer.wait_for_event(order_id, "payment_pending")
        parts.stack.kill("workers")
        ends = time.monotonic() + DOWNTIME
        left = [EACH - (number < CHARGED) for number in range(BUYERS)]
        more = pool.map(
            lambda buyer, count: [(buyer, buyer.place(product, card="tok_succeeds")) for _ in range(count)],
            buyers,
            left,
        )
        orders = begun + [order for placed in more for order in placed]
        threading.Event().wait(max(0.0, ends - time.monotonic()))
    assert len(orders) == BUYERS * EACH
    assert {buyer.order(order_id)["status"] for buyer, order_id in orders} <= {"created", "payment_pending"}

    parts.stack.start("workers")
    restarted = time.monotonic()
    assert {buyer.wait_for_end(order_id)["status"] for buyer, order_id in orders} == {"confirmed"}
    assert time.monotonic() - restarted < DRAINED_WITHIN
    assert parts.stock(product) == (STOCK - len(orders), 0, len(orders))


@pytest.fixture
def three_workers(parts: Shop) -> Iterator[list[Component]]:
    """The worker of the shop and two more."""
    with ExitStack() as opened:
        more = [opened.enter_context(parts.another_worker()) for _ in range(2)]
        yield [parts.stack.component("workers"), *more]


def test_F10_orders_are_confirmed_while_one_of_three_workers_is_killed_every_three_seconds(
    parts: Shop, three_workers: list[Component]
) -> None:
    chosen, never = random.Random(10), threading.Event()
    load = Load(parts, pause=2.0 if KILLS > 8 else 0.0)
    with load.running():
        load.wait_for_orders(1)
        for _ in range(KILLS):
            worker = chosen.choice(three_workers)
            worker.kill()
            worker.start()
            never.wait(BETWEEN)
        load.wait_for_orders(1)
    assert load.ends() == {"confirmed"}
    assert set(load.statuses) <= {201, 429}  # 429: the buyer has five unpaid orders


def test_F76_clients_go_on_with_the_other_api_when_one_is_killed_under_load(parts: Shop) -> None:
    """The sessions were made at the API that is killed; requests that are not answered are repeated with their keys."""
    product, key = parts.product(), {"Idempotency-Key": "F76"}
    with parts.another_api() as api, ThreadPoolExecutor(1) as pool:
        customer = parts.customer(api=address_of(api))
        load = TwoApis(parts, [address_of(api), parts.stack.addresses.api])
        with load.running():
            load.wait_for_all(1)
            waits = {**key, "Prefer": "wait=30"}
            cut_off = pool.submit(customer.post_order, product, headers=waits, card="tok_succeeds_3")
            until(lambda: parts.rows(_ORDERS, id=product))
            api.kill()
            with pytest.raises(httpx2.TransportError):
                cut_off.result()
            load.wait_for_all(2)
            _kill_in_turn(load, parts.stack.component("api"), api)
        customer.use_api(parts.stack.addresses.api)
        order_id = answered(customer.post_order(product, headers=key, card="tok_succeeds_3"), 201)["orderId"]
        assert [order["id"] for order in customer.orders()] == [order_id]
        assert load.unexpected == []
        assert load.repeated >= len(load.clients)
        assert sorted(str(found) for (found,) in parts.rows(_ORDERS, id=load.product)) == sorted(load.orders)
        assert_confirmed_once(parts, customer, order_id, product)
        assert answered(customer.http.get("/users/me"), 200)["email"] == customer.address
        sold = len(load.orders)
        until(lambda: parts.stock(load.product), lambda stock: stock == (STOCK - sold, 0, sold))


def _kill_in_turn(load: TwoApis, *apis: Component) -> None:
    """Start the API that was killed and kill the other, for `API_KILL_SECONDS`; the first one runs in the end."""
    ends, (running, killed) = time.monotonic() + API_KILL_SECONDS, apis
    while time.monotonic() < ends or running is not apis[0]:
        killed.start()
        load.wait_for_all(1)
        running.kill()
        load.wait_for_all(2)
        running, killed = killed, running
