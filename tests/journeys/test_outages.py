"""Orders placed while Temporal or every worker is down are accepted, and finished after the restart (FAULTS)."""

from __future__ import annotations

import asyncio
import time

from tests.fakes.proxy import TcpProxy
from tests.journeys.customers import Customer, answered
from tests.journeys.shop import STOCK, Shop, address_of
from tests.journeys.waiting import until

#: Seconds for which Temporal stays down.
DOWNTIME = 10.0
#: Seconds that Temporal takes longer for each request and each response.
SLOW = 0.5


def test_F14_an_order_continues_after_temporal_was_killed(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_succeeds_3")
    customer.wait_for_status(order_id, "payment_pending")
    parts.stack.kill("temporal")
    assert customer.order(order_id)["status"] == "payment_pending"
    parts.stack.start("temporal")

    order = customer.wait_for_end(order_id)
    assert order["status"] == parts.outcome(order_id) == "confirmed"
    assert [(charge["captures"], charge["refunds"]) for charge in parts.ledger(order)] == [(1, [])]
    assert parts.stock(product) == (STOCK - 1, 0, 1)


def test_F15_orders_placed_while_temporal_is_down_are_confirmed_later(parts: Shop) -> None:
    product, card = parts.product(), parts.paying("card", "succeeds")
    buyers = [parts.customer() for _ in range(3)]
    parts.stack.kill("temporal")
    ends = time.monotonic() + DOWNTIME
    orders: list[tuple[Customer, str]] = []
    while time.monotonic() < ends:
        for buyer in buyers[: 3 if not orders else 1]:
            placed = answered(buyer.post_order(product, headers={"Prefer": "wait=2"}, card=card), 201)
            assert placed["status"] == "created"
            orders.append((buyer, placed["orderId"]))
    assert {buyer.order(order_id)["status"] for buyer, order_id in orders} == {"created"}
    parts.stack.start("temporal")

    ended = [buyer.wait_for_end(order_id) for buyer, order_id in orders]
    assert {order["status"] for order in ended} == {"confirmed"}
    assert [len(parts.ledger(order)) for order in ended] == [1] * len(orders)
    assert {parts.outcome(order_id) for _, order_id in orders} == {"confirmed"}
    assert parts.stock(product) == (STOCK - len(orders), 0, len(orders))


def test_F16_an_order_placed_without_a_worker_is_confirmed_later(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.wait_for_delivery()  # otherwise messages that the worker has claimed would wait until their lease ends
    parts.stack.kill("workers")
    placed = answered(customer.post_order(product, card=parts.paying("card", "succeeds")), 201)
    assert placed["status"] == "created"
    assert customer.order(placed["orderId"])["status"] == "created"
    parts.stack.start("workers")
    assert customer.wait_for_end(placed["orderId"])["status"] == "confirmed"


def test_F20_orders_are_accepted_at_once_while_temporal_is_slow(parts: Shop) -> None:
    proxy = TcpProxy(parts.stack.addresses.temporal)
    proxy.delay = SLOW
    customer, product, card = parts.customer(), parts.product(), parts.paying("card", "succeeds")
    with proxy.running(), parts.another_api(TEMPORAL_ADDRESS=proxy.address) as api:
        customer.use_api(address_of(api))
        answers = [customer.post_order(product, card=card) for _ in range(5)]
        ended = [customer.wait_for_end(answered(answer, 201)["orderId"]) for answer in answers]
    # the fastest, because the machine may be slow too
    assert min(answer.elapsed.total_seconds() for answer in answers) < SLOW
    assert {order["status"] for order in ended} == {"confirmed"}
    assert parts.stock(product) == (STOCK - len(answers), 0, len(answers))


def test_a_cancel_while_temporal_is_down_is_delivered_after_the_start(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.stack.kill("temporal")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    assert answered(customer.step(order_id, "cancel"), 202)["status"] == "cancelling"
    parts.stack.start("temporal")

    order = customer.wait_for_end(order_id)
    assert (order["status"], order["cancelReason"], order["payment"]) == ("cancelled", "buyer_request", None)
    assert customer.timeline(order_id) == ["created", "cancelling", "cancelled"]
    assert parts.stock(product) == (STOCK, 0, 0)
    commands = "SELECT name FROM orders.outbox WHERE order_id = %(id)s AND done_at IS NOT NULL ORDER BY done_at, id"
    until(lambda: parts.rows(commands, id=order_id), lambda done: done == [("start",), ("cancel_requested",)])
    assert asyncio.run(runs_of(parts, order_id)) == 1


async def runs_of(shop: Shop, order_id: str) -> int:
    """Number of workflow runs of an order."""
    found = await (await shop.temporal()).count_workflows(f"WorkflowId = 'order-{order_id}'")
    return found.count
