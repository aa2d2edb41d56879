"""An order of the greatest size puts no more into its workflow's history than a small one (FAULTS F74)."""

from __future__ import annotations

from activities.messages import OrderOutcome
from services.orders.status import OrderStatus
from services.orders.views import Product
from tests.builders import an_order
from tests.workflows.shop import Shop

LINES = 500
NAME = "A lantern with a name of the greatest length ".ljust(300, "x")


async def history_size(shop: Shop, *products: Product) -> int:
    """Bytes of the history of a confirmed order of these products."""
    order = await shop.place(an_order(*products))
    assert await shop.outcome(order.id) == OrderOutcome(OrderStatus.CONFIRMED)
    history = await shop.workflow(order.id).fetch_history()
    assert NAME not in history.to_json()
    return sum(event.ByteSize() for event in history.events)


async def test_F74_the_history_of_an_order_does_not_grow_with_its_lines(shop: Shop) -> None:
    products = [shop.product() for _ in range(LINES)]
    large = await history_size(shop, *(Product(each.id, NAME, each.price, each.is_active) for each in products))
    small = await history_size(shop, shop.product())
    assert abs(large - small) < 300
