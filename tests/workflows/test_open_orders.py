"""What Temporal says about the workflows of orders, as the reconciler asks it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from temporalio.api.workflowservice.v1 import PauseWorkflowExecutionRequest

from sandbox.ports import free_port
from services.clock import new_id
from services.errors import Unavailable
from services.reconcile.scope import Deadline
from services.settings import Settings
from tests.builders import an_order
from tests.workflows.shop import Shop
from workflows.client import connect
from workflows.open_orders import TemporalOrderWorkflows

#: It begins when this module is loaded, long before its tests run.
DEADLINE = Deadline(86_400)


def listed(workflows: TemporalOrderWorkflows) -> dict[str, UUID | None]:
    return {workflow_id: order_id for page in workflows.open(DEADLINE) for workflow_id, order_id in page}


@pytest.fixture
async def workflows(shop: Shop) -> TemporalOrderWorkflows:
    return TemporalOrderWorkflows(shop.client, asyncio.get_running_loop())


async def test_open_and_ended_workflows(shop: Shop, workflows: TemporalOrderWorkflows) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    workflow_id, other = workflows.id_of(order.id), new_id()
    await shop.until(lambda: listed(workflows).get(workflow_id) == order.id)
    await shop.until(lambda: workflows.open_of([order.id, other], DEADLINE) == {order.id})
    assert await asyncio.to_thread(workflows.state, workflow_id, DEADLINE) == "running"
    assert await asyncio.to_thread(workflows.state, workflows.id_of(other), DEADLINE) is None

    await shop.workflow(order.id).terminate()
    await shop.until(lambda: workflows.state(workflow_id, DEADLINE) == "terminated")
    await shop.until(lambda: workflows.open_of([order.id], DEADLINE) == set())


async def test_a_paused_workflow_is_open(shop: Shop, workflows: TemporalOrderWorkflows) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    workflow_id = workflows.id_of(order.id)
    request = PauseWorkflowExecutionRequest(namespace=shop.client.namespace, workflow_id=workflow_id)
    await shop.client.workflow_service.pause_workflow_execution(request)
    assert await asyncio.to_thread(workflows.state, workflow_id, DEADLINE) == "paused"
    await shop.workflow(order.id).terminate()


async def test_a_workflow_under_another_id_names_no_order(shop: Shop, workflows: TemporalOrderWorkflows) -> None:
    by_hand = await shop.client.start_workflow("OrderWorkflow", id=f"by-hand-{new_id()}", task_queue="none")
    await shop.until(lambda: listed(workflows).get(by_hand.id, by_hand.id) is None)
    await by_hand.terminate()


async def test_without_temporal() -> None:
    settings = Settings(app_env="development", temporal_address=f"127.0.0.1:{free_port()}")
    workflows = TemporalOrderWorkflows(await connect(settings, lazy=True), asyncio.get_running_loop())
    with pytest.raises(Unavailable, match="Temporal does not answer"):
        await asyncio.to_thread(listed, workflows)
