"""Starts and signals the workflows of orders, and resolves their stuck steps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.converter import value_to_type
from temporalio.service import RPCError, RPCStatusCode

from activities.converting import PLANNED
from activities.messages import OrderInput, PaymentUpdated, RefundInput, Resolve
from services import tracing
from services.errors import InvalidTransition, Unavailable
from services.orders.status import UndoStep
from workflows.client import TASK_QUEUE, TASK_TIMEOUT, temporal_errors_as_unavailable
from workflows.ids import order_workflow_id, refund_workflow_id
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow
from workflows.search_attributes import BUYER_ID, ORDER_STATUS
from workflows.start_texts import order_details, order_summary, refund_details, refund_summary

if TYPE_CHECKING:
    from services.orders.views import Command

#: Seconds to wait for a workflow to take an operator's decision.
RESOLVE_TIMEOUT = 10
#: Seconds to wait for the list of workers.
POLLERS_TIMEOUT = 2.0


def order_input(stored: Mapping[str, Any]) -> OrderInput:
    """The start input as it was stored with the order."""
    made: OrderInput = value_to_type(OrderInput, dict(stored), [PLANNED])
    return made


class OrderCommands:
    """Starts and signals the workflows of orders."""

    def __init__(self, client: Client, *, eager: bool = False, runbook: str | None = None) -> None:
        """`eager`: a worker for the task queue runs on this client, so a start needs no round trip to it.

        `runbook`: the address of the runbook, which the Web UI links; None: it is named.
        """
        self._client = client
        self._runbook = runbook
        self._eager = eager

    @property
    def client(self) -> Client:
        """The connection that commands go by."""
        return self._client

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Start the workflow, or join it when it runs. Raises RPCError when Temporal is not available."""
        with _in_trace(start_input):
            await self._client.start_workflow(
                OrderWorkflow.run, request_eager_start=self._eager, **self._start_arguments(order_id, start_input)
            )

    async def deliver(self, command: Command) -> str:
        """Deliver a command of the outbox to its workflow; returns `delivered`, `refund` or `stale`.

        Every command but the start comes as signal-with-start with the stored input, so that none overtakes the
        start. Whether the order is closed is read from its row. Raises RPCError when Temporal is not available.
        """
        with _in_trace(command.start_input):
            return await self._deliver(command)

    async def _deliver(self, command: Command) -> str:
        if command.name == "refund_updated":
            return await self._deliver_to_refund(command)
        if command.closed or command.name == "late_payment":
            return await self._deliver_to_closed(command)
        if command.name == "start":
            await self.start(command.order_id, command.start_input)
            return "delivered"
        await self._client.start_workflow(
            OrderWorkflow.run,
            start_signal=command.name,
            start_signal_args=_signal_arguments(command),
            **self._start_arguments(command.order_id, command.start_input),
        )
        return "delivered"

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str = "", by: str = "") -> str:
        """Resolve a stuck undo of an order for the operator `by`; returns the step and the action.

        Raises InvalidTransition when the undo is not stuck, Unavailable when Temporal or every worker is not available.
        """
        # The refund of a late payment is resolved by its own workflow, whose id is the step.
        workflow_id = step if UndoStep.of(step) is UndoStep.REFUND_LATE_PAYMENT else order_workflow_id(order_id)
        handle = self._client.get_workflow_handle(workflow_id)
        decision = Resolve(step, action, reference, by)
        try:
            return await asyncio.wait_for(handle.execute_update("resolve", decision, result_type=str), RESOLVE_TIMEOUT)
        except WorkflowUpdateFailedError as refused:
            raise InvalidTransition(str(refused.cause)) from refused
        except (RPCError, TimeoutError) as trouble:
            if isinstance(trouble, RPCError) and trouble.status == RPCStatusCode.NOT_FOUND:
                raise InvalidTransition("The workflow has ended. No step is stuck.") from trouble
            raise Unavailable("The workflow does not answer. Try again.", retry_after=5) from trouble

    async def pollers(self) -> list[str]:
        """The worker processes that polled the task queue in the last minutes, by their identity.

        Raises Unavailable when Temporal does not answer.
        """
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        with temporal_errors_as_unavailable():
            try:
                # The time-out of the call itself does not include the connection.
                described = await asyncio.wait_for(
                    self._client.workflow_service.describe_task_queue(request), POLLERS_TIMEOUT
                )
            except TimeoutError:
                raise Unavailable("Temporal does not answer in time.", retry_after=5) from None
        return sorted({poller.identity for poller in described.pollers})

    async def _deliver_to_closed(self, command: Command) -> str:
        if command.name not in ("payment_updated", "late_payment"):
            return "stale"
        payment_id = UUID(command.arguments["payment_id"])
        if payment_id == command.paid_by:
            return "stale"
        await self._refund(command, payment_id)
        return "refund"

    async def _deliver_to_refund(self, command: Command) -> str:
        workflow_id = refund_workflow_id(UUID(command.arguments["payment_id"]))
        try:
            await self._client.get_workflow_handle(workflow_id).signal(RefundWorkflow.payment_updated)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "stale"  # no such workflow, or one that has ended
            raise
        return "delivered"

    async def _refund(self, command: Command, payment_id: UUID) -> WorkflowHandle[RefundWorkflow, int]:
        order = order_input(command.start_input)
        late = RefundInput(command.order_id, payment_id, order.attention_after, order.local_lane)
        return await self._client.start_workflow(
            RefundWorkflow.run,
            late,
            id=refund_workflow_id(payment_id),
            static_summary=refund_summary(command.order_id),
            static_details=refund_details(command.order_id, payment_id, self._runbook),
            task_queue=TASK_QUEUE,
            task_timeout=TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    def _start_arguments(self, order_id: UUID, stored: Mapping[str, Any]) -> dict[str, Any]:
        order = order_input(stored)
        return {
            "arg": order,
            "id": order_workflow_id(order_id),
            "task_queue": TASK_QUEUE,
            "task_timeout": TASK_TIMEOUT,
            # The order's row decides: a run that follows another one goes on from it.
            "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
            "static_summary": order_summary(order),
            "static_details": order_details(order, self._runbook),
            "search_attributes": TypedSearchAttributes(
                [
                    SearchAttributePair(ORDER_STATUS, "created"),
                    SearchAttributePair(BUYER_ID, str(order.buyer_id)),
                ]
            ),
        }


def _in_trace(start_input: Mapping[str, Any]) -> AbstractContextManager[None]:
    """What is done for an order belongs to the trace of the request that placed it."""
    return tracing.continued(start_input.get("traceparent", ""))


def _signal_arguments(command: Command) -> list[Any]:
    if command.name == "payment_updated":
        return [PaymentUpdated(UUID(command.arguments["payment_id"]))]
    return []


class DeferredStarter:
    """Starts workflows once Temporal is connected; until then the outbox relay has to start them."""

    def __init__(self) -> None:
        self.commands: OrderCommands | None = None

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Raises ConnectionError while Temporal was never reached."""
        if self.commands is None:
            raise ConnectionError("Temporal was not reached yet")
        await self.commands.start(order_id, start_input)

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str, by: str) -> str:
        """Raises Unavailable while Temporal was never reached."""
        if self.commands is None:
            raise Unavailable("Temporal was not reached yet. Try again.", retry_after=5)
        return await self.commands.resolve(order_id, step, action, reference, by)

    async def pollers(self) -> list[str]:
        """Raises Unavailable while Temporal was never reached."""
        if self.commands is None:
            raise Unavailable("Temporal was not reached yet. Try again.", retry_after=5)
        return await self.commands.pollers()
