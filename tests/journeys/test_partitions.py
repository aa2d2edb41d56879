"""A worker whose connections to Temporal are held or closed: its orders go on afterwards, each effect once (FAULTS)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fakes.proxy import TcpProxy
from tests.journeys.shop import STOCK, Shop
from tests.journeys.test_crashes import assert_confirmed_once
from tests.journeys.waiting import until

#: Seconds of the partition, and for which connections are closed again and again; orders in that time.
PARTITION, CUTS, ORDERS = float(os.environ.get("PARTITION_SECONDS", "20")), 15.0, 4


@pytest.fixture
def link(parts: Shop) -> Iterator[TcpProxy]:
    """The connection to Temporal of the only worker that runs."""
    parts.wait_for_delivery()  # otherwise messages that the worker has claimed would wait until their lease ends
    proxy = TcpProxy(parts.stack.addresses.temporal)
    parts.stack.stop("workers")
    with proxy.running(), parts.another_worker(TEMPORAL_ADDRESS=proxy.address):
        until(lambda: proxy.connected)
        yield proxy
    parts.stack.start("workers")


def test_F18_orders_go_on_after_a_network_partition_between_worker_and_temporal(parts: Shop, link: TcpProxy) -> None:
    """The charge ends during the partition: its result reaches Temporal later, or is asked for again."""
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_succeeds_3")
    customer.wait_for_status(order_id, "payment_pending")
    link.held = True
    more = customer.place(product, card="tok_succeeds")
    threading.Event().wait(PARTITION)
    assert customer.order(more)["status"] == "created"
    link.held = False

    assert customer.wait_for_end(more)["status"] == "confirmed"
    order = customer.wait_for_end(order_id)
    assert order["status"] == parts.outcome(order_id) == "confirmed"
    assert [[charge["captures"] for charge in parts.ledger(order)]] == [[1]]
    assert parts.stock(product) == (STOCK - 2, 0, 2)


def test_F19_orders_end_while_every_connection_to_temporal_is_closed_again_and_again(
    parts: Shop, link: TcpProxy
) -> None:
    customer, product, chosen = parts.customer(), parts.product(), random.Random(19)
    orders = [customer.place(product, card="tok_succeeds_1") for _ in range(ORDERS)]
    ends, never = time.monotonic() + CUTS, threading.Event()
    while time.monotonic() < ends:
        with link.cut():
            never.wait(chosen.uniform(0.1, 0.5))
        never.wait(chosen.uniform(0.2, 1.0))
    assert link.closed >= ORDERS
    assert {customer.wait_for_end(order_id)["status"] for order_id in orders} == {"confirmed"}
    assert parts.stock(product) == (STOCK - ORDERS, 0, ORDERS)
    last = parts.product()
    assert_confirmed_once(parts, customer, customer.place(last, card="tok_succeeds"), last)
