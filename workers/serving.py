"""A worker made from settings: connection, pollers, threads, and the background work that has to exist."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from services.bootstrap import Services
from workers.faults import Faults
from workers.registry import INTERCEPTORS, WORKFLOWS, activities
from workflows.background import ensure_background_work
from workflows.client import TASK_QUEUE
from workflows.order_commands import OrderCommands

#: Concurrent steps: each may hold a database connection.
THREADS = 16
#: Seconds between checks that the relay, the dispatcher and the schedule exist.
ENSURE = 30.0

# Modules of ours that workflows use are pure, so they are loaded once and not for every workflow (10 ms each).
WORKFLOW_RUNNER = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules("activities", "workflows", "services")
)


def make_worker(
    client: Client, services: Services, *, executor: ThreadPoolExecutor, faults: Faults | None = None
) -> Worker:
    """A worker for the task queue; `faults` replaces the points that FAULTS sets."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=activities(services, OrderCommands(client), faults),
        activity_executor=executor,
        max_concurrent_activities=THREADS,
        max_concurrent_local_activities=THREADS,
        interceptors=INTERCEPTORS,
        workflow_runner=WORKFLOW_RUNNER,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


async def keep_background_work(client: Client) -> None:
    """Ensure every 30 s that the relay, the dispatcher and the schedule exist; a failure is logged and retried."""
    while True:
        try:
            await ensure_background_work(client)
        except Exception as error:
            structlog.get_logger().warning("background_work.not_ensured", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(ENSURE)
