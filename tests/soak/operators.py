"""An operator of a run, who acts on workflows as the Web UI and the CLI of Temporal allow."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from activities.converting import DATA_CONVERTER
from activities.messages import OrderState, RefundState, ReservedOrder
from services.errors import Unavailable
from services.orders.status import OrderStatus
from tests.soak.plan import Action, Kind
from tests.soak.system import System
from workflows.ids import order_workflow_id
from workflows.order import OrderWorkflow

#: Seconds for one action, because Temporal may be away; and until a step can be completed by hand.
WITHIN, COMPLETE_WITHIN = 10.0, 30.0
#: Seconds until an operator looks again for a step to complete.
LOOK_AGAIN = 0.3
#: What an operator says that a step did, which it did not.
RESULTS: Mapping[str, object] = {
    "reserve_stock": ReservedOrder(OrderStatus.RESERVED),
    "refund_payment": RefundState(done=True),
    "confirm_order": OrderState(OrderStatus.CONFIRMED),
    "begin_cancel": OrderState(OrderStatus.CANCELLING),
    "finish_cancel": OrderState(OrderStatus.CANCELLED),
}
#: Steps whose result is a state that only the provider knows.
NOT_BY_HAND = ("refresh_payment",)
_OPEN = "SELECT id FROM orders.orders WHERE status NOT IN ('confirmed', 'cancelled') ORDER BY id"
_ALL = "SELECT id FROM orders.orders ORDER BY id DESC LIMIT 50"


@dataclass
class Operator:
    """Performs the operator's actions of a plan."""

    system: System
    #: how often each was done, or was not possible
    performed: Counter[str] = field(default_factory=Counter)
    #: what was done to each order, for the report
    done: dict[str, list[str]] = field(default_factory=dict)

    def perform(self, action: Action) -> None:
        """Act on an order that is open, or, to reset it, on any of the last ones; nothing when there is none."""
        within = COMPLETE_WITHIN if action.kind is Kind.COMPLETE else WITHIN
        try:
            done = asyncio.run(asyncio.wait_for(self._perform(action), within))
        except (RPCError, RuntimeError, TimeoutError, Unavailable):  # Temporal or PostgreSQL is away
            done = False
        self.performed[f"{action.kind}{'' if done else ' not possible'}"] += 1

    async def _perform(self, action: Action) -> bool:
        client = await Client.connect(
            self.system.stack.addresses.temporal,
            namespace=self.system.stack.settings.temporal_namespace,
            data_converter=DATA_CONVERTER,
        )
        if action.kind is Kind.COMPLETE:
            return await self._complete(client, action)
        order_id = await self._choose(_ALL if action.kind is Kind.RESET else _OPEN, action.choice)
        if order_id is None:
            return False
        await _act(client, client.get_workflow_handle(order_workflow_id(order_id)), action)
        self._note(order_id, action)
        return True

    async def _choose(self, statement: str, choice: float) -> uuid.UUID | None:
        found = await asyncio.to_thread(self.system.rows, statement)
        return found[int(choice * len(found))].id if found else None

    async def _complete(self, client: Client, action: Action) -> bool:
        """Complete the first step that is pending and may be completed by hand, as soon as there is one."""
        while not await self._complete_pending(client, action):
            await asyncio.sleep(LOOK_AGAIN)
        return True

    async def _complete_pending(self, client: Client, action: Action) -> bool:
        for row in await asyncio.to_thread(self.system.rows, _OPEN):
            handle = client.get_workflow_handle(order_workflow_id(row.id))
            for step in await _pending(handle):
                name = step.rpartition("-")[0] or step
                await client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id=step).complete(
                    RESULTS.get(name)
                )
                self._note(row.id, action, step)
                return True
        return False

    def _note(self, order_id: uuid.UUID, action: Action, detail: str = "") -> None:
        self.done.setdefault(str(order_id), []).append(f"{action.at:.1f} s: {action.kind} {detail}".rstrip())


async def _act(client: Client, handle: WorkflowHandle[Any, Any], action: Action) -> None:
    match action.kind:
        case Kind.CANCEL:
            await handle.cancel()
        case Kind.TERMINATE:
            await handle.terminate("soak")
        case Kind.SIGNAL:
            await handle.signal(OrderWorkflow.cancel_requested)
        case _:
            await _reset(client, handle, action.choice)


async def _reset(client: Client, handle: WorkflowHandle[Any, Any], choice: float) -> None:
    history = await handle.fetch_history()
    completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    events = [event.event_id for event in history.events if event.event_type == completed]
    if not events:
        raise RuntimeError("no workflow task has completed: there is nothing to reset to")
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="soak",
            request_id=str(uuid.uuid4()),
            workflow_task_finish_event_id=events[int(choice * len(events))],
        )
    )


async def _pending(handle: WorkflowHandle[Any, Any]) -> list[str]:
    try:
        pending = (await handle.describe()).raw_description.pending_activities
    except RPCError:
        return []
    return [each.activity_id for each in pending if not each.activity_id.startswith(NOT_BY_HAND)]
