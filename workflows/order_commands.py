"""Starts and signals the workflows of orders, and resolves their stuck steps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.converting import PLANNED
from activities.messages import OrderInput, PaymentUpdated, RefundInput, Resolve
from services.errors import InvalidTransition, Unavailable
from services.money import Money
from services.orders.status import UndoStep
from workflows.client import TASK_QUEUE, TASK_TIMEOUT, order_workflow_id, refund_workflow_id
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow
from workflows.search_attributes import BUYER_ID, ORDER_STATUS

if TYPE_CHECKING:
    from services.orders.views import Command

#: Seconds to wait for a workflow to take an operator's decision.
RESOLVE_TIMEOUT = 10


def order_input(stored: Mapping[str, Any]) -> OrderInput:
    """The start input as it was stored with the order."""
    made: OrderInput = value_to_type(OrderInput, dict(stored), [PLANNED])
    return made


class OrderCommands:
    """Starts and signals the workflows of orders."""

    def __init__(self, client: Client, *, eager: bool = False) -> None:
        """`eager`: a worker for the task queue runs on this client, so a start needs no round trip to it."""
        self._client = client
        self._eager = eager

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Start the workflow, or join it when it runs or has run. Raises RPCError when Temporal is not available."""
        try:
            await self._client.start_workflow(
                OrderWorkflow.run, request_eager_start=self._eager, **self._start_arguments(order_id, start_input)
            )
        except WorkflowAlreadyStartedError:
            return

    async def deliver(self, command: Command) -> str:
        """Deliver a command of the outbox to its workflow; returns `delivered`, `refund` or `stale`.

        Every command but the start comes as signal-with-start with the stored input, so that none overtakes the
        start. Whether the order is closed is read from its row. Raises RPCError when Temporal is not available.
        """
        if command.name == "start":
            await self.start(command.order_id, command.start_input)
            return "delivered"
        if command.closed or command.name == "late_payment":
            return await self._deliver_to_closed(command)
        try:
            await self._client.start_workflow(
                OrderWorkflow.run,
                start_signal=command.name,
                start_signal_args=_signal_arguments(command),
                **self._start_arguments(command.order_id, command.start_input),
            )
        except WorkflowAlreadyStartedError:
            return "stale"
        return "delivered"

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str = "") -> str:
        """Resolve a stuck undo of an order; returns the step and the action.

        Raises InvalidTransition when the undo is not stuck, Unavailable when Temporal or every worker is not available.
        """
        # The refund of a late payment is resolved by its own workflow, whose id is the step.
        workflow_id = step if UndoStep.of(step) is UndoStep.REFUND_LATE_PAYMENT else order_workflow_id(order_id)
        handle = self._client.get_workflow_handle(workflow_id)
        decision = Resolve(step, action, reference)
        try:
            return await asyncio.wait_for(handle.execute_update(OrderWorkflow.resolve, decision), RESOLVE_TIMEOUT)
        except WorkflowUpdateFailedError as refused:
            raise InvalidTransition(str(refused.cause)) from refused
        except (RPCError, TimeoutError) as trouble:
            if isinstance(trouble, RPCError) and trouble.status == RPCStatusCode.NOT_FOUND:
                raise InvalidTransition("The workflow has ended. No step is stuck.") from trouble
            raise Unavailable("The workflow does not answer. Try again.", retry_after=5) from trouble

    async def _deliver_to_closed(self, command: Command) -> str:
        if command.name not in ("payment_updated", "late_payment"):
            return "stale"
        payment_id = UUID(command.arguments["payment_id"])
        if payment_id == command.paid_by:
            return "stale"
        await self._refund(command, payment_id)
        return "refund"

    async def _refund(self, command: Command, payment_id: UUID) -> WorkflowHandle[RefundWorkflow, int] | None:
        order = order_input(command.start_input)
        late = RefundInput(command.order_id, payment_id, order.attention_after, order.local_lane)
        try:
            return await self._client.start_workflow(
                RefundWorkflow.run,
                late,
                id=refund_workflow_id(payment_id),
                task_queue=TASK_QUEUE,
                task_timeout=TASK_TIMEOUT,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowAlreadyStartedError:
            return None

    def _start_arguments(self, order_id: UUID, stored: Mapping[str, Any]) -> dict[str, Any]:
        order = order_input(stored)
        total = Money(order.total_minor, order.currency)
        return {
            "arg": order,
            "id": order_workflow_id(order_id),
            "task_queue": TASK_QUEUE,
            "task_timeout": TASK_TIMEOUT,
            # An order's workflow always completes, so only an accident may be started again.
            "id_reuse_policy": WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
            "static_summary": f"{total.text} {total.currency}",
            "search_attributes": TypedSearchAttributes(
                [
                    SearchAttributePair(ORDER_STATUS, "created"),
                    SearchAttributePair(BUYER_ID, str(order.buyer_id)),
                ]
            ),
        }


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

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str) -> str:
        """Raises Unavailable while Temporal was never reached."""
        if self.commands is None:
            raise Unavailable("Temporal was not reached yet. Try again.", retry_after=5)
        return await self.commands.resolve(order_id, step, action, reference)
