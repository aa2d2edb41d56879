"""Background work: ensuring it again joins what runs, and schedules of earlier releases are removed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from tests.workflows.shop import Shop
from workflows.background import (
    DISPATCH_ID,
    JOBS,
    RELAY_ID,
    RETIRED_SCHEDULES,
    WEBHOOKS_ID,
    ensure_background_work,
    remove_retired_schedules,
)
from workflows.client import TASK_QUEUE


async def test_ensuring_again_joins_what_runs(shop: Shop) -> None:
    handles = [shop.client.get_workflow_handle(id_) for id_ in (RELAY_ID, DISPATCH_ID, WEBHOOKS_ID, *JOBS)]
    before = [(await handle.describe()).run_id for handle in handles]
    await asyncio.gather(*[ensure_background_work(shop.client) for _ in range(5)])
    after = [await handle.describe() for handle in handles]
    assert [described.run_id for described in after] == before
    assert {described.status for described in after} == {WorkflowExecutionStatus.RUNNING}


async def test_schedules_of_earlier_releases_are_removed(shop: Shop) -> None:
    old = Schedule(
        action=ScheduleActionStartWorkflow("SweepWorkflow", id="old-sweep", task_queue=TASK_QUEUE),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1))]),
    )
    handle = await shop.client.create_schedule(RETIRED_SCHEDULES[0], old)
    for _ in range(2):
        await remove_retired_schedules(shop.client)
    with pytest.raises(RPCError) as gone:
        await handle.describe()
    assert gone.value.status is RPCStatusCode.NOT_FOUND
