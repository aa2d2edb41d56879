"""Versioned workers of two builds, neither of which can replay the orders of the other."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.testing import ActivityEnvironment

from activities.watching import WatchActivities
from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from sandbox.temporal import TemporalServer, find_binary
from services import db, migrate
from services.db import Database
from services.errors import InvalidTransition
from services.orders.status import NO_WORKER, OrderStatus
from services.orders.views import OrderView
from services.payments.gateway import Outcome
from services.reconcile.scope import Deadline
from services.reconcile.stalled_orders import StalledOrders
from services.settings import Settings
from tests.builders import an_order
from tests.workflows.reordered_order import ReorderedOrder
from tests.workflows.shop import Shop, open_shop
from tests.workflows.stories import decide, waiting
from workers.registry import WORKFLOWS
from workers.serving import make_worker
from workflows.background import DISPATCH_ID, JOBS, RELAY_ID
from workflows.builds import DEPLOYMENT, Build, Builds
from workflows.client import connect
from workflows.open_orders import TemporalOrderWorkflows
from workflows.order import OrderWorkflow
from workflows.order_runs import OrderRuns

NEW = [ReorderedOrder if each is OrderWorkflow else each for each in WORKFLOWS]
#: Shorter than the time for which Temporal remembers the polls of a worker that has gone.
SILENT = timedelta(seconds=3)


@pytest.fixture
def own_temporal() -> Iterator[TemporalServer]:
    """A current version holds for a whole task queue, which the tests of this package share."""
    with TemporalServer(None, free_port(), None) as server:
        yield server


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[str, Database]]:
    """Otherwise the relay of another shop would deliver the commands to the other server."""
    with EmbeddedPostgres(tmp_path / "data", free_port(), secrets.token_hex(8), durable=False) as server:
        migrate.to_head(server.url())
        database = db.connect(server.url(), pool_size=32)
        yield server.url(), database
        database.close()


@pytest_asyncio.fixture
async def versioned(
    own_temporal: TemporalServer, own_postgres: tuple[str, Database], tmp_path: Path
) -> AsyncIterator[Shop]:
    """A shop whose worker is of the build `old`, which is the current one."""
    client = await connect(Settings(app_env="development", temporal_address=own_temporal.address))
    async with open_shop(client, *own_postgres, tmp_path, build_id="old") as shop:
        await Builds(client).make_current("old", 20)
        await new_orders_go_to(shop, "old")
        yield shop


@asynccontextmanager
async def new_build(shop: Shop) -> AsyncIterator[None]:
    """A worker of the build `new`, whose order of commands is another one, without `workflow.patched()`."""
    with ThreadPoolExecutor(shop.services.settings.worker_threads) as executor:
        async with make_worker(shop.client, shop.services, executor=executor, workflows=NEW, build_id="new"):
            yield


async def test_F71_orders_end_on_the_build_that_began_them_forward_and_back(versioned: Shop) -> None:
    begun = [await waiting(versioned) for _ in range(3)]
    async with new_build(versioned):
        await Builds(versioned.client).make_current("new", 20)
        await new_orders_go_to(versioned, "new")
        begun += [await waiting(versioned) for _ in range(3)]
        await background_moves_to(versioned, "new")
        # rolling back
        await Builds(versioned.client).make_current("old", 20)
        await new_orders_go_to(versioned, "old")
        begun += [await waiting(versioned) for _ in range(3)]
        for number, order in enumerate(begun):
            decide(versioned, order, Outcome.FAILED if number % 3 == 2 else Outcome.SUCCEEDED)
        for number, order in enumerate(begun):
            await versioned.outcome(order.id)
            versioned.check(order, OrderStatus.CANCELLED if number % 3 == 2 else OrderStatus.CONFIRMED)
        assert [await builds(versioned, order) for order in begun] == 3 * [["old"]] + 3 * [["new"]] + 3 * [["old"]]
        assert [await failed_tasks(versioned, order) for order in begun] == [0] * 9
        await background_moves_to(versioned, "old")
    # The workers of `new` have gone, and nothing is left on them. (The list of workflows is a moment old.)
    await until_without_worker(versioned, Builds(versioned.client, timedelta(0)), [])


async def test_F82_an_order_whose_build_has_no_worker_is_found_and_moved(versioned: Shop) -> None:
    known = Builds(versioned.client, SILENT)
    async with new_build(versioned):
        await Builds(versioned.client).make_current("new", 20)
        await new_orders_go_to(versioned, "new")
        order = await waiting(versioned)
        assert {each.build_id: each.status for each in await known.all()} == {"new": "current", "old": "draining"}
    await Builds(versioned.client).make_current("old", 20)
    # The provider's answer does not reach the order: no worker may run its workflow.
    decide(versioned, order, Outcome.SUCCEEDED)
    workflow_id = versioned.workflow(order.id).id
    await until_without_worker(versioned, known, [(workflow_id, "new")])
    assert Build("new", "draining", has_worker=False) in await known.all()
    with pytest.raises(InvalidTransition, match="No worker of build new asks for tasks"):
        await known.make_current("new", 0)
    assert await known.pinned("new") == 1
    # What `watch-orders` does with it.
    watch = WatchActivities(
        versioned.services.order_recovery,
        StalledOrders(versioned.services.database),
        versioned.services.order_transitions,
        versioned.services.payments,
        OrderRuns(versioned.client, builds=known),
    )
    await ActivityEnvironment().run(watch.watch_orders)
    assert versioned.services.orders.get(order.id).attention_reasons == (NO_WORKER,)
    asked = TemporalOrderWorkflows(versioned.client, asyncio.get_running_loop(), known)
    assert await asyncio.to_thread(asked.without_worker, Deadline(60)) == [(order.id, "new")]
    await move(versioned, workflow_id, "old")
    await versioned.outcome(order.id)
    versioned.check(order, OrderStatus.CONFIRMED)
    assert await builds(versioned, order) == ["old"]
    await until_without_worker(versioned, known, [])
    await ActivityEnvironment().run(watch.watch_orders)
    assert not versioned.services.orders.get(order.id).needs_attention


async def until_without_worker(shop: Shop, known: Builds, expected: list[tuple[str, str]]) -> None:
    async with asyncio.timeout(30):
        while [each async for each in known.without_worker()] != expected:
            await new_orders_go_to(shop, "old")  # its worker asks for tasks meanwhile


async def move(shop: Shop, workflow_id: str, build_id: str) -> None:
    """What docs/operations.md says, "No worker of an order's build"."""
    words = f"""
        workflow reset with-workflow-update-options -w {workflow_id} --type FirstWorkflowTask --reason moved
        --versioning-override-behavior one_time --versioning-override-deployment-name {DEPLOYMENT}
        --versioning-override-build-id {build_id} --namespace {shop.client.namespace}
        --address {shop.client.service_client.config.target_host}
        """
    moved = await asyncio.create_subprocess_exec(find_binary(), *words.split(), stdout=subprocess.DEVNULL)
    assert await moved.wait() == 0


async def new_orders_go_to(shop: Shop, build_id: str) -> None:
    """Wait until the task queue has the current version, some moments after it was set."""
    async with asyncio.timeout(20):
        while True:
            order = await shop.place(an_order(shop.product()))
            await shop.outcome(order.id)
            shop.check(order, OrderStatus.CONFIRMED)
            if await builds(shop, order) == [build_id]:
                return


async def background_moves_to(shop: Shop, build_id: str) -> None:
    """Wait until the background workflows have gone on at a build: its next job, and the runs of both activities."""
    job = shop.client.get_workflow_handle("watch-orders")
    ids = {RELAY_ID, DISPATCH_ID, *JOBS}
    async with asyncio.timeout(20):
        while (await last_builds(shop, ["watch-orders"])) != {build_id}:
            await job.signal("run_now")
            await asyncio.sleep(0.1)
    behaviors = {await behavior(shop, workflow_id) for workflow_id in ids}
    assert behaviors == {"AutoUpgrade"}


async def last_builds(shop: Shop, workflow_ids: list[str]) -> set[str]:
    return {(await builds_of(shop, workflow_id))[-1] for workflow_id in workflow_ids}


async def behavior(shop: Shop, workflow_id: str) -> str:
    described = await shop.client.get_workflow_handle(workflow_id).describe()
    return str(described.search_attributes["TemporalWorkflowVersioningBehavior"][0])


async def builds(shop: Shop, order: OrderView) -> list[str]:
    return await builds_of(shop, shop.workflow(order.id).id)


async def builds_of(shop: Shop, workflow_id: str) -> list[str]:
    """The builds whose workers completed tasks of a workflow, in order."""
    events = (await shop.client.get_workflow_handle(workflow_id).fetch_history()).events
    done = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    versions = [event.workflow_task_completed_event_attributes.deployment_version.build_id for event in done]
    return [*dict.fromkeys(versions)]


async def failed_tasks(shop: Shop, order: OrderView) -> int:
    events = (await shop.workflow(order.id).fetch_history()).events
    return sum(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED for event in events)
