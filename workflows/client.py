"""The way in to the workflows: ids, the task queue, how each is started and signalled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
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
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from activities.messages import OrderInput, PaymentSettled, RefundInput, Resolve
from services.errors import InvalidTransition, Unavailable
from services.money import Money
from workflows.maintenance import NotificationDispatchWorkflow, OutboxRelayWorkflow, SweepWorkflow
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow
from workflows.search_attributes import BUYER_ID, ORDER_STATUS

if TYPE_CHECKING:
    from services.orders.views import Command
    from services.settings import Settings

#: One queue for everything: activities that share it with their workflow can be handed over without a poll.
TASK_QUEUE = "market"
RELAY_ID = "outbox-relay"
DISPATCH_ID = "notification-dispatch"
SWEEP_ID = "sweep-reservations"
#: Seconds to wait for a workflow to take an operator's decision.
SETTLE = 10
#: A lost workflow task waits this long.
TASK_TIMEOUT = timedelta(seconds=3)


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """The connection of a process to Temporal by its settings; `lazy`: also while Temporal is away.

    Raises RuntimeError when it cannot be reached.
    """
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key,
        tls=settings.temporal_tls or bool(settings.temporal_api_key),
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
    )


def order_workflow_id(order_id: UUID) -> str:
    """`order-<orderId>`; the inverse is `order_id_of`."""
    return f"order-{order_id}"


def order_id_of(workflow_id: str) -> UUID:
    """The order that a workflow drives. Raises ValueError when it drives none."""
    return UUID(workflow_id.removeprefix("order-"))


def refund_workflow_id(payment_id: UUID | str) -> str:
    """`refund-<paymentId>`: one late payment is refunded by one workflow."""
    return f"refund-{payment_id}"


def order_input(stored: Mapping[str, Any]) -> OrderInput:
    """The start input as it was stored with the order."""
    made: OrderInput = value_to_type(OrderInput, dict(stored))
    return made


class OrderCommands:
    """Starts and signals the workflows of orders."""

    def __init__(self, client: Client, *, eager: bool = False) -> None:
        """`eager`: a worker for the queue runs on this very client, so that a start needs no round trip to it."""
        self._client = client
        self._eager = eager

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Start an order's workflow, or join it when it runs or has run. Raises RPCError when Temporal is away."""
        try:
            await self._client.start_workflow(
                OrderWorkflow.run, request_eager_start=self._eager, **self._start_arguments(order_id, start_input)
            )
        except WorkflowAlreadyStartedError:
            return

    async def deliver(self, command: Command) -> str:
        """Bring a command of the outbox to its workflow; says what became of it.

        Every command but the start comes as signal-with-start with the stored input, so that none overtakes the
        start. "Closed" is read from the order's row. Raises RPCError when Temporal is away.
        """
        if command.name == "start":
            await self.start(command.order_id, command.start_input)
            return "delivered"
        if command.closed or command.name == "late_payment":
            return await self._beside_the_order(command)
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

    async def settle(self, order_id: UUID, step: str, action: str, reference: str = "") -> str:
        """Settle a stuck step of an order; says what was done.

        Raises InvalidTransition when the step is not stuck, Unavailable when Temporal or every worker is away.
        """
        # A refund that is stuck after its order's end is named by its own workflow.
        workflow_id = step if step.startswith(refund_workflow_id("")) else order_workflow_id(order_id)
        handle = self._client.get_workflow_handle(workflow_id)
        decision = Resolve(step, action, reference)
        try:
            return await asyncio.wait_for(handle.execute_update(OrderWorkflow.resolve, decision), SETTLE)
        except WorkflowUpdateFailedError as refused:
            raise InvalidTransition(str(refused.cause)) from refused
        except (RPCError, TimeoutError) as trouble:
            if isinstance(trouble, RPCError) and trouble.status == RPCStatusCode.NOT_FOUND:
                raise InvalidTransition("The order's workflow has ended: nothing is stuck.") from trouble
            raise Unavailable("The workflow does not answer: try again.", retry_after=5) from trouble

    async def _beside_the_order(self, command: Command) -> str:
        if command.name not in ("payment_settled", "late_payment"):
            return "stale"
        payment_id = UUID(command.arguments["payment_id"])
        if payment_id == command.paid_by:
            return "stale"
        await self._refund(command, payment_id)
        return "refund"

    async def _refund(self, command: Command, payment_id: UUID) -> WorkflowHandle[RefundWorkflow, int] | None:
        late = RefundInput(
            command.order_id,
            payment_id,
            attention_after=command.start_input["attention_after"],
            local_lane=command.start_input["local_lane"],
        )
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
    if command.name == "payment_settled":
        return [PaymentSettled(UUID(command.arguments["payment_id"]))]
    return []


async def ensure_background_work(client: Client) -> None:
    """Have the relay, the dispatcher and the sweeping schedule exist; harmless to repeat from many workers."""
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
