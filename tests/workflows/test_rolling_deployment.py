"""Workers of the previous and of this release side by side, with orders open: no order fails, money and goods agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.converting import DATA_CONVERTER
from sandbox.temporal import TemporalServer
from services.orders.status import OrderStatus
from services.orders.views import OrderView
from services.payments.gateway import Outcome
from tests.workflows.previous_order import PreviousOrder
from tests.workflows.shop import Shop
from tests.workflows.stories import decide, waiting
from workers.registry import WORKFLOWS
from workers.serving import make_worker
from workflows.order import OrderWorkflow

PREVIOUS = [PreviousOrder, *[each for each in WORKFLOWS if each is not OrderWorkflow]]
CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


@asynccontextmanager
async def previous_build(temporal: TemporalServer, shop: Shop) -> AsyncIterator[None]:
    """A worker of the previous release, beside the shop's worker; its tasks have its name in the histories."""
    client = await Client.connect(
        temporal.address, namespace=shop.client.namespace, data_converter=DATA_CONVERTER, identity="previous"
    )
    with ThreadPoolExecutor(shop.services.settings.worker_threads) as executor:
        async with make_worker(client, shop.services, executor=executor, workflows=PREVIOUS):
            yield


async def test_F71_orders_go_on_while_workers_of_two_releases_run(shop: Shop, temporal: TemporalServer) -> None:
    async with previous_build(temporal, shop):
        ended = await orders_of_both(shop)
        await asyncio.gather(*[begin_cancel(shop, order) for order in ended[1::2]])
        await asyncio.gather(*[finish(shop, order) for order in ended])
        left = await orders_of_both(shop)
        await asyncio.gather(*[begin_cancel(shop, order) for order in left[1::2]])
    # What the previous release has begun is replayed by this one.
    await asyncio.gather(*[finish(shop, order) for order in left])
    for orders in (ended, left):
        for number, order in enumerate(orders):
            shop.check(order, CANCELLED if number % 2 else CONFIRMED)
            assert await count(shop, order, EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) == 0


async def orders_of_both(shop: Shop) -> list[OrderView]:
    """Orders that wait for the provider: of those at even and of those at odd places, each release has begun some."""
    orders = [await waiting(shop)]
    begun = [await builds(shop, orders[0])]
    while len({*begun[::2]}) < 2 or len({*begun[1::2]}) < 2:
        orders.append(await waiting(shop))
        begun.append(await builds(shop, orders[-1]))
    return orders


async def begin_cancel(shop: Shop, order: OrderView) -> None:
    """The buyer cancels; the undo waits until the provider has decided on the payment."""
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))


async def finish(shop: Shop, order: OrderView) -> None:
    """The provider decides: for an order that is being cancelled, that nothing was paid."""
    cancelling = shop.services.orders.get(order.id).status == OrderStatus.CANCELLING
    decide(shop, order, Outcome.FAILED if cancelling else Outcome.SUCCEEDED)
    await shop.outcome(order.id)


async def builds(shop: Shop, order: OrderView) -> tuple[str, ...]:
    """Whose workers have completed tasks of the order's workflow, `previous` or another, in order."""
    events = (await shop.workflow(order.id).fetch_history()).events
    done = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    names = [event.workflow_task_completed_event_attributes.identity for event in done]
    return tuple(dict.fromkeys(names))


async def count(shop: Shop, order: OrderView, kind: EventType.ValueType) -> int:
    """How many events of a kind the order's workflow has."""
    return sum(event.event_type == kind for event in (await shop.workflow(order.id).fetch_history()).events)
