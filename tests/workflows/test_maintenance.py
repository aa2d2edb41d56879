"""The sweep: continues refunds that wait and reports each once."""

from __future__ import annotations

import asyncio

from services.money import Money
from services.orders.status import OrderStatus
from tests.builders import an_order
from tests.workflows.shop import Shop, returned
from workflows.client import TASK_QUEUE
from workflows.maintenance import SweepWorkflow

CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


async def test_a_waiting_refund_is_continued_and_reported_once(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    shop.provider.set_available(False)
    try:
        left = await asyncio.to_thread(
            shop.services.payments.refund, order.id, shop.payment_id(order.id), Money(100, order.total.currency)
        )
    finally:
        shop.provider.set_available(True)
    assert left.status == "pending"
    await shop.until(lambda: left.id in shop.services.payments.pending_refunds(100))
    for number in range(2):
        await shop.client.execute_workflow(SweepWorkflow.run, id=f"sweep-{order.id}-{number}", task_queue=TASK_QUEUE)
    assert shop.services.payments.get_refund(left.id).status == "succeeded"
    assert (returned(shop, order), shop.services.payments.unreported_refunds(10)) == ([100], [])
    assert shop.services.orders.get(order.id).status == CONFIRMED
