"""The runs of orders' workflows as Temporal knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    ResetActivityRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.recovery import RunState
from activities.watching import StuckWorkflow
from workflows.builds import Builds
from workflows.ids import order_of_workflow, order_workflow_id, payment_of_workflow
from workflows.order_commands import OrderCommands

#: How long Temporal may take to describe a workflow.
CALL = timedelta(seconds=10)
_RUNNING = 'WorkflowType="OrderWorkflow" AND ExecutionStatus="Running"'
_WAITING = f'{_RUNNING} AND OrderStatus="reserved"'
_FAILING = 'TemporalReportedProblems IS NOT NULL AND ExecutionStatus="Running"'
#: The statuses of a workflow that drives its order.
OPEN = ("running", "paused")


@dataclass(frozen=True)
class PendingStep:
    """A step that failed and is tried again, or that runs as a regular activity."""

    #: its activity id, for example `refund_payment`
    name: str
    attempt: int
    #: the code of its last failure
    failure: str | None
    next_attempt: datetime | None
    paused: bool


@dataclass(frozen=True)
class RunProgress:
    """The latest run of an order's workflow."""

    workflow_id: str
    #: `running`, `paused`, `completed`, `terminated` …
    status: str
    steps: tuple[PendingStep, ...]
    #: how often the current workflow task was tried; more than one: it fails, for example because of a bug
    task_attempt: int

    @property
    def open(self) -> bool:
        """Whether the workflow drives the order."""
        return self.status in OPEN


class OrderRuns:
    """Lists, describes and starts the workflows of orders; each method raises RPCError when Temporal is away."""

    def __init__(self, client: Client, commands: OrderCommands | None = None, builds: Builds | None = None) -> None:
        """`commands` starts workflows; None: with texts that name the runbook instead of linking it."""
        self._client = client
        self._builds = builds or Builds(client)
        self._commands = commands or OrderCommands(client)

    async def running(self) -> set[UUID]:
        """The orders whose workflow is running; the list of workflows is some seconds old."""
        listed = self._client.list_workflows(_RUNNING, page_size=1000)
        return {order_id async for each in listed if (order_id := order_of_workflow(each.id))}

    async def state(self, order_id: UUID) -> RunState:
        """The state of the latest run of an order's workflow."""
        described = await describe_workflow(self._client, order_workflow_id(order_id))
        if described is None:
            return RunState.GONE
        status = status_of(described)
        if status in OPEN:
            return RunState.OPEN
        return RunState.TERMINATED if status == "terminated" else RunState.GONE

    async def progress(self, order_id: UUID) -> RunProgress | None:
        """The latest run of an order's workflow with the steps that it waits for; None when Temporal knows none."""
        described = await describe_workflow(self._client, order_workflow_id(order_id))
        if described is None:
            return None
        return RunProgress(
            workflow_id=described.workflow_execution_info.execution.workflow_id,
            status=status_of(described),
            steps=pending_steps(described),
            task_attempt=described.pending_workflow_task.attempt,
        )

    async def retry_steps(self, order_id: UUID) -> list[str]:
        """Let the steps that failed and wait for their next attempt be tried at once; returns their names.

        One that ends meanwhile is left out.
        """
        described = await describe_workflow(self._client, order_workflow_id(order_id))
        steps = pending_steps(described) if described else ()
        waiting = [step.name for step in steps if step.next_attempt and not step.paused]
        return [name for name in waiting if await self._retry_step(order_id, name)]

    async def _retry_step(self, order_id: UUID, name: str) -> bool:
        execution = WorkflowExecution(workflow_id=order_workflow_id(order_id))
        request = ResetActivityRequest(
            namespace=self._client.namespace, execution=execution, id=name, identity=self._client.identity
        )
        try:
            await self._client.workflow_service.reset_activity(request, timeout=CALL)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def failing(self) -> list[StuckWorkflow]:
        """The workflows whose tasks keep failing, with their problem reported by the server."""
        return [_stuck(each.id) async for each in self._client.list_workflows(_FAILING, page_size=1000)]

    async def without_worker(self) -> list[StuckWorkflow]:
        """The workflows that are pinned to a build of the workers of which none runs."""
        return [_stuck(workflow_id) async for workflow_id, _ in self._builds.without_worker()]

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Start the workflow, or join it when it runs."""
        await self._commands.start(order_id, start_input)

    async def waiting_for_method(self) -> set[UUID]:
        """The orders whose workflow was last known to wait for a payment method; some seconds old."""
        listed = self._client.list_workflows(_WAITING, page_size=1000)
        return {order_id async for each in listed if (order_id := order_of_workflow(each.id))}

    async def method_given(self, order_id: UUID) -> None:
        """Tell the workflow that the order's row has a payment method; nothing happens when none runs."""
        await self._signal(order_id, "payment_method_given")

    async def stop(self, order_id: UUID) -> None:
        """Tell the workflow that its order is to be cancelled; nothing happens when none runs."""
        await self._signal(order_id, "cancel_requested")

    async def _signal(self, order_id: UUID, signal: str) -> None:
        try:
            await self._client.get_workflow_handle(order_workflow_id(order_id)).signal(signal)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def describe_workflow(client: Client, workflow_id: str) -> DescribeWorkflowExecutionResponse | None:
    """The latest run of a workflow; None when there is none. Raises RPCError when Temporal is not available.

    By the server's own answer: the SDK's `describe` fails for a paused workflow.
    """
    execution = WorkflowExecution(workflow_id=workflow_id)
    request = DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution)
    try:
        return await client.workflow_service.describe_workflow_execution(request, timeout=CALL)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


def pending_steps(described: DescribeWorkflowExecutionResponse) -> tuple[PendingStep, ...]:
    """The regular activities of a workflow that have not ended."""
    return tuple(_pending(step) for step in described.pending_activities)


def status_of(described: DescribeWorkflowExecutionResponse) -> str:
    """`running`, `paused`, `completed`, `terminated` …"""
    name = WorkflowExecutionStatus.Name(described.workflow_execution_info.status)
    return name.removeprefix("WORKFLOW_EXECUTION_STATUS_").lower()


def _stuck(workflow_id: str) -> StuckWorkflow:
    return StuckWorkflow(workflow_id, order_of_workflow(workflow_id), payment_of_workflow(workflow_id))


def _pending(step: PendingActivityInfo) -> PendingStep:
    scheduled = step.HasField("next_attempt_schedule_time")
    return PendingStep(
        name=step.activity_id,
        attempt=step.attempt,
        failure=step.last_failure.message or None if step.HasField("last_failure") else None,
        next_attempt=step.next_attempt_schedule_time.ToDatetime(UTC) if scheduled else None,
        paused=step.paused,
    )
