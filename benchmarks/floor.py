"""The floor: a minimal workflow with three empty regular activities, the baseline of the benchmark."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker, WorkerConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workflows.client import TASK_TIMEOUT

QUEUE = "floor"


@activity.defn(no_thread_cancel_exception=True)
def reserve_nothing() -> None:
    """Do nothing."""


@activity.defn(no_thread_cancel_exception=True)
def charge_nothing() -> None:
    """Do nothing."""


@activity.defn(no_thread_cancel_exception=True)
def confirm_nothing() -> None:
    """Do nothing."""


STEPS = (reserve_nothing, charge_nothing, confirm_nothing)


@workflow.defn
class FloorWorkflow:
    """Three steps, no input, no result, no search attributes."""

    @workflow.run
    async def run(self) -> None:
        """Run the activities one after the other."""
        for step in STEPS:
            await workflow.execute_activity(step, start_to_close_timeout=timedelta(seconds=10))


def floor_worker(like: Worker) -> Worker:
    """A worker for the floor workflow with its own task queue and the settings of another worker."""
    config = like.config()
    return Worker(
        **config
        | WorkerConfig(
            task_queue=QUEUE,
            workflows=[FloorWorkflow],
            activities=list(STEPS),
            workflow_runner=floor_runner(config["workflow_runner"]),
        )
    )


def floor_runner(like: WorkflowRunner) -> WorkflowRunner:
    """The same runner; a sandboxed one loads the modules of the floor once, as it loads those of orders once."""
    if not isinstance(like, SandboxedWorkflowRunner):
        return like
    return type(like)(restrictions=like.restrictions.with_passthrough_modules("benchmarks", "workers"))


async def run_floor(client: Client) -> None:
    """Start a floor workflow as orders are started, and wait for its completion."""
    await client.execute_workflow(
        FloorWorkflow.run,
        id=f"floor-{uuid4()}",
        task_queue=QUEUE,
        task_timeout=TASK_TIMEOUT,
        request_eager_start=True,
    )
