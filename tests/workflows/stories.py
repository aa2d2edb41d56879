"""The stories of workflows whose histories are recorded and whose commands are compared, one for each path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from activities.messages import PeriodicJob, RefundInput
from services.clock import new_id
from services.errors import InvalidTransition
from services.money import Money
from services.orders.status import OrderStatus
from services.orders.views import OrderView, PaymentMethod
from services.payments.gateway import Outcome
from tests.builders import an_order
from tests.fakes.gateway import Behaviour
from tests.workflows.shop import Shop, report
from workflows.background import DISPATCH_ID, RELAY_ID, WEBHOOKS_ID
from workflows.client import TASK_QUEUE
from workflows.ids import refund_workflow_id
from workflows.maintenance import PeriodicWorkflow
from workflows.order_commands import OrderCommands, order_input
from workflows.refund import RefundWorkflow

Run = WorkflowHandle[Any, Any]
Story = Callable[[Shop], Awaitable[Run]]


async def confirmed(shop: Shop) -> Run:
    return await ended(shop, await shop.place(an_order(shop.product())))


async def declined(shop: Shop) -> Run:
    return await ended(shop, await shop.place(an_order(shop.product(), card="declines")))


async def out_of_stock(shop: Shop) -> Run:
    return await ended(shop, await shop.place(an_order(shop.product(units=1), quantity=2)))


async def unknown_then_found(shop: Shop) -> Run:
    return await ended(shop, await shop.place(an_order(shop.product(), card="dies_charged")))


async def method_given_later(shop: Shop) -> Run:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    method = PaymentMethod(card="succeeds")
    await asyncio.to_thread(shop.services.orders.give_method, order.id, order.buyer_id, method)
    return await ended(shop, order)


async def payment_expired(shop: Shop) -> Run:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    await shop.forward(order.id, 1000)
    return await ended(shop, order)


async def waiting_for_the_provider(shop: Shop) -> Run:
    """The order is still open, as many are during a deployment."""
    order = await waiting(shop)
    await shop.forward(order.id, 40)
    return shop.workflow(order.id)


async def cancelled_while_pending(shop: Shop) -> Run:
    order = await waiting(shop)
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    decide(shop, order, Outcome.SUCCEEDED)
    return await ended(shop, order)


async def refund_reported_later(shop: Shop) -> Run:
    """A payment is reported, and later its refund: the second report on one payment ends a wait, too."""
    order = await waiting(shop)
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    await begin_refund(shop, order)
    report_refund(shop, order)
    return await ended(shop, order)


async def following_run(shop: Shop) -> Run:
    """The run of a terminated workflow is followed by another one, which goes on from the order's row."""
    order = await waiting(shop)
    await shop.workflow(order.id).terminate()
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await OrderCommands(shop.skipper.client).start(order.id, shop.services.orders.start_input(order.id))
    return await ended(shop, order)


async def under_review(shop: Shop) -> Run:
    """A status report names another amount than the order's: the order is cancelled, and asks for a person."""
    order = await waiting(shop)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    await asyncio.to_thread(report, shop, payment, "succeeded", Money(1, "RUB"))
    return await ended(shop, order)


async def stuck_undo_resolved(shop: Shop) -> Run:
    order = await waiting(shop)
    shop.provider.decide(shop.payment_id(order.id), Outcome.FAILED)
    shop.gates.failing.add("release")
    try:
        await shop.cancel(order)
        await shop.until_status(order.id, OrderStatus.CANCELLING)
        await shop.forward(order.id, 700)
        await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
    finally:
        shop.gates.failing.clear()
    await OrderCommands(shop.client).resolve(order.id, "release_stock", "retry", by="anna")
    return await ended(shop, order)


async def decided_too_late(shop: Shop) -> Run:
    """A decision is written down while its undo ends by itself: it is refused."""
    order = await refund_that_is_stuck(shop)
    with suppress(InvalidTransition):
        await decide_as_the_refund_ends(shop, order)
    return await ended(shop, order)


async def late_payment_refunded(shop: Shop) -> Run:
    refund = await late_refund(shop, await paid_after_its_end(shop))
    await refund.result()
    return refund


async def late_refund_written_off(shop: Shop) -> Run:
    order = await paid_after_its_end(shop)
    shop.provider.failing_refunds = 10_000
    try:
        refund = await late_refund(shop, order)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.skipper.fast_forward(refund, 700)
        await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
        await OrderCommands(shop.client).resolve(order.id, refund.id, "write_off", "card is closed", by="anna")
        await asyncio.wait_for(refund.result(), 20)
    finally:
        shop.provider.failing_refunds = 0
    return refund


async def outbox_relay(shop: Shop) -> Run:
    return await with_an_activity(shop.client.get_workflow_handle(RELAY_ID))


async def notification_dispatch(shop: Shop) -> Run:
    return await with_an_activity(shop.client.get_workflow_handle(DISPATCH_ID))


async def webhook_dispatch(shop: Shop) -> Run:
    return await with_an_activity(shop.client.get_workflow_handle(WEBHOOKS_ID))


