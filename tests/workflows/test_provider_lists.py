"""What only the provider's lists show reaches orders: refunds made on its page, and money of a payment given up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.orders.status import OrderStatus
from services.payments.gateway import Outcome
from services.payments.status import PaymentStatus
from tests.builders import an_order
from tests.workflows.shop import Shop, returned
from workflows.maintenance import PeriodicWorkflow


async def run_now(shop: Shop, job: str) -> None:
    await shop.client.get_workflow_handle(job).signal(PeriodicWorkflow.run_now)


async def test_a_refund_made_on_the_providers_page_is_shown(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.refund_by_hand(payment, 300)
    await run_now(shop, "find-provider-refunds")
    await shop.until(lambda: returned(shop, order) == [300])
    await run_now(shop, "find-provider-refunds")
    shop.provider.refund_by_hand(payment, order.total.minor - 300)
    await run_now(shop, "find-provider-refunds")
    await shop.until(lambda: returned(shop, order) == [300, order.total.minor - 300])
    assert shop.services.payments.get(payment).status is PaymentStatus.REFUNDED
    assert shop.services.orders.get(order.id).status == OrderStatus.CONFIRMED


async def test_a_refund_made_on_the_page_ends_an_undo_that_keeps_failing(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.provider.failing_refunds = 10_000
    try:
        await shop.cancel(order)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.forward(order.id, 130)
        shop.provider.refund_by_hand(payment, order.total.minor)
        await run_now(shop, "find-provider-refunds")
        async with asyncio.timeout(5):
            assert (await shop.outcome(order.id)).status == OrderStatus.CANCELLED
    finally:
        shop.provider.failing_refunds = 0
    shop.check(order, OrderStatus.CANCELLED)
    assert returned(shop, order) == [order.total.minor]


async def test_money_of_a_payment_that_was_given_up_is_sent_back(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.provider.make_older(payment, timedelta(minutes=10))
    await run_now(shop, "find-provider-payments")
    await shop.until(lambda: returned(shop, order) == [order.total.minor])
    shop.check(order, OrderStatus.CANCELLED)
