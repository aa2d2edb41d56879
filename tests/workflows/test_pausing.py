"""The outbox relay paused and unpaused by an operator: commands wait meanwhile (docs/operators.md, background work)."""

from __future__ import annotations

import asyncio

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflowservice.v1 import PauseActivityRequest, UnpauseActivityRequest

from services.orders.status import OrderStatus
from tests.builders import an_order
from tests.workflows.shop import Shop
from workflows.background import RELAY_ID
from workflows.order_runs import describe_workflow

ACTIVITY = "relay_outbox"
#: Seconds in which a relay that runs has delivered a command many times over.
MEANWHILE = 3.0


async def paused(shop: Shop) -> bool:
    described = await describe_workflow(shop.client, RELAY_ID)
    assert described is not None
    states = [each.state for each in described.pending_activities]
    return states == [PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED]


async def test_commands_wait_while_the_activity_of_the_relay_is_paused(shop: Shop) -> None:
    service, relay = shop.client.workflow_service, WorkflowExecution(workflow_id=RELAY_ID)
    namespace = shop.client.namespace
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    await service.pause_activity(PauseActivityRequest(namespace=namespace, execution=relay, id=ACTIVITY))
    try:
        async with asyncio.timeout(15):
            while not await paused(shop):
                await asyncio.sleep(0.1)
        await shop.cancel(order)
        await asyncio.sleep(MEANWHILE)
        assert shop.services.orders.get(order.id).status is OrderStatus.CANCELLING
    finally:
        await service.unpause_activity(UnpauseActivityRequest(namespace=namespace, execution=relay, id=ACTIVITY))
    assert (await shop.outcome(order.id)).status is OrderStatus.CANCELLED
