"""A worker made from settings: connection, pollers, threads, and the background work that has to exist."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerDeploymentConfig,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.orders import OrderEnds
from services.bootstrap import Services
from workers.faults import Faults
from workers.log_context import log_fields
from workers.metrics.orders import OrderEndMetrics
from workers.registry import INTERCEPTORS, WORKFLOWS, Ports, activities
from workflows.auto_upgrade import of_versioned_worker
from workflows.background import ensure_background_work, remove_retired_schedules
from workflows.builds import DEPLOYMENT
from workflows.client import TASK_QUEUE
from workflows.open_orders import TemporalOrderWorkflows
from workflows.order_commands import OrderCommands
from workflows.order_runs import OrderRuns

#: Seconds between checks that the background workflows run.
ENSURE = 30.0


def workflow_runner(*, sandbox: bool) -> WorkflowRunner:
    """What runs workflow code. The sandbox refuses clocks, randomness and I/O there, at 3.5 to 4 ms a workflow."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    # Modules of ours that workflows use are pure, so they are loaded once and not for every workflow (10 ms each).
    restrictions = SandboxRestrictions.default.with_passthrough_modules("activities", "workflows", "services")
    return SandboxedWorkflowRunner(restrictions=restrictions)


def make_worker(
    client: Client,
    services: Services,
    *,
    executor: ThreadPoolExecutor,
    ends: OrderEnds | None = None,
    faults: Faults | None = None,
    workflows: Sequence[type] = WORKFLOWS,
    build_id: str | None = None,
) -> Worker:
    """A worker for the task queue, made in the client's event loop.

    `ends` counts how orders end, `faults` replaces the points that FAULTS sets, `workflows` are those of this build.
    With a `build_id` the worker is versioned: it gets new orders when an operator makes its version the current one.

    `executor` runs the steps: WORKER_THREADS threads, each of which may hold a database connection.
    """
    settings = services.settings
    log_fields()
    commands = OrderCommands(client, runbook=settings.runbook_url)
    runs = OrderRuns(client, commands)
    ports = Ports(
        commands,
        runs,
        runs,
        TemporalOrderWorkflows(client, asyncio.get_running_loop()),
        ends or OrderEndMetrics(CollectorRegistry()),
    )
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[of_versioned_worker(each) for each in workflows] if build_id else workflows,
        activities=activities(services, ports, faults),
        activity_executor=executor,
        max_concurrent_activities=settings.worker_threads,
        max_concurrent_local_activities=settings.worker_threads,
        # A task lasts as long as its local steps: more at once would wait for threads, and each such wait of 2.4 s
        # costs the server another task.
        max_concurrent_workflow_tasks=2 * settings.worker_threads,
        interceptors=INTERCEPTORS,
        deployment_config=_versioned(build_id) if build_id else None,
        workflow_runner=workflow_runner(sandbox=settings.workflow_sandbox_on),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


def _versioned(build_id: str) -> WorkerDeploymentConfig:
    """Open orders and refunds stay on the build that began them; `workflows.auto_upgrade` has the others."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


async def keep_background_work(client: Client) -> None:
    """Ensure every 30 s that the background workflows run; a failure is logged and retried."""
    while True:
        try:
            await remove_retired_schedules(client)
            await ensure_background_work(client)
        except Exception as error:
            structlog.get_logger().warning("background_work.not_ensured", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(ENSURE)
