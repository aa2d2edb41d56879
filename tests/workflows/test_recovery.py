"""Orders whose workflow was terminated, deleted or completed by hand are driven to their end."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
    PauseWorkflowExecutionRequest,
    UnpauseWorkflowExecutionRequest,
)
from temporalio.service import RPCError

from activities.messages import OrderOutcome, OrderState
from activities.recovery import STARTS_BEFORE_ATTENTION
from services.orders.status import PAYMENT_REVIEW, WORKFLOW_LOST, CancelReason, OrderStatus, UndoStep
from services.orders.views import OrderView
from services.payments.gateway import Outcome
from tests.builders import an_order
from tests.workflows.shop import Shop
from workflows.ids import order_workflow_id, refund_workflow_id
from workflows.maintenance import PeriodicWorkflow

CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED
BY_OPERATOR = OrderOutcome(CANCELLED, CancelReason.OPERATOR_REQUEST)


async def delete(shop: Shop, order: OrderView) -> None:
    """Terminate and delete the order's workflow: Temporal forgets it, as when its store is lost."""
    execution = WorkflowExecution(workflow_id=order_workflow_id(order.id))
    request = DeleteWorkflowExecutionRequest(namespace=shop.client.namespace, workflow_execution=execution)
    await shop.client.workflow_service.delete_workflow_execution(request)
    async with asyncio.timeout(20):
        while True:
            try:
                await shop.workflow(order.id).describe()
            except RPCError:
                return
            await asyncio.sleep(0.1)


async def recover(shop: Shop, order: OrderView, *, until: OrderStatus) -> None:
    """Let the order's row grow old and recovery run, until the order has the status; 20 s at most."""
    shop.services.database.execute(
        "UPDATE orders.orders SET updated_at = updated_at - interval '1 minute' WHERE id = %(id)s", {"id": order.id}
    )
    job = shop.client.get_workflow_handle("recover-orders")
    async with asyncio.timeout(20):
        while shop.services.orders.get(order.id).status != until:
            # Again, because the list of workflows shows the end of one with a delay.
            await job.signal(PeriodicWorkflow.run_now)
            await asyncio.sleep(0.5)


async def waiting_for_payment(shop: Shop) -> OrderView:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    return order


async def waiting_for_method(shop: Shop) -> OrderView:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    return order


async def test_F58_a_terminated_order_that_waits_for_a_method_is_cancelled_and_undone(shop: Shop) -> None:
    order = await waiting_for_method(shop)
    await shop.workflow(order.id).terminate()
    await recover(shop, order, until=CANCELLED)
    assert await shop.outcome(order.id) == BY_OPERATOR
    shop.check(order, CANCELLED)


@pytest.mark.parametrize("taken", [True, False], ids=["money_taken", "declined"])
async def test_F58_a_terminated_order_with_a_payment_is_cancelled_and_undone(shop: Shop, taken: bool) -> None:
    order = await waiting_for_payment(shop)
    await shop.workflow(order.id).terminate()
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED if taken else Outcome.FAILED)
    await recover(shop, order, until=CANCELLED)
    assert await shop.outcome(order.id) == BY_OPERATOR
    shop.check(order, CANCELLED)


async def test_F58_a_terminated_order_that_is_paid_is_cancelled_and_its_old_step_is_refused(shop: Shop) -> None:
    reached, go_on = shop.gates.arm("confirm_order", "before")
    order = await shop.place(an_order(shop.product()))
    await asyncio.to_thread(reached.wait, 10)
    await shop.workflow(order.id).terminate()
    await recover(shop, order, until=CANCELLED)
    go_on.set()
    assert await shop.outcome(order.id) == BY_OPERATOR
    shop.check(order, CANCELLED)


async def test_F58_an_order_terminated_while_it_is_cancelled_is_undone(shop: Shop) -> None:
    order = await waiting_for_payment(shop)
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    await shop.workflow(order.id).terminate()
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await recover(shop, order, until=CANCELLED)
    assert (await shop.outcome(order.id)).reason == CancelReason.BUYER_REQUEST
    shop.check(order, CANCELLED)


async def test_F17_an_order_that_temporal_has_forgotten_goes_on(shop: Shop) -> None:
    """Forward: nobody asked for a cancellation. The payment is asked about, and not made again."""
    order = await waiting_for_payment(shop)
    await delete(shop, order)
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await recover(shop, order, until=CONFIRMED)
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.provider.charges[shop.payment_id(order.id)] == 1


async def test_F17_a_forgotten_order_that_is_being_cancelled_is_undone(shop: Shop) -> None:
    order = await waiting_for_payment(shop)
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    await delete(shop, order)
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await recover(shop, order, until=CANCELLED)
    assert (await shop.outcome(order.id)).status == CANCELLED
    shop.check(order, CANCELLED)


