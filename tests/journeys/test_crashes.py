"""Workers and APIs killed with SIGKILL at fault points: every effect happens once, every order ends (F01 … F31)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import pytest

from sandbox.ports import LOOPBACK
from sandbox.programs import Program
from tests.journeys.customers import Customer, answered
from tests.journeys.shop import PRICE, STOCK, Shop, address_of
from tests.journeys.waiting import until

STRAIGHT = ["created", "reserved", "payment_pending", "paid", "confirmed"]


def wait_for_worker_kill(shop: Shop) -> None:
    """Wait until an armed fault point has killed the worker."""
    worker = shop.stack.component("workers")
    until(lambda: not worker.running)
    assert worker.ending == "SIGKILL"


def assert_confirmed_once(shop: Shop, customer: Customer, order_id: str, product: str) -> None:
    """The order is confirmed; it was reserved, charged and sold once."""
    order = customer.wait_for_end(order_id)
    assert order["status"] == shop.outcome(order_id) == "confirmed"
    assert shop.stock(product) == (STOCK - 1, 0, 1)
    assert [(charge["captures"], charge["refunds"]) for charge in shop.ledger(order)] == [(1, [])]
    statement = "SELECT status FROM reservations.reservations WHERE order_id = %(id)s"
    assert shop.rows(statement, id=order_id) == [("confirmed",)]
    steps = [event for event in customer.timeline(order_id) if event in STRAIGHT]
    assert steps == STRAIGHT


def assert_cancelled_once(shop: Shop, customer: Customer, order_id: str, product: str) -> None:
    """The order is cancelled, nothing is held, and the timeline has each undo once."""
    assert customer.wait_for_end(order_id)["status"] == shop.outcome(order_id) == "cancelled"
    assert shop.stock(product) == (STOCK, 0, 0)
    timeline = customer.timeline(order_id)
    assert (timeline.count("released"), timeline.count("cancelled")) == (1, 1)


def test_F01_worker_killed_before_reserve_commits(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm("hold", "after")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    assert parts.stock(product) == (STOCK, 0, 0)
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F02_worker_killed_after_reserve_committed(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm("reserve_stock", "after")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    assert parts.stock(product) == (STOCK - 1, 1, 0)
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


@pytest.mark.parametrize(
    ("step", "point", "status", "stock"),
    [
        ("confirm_order", "before", "paid", (STOCK - 1, 1, 0)),
        ("confirm", "after", "paid", (STOCK - 1, 1, 0)),
        ("confirm_order", "after", "confirmed", (STOCK - 1, 0, 1)),
    ],
)
def test_F07_worker_killed_around_confirm(
    parts: Shop, step: str, point: str, status: str, stock: tuple[int, int, int]
) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm(step, point)
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    assert parts.stock(product) == stock
    assert customer.order(order_id)["status"] == status
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F08_worker_killed_around_release(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm("release", "before")
    order_id = customer.place(product, card=parts.paying("card", "declines"))
    wait_for_worker_kill(parts)
    assert parts.stock(product) == (STOCK - 1, 1, 0)
    parts.arm("release", "after")
    parts.stack.start("workers")
    wait_for_worker_kill(parts)
    assert parts.stock(product) == (STOCK, 0, 0)
    parts.stack.start("workers")
    assert_cancelled_once(parts, customer, order_id, product)
    assert customer.order(order_id)["cancelReason"] == "payment_declined"


def test_F08_worker_killed_around_refund(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm("charge", "after")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    assert answered(customer.step(order_id, "cancel"), 202)["status"] == "cancelling"
    charged = customer.order(order_id)
    assert [(charge["captures"], charge["refunds"]) for charge in parts.ledger(charged)] == [(1, [])]

    parts.arm("refund", "before")
    parts.stack.start("workers")
    wait_for_worker_kill(parts)
    assert [charge["refunds"] for charge in parts.ledger(charged)] == [[]]
    parts.arm("refund", "after")
    parts.stack.start("workers")
    wait_for_worker_kill(parts)
    assert [len(charge["refunds"]) for charge in parts.ledger(charged)] == [1]
    parts.stack.start("workers")

    assert_cancelled_once(parts, customer, order_id, product)
    (charge,) = parts.ledger(charged)
    assert [(refund["amount"], refund["status"]) for refund in charge["refunds"]] == [(PRICE, "succeeded")]
    assert customer.timeline(order_id).count("refunded") == 1


@pytest.mark.parametrize("point", ["before", "after"])
def test_F08_worker_killed_around_notify(parts: Shop, point: str) -> None:
    """The queueing of messages is repeated, but each message is sent once."""
    customer, product = parts.customer(), parts.product()
    parts.arm("notify", point)
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)
    parts.wait_for_delivery()
    subjects = [item["subject"] for item in parts.inbox(customer.identifier["email"])]
    assert len(subjects) == len(set(subjects)) == 3


@pytest.fixture
def api_without_temporal(parts: Shop) -> Iterator[Program]:
    """An API that cannot start workflows: its Temporal address accepts connections and never responds."""
    with closing(socket.create_server((LOOPBACK, 0))) as listener:
        address = f"{LOOPBACK}:{listener.getsockname()[1]}"
        with parts.another_api(TEMPORAL_ADDRESS=address) as api:
            yield api


def test_F30_api_killed_between_commit_and_reply(parts: Shop, api_without_temporal: Program) -> None:
    customer, product = parts.customer(), parts.product()
    key = {"Idempotency-Key": "the-only-one"}
    customer.use_api(address_of(api_without_temporal))
    # The API commits, and then waits 30 s for the order, whose charge is slow, before it responds.
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(customer.post_order, product, headers={**key, "Prefer": "wait=30"}, card="tok_succeeds_3")
        until(lambda: parts.rows("SELECT order_id FROM orders.lines WHERE product_id = %(id)s", id=product))
        api_without_temporal.kill()
        with pytest.raises(httpx2.TransportError):
            lost.result()

    customer.use_api(parts.stack.addresses.api)
    again = customer.post_order(product, headers=key, card="tok_succeeds_3")
    assert again.headers["Idempotency-Replayed"] == "true"
    order_id = str(answered(again, 201)["orderId"])
    assert [order["id"] for order in customer.orders()] == [order_id]
    assert_confirmed_once(parts, customer, order_id, product)


def test_F31_api_killed_between_commit_and_start(parts: Shop, api_without_temporal: Program) -> None:
    customer, product = parts.customer(), parts.product()
    customer.use_api(address_of(api_without_temporal))
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    api_without_temporal.kill()
    customer.use_api(parts.stack.addresses.api)
    assert_confirmed_once(parts, customer, order_id, product)
    assert parts.rows("SELECT attempts > 0 FROM orders.outbox WHERE order_id = %(id)s", id=order_id) == [(True,)]
