"""Periodic jobs: they run at their time and at a signal, and outlive runs that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.messages import PeriodicJob
from sandbox.temporal import TemporalServer
from services.clock import new_id
from services.idempotency import IdempotentRequest
from services.money import Money
from services.orders.status import OrderStatus
from services.payments.gateway import Outcome
from services.settings import Settings
from tests.builders import an_order
from tests.fakes.gateway import Behaviour
from tests.workflows.shop import Shop, returned
from workflows.client import connect
from workflows.maintenance import PeriodicWorkflow

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
    job = shop.client.get_workflow_handle("continue-refunds")
    await job.signal(PeriodicWorkflow.run_now)
    await shop.until(lambda: bool(returned(shop, order)))
    assert shop.services.payments.get_refund(left.id).status == "succeeded"
    # It is on the timeline before it is marked as reported: a process that ends in between reports it again.
    await shop.until(lambda: not shop.services.payments.unreported_refunds(10))
    assert returned(shop, order) == [100]
    assert shop.services.orders.get(order.id).status == CONFIRMED


async def test_the_invariants_are_checked_and_their_results_stored(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    results = shop.services.invariant_results
    started = shop.services.database.fetch_value("SELECT now()")
    await shop.client.get_workflow_handle("reconcile").signal(PeriodicWorkflow.run_now)
    await shop.until(lambda: any(result.checked_at > started for result in results.latest()))
    assert {result.invariant for result in results.latest()} >= {"I1", "I4", "I7", "I13", "I14"}


async def test_the_workflow_of_a_cancelled_order_hears_of_its_refund_at_once(shop: Shop) -> None:
    """It looks at longer and longer intervals: after two minutes it would look again in five."""
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    shop.provider.behaviour = Behaviour.WAITS
    try:
        await shop.cancel(order)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.forward(order.id, 130)
    finally:
        shop.provider.behaviour = Behaviour.SUCCEEDS
    shop.provider.decide_pending(Outcome.SUCCEEDED)
    await shop.client.get_workflow_handle("continue-refunds").signal(PeriodicWorkflow.run_now)
    async with asyncio.timeout(5):
        assert (await shop.outcome(order.id)).status == CANCELLED
    assert returned(shop, order) == [order.total.minor]
    shop.check(order, CANCELLED)


class Jobs:
    """A job that counts its runs and fails in the first one."""

    def __init__(self) -> None:
        self.runs = 0

    @activity.defn
    async def count_runs(self) -> int:
        self.runs += 1
        if self.runs == 1:
            raise ApplicationError("out of order", non_retryable=True)
        return self.runs


async def test_a_job_runs_again_after_a_failure_and_continues_as_new(temporal: TemporalServer) -> None:
    client = await connect(Settings(app_env="development", temporal_address=temporal.address))
    jobs, queue = Jobs(), f"jobs-{new_id()}"
    async with Worker(client, task_queue=queue, workflows=[PeriodicWorkflow], activities=[jobs.count_runs]):
        job = PeriodicJob("count_runs", every=1, attempt=5, rounds=2)
        started = await client.start_workflow(PeriodicWorkflow.run, job, id=str(new_id()), task_queue=queue)
        first_run = (await started.describe()).run_id
        await until(lambda: jobs.runs >= 4)
        described = await started.describe()
        await started.terminate()
    assert described.run_id != first_run
    assert described.status == WorkflowExecutionStatus.RUNNING


async def test_a_job_runs_at_a_signal(temporal: TemporalServer) -> None:
    client = await connect(Settings(app_env="development", temporal_address=temporal.address))
    jobs, queue = Jobs(), f"jobs-{new_id()}"
    async with Worker(client, task_queue=queue, workflows=[PeriodicWorkflow], activities=[jobs.count_runs]):
        job = PeriodicJob("count_runs", every=3600, attempt=5)
        started = await client.start_workflow(PeriodicWorkflow.run, job, id=str(new_id()), task_queue=queue)
        await until(lambda: jobs.runs == 1)
        await started.signal(PeriodicWorkflow.run_now)
        await until(lambda: jobs.runs == 2)
        await started.terminate()


async def test_old_rows_are_deleted_by_the_job(shop: Shop) -> None:
    store = shop.services.idempotency
    old, young = (IdempotentRequest.of("buyer:anna", "POST /orders", str(new_id()), {}) for _ in range(2))
    for request in (old, young):
        store.keep(request, new_id(), 200)
    shop.services.database.execute(
        "UPDATE idempotency.keys SET created_at = now() - interval '73 hours' WHERE key = %(key)s", {"key": old.key}
    )
    kept = "SELECT key FROM idempotency.keys WHERE key = ANY(%(keys)s)"
    values = {"keys": [old.key, young.key]}
    job = shop.client.get_workflow_handle("delete-old-rows")
    await job.signal(PeriodicWorkflow.run_now)
    await shop.until(lambda: shop.services.database.fetch_column(kept, values) == [young.key])
    async with asyncio.timeout(10):
        while not (results := await job.query(PeriodicWorkflow.results)) or not any(results):
            await asyncio.sleep(0.05)
    assert None not in results


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, 10 s at most."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.05)
