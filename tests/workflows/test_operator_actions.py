"""Orders survive what operators do to their workflows: resets at every event, and random actions in a row (F59)."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    PauseWorkflowExecutionRequest,
    ResetWorkflowExecutionRequest,
    UnpauseWorkflowExecutionRequest,
)
from temporalio.service import RPCError

from activities.messages import OrderState, PaymentState, PaymentUpdated, RefundState, ReservedOrder
from services.clock import new_id
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.orders.views import OrderView, Policy
from services.payments.gateway import Outcome
from services.payments.status import PaymentStatus
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop
from workflows.ids import order_workflow_id
from workflows.maintenance import PeriodicWorkflow
from workflows.order import OrderWorkflow
from workflows.order_commands import OrderCommands

#: Steps that an operator completes by hand without having done them, each with a result that looks right.
FALSE_RESULTS: dict[str, object] = {
    "reserve_stock": ReservedOrder(OrderStatus.RESERVED, has_method=True, window_left=600.0),
    "charge_payment": PaymentState(new_id(), PaymentStatus.SUCCEEDED),
    "refresh_payment": PaymentState(new_id(), PaymentStatus.SUCCEEDED),
    "confirm_order": OrderState(OrderStatus.CONFIRMED),
    "begin_cancel": OrderState(OrderStatus.CANCELLING),
    "release_stock": None,
    "refund_payment": RefundState(done=True),
    "finish_cancel": OrderState(OrderStatus.CANCELLED),
}
BROKEN = ("reserve_stock", "charge", "confirm_order", "release", "refund", "finish_cancel")


async def placed(shop: Shop, card: str | None) -> OrderView:
    """An order whose steps are regular activities, which operators see."""
    orders = OrderService(shop.services.database, Vault(KEY), Policy(max_unpaid=0, local_lane=False))
    order = (await asyncio.to_thread(orders.place, an_order(shop.product(), card=card))).order
    await OrderCommands(shop.skipper.client).start(order.id, orders.start_input(order.id))
    return order


async def reset(shop: Shop, order: OrderView, event_id: int) -> None:
    """`temporal workflow reset` to a completed workflow task."""
    await shop.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=shop.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=order_workflow_id(order.id)),
            reason="test",
            workflow_task_finish_event_id=event_id,
            request_id=str(new_id()),
        )
    )


async def completed_tasks(shop: Shop, order: OrderView) -> list[int]:
    """The events to which the workflow can be reset."""
    history = await shop.workflow(order.id).fetch_history()
    completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    return [event.event_id for event in history.events if event.event_type == completed]


async def recover(shop: Shop, order: OrderView) -> None:
    """Let a minute pass for recovery, and let it run."""
    shop.services.database.execute(
        "UPDATE orders.orders SET updated_at = updated_at - interval '1 minute',"
        " recovered_at = recovered_at - interval '1 hour' WHERE id = %(id)s",
        {"id": order.id},
    )
    await shop.client.get_workflow_handle("recover-orders").signal(PeriodicWorkflow.run_now)


async def settle(shop: Shop, order: OrderView) -> OrderView:
    """Let the provider decide, and time pass, until the order and its workflow have ended; returns the order."""
    shop.gates.failing.clear()
    await unpause(shop, order, 0)
    async with asyncio.timeout(60):
        while not (seen := await asyncio.to_thread(shop.services.orders.get, order.id)).closed:
            shop.provider.decide_pending(Outcome.SUCCEEDED)
            await recover(shop, order)
            with suppress(RPCError):  # it may have ended
                await shop.forward(order.id, 90)
            await asyncio.sleep(0.2)
    with suppress(Exception):  # a run that was terminated, or refused by a later one
        await shop.outcome(order.id)
    return seen


@pytest.mark.parametrize("card", ["succeeds", "declines", "dies_charged"])
async def test_F59_a_reset_at_every_event_charges_once(shop: Shop, card: str) -> None:
    order = await placed(shop, card)
    ended = await shop.outcome(order.id)
    charges = sum(shop.provider.charges.values())
    for number in range(len(await completed_tasks(shop, order))):
        # Each reset gives the workflow another history.
        tasks = await completed_tasks(shop, order)
        await reset(shop, order, tasks[min(number, len(tasks) - 1)])
        assert await shop.outcome(order.id) == ended
        shop.check(order, ended.status)
    assert sum(shop.provider.charges.values()) == charges


async def cancel(shop: Shop, order: OrderView, _: int) -> None:
    await shop.workflow(order.id).cancel()


async def terminate(shop: Shop, order: OrderView, _: int) -> None:
    await shop.workflow(order.id).terminate()


async def reset_somewhere(shop: Shop, order: OrderView, number: int) -> None:
    if tasks := await completed_tasks(shop, order):
        await reset(shop, order, tasks[number % len(tasks)])


async def complete(shop: Shop, order: OrderView, number: int) -> None:
    # The SDK's own `describe` fails for a paused workflow.
    described = await shop.client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(
            namespace=shop.client.namespace, execution=WorkflowExecution(workflow_id=order_workflow_id(order.id))
        )
    )
    if not described.pending_activities:
        return
    activity_id = described.pending_activities[number % len(described.pending_activities)].activity_id
    step = shop.client.get_async_activity_handle(
        workflow_id=order_workflow_id(order.id), run_id=None, activity_id=activity_id
    )
    await step.complete(FALSE_RESULTS[activity_id.split("-")[0]])


async def signal(shop: Shop, order: OrderView, number: int) -> None:
    handle = shop.workflow(order.id)
    if number % 3 == 0:
        await handle.signal(OrderWorkflow.payment_method_given)
    elif number % 3 == 1:
        await handle.signal(OrderWorkflow.payment_updated, PaymentUpdated(new_id()))
    else:
        await handle.signal(OrderWorkflow.cancel_requested)


async def pause(shop: Shop, order: OrderView, _: int) -> None:
    where = {"namespace": shop.client.namespace, "workflow_id": order_workflow_id(order.id)}
    await shop.client.workflow_service.pause_workflow_execution(PauseWorkflowExecutionRequest(**where))


async def unpause(shop: Shop, order: OrderView, _: int) -> None:
    where = {"namespace": shop.client.namespace, "workflow_id": order_workflow_id(order.id)}
    with suppress(RPCError):
        await shop.client.workflow_service.unpause_workflow_execution(UnpauseWorkflowExecutionRequest(**where))


async def break_a_step(shop: Shop, _: OrderView, number: int) -> None:
    shop.gates.failing.add(BROKEN[number % len(BROKEN)])


async def mend_steps(shop: Shop, _: OrderView, __: int) -> None:
    shop.gates.failing.clear()


async def provider_decides(shop: Shop, _: OrderView, number: int) -> None:
    shop.provider.decide_pending(Outcome.SUCCEEDED if number % 2 else Outcome.FAILED)


async def run_recovery(shop: Shop, order: OrderView, _: int) -> None:
    await recover(shop, order)


Action = Callable[[Shop, OrderView, int], Awaitable[None]]
#: More often those that need another one first: a step can be completed by hand while it fails.
ACTIONS: tuple[Action, ...] = (
    cancel,
    cancel,
    terminate,
    reset_somewhere,
    complete,
    complete,
    complete,
    complete,
    break_a_step,
    break_a_step,
    break_a_step,
    signal,
    pause,
    unpause,
    break_a_step,
    mend_steps,
    provider_decides,
    run_recovery,
)


#: OPERATOR_SEEDS=200 tries so many sequences.
SEEDS = range(20, 20 + int(os.environ.get("OPERATOR_SEEDS", "4")))


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_order_survives_twenty_actions_in_a_row(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    card = chance.choice(["succeeds", "waits", "waits", "declines", "dies_charged"])
    actions = [(chance.choice(ACTIONS), chance.randrange(12)) for _ in range(20)]
    order = await placed(shop, card)
    for action, number in actions:
        with suppress(RPCError, RuntimeError):  # what the action needs may not be there
            await action(shop, order, number)
        # Time for the workflow to come to the next step.
        await asyncio.sleep(0.1)
    ended = await settle(shop, order)
    shop.check(order, ended.status)
