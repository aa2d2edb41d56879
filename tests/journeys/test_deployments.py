"""Workers that are stopped while they work (FAULTS F12)."""

from __future__ import annotations

import asyncio
import signal
import time

from temporalio.api.enums.v1 import EventType

from tests.journeys.shop import STOCK, Shop
from tests.journeys.waiting import until

#: Seconds within which a worker must have ended (F12).
ENDS_WITHIN = 12.0


#: Events of tasks that did not succeed, so that what they did is repeated.
UNSUCCESSFUL = {"WORKFLOW_TASK_TIMED_OUT", "WORKFLOW_TASK_FAILED", "ACTIVITY_TASK_TIMED_OUT", "ACTIVITY_TASK_FAILED"}


async def history(shop: Shop, order_id: str) -> list[str]:
    """Types of the events of an order's workflow, and the ids of the regular activities that it scheduled."""
    found = []
    async for event in (await shop.workflow(order_id)).fetch_history_events():
        found.append(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_"))
        found.append(event.activity_task_scheduled_event_attributes.activity_id)
    return found


def test_F12_a_stopped_worker_ends_its_steps_and_none_is_repeated(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    orders = [customer.place(product, card="tok_succeeds_3") for _ in range(3)]
    for order_id in orders:
        customer.wait_for_status(order_id, "payment_pending")
    worker = parts.stack.component("workers")
    began = time.monotonic()
    parts.stack.send("workers", signal.SIGTERM)
    until(lambda: not worker.running)
    assert time.monotonic() - began < ENDS_WITHIN
    assert worker.ending == "exit code 0"

    parts.stack.start("workers")
    ended = [customer.wait_for_end(order_id) for order_id in orders]
    assert {order["status"] for order in ended} == {"confirmed"}
    assert [[charge["captures"] for charge in parts.ledger(order)] for order in ended] == [[1]] * len(orders)
    assert parts.stock(product) == (STOCK - len(orders), 0, len(orders))
    for order_id in orders:
        events = set(asyncio.run(history(parts, order_id)))
        assert "WORKFLOW_EXECUTION_COMPLETED" in events
        assert events & {*UNSUCCESSFUL, "charge_payment", "refresh_payment"} == set()
