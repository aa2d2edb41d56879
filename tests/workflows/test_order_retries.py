"""When what needs a person is tried again by itself, and how an operator has it tried at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import PauseActivityRequest
from temporalio.service import RPCError

from activities.messages import RefundInput, Resolve
from activities.recovery import RunState
from services.errors import InvalidTransition, Unavailable
from services.money import Money
from services.orders.status import (
    NO_PROGRESS,
    NO_WORKER,
    PAYMENT_REVIEW,
    WORKFLOW_LOST,
    OrderEventType,
    OrderStatus,
    UndoStep,
)
from services.orders.views import OrderView
from services.payments.gateway import Outcome
from services.settings import Settings
from tests.builders import an_order
from tests.workflows.shop import Shop, report
from tests.workflows.test_recovery import delete, waiting_for_method, waiting_for_payment
from workflows.client import TASK_QUEUE, connect
from workflows.ids import order_workflow_id, refund_workflow_id
from workflows.order_commands import OrderCommands
from workflows.order_retries import OrderRetries
from workflows.order_runs import OrderRuns
from workflows.refund import RefundWorkflow

CANCELLED = OrderStatus.CANCELLED


def retries(shop: Shop, commands: OrderCommands | None = None) -> OrderRetries:
    known = commands or OrderCommands(shop.client)
    return OrderRetries(lambda: known, shop.services.order_recovery, shop.services.order_transitions)


async def seconds_until(shop: Shop, order: OrderView, *reasons: str) -> Mapping[str, float]:
    tries = await retries(shop).next_tries(order.id, reasons)
    return {reason: (at - datetime.now(UTC)).total_seconds() for reason, at in tries.items()}


def decisions(shop: Shop, order: OrderView) -> list[str | None]:
    events = shop.services.orders.events(order.id)
    return [event.detail for event in events if event.type is OrderEventType.RESOLVED]


async def until_waiting(shop: Shop, order: OrderView, *, between: tuple[float, float]) -> None:
    """Until the undo of the payment waits so many seconds for the provider."""
    async with asyncio.timeout(20):
        while True:
            seconds = (await seconds_until(shop, order, "refund_payment")).get("refund_payment", 0)
            if between[0] < seconds <= between[1]:
                return
            await asyncio.sleep(0.1)


async def test_a_refund_that_waits_has_the_time_of_its_timer_and_a_step_that_fails_that_of_its_attempt(
    shop: Shop,
) -> None:
    order = await waiting_for_payment(shop)
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    shop.provider.failing_refunds = 10_000
    shop.gates.failing.add("release")
    try:
        await shop.cancel(order)
        # The intervals between two looks are 1, 5, 30, 120 and 300 s.
        await until_waiting(shop, order, between=(5, 30))
        seconds = await seconds_until(shop, order, UndoStep.REFUND_PAYMENT, UndoStep.RELEASE_STOCK)
        assert 5 < seconds[UndoStep.REFUND_PAYMENT] <= 30
        assert -1 < seconds[UndoStep.RELEASE_STOCK] <= 10
    finally:
        shop.gates.failing.clear()
        shop.provider.failing_refunds = 0
    await shop.until_cancelled(order)
    assert await seconds_until(shop, order, UndoStep.REFUND_PAYMENT) == {}


async def test_the_refund_of_late_money_has_the_time_of_its_own_workflow(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.provider.failing_refunds = 10_000
    step = refund_workflow_id(payment)
    late = RefundInput(order.id, payment, attention_after=600)
    try:
        refund = await shop.client.start_workflow(RefundWorkflow.run, late, id=step, task_queue=TASK_QUEUE)
        async with asyncio.timeout(20):
            while not 5 < (await seconds_until(shop, order, step)).get(step, 0) <= 30:
                await asyncio.sleep(0.1)
    finally:
        shop.provider.failing_refunds = 0
    ended = asyncio.ensure_future(refund.result())
    async with asyncio.timeout(20):
        while not ended.done():  # a declined refund is repeated after some time, not at each look
            with suppress(RPCError):
                await refund.signal(RefundWorkflow.payment_updated)
            await asyncio.wait([ended], timeout=0.3)


@pytest.mark.parametrize("way", ["service", "web ui"])
async def test_a_payment_under_review_is_asked_about_at_once(shop: Shop, way: str) -> None:
    """The provider has not decided, and something reported another amount; it is asked again after a minute."""
    order = await waiting_for_payment(shop)
    await asyncio.to_thread(report, shop, shop.payment_id(order.id), "succeeded", Money(1, "RUB"))
    await shop.until(lambda: shop.services.orders.get(order.id).attention_reasons == (PAYMENT_REVIEW,))
    async with asyncio.timeout(10):
        while not 30 < (await seconds_until(shop, order, PAYMENT_REVIEW)).get(PAYMENT_REVIEW, 0) <= 60:
            await asyncio.sleep(0.1)
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    if way == "service":
        await OrderCommands(shop.client).resolve(order.id, PAYMENT_REVIEW, "retry", by="anna")
    else:
        handle = shop.client.get_workflow_handle(order_workflow_id(order.id))
        await handle.execute_update("resolve", Resolve(PAYMENT_REVIEW, "retry", by="anna"))
    assert (await shop.outcome(order.id)).status == CANCELLED
    shop.check(order, CANCELLED)
    assert decisions(shop, order) == ["payment_review: retry by anna"]
    assert not shop.services.orders.get(order.id).needs_attention


async def test_a_payment_under_review_is_neither_accepted_nor_written_off(shop: Shop) -> None:
    order = await waiting_for_payment(shop)
    commands = OrderCommands(shop.client)
    with pytest.raises(InvalidTransition):  # nothing is under review
        await commands.resolve(order.id, PAYMENT_REVIEW, "retry")
    await asyncio.to_thread(report, shop, shop.payment_id(order.id), "succeeded", Money(1, "RUB"))
    await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
    for action in ("mark_done", "write_off"):
        with pytest.raises(InvalidTransition):
            await commands.resolve(order.id, PAYMENT_REVIEW, action, "anna")
    with pytest.raises(InvalidTransition, match="order resolve NUMBER retry"):
        await commands.resolve(order.id, WORKFLOW_LOST, "retry")
    shop.provider.decide(shop.payment_id(order.id), Outcome.FAILED)
    await shop.until_cancelled(order)


async def test_a_lost_workflow_is_started_before_the_time_of_recovery(shop: Shop) -> None:
    order = await waiting_for_method(shop)
    await delete(shop, order)
    shop.services.database.execute(
        "UPDATE orders.orders SET recoveries = 4, recovered_at = now(), updated_at = now() - interval '1 minute'"
        " WHERE id = %(id)s",
        {"id": order.id},
    )
    for reason in (WORKFLOW_LOST, NO_PROGRESS):
        assert (await seconds_until(shop, order, reason))[reason] == pytest.approx(240, abs=10)
    done = await retries(shop).retry(order.id, WORKFLOW_LOST, "anna")
    assert done == "Its workflow was gone, and was started again."
    assert decisions(shop, order) == ["workflow_lost: retry by anna"]
    with pytest.raises(InvalidTransition, match="Its workflow is open, so nothing was started"):
        await retries(shop).retry(order.id, WORKFLOW_LOST, "anna")
    assert await seconds_until(shop, order, WORKFLOW_LOST, NO_WORKER) == {}
    await shop.cancel(order)
    await shop.outcome(order.id)
    with pytest.raises(InvalidTransition, match="The order has ended"):
        await retries(shop).retry(order.id, WORKFLOW_LOST, "anna")
    assert len(decisions(shop, order)) == 1


async def test_F81_an_order_that_ends_while_its_workflow_is_looked_for_has_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await waiting_for_method(shop)
    state = OrderRuns.state

    async def state_then_the_end(runs: OrderRuns, order_id: UUID) -> RunState:
        await shop.cancel(order)
        await shop.outcome(order.id)
        return await state(runs, order_id)

    monkeypatch.setattr(OrderRuns, "state", state_then_the_end)
    with pytest.raises(InvalidTransition, match="The order has ended"):
        await retries(shop).retry(order.id, WORKFLOW_LOST, "anna")
    assert decisions(shop, order) == []


async def test_a_terminated_workflow_is_started_to_cancel_the_order(shop: Shop) -> None:
    order = await waiting_for_payment(shop)
    await shop.workflow(order.id).terminate()
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    done = await retries(shop).retry(order.id, WORKFLOW_LOST, "anna")
    assert done == "Its workflow was terminated: it was started again, to cancel the order."
    assert (await shop.outcome(order.id)).status == CANCELLED
    shop.check(order, CANCELLED)


async def test_of_an_order_that_stands_still_the_failing_step_is_tried_at_once(shop: Shop) -> None:
    shop.gates.failing.add("reserve_stock")
    try:
        order = await shop.place(an_order(shop.product(), card=None))
        async with asyncio.timeout(30):  # attempts come 0.2 s after the first, then later, at most 10 s
            while (await seconds_until(shop, order, NO_PROGRESS)).get(NO_PROGRESS, 0) < 4:
                await asyncio.sleep(0.1)
    finally:
        shop.gates.failing.clear()
    started = time.monotonic()
    done = await retries(shop).retry(order.id, NO_PROGRESS, "anna")
    assert done == "Tried again at once: reserve_stock."
    await shop.until_status(order.id, OrderStatus.RESERVED)
    assert time.monotonic() - started < 3
    with pytest.raises(InvalidTransition, match="No step of it waits to be tried again"):
        await retries(shop).retry(order.id, NO_PROGRESS, "anna")
    assert await seconds_until(shop, order, NO_PROGRESS) == {}
    await shop.cancel(order)
    await shop.outcome(order.id)


async def test_without_temporal_only_the_time_of_recovery_is_known_and_soon(shop: Shop) -> None:
    order = await waiting_for_method(shop)
    away = await connect(Settings(app_env="development", temporal_address="127.0.0.1:1"), lazy=True)
    asked = retries(shop, OrderCommands(away))
    started = time.monotonic()
    assert [*await asked.next_tries(order.id, [WORKFLOW_LOST, NO_PROGRESS, "refund_payment"])] == [WORKFLOW_LOST]
    assert time.monotonic() - started < 3
    with pytest.raises(Unavailable):
        await asked.retry(order.id, WORKFLOW_LOST, "anna")
    nowhere = OrderRetries(lambda: None, shop.services.order_recovery, shop.services.order_transitions)
    assert [*await nowhere.next_tries(order.id, [WORKFLOW_LOST])] == [WORKFLOW_LOST]
    assert decisions(shop, order) == []
    await shop.cancel(order)
    await shop.outcome(order.id)


async def test_nothing_is_tried_while_an_operator_has_paused_the_step(shop: Shop) -> None:
    shop.gates.failing.add("reserve_stock")
    try:
        order = await shop.place(an_order(shop.product(), card=None))
        async with asyncio.timeout(20):
            while not (await seconds_until(shop, order, NO_PROGRESS)):
                await asyncio.sleep(0.1)
        request = PauseActivityRequest(
            namespace=shop.client.namespace,
            execution=WorkflowExecution(workflow_id=order_workflow_id(order.id)),
            id="reserve_stock",
        )
        await shop.client.workflow_service.pause_activity(request)
        async with asyncio.timeout(20):  # an attempt that runs ends first
            while await seconds_until(shop, order, NO_PROGRESS):
                await asyncio.sleep(0.1)
        assert await OrderRuns(shop.client).retry_steps(order.id) == []
    finally:
        shop.gates.failing.clear()
    await shop.cancel(order)
    await shop.outcome(order.id)