async def periodic_job(shop: Shop) -> Run:
    """One round of a job, then a signal ends the wait, and the workflow continues as new."""
    job = PeriodicJob("sweep_reservations", every=3600, attempt=30, rounds=1)
    started = await shop.client.start_workflow(PeriodicWorkflow.run, job, id=f"job-{new_id()}", task_queue=TASK_QUEUE)
    first = shop.client.get_workflow_handle(started.id, run_id=started.first_execution_run_id)
    async with asyncio.timeout(10):
        while not await first.query(PeriodicWorkflow.results):
            await asyncio.sleep(0.05)
        await first.signal(PeriodicWorkflow.run_now)
        while (await first.describe()).status == WorkflowExecutionStatus.RUNNING:
            await asyncio.sleep(0.05)
    await shop.client.get_workflow_handle(started.id).terminate()
    return first


STORIES: list[Story] = [
    confirmed,
    declined,
    out_of_stock,
    unknown_then_found,
    method_given_later,
    payment_expired,
    waiting_for_the_provider,
    cancelled_while_pending,
    refund_reported_later,
    following_run,
    under_review,
    stuck_undo_resolved,
    decided_too_late,
    late_payment_refunded,
    late_refund_written_off,
    outbox_relay,
    notification_dispatch,
    webhook_dispatch,
    periodic_job,
]


#: What these do depends on when something from outside arrives, so their commands are not the same every time.
VARIABLE = (
    cancelled_while_pending,
    refund_reported_later,
    stuck_undo_resolved,
    decided_too_late,
    late_refund_written_off,
)


async def ended(shop: Shop, order: OrderView) -> Run:
    """The workflow of an order, once it has ended."""
    with suppress(RPCError):
        await shop.outcome(order.id)
    return shop.workflow(order.id)


async def waiting(shop: Shop) -> OrderView:
    """An order whose payment the provider has not decided."""
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    return order


async def refund_that_is_stuck(shop: Shop) -> OrderView:
    """An order that is being cancelled, whose refund the provider does not make."""
    order = await waiting(shop)
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    shop.provider.failing_refunds = 10_000
    try:
        await shop.cancel(order)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.forward(order.id, 700)
        await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
    finally:
        shop.provider.failing_refunds = 0
    return order


async def decide_as_the_refund_ends(shop: Shop, order: OrderView, action: str = "mark_done") -> None:
    """Decide about a stuck refund, which ends by itself before the decision is written down. Raises as `resolve`."""
    shop.gates.failing.add("record_resolution")
    try:
        commands = OrderCommands(shop.client)
        resolving = asyncio.create_task(
            commands.resolve(order.id, "refund_payment", action, "transfer 4711", by="anna")
        )
        await until_pending(shop, order, "record_resolution")
        async with asyncio.timeout(10):
            while "refunded" not in await asyncio.to_thread(shop.events, order.id):
                await shop.forward(order.id, 60)
    finally:
        shop.gates.failing.discard("record_resolution")
    await resolving


async def until_pending(shop: Shop, order: OrderView, step: str) -> None:
    """Wait until a step of the order is a regular activity that has not ended."""
    async with asyncio.timeout(10):
        while True:
            pending = (await shop.workflow(order.id).describe()).raw_description.pending_activities
            if step in [each.activity_id for each in pending]:
                return
            await asyncio.sleep(0.05)


async def paid_after_its_end(shop: Shop) -> OrderView:
    """An order that was declined, and whose payment the provider reports as succeeded afterwards."""
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    return order


async def late_refund(shop: Shop, order: OrderView) -> Run:
    """The workflow that refunds the payment of an order, on a clock that can be moved."""
    payment = shop.payment_id(order.id)
    lane = order_input(shop.services.orders.start_input(order.id)).local_lane
    late = RefundInput(order.id, payment, attention_after=600, local_lane=lane)
    return await shop.skipper.client.start_workflow(
        RefundWorkflow.run, late, id=refund_workflow_id(payment), task_queue=TASK_QUEUE
    )


def decide(shop: Shop, order: OrderView, outcome: Outcome) -> None:
    """The provider decides on the order's payment, and reports it."""
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, outcome)
    shop.services.orders.notice_payment(order.id, payment, "hook")


async def begin_refund(shop: Shop, order: OrderView) -> None:
    """The provider reports that it took the money of a cancelled order, and does not decide on its refund yet."""
    payment, refunds = shop.payment_id(order.id), shop.provider.refunds
    shop.provider.behaviour = Behaviour.WAITS
    try:
        decide(shop, order, Outcome.SUCCEEDED)
        await shop.until(lambda: any(each.payment_provider_id == f"p-{payment}" for each in refunds.values()))
    finally:
        shop.provider.behaviour = Behaviour.SUCCEEDS


def report_refund(shop: Shop, order: OrderView) -> None:
    """The provider decides on the refund, and reports it."""
    shop.provider.decide_pending(Outcome.SUCCEEDED)
    (refund_id,) = [each.id for each in shop.services.payments.refunds_of(order.id)]
    shop.services.payments.refresh_refund(refund_id)
    shop.services.orders.notice_refund(order.id, shop.payment_id(order.id), "refund")


async def with_an_activity(run: Run) -> Run:
    """A background workflow whose activity is open."""
    async with asyncio.timeout(10):
        while len((await run.fetch_history()).events) < 5:
            await asyncio.sleep(0.05)
    return run
