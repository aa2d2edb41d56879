"""A bug in the code of a workflow, which Temporal retries for ever, asks for a person until it is corrected (F69)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.messages import OrderInput, OrderOutcome
from services.clock import new_id
from services.orders.status import NO_PROGRESS, WORKFLOW_FAILING, OrderStatus
from tests.builders import an_order
from tests.workflows.shop import Shop
from workflows.client import TASK_TIMEOUT
from workflows.ids import order_workflow_id
from workflows.maintenance import PeriodicWorkflow
from workflows.order_commands import order_input


@workflow.defn(name="OrderWorkflow")
class BrokenOrder:
    """The order's workflow as a release could ship it."""

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:
        raise KeyError("a bug")


@workflow.defn(name="OrderWorkflow")
class CorrectedOrder:
    """The next release; the order's steps are not what this test is about."""

    @workflow.run
    async def run(self, order: OrderInput) -> OrderOutcome:
        return OrderOutcome(OrderStatus.CONFIRMED)


async def watch_until(shop: Shop, condition: Callable[[], bool], seconds: float) -> None:
    """Let the job run again and again until the condition is true."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):
            await shop.client.get_workflow_handle("watch-orders").signal(PeriodicWorkflow.run_now)
            await asyncio.sleep(0.5)


async def test_F69_a_bug_in_workflow_code_asks_for_a_person_and_the_fix_ends_it(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None), start=False)
    queue, stored = f"broken-{new_id()}", order_input(shop.services.orders.start_input(order.id))

    def reasons() -> tuple[str, ...]:
        return shop.services.orders.get(order.id).attention_reasons

    def worker(*workflows: type) -> Worker:
        return Worker(shop.client, task_queue=queue, workflows=workflows, workflow_runner=UnsandboxedWorkflowRunner())

    handle = await shop.client.start_workflow(
        "OrderWorkflow", stored, id=order_workflow_id(order.id), task_queue=queue, task_timeout=TASK_TIMEOUT
    )
    async with worker(BrokenOrder):
        await watch_until(shop, lambda: reasons() == (WORKFLOW_FAILING,), 100)
    async with worker(CorrectedOrder):
        await asyncio.wait_for(handle.result(), 60)
        await watch_until(shop, lambda: reasons() == (), 20)


async def test_I14_an_order_that_stands_still_asks_for_a_person_until_it_goes_on(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    shop.services.database.execute(
        "UPDATE orders.orders SET updated_at = now() - interval '2 hours' WHERE id = %(id)s", {"id": order.id}
    )
    await watch_until(shop, lambda: shop.services.orders.get(order.id).attention_reasons == (NO_PROGRESS,), 20)
    await shop.cancel(order)
    await shop.outcome(order.id)
    await watch_until(shop, lambda: not shop.services.orders.get(order.id).needs_attention, 20)
