"""A run that follows another run of the same order: it takes the order over and goes on from its row."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError

from activities.messages import OrderOutcome
from services.clock import new_id
from services.orders.service import OrderService
from services.orders.status import CancelReason, OrderStatus
from services.orders.views import OrderView, PaymentMethod, Policy
from services.payments.gateway import Outcome
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop
from workflows.client import TASK_QUEUE
from workflows.order import OrderWorkflow
from workflows.order_commands import OrderCommands, order_input

CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


async def start_again(shop: Shop, order: OrderView) -> None:
    """Terminate the order's workflow as an operator could, and start it with the stored input."""
    await shop.workflow(order.id).terminate()
    await OrderCommands(shop.skipper.client).start(order.id, shop.services.orders.start_input(order.id))


async def test_a_payment_under_way_is_asked_about_and_not_made_again(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    await start_again(shop, order)
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.provider.charges[payment] == 1


async def test_a_method_that_was_given_to_the_earlier_run_is_used(shop: Shop) -> None:
    """The start input says that there is none."""
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    await shop.workflow(order.id).terminate()
    # Written as `give_method` does, but for the command that would start the workflow.
    sealed = Vault(KEY).seal({"card": "succeeds"})
    shop.services.database.execute(
        "UPDATE orders.orders SET method = 'card', payment_method = %(sealed)s WHERE id = %(id)s",
        {"sealed": sealed, "id": order.id},
    )
    await OrderCommands(shop.client).start(order.id, shop.services.orders.start_input(order.id))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_the_payment_window_began_when_the_order_was_placed(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    shop.services.database.execute(
        "UPDATE orders.orders SET created_at = created_at - interval '899 seconds' WHERE id = %(id)s", {"id": order.id}
    )
    await start_again(shop, order)
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_EXPIRED)
    shop.check(order, CANCELLED)


async def test_failed_attempts_count(shop: Shop) -> None:
    """The second attempt keeps its number: as the first one it would find the payment that was declined."""
    orders = OrderService(shop.services.database, Vault(KEY), Policy(max_unpaid=0, payment_attempts=2))
    order = (await asyncio.to_thread(orders.place, an_order(shop.product(), card="declines"))).order
    await OrderCommands(shop.client).start(order.id, orders.start_input(order.id))
    await shop.until(lambda: "payment_failed" in shop.events(order.id))
    await start_again(shop, order)
    orders.give_method(order.id, order.buyer_id, PaymentMethod(card="succeeds"))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_after_the_last_failed_attempt_the_order_is_declined(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.workflow(order.id).terminate()
    shop.provider.decide(shop.payment_id(order.id), Outcome.FAILED)
    shop.services.payments.refresh(shop.payment_id(order.id))
    await OrderCommands(shop.client).start(order.id, shop.services.orders.start_input(order.id))
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_DECLINED)
    shop.check(order, CANCELLED)


async def test_F80_a_paid_order_whose_money_was_sent_back_in_truth_is_cancelled(shop: Shop) -> None:
    """The database was restored to a state between the payment and the confirmation."""
    shop.gates.failing.add("confirm_order")
    try:
        order = await shop.place(an_order(shop.product()))
        await shop.until_status(order.id, OrderStatus.PAID)
        await shop.workflow(order.id).terminate()
    finally:
        shop.gates.failing.clear()
    shop.provider.refund_by_hand(shop.payment_id(order.id), order.total.minor)
    shop.services.database.execute(
        "UPDATE payments.payments SET updated_at = now() - interval '2 minutes' WHERE order_id = %(id)s",
        {"id": order.id},
    )
    await OrderCommands(shop.client).start(order.id, shop.services.orders.start_input(order.id))
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.OPERATOR_REQUEST)
    shop.check(order, CANCELLED)


async def test_I9_a_run_under_another_id_is_refused_and_changes_nothing(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    stored = order_input(shop.services.orders.start_input(order.id))
    twin = await shop.client.start_workflow(OrderWorkflow.run, stored, id=f"twin-{new_id()}", task_queue=TASK_QUEUE)
    with pytest.raises(WorkflowFailureError):
        await twin.result()
    shop.services.orders.give_method(order.id, order.buyer_id, PaymentMethod(card="succeeds"))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_a_signal_about_a_method_that_was_not_given_is_ignored(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    before = await finished_tasks(shop, order)
    await shop.workflow(order.id).signal(OrderWorkflow.payment_method_given)
    async with asyncio.timeout(10):
        while await finished_tasks(shop, order) == before:
            await asyncio.sleep(0.05)
    assert shop.services.orders.get(order.id).status == OrderStatus.RESERVED
    shop.services.orders.give_method(order.id, order.buyer_id, PaymentMethod(card="succeeds"))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def finished_tasks(shop: Shop, order: OrderView) -> int:
    """How many workflow tasks the order's worker has completed."""
    history = await shop.workflow(order.id).fetch_history()
    return sum(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in history.events)
