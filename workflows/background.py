"""The background workflows that must exist: the outbox relay, the notification dispatcher, the sweep schedule."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import (
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from workflows.client import TASK_QUEUE
from workflows.maintenance import NotificationDispatchWorkflow, OutboxRelayWorkflow, SweepWorkflow

RELAY_ID = "outbox-relay"
DISPATCH_ID = "notification-dispatch"
SWEEP_ID = "sweep-reservations"


async def ensure_background_work(client: Client) -> None:
    """Start the relay, the dispatcher and the sweep schedule unless they exist; repeatable, also by many workers."""
    await asyncio.gather(
        _ensure_running(client, OutboxRelayWorkflow.run, RELAY_ID),
        _ensure_running(client, NotificationDispatchWorkflow.run, DISPATCH_ID),
        _ensure_schedule(client),
    )


async def _ensure_running(client: Client, run: Any, workflow_id: str) -> None:
    await client.start_workflow(
        run,
        id=workflow_id,
        task_queue=TASK_QUEUE,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def _ensure_schedule(client: Client) -> None:
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(SweepWorkflow.run, id=SWEEP_ID, task_queue=TASK_QUEUE),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=60))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(SWEEP_ID, schedule)
    except ScheduleAlreadyRunningError:
        return
