"""Undos that keep failing: each asks for a person with a reason of its own, and each is resolved on its own."""

from __future__ import annotations

import asyncio

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowUpdateStage
from temporalio.worker import Worker

from activities.messages import Resolve
from services.clock import new_id
from services.errors import InvalidTransition
from services.orders.service import OrderService
from services.orders.status import OrderStatus, ResolveAction
from services.orders.views import OrderView, Policy
from services.payments.gateway import Outcome
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop
from tests.workflows.stories import decide_as_the_refund_ends, refund_that_is_stuck
from workflows.attention import Attention
from workflows.compensation import Undo
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


@pytest.mark.parametrize("action", ["mark_done", "write_off"])
async def test_F81_a_decision_that_comes_as_the_refund_ends_by_itself_is_refused(shop: Shop, action: str) -> None:
    order = await refund_that_is_stuck(shop)
    with pytest.raises(InvalidTransition, match=r"refund_payment was done meanwhile: .*nothing was booked"):
        await decide_as_the_refund_ends(shop, order, action)
    await shop.until_cancelled(order)
    shop.check(order, OrderStatus.CANCELLED)
    assert "resolved" not in shop.events(order.id)
    assert [each.failure_code for each in shop.services.payments.refunds_of(order.id)][-1] is None


async def test_F81_a_retry_that_comes_as_the_refund_ends_by_itself_has_the_same_effect(shop: Shop) -> None:
    order = await refund_that_is_stuck(shop)
    await decide_as_the_refund_ends(shop, order, "retry")
    await shop.until_cancelled(order)
    shop.check(order, OrderStatus.CANCELLED)
    assert shop.events(order.id).count("resolved") == 1


@workflow.defn(sandboxed=False)
class UndoneTwice:
    """Runs one undo two times; each run ends by a signal."""

    @workflow.init
    def __init__(self) -> None:
        self._ends = self._written = 0
        self._runs: list[str] = []
        self._watch = StuckUndoWatch(0, Attention(_ignore, _ignore, len), self._write)

    @workflow.run
    async def run(self) -> list[str]:
        for _ in range(2):
            await self._watch.run(Undo("x", self._undo))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._runs

    @workflow.signal
    def end(self) -> None:
        self._ends += 1

    @workflow.signal
    def write(self) -> None:
        self._written += 1

    @workflow.update
    async def resolve(self, decision: Resolve) -> str:
        return await self._watch.resolve(decision, "id")

    @resolve.validator
    def _check(self, decision: Resolve) -> None:
        self._watch.check(decision)

    @workflow.query
    def runs(self) -> list[str]:
        return self._runs

    async def _undo(self) -> None:
        number = len(self._runs)
        self._runs.append("begun")
        try:
            await workflow.wait_condition(lambda: self._ends > number)
        except asyncio.CancelledError:
            self._runs[number] = "given up"
            raise
        self._runs[number] = "done"

    async def _write(self, _: Resolve, __: str) -> None:
        await workflow.wait_condition(lambda: self._written > 0)


async def test_F81_a_decision_is_never_about_a_later_run_of_the_undo(client: Client) -> None:
    """It is accepted while the first run is stuck, and is written down when that has ended by itself."""
    queue = f"undone-twice-{new_id()}"
    async with Worker(client, task_queue=queue, workflows=[UndoneTwice]):
        handle = await client.start_workflow(UndoneTwice.run, id=queue, task_queue=queue)
        decision = Resolve("x", "mark_done", "transfer 4711")
        accepted = WorkflowUpdateStage.ACCEPTED
        async with asyncio.timeout(20):
            while await handle.query(UndoneTwice.runs) != ["begun"]:
                await asyncio.sleep(0.05)
            update = await handle.start_update(UndoneTwice.resolve, decision, wait_for_stage=accepted)
            await handle.signal(UndoneTwice.end)
            while await handle.query(UndoneTwice.runs) == ["begun"]:
                await asyncio.sleep(0.05)
            await handle.signal(UndoneTwice.write)
            assert await update.result() == "x: mark_done"
            await handle.signal(UndoneTwice.end)
            assert await handle.result() == ["done", "done"]
