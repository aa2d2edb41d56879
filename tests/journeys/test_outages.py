"""Orders taken while Temporal or every worker is away: accepted, kept, and finished when they return (FAULTS)."""

from __future__ import annotations

import asyncio
import time

from tests.journeys.customers import Customer, answered
from tests.journeys.shop import STOCK, Shop
from tests.journeys.waiting import until

#: Seconds for which Temporal stays away.
AWAY = 10.0


def test_F14_temporal_killed_in_the_middle_of_an_order(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_succeeds_3")
    customer.reaches(order_id, "payment_pending")
    parts.stack.kill("temporal")
    assert customer.order(order_id)["status"] == "payment_pending"
    parts.stack.start("temporal")

    order = customer.end_of(order_id)
    assert order["status"] == parts.outcome(order_id) == "confirmed"
    assert [(charge["captures"], charge["refunds"]) for charge in parts.ledger(order)] == [(1, [])]
    assert parts.stock(product) == (STOCK - 1, 0, 1)


def test_F15_orders_arrive_while_temporal_is_down(parts: Shop) -> None:
    product, card = parts.product(), parts.paying("card", "succeeds")
    buyers = [parts.customer() for _ in range(3)]
    parts.stack.kill("temporal")
    ends = time.monotonic() + AWAY
    orders: list[tuple[Customer, str]] = []
    while time.monotonic() < ends:
        for buyer in buyers[: 3 if not orders else 1]:
            placed = answered(buyer.post_order(product, headers={"Prefer": "wait=2"}, card=card), 201)
            assert placed["status"] == "created"
            orders.append((buyer, placed["orderId"]))
    assert {buyer.order(order_id)["status"] for buyer, order_id in orders} == {"created"}
    parts.stack.start("temporal")

    ended = [buyer.end_of(order_id) for buyer, order_id in orders]
    assert {order["status"] for order in ended} == {"confirmed"}
    assert [len(parts.ledger(order)) for order in ended] == [1] * len(orders)
    assert {parts.outcome(order_id) for _, order_id in orders} == {"confirmed"}
    assert parts.stock(product) == (STOCK - len(orders), 0, len(orders))


def test_F16_no_worker_runs(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.drained()  # or what it was about to send would wait for its lease to end
    parts.stack.kill("workers")
    placed = answered(customer.post_order(product, card=parts.paying("card", "succeeds")), 201)
    assert placed["status"] == "created"
    assert customer.order(placed["orderId"])["status"] == "created"
    parts.stack.start("workers")
    assert customer.end_of(placed["orderId"])["status"] == "confirmed"


def test_cancel_written_while_temporal_is_down_comes_after_the_start(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.stack.kill("temporal")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    assert answered(customer.step(order_id, "cancel"), 202)["status"] == "cancelling"
    parts.stack.start("temporal")

    order = customer.end_of(order_id)
    assert (order["status"], order["cancelReason"], order["payment"]) == ("cancelled", "buyer_request", None)
    assert customer.timeline(order_id) == ["created", "cancelling", "cancelled"]
    assert parts.stock(product) == (STOCK, 0, 0)
    commands = "SELECT name FROM orders.outbox WHERE order_id = :id AND done_at IS NOT NULL ORDER BY done_at, id"
    until(lambda: parts.rows(commands, id=order_id), lambda done: done == [("start",), ("cancel_requested",)])
    assert asyncio.run(runs_of(parts, order_id)) == 1


async def runs_of(shop: Shop, order_id: str) -> int:
    """How many workflows ever drove an order."""
    found = await (await shop.temporal()).count_workflows(f"WorkflowId = 'order-{order_id}'")
    return found.count
