"""Refunds of late payments: one that keeps failing asks for a person and is resolved on its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from temporalio.service import RPCError

from activities.messages import RefundInput
from services.orders.status import OrderStatus
from services.payments.gateway import Outcome
from tests.builders import an_order
from tests.fakes.gateway import Behaviour
from tests.workflows.shop import Shop
from tests.workflows.stories import begin_refund, report_refund, waiting
from workflows.client import TASK_QUEUE
from workflows.ids import refund_workflow_id
from workflows.order_commands import OrderCommands
from workflows.refund import RefundWorkflow

CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


@pytest.mark.parametrize("action", ["retry", "mark_done", "write_off"])
async def test_F53_a_late_refund_that_keeps_failing_asks_for_a_person(shop: Shop, action: str) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.provider.failing_refunds = 10_000
    late = RefundInput(order.id, payment, attention_after=600)
    step = refund_workflow_id(payment)
    refund = await shop.skipper.client.start_workflow(RefundWorkflow.run, late, id=step, task_queue=TASK_QUEUE)
    try:
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.skipper.fast_forward(refund, 700)
        await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
        assert shop.services.orders.get(order.id).attention_reasons == (step,)
        if action == "retry":
            shop.provider.failing_refunds = 0
        await OrderCommands(shop.client).resolve(order.id, step, action, "transfer 4711")
        if action == "retry":
            with suppress(RPCError):  # it may have ended already
                await shop.skipper.fast_forward(refund, 700)
        await asyncio.wait_for(refund.result(), 20)
    finally:
        shop.provider.failing_refunds = 0
    assert not shop.services.orders.get(order.id).needs_attention
    assert shop.services.orders.get(order.id).status == CANCELLED
    last = shop.services.payments.refunds_of(order.id)[-1]
    assert (last.status, last.failure_code) == (
        ("failed", "written_off") if action == "write_off" else ("succeeded", None)
    )


async def test_a_late_refund_that_is_settled_by_a_report_ends_at_once(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.provider.behaviour = Behaviour.WAITS  # also for refunds
    try:
        step = refund_workflow_id(payment)
        late = RefundInput(order.id, payment, attention_after=86_400)
        refund = await shop.skipper.client.start_workflow(RefundWorkflow.run, late, id=step, task_queue=TASK_QUEUE)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.skipper.fast_forward(refund, 600)  # it asks less often now
    finally:
        shop.provider.behaviour = Behaviour.SUCCEEDS
    shop.provider.decide_pending(Outcome.SUCCEEDED)

    (refund_id,) = [each.id for each in shop.services.payments.refunds_of(order.id)]
    shop.services.payments.refresh_refund(refund_id)
    shop.services.orders.notice_refund(order.id, payment, "report")

    assert await asyncio.wait_for(refund.result(), 5) == order.total.minor


async def test_each_report_on_a_payment_ends_the_wait_of_a_cancellation(shop: Shop) -> None:
    """The first report says that the payment succeeded, so its refund begins; the second that the refund did."""
    order = await waiting(shop)
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    await shop.forward(order.id, 200)  # it asks every five minutes now
    await begin_refund(shop, order)
    report_refund(shop, order)
    assert (await asyncio.wait_for(shop.outcome(order.id), 5)).status == CANCELLED
    shop.check(order, CANCELLED)
