"""The saga without HTTP: places orders through the service and waits until their workflows have completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from temporalio.client import Client

from activities.messages import OrderOutcome
from benchmarks.plan import Round
from benchmarks.shop import ADDRESS, Baskets, Shop
from services.bootstrap import Services
from services.orders.views import Address, NewOrder, PaymentMethod, Product
from workflows.ids import order_workflow_id
from workflows.order_commands import OrderCommands


class Sagas:
    """Places orders and waits for the outcome of each."""

    def __init__(self, services: Services, client: Client, shop: Shop) -> None:
        self._services = services
        self._client = client
        self._commands = OrderCommands(client, eager=True)
        self._shop = shop
        self._baskets = Baskets(shop, seed=1)
        found = services.catalog.prices(shop.products)
        self._products = {id_: Product(id_, view.name, view.price, view.is_active) for id_, view in found.items()}

    async def run(self, wanted: Round, slot: int) -> None:
        """Place one order of the buyer in this slot. Raises AssertionError when it is not confirmed."""
        order_id, start_input = await run_in_threadpool(self._place, self._new(wanted, slot))
        await self._commands.start(order_id, start_input)
        handle = self._client.get_workflow_handle(order_workflow_id(order_id), result_type=OrderOutcome)
        outcome = await handle.result()
        if outcome.status != "confirmed":
            raise AssertionError(f"order {order_id}: {outcome.status} ({outcome.reason})")

    def _new(self, wanted: Round, slot: int) -> NewOrder:
        chosen = self._baskets.choose(wanted.case, wanted.lines)
        return NewOrder(
            buyer_id=self._shop.buyers[slot].id,
            quantities=dict.fromkeys(chosen, 1),
            products=lambda _tx, ids: {product_id: self._products[product_id] for product_id in ids},
            address=Address(**ADDRESS),
            method=PaymentMethod(card=self._shop.card),
            language="en",
        )

    def _place(self, new: NewOrder) -> tuple[UUID, Mapping[str, Any]]:
        placed = self._services.orders.place(new)
        return placed.order.id, placed.start_input
