"""F56, F57: cancelled at every step, by every source: confirmed or cancelled, never both, and everything undone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from services.errors import InvalidTransition
from services.orders.status import OrderStatus
from services.orders.views import OrderView
from services.payments.gateway import Outcome
from tests.builders import an_order
from tests.workflows.shop import Shop

POINTS = [
    ("reserve_stock", "before"),
    ("reserve_stock", "after"),
    ("charge", "before"),
    ("charge", "after"),
    ("confirm_order", "before"),
    ("confirm_order", "after"),
]
UNDOS = [
    ("release", "before"),
    ("release", "after"),
    ("refund", "before"),
    ("refund", "after"),
    ("finish_cancel", "before"),
    ("finish_cancel", "after"),
]


async def cancel_by(source: str, shop: Shop, order: OrderView) -> None:
    """As the buyer over REST does, as the CLI or Web UI does, or both."""
    if source in ("buyer", "both"):
        with suppress(InvalidTransition):
            await shop.cancel(order)
    if source in ("operator", "both"):
        await shop.workflow(order.id).cancel()


@pytest.mark.parametrize("source", ["buyer", "operator", "both"])
@pytest.mark.parametrize(("step", "point"), POINTS)
async def test_F56_F57_cancelled_at(shop: Shop, step: str, point: str, source: str) -> None:
    reached, go = shop.gates.arm(step, point)
    order = await shop.place(an_order(shop.product(), shop.product()))
    assert await asyncio.to_thread(reached.wait, 10)
    await cancel_by(source, shop, order)
    go.set()
    outcome = await shop.outcome(order.id)
    # The row decides: once confirmed there is no way back. An operator's word reaches the row only through the
    # workflow, so it may come too late for an order that takes a tenth of a second.
    late = step == "confirm_order" or source == "operator"
    assert outcome.status in (("confirmed", "cancelled") if late else ("cancelled",))
    shop.check(order, OrderStatus(outcome.status))


@pytest.mark.parametrize("source", ["buyer", "operator", "both"])
@pytest.mark.parametrize(("step", "point"), UNDOS)
async def test_F56_cancelled_again_while_undoing_at(shop: Shop, step: str, point: str, source: str) -> None:
    reached, go = shop.gates.arm(step, point)
    order = await shop.place(an_order(shop.product(), card="declines"))
    assert await asyncio.to_thread(reached.wait, 10)
    await cancel_by(source, shop, order)
    await cancel_by(source, shop, order)
    go.set()
    assert (await shop.outcome(order.id)).status == "cancelled"
    shop.check(order, OrderStatus.CANCELLED)


@pytest.mark.parametrize("source", ["buyer", "operator", "both"])
async def test_F56_cancelled_while_waiting_for_a_method(shop: Shop, source: str) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    await cancel_by(source, shop, order)
    outcome = await shop.outcome(order.id)
    assert (outcome.status, outcome.reason) == (
        "cancelled",
        "operator_request" if source == "operator" else "buyer_request",
    )
    shop.check(order, OrderStatus.CANCELLED)


@pytest.mark.parametrize("source", ["buyer", "operator", "both"])
@pytest.mark.parametrize("end", [Outcome.SUCCEEDED, Outcome.FAILED])
async def test_F56_cancelled_while_the_provider_is_waited_for(shop: Shop, source: str, end: Outcome) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await cancel_by(source, shop, order)
    await shop.until(lambda: "released" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, end)
    shop.services.orders.notice_payment(order.id, payment, "hook")
    assert (await shop.outcome(order.id)).status == "cancelled"
    shop.check(order, OrderStatus.CANCELLED)


async def test_a_cancel_before_the_start_arrives_after_it(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()), start=False)
    await shop.cancel(order)
    await shop.until_status(order.id, OrderStatus.CANCELLED)
    assert (await shop.outcome(order.id)).status == "cancelled"
    shop.check(order, OrderStatus.CANCELLED)
    assert "reserved" not in shop.events(order.id)