async def test_a_workflow_completed_by_hand_on_a_paid_row_is_started_again(shop: Shop) -> None:
    """An operator completes `confirm_order`, which did not run: the workflow believes it, the row does not."""
    shop.gates.failing.add("confirm_order")
    try:
        order = await shop.place(an_order(shop.product()))
        await shop.until_status(order.id, OrderStatus.PAID)
        step = shop.client.get_async_activity_handle(
            workflow_id=order_workflow_id(order.id), run_id=None, activity_id="confirm_order"
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    await step.complete(OrderState(CONFIRMED))
                    break
                except RPCError:
                    await asyncio.sleep(0.05)
        assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
        assert shop.services.orders.get(order.id).status == OrderStatus.PAID
    finally:
        shop.gates.failing.clear()
    await recover(shop, order, until=CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_a_webhook_revives_a_terminated_order_before_recovery_does(shop: Shop) -> None:
    order = await waiting_for_payment(shop)
    payment = shop.payment_id(order.id)
    await shop.workflow(order.id).terminate()
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.services.orders.notice_payment(order.id, payment, "hook")
    await shop.until_status(order.id, CONFIRMED)
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_reasons_that_an_earlier_run_raised_end_with_the_order(shop: Shop) -> None:
    """A run clears what it has raised itself; the end of the order disproves what is left."""
    order = await waiting_for_payment(shop)
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    for reason in (UndoStep.REFUND_PAYMENT, UndoStep.RELEASE_STOCK, PAYMENT_REVIEW, "refund-of-a-late-payment"):
        shop.services.order_transitions.raise_attention(order.id, reason)
    await shop.workflow(order.id).terminate()
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await recover(shop, order, until=CANCELLED)
    assert shop.services.orders.get(order.id).attention_reasons == ("refund-of-a-late-payment",)


async def test_a_terminated_refund_of_late_money_is_made(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.failing_refunds = 10_000
    try:
        shop.provider.decide(payment, Outcome.SUCCEEDED)
        shop.services.orders.notice_payment(order.id, payment, "late", late=True)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.client.get_workflow_handle(refund_workflow_id(payment)).terminate()
    finally:
        shop.provider.failing_refunds = 0
    shop.services.database.execute(
        "UPDATE payments.payments SET updated_at = now() - interval '2 minutes' WHERE id = %(id)s", {"id": payment}
    )
    await shop.client.get_workflow_handle("continue-refunds").signal(PeriodicWorkflow.run_now)
    await shop.until(lambda: "refunded" in shop.events(order.id))
    shop.check(order, CANCELLED)


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_an_order_whose_workflow_is_open_is_left_alone(shop: Shop, paused: bool) -> None:
    order = await waiting_for_method(shop)
    where = {"namespace": shop.client.namespace, "workflow_id": order_workflow_id(order.id)}
    run = (await shop.workflow(order.id).describe()).run_id
    if paused:
        await shop.client.workflow_service.pause_workflow_execution(PauseWorkflowExecutionRequest(**where))
    job = shop.client.get_workflow_handle("recover-orders")
    runs = len(await job.query(PeriodicWorkflow.results))
    shop.services.database.execute(
        "UPDATE orders.orders SET updated_at = updated_at - interval '1 minute' WHERE id = %(id)s", {"id": order.id}
    )
    await job.signal(PeriodicWorkflow.run_now)
    async with asyncio.timeout(10):
        while len(await job.query(PeriodicWorkflow.results)) <= runs:
            await asyncio.sleep(0.1)
    if paused:
        await shop.client.workflow_service.unpause_workflow_execution(UnpauseWorkflowExecutionRequest(**where))
    assert (await shop.workflow(order.id).describe()).run_id == run
    assert shop.services.orders.get(order.id).status == OrderStatus.RESERVED
    await shop.cancel(order)
    await shop.outcome(order.id)


async def test_an_order_whose_workflow_keeps_getting_lost_asks_for_a_person(shop: Shop) -> None:
    order = await waiting_for_method(shop)
    for _ in range(STARTS_BEFORE_ATTENTION):
        await delete(shop, order)
        shop.services.database.execute(
            "UPDATE orders.orders SET updated_at = now() - interval '2 hours', recovered_at = now() - interval '1 hour'"
            " WHERE id = %(id)s",
            {"id": order.id},
        )
        await shop.client.get_workflow_handle("recover-orders").signal(PeriodicWorkflow.run_now)
        async with asyncio.timeout(10):
            while not await exists(shop, order):
                await asyncio.sleep(0.1)
    await shop.until(lambda: shop.services.orders.get(order.id).attention_reasons == (WORKFLOW_LOST,))
    await shop.cancel(order)
    await shop.outcome(order.id)


async def exists(shop: Shop, order: OrderView) -> bool:
    try:
        await shop.workflow(order.id).describe()
    except RPCError:
        return False
    return True
