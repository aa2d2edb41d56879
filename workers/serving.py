"""A worker made from settings: connection, pollers, threads, and the background work that has to exist."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from services.bootstrap import Services
from workers.faults import Faults
from workers.registry import INTERCEPTORS, WORKFLOWS, activities
from workflows.background import ensure_background_work
from workflows.client import TASK_QUEUE
from workflows.order_commands import OrderCommands

#: Seconds between checks that the relay, the dispatcher and the schedule exist.
ENSURE = 30.0


def workflow_runner(*, sandbox: bool) -> WorkflowRunner:
    """What runs workflow code. The sandbox refuses clocks, randomness and I/O there, at 3.5 to 4 ms a workflow."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    # Modules of ours that workflows use are pure, so they are loaded once and not for every workflow (10 ms each).
    restrictions = SandboxRestrictions.default.with_passthrough_modules("activities", "workflows", "services")
    return SandboxedWorkflowRunner(restrictions=restrictions)


def make_worker(
    client: Client, services: Services, *, executor: ThreadPoolExecutor, faults: Faults | None = None
) -> Worker:
    """A worker for the task queue; `faults` replaces the points that FAULTS sets.

    `executor` runs the steps: WORKER_THREADS threads, each of which may hold a database connection.
    """
    settings = services.settings
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=activities(services, OrderCommands(client), faults),
        activity_executor=executor,
        max_concurrent_activities=settings.worker_threads,
        max_concurrent_local_activities=settings.worker_threads,
        # A task lasts as long as its local steps: more at once would wait for threads, and each such wait of 2.4 s
        # costs the server another task.
        max_concurrent_workflow_tasks=2 * settings.worker_threads,
        interceptors=INTERCEPTORS,
        workflow_runner=workflow_runner(sandbox=settings.workflow_sandbox_on),
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
