"""Undos that keep failing: each asks for a person with a reason of its own, and each is resolved on its own."""

from __future__ import annotations

import asyncio

import pytest

from activities.messages import Resolve
from services.orders.service import OrderService
from services.orders.status import OrderStatus, ResolveAction
from services.orders.views import OrderView, Policy
from services.payments.gateway import Outcome
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop
from workflows.attention import Attention
from workflows.order_commands import OrderCommands
from workflows.stuck_undo import StuckUndoWatch


async def place(shop: Shop, *, local_lane: bool) -> OrderView:
    """A paid order whose buyer cancels, at a time at which neither of its undos can be done."""
    orders = OrderService(shop.services.database, Vault(KEY), Policy(max_unpaid=0, local_lane=local_lane))
    order = (await asyncio.to_thread(orders.place, an_order(shop.product(), card="waits"))).order
    await OrderCommands(shop.skipper.client).start(order.id, orders.start_input(order.id))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    shop.provider.failing_refunds = 10_000
    shop.gates.failing.add("release")
    await shop.cancel(order)
    return order


def reasons(shop: Shop, order: OrderView) -> set[str]:
    return set(shop.services.orders.get(order.id).attention_reasons)


@pytest.mark.parametrize("local_lane", [True, False])
async def test_two_stuck_undos_are_resolved_one_after_the_other(shop: Shop, local_lane: bool) -> None:
    """Both raise attention at the same time: with one activity id for both calls the run hung for ever."""
    try:
        order = await place(shop, local_lane=local_lane)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.forward(order.id, 700)
        await shop.until(lambda: reasons(shop, order) == {"release_stock", "refund_payment"})
        shop.gates.failing.clear()
        await OrderCommands(shop.client).resolve(order.id, "release_stock", "retry")
        await shop.until(lambda: reasons(shop, order) == {"refund_payment"})
        assert shop.services.orders.get(order.id).resolvable_reason(None, ResolveAction.RETRY) == "refund_payment"
        shop.provider.failing_refunds = 0
        await OrderCommands(shop.client).resolve(order.id, "refund_payment", "retry")
        await shop.until_cancelled(order)
    finally:
        shop.gates.failing.clear()
        shop.provider.failing_refunds = 0
    shop.check(order, OrderStatus.CANCELLED)
    assert reasons(shop, order) == set()


async def test_waiting_for_the_provider_is_not_failing(shop: Shop) -> None:
    """The provider has said `pending`: it may take its term, an hour for a card, and nothing has failed until then."""
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    await shop.forward(order.id, 3000)
    assert reasons(shop, order) == set()
    # Only the workflow's time can be moved; the database keeps the provider's term.
    shop.services.database.execute(
        "UPDATE payments.payments SET pending_until = now() WHERE order_id = %(id)s", {"id": order.id}
    )
    await shop.forward(order.id, 1500)
    await shop.until(lambda: reasons(shop, order) == {"refund_payment"})
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await shop.until_cancelled(order)
    shop.check(order, OrderStatus.CANCELLED)
    assert reasons(shop, order) == set()


async def test_a_decision_is_written_down_before_it_takes_effect() -> None:
    """Otherwise the saga could end, and the order be `cancelled`, before the money is booked."""
    recorded: list[tuple[str, bool]] = []

    async def record(decision: Resolve, decision_id: str) -> None:
        recorded.append((f"{decision.step} {decision.reference} {decision_id}", watch.decided(decision.step)))

    watch = StuckUndoWatch(600, Attention(_ignore, _ignore, len), record)
    await watch.resolve(Resolve("refund_payment", "mark_done", "transfer 4711"), "update-1")
    assert recorded == [("refund_payment transfer 4711 update-1", False)]
    assert watch.decided("refund_payment")


async def _ignore(_: str) -> None: ...
