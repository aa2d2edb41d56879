"""The background workflows that must exist: the outbox relay, the two dispatchers, and the periodic jobs."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import PeriodicJob
from workflows.client import TASK_QUEUE
from workflows.maintenance import (
    NotificationDispatchWorkflow,
    OutboxRelayWorkflow,
    PeriodicWorkflow,
    WebhookDispatchWorkflow,
)
from workflows.start_texts import background_summary, job_summary

RELAY_ID = "outbox-relay"
DISPATCH_ID = "notification-dispatch"
WEBHOOKS_ID = "webhook-dispatch"

#: The jobs that are repeated, by the id of their workflow. (A change of a job takes effect after its last round.)
JOBS = {
    "sweep-reservations": PeriodicJob("sweep_reservations", every=60, attempt=30),
    "recover-orders": PeriodicJob("recover_orders", every=30, attempt=300, rounds=120),
    "watch-orders": PeriodicJob("watch_orders", every=60, attempt=60),
    "continue-refunds": PeriodicJob("continue_refunds", every=60, attempt=300),
    "delete-old-rows": PeriodicJob("delete_old_rows", every=3600, attempt=300, rounds=24),
    "reconcile": PeriodicJob("reconcile", every=3600, attempt=600, rounds=1),
    "find-provider-refunds": PeriodicJob("find_provider_refunds", every=600, attempt=300),
    "find-provider-payments": PeriodicJob("find_provider_payments", every=600, attempt=300),
}
#: Schedules of earlier releases, which workflows of JOBS replace.
RETIRED_SCHEDULES = ("sweep-reservations",)


async def ensure_background_work(client: Client) -> None:
    """Start the relay, the dispatchers and the periodic jobs unless they run; repeatable, also by many workers."""
    await asyncio.gather(
        _ensure_running(client, OutboxRelayWorkflow.run, RELAY_ID, background_summary(RELAY_ID)),
        _ensure_running(client, NotificationDispatchWorkflow.run, DISPATCH_ID, background_summary(DISPATCH_ID)),
        _ensure_running(client, WebhookDispatchWorkflow.run, WEBHOOKS_ID, background_summary(WEBHOOKS_ID)),
        *[
            _ensure_running(client, PeriodicWorkflow.run, workflow_id, job_summary(job), job)
            for workflow_id, job in JOBS.items()
        ],
    )


async def remove_retired_schedules(client: Client) -> None:
    """Delete the schedules of earlier releases; repeatable."""
    for schedule_id in RETIRED_SCHEDULES:
        try:
            await client.get_schedule_handle(schedule_id).delete()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def _ensure_running(client: Client, run: Any, workflow_id: str, summary: str, *arguments: PeriodicJob) -> None:
    await client.start_workflow(
        run,
        args=arguments,
        id=workflow_id,
        task_queue=TASK_QUEUE,
        static_summary=summary,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
