"""A payment method that is given while a step runs is not forgotten when the step ends."""

from __future__ import annotations

import asyncio

from activities.messages import OrderOutcome
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.orders.views import OrderView, PaymentMethod, Policy
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop
from workflows.order_commands import OrderCommands


async def placed(shop: Shop) -> OrderView:
    """An order without a payment method whose steps are regular activities: signals may come before their results."""
    orders = OrderService(shop.services.database, Vault(KEY), Policy(max_unpaid=0, local_lane=False))
    order = (await asyncio.to_thread(orders.place, an_order(shop.product(), card=None))).order
    await OrderCommands(shop.skipper.client).start(order.id, orders.start_input(order.id))
    return order


async def test_a_method_given_while_the_goods_are_being_held_is_used(shop: Shop) -> None:
    """The step has read the row before, and says that there is no method."""
    reached, go_on = shop.gates.arm("reserve_stock", "after")
    order = await placed(shop)
    await asyncio.to_thread(reached.wait, 10)
    shop.services.orders.give_method(order.id, order.buyer_id, PaymentMethod(card="succeeds"))
    await shop.until(lambda: shop.services.order_outbox.claim_commands(10, 0) == [])
    go_on.set()
    assert await shop.outcome(order.id) == OrderOutcome(OrderStatus.CONFIRMED)
    shop.check(order, OrderStatus.CONFIRMED)
