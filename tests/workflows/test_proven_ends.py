"""The end of an order is proven by its rows: a step that is completed by hand in the Web UI is not believed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from temporalio.service import RPCError

from activities.messages import RefundState
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.orders.views import OrderView, Policy
from services.payments.gateway import Outcome
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop
from workflows.ids import order_workflow_id
from workflows.order_commands import OrderCommands


@pytest.fixture
def undoing_fails(shop: Shop) -> Iterator[set[str]]:
    """The undos that fail: goods and money can not be returned."""
    shop.gates.failing.update({"release", "refund"})
    yield shop.gates.failing
    shop.gates.failing.clear()


async def cancelled_after_payment(shop: Shop) -> OrderView:
    """An order that is cancelled when its money has been taken and its goods are held."""
    orders = OrderService(shop.services.database, Vault(KEY), Policy(max_unpaid=0, local_lane=False))
    order = (await asyncio.to_thread(orders.place, an_order(shop.product(), card="waits"))).order
    await OrderCommands(shop.skipper.client).start(order.id, orders.start_input(order.id))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await shop.cancel(order)
    return order


async def complete_by_hand(shop: Shop, order: OrderView, activity_id: str, result: object) -> None:
    """`temporal activity complete`, as soon as the step is there."""
    handle = shop.client.get_async_activity_handle(
        workflow_id=order_workflow_id(order.id), run_id=None, activity_id=activity_id
    )
    async with asyncio.timeout(10):
        while True:
            try:
                return await handle.complete(result)
            except RPCError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("left", ["release", "refund"])
async def test_an_undo_completed_by_hand_is_done_again(shop: Shop, undoing_fails: set[str], left: str) -> None:
    """Until the goods are free and the money is returned the order is `cancelling`."""
    order = await cancelled_after_payment(shop)
    await complete_by_hand(shop, order, "release_stock", None)
    await complete_by_hand(shop, order, "refund_payment", RefundState(done=True))
    await until_scheduled(shop, order, "release_stock-2")
    undoing_fails.intersection_update({left})
    await shop.forward(order.id, 60)
    assert shop.services.orders.get(order.id).status == OrderStatus.CANCELLING
    undoing_fails.clear()
    await shop.until_cancelled(order)
    shop.check(order, OrderStatus.CANCELLED)


async def until_scheduled(shop: Shop, order: OrderView, activity_id: str) -> None:
    """Let time pass until the workflow runs a step once more."""
    async with asyncio.timeout(15):
        while True:
            pending = (await shop.workflow(order.id).describe()).raw_description.pending_activities
            if activity_id in [each.activity_id for each in pending]:
                return
            await shop.forward(order.id, 5)
