"""Background work: ensuring it twice gives one relay, one dispatcher and one schedule."""

from __future__ import annotations

import asyncio

from temporalio.client import WorkflowExecutionStatus

from tests.workflows.shop import Shop
from workflows.background import DISPATCH_ID, RELAY_ID, SWEEP_ID, ensure_background_work


async def test_ensuring_again_joins_what_runs(shop: Shop) -> None:
    handles = [shop.client.get_workflow_handle(id_) for id_ in (RELAY_ID, DISPATCH_ID)]
    before = [(await handle.describe()).run_id for handle in handles]
    await asyncio.gather(*[ensure_background_work(shop.client) for _ in range(5)])
    after = [await handle.describe() for handle in handles]
    assert [described.run_id for described in after] == before
    assert {described.status for described in after} == {WorkflowExecutionStatus.RUNNING}


async def test_the_sweep_is_scheduled_every_minute(shop: Shop) -> None:
    schedule = (await shop.client.get_schedule_handle(SWEEP_ID).describe()).schedule
    assert [interval.every.total_seconds() for interval in schedule.spec.intervals] == [60]
