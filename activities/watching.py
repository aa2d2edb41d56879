"""Asks for a person for orders that do not go on by themselves, and stops asking once they do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from temporalio import activity

from services.errors import NotFound
from services.orders.status import NO_PROGRESS, NO_WORKER, WORKFLOW_FAILING, WORKFLOW_LOST

if TYPE_CHECKING:
    from services.orders.recovery import OrderRecovery
    from services.orders.transitions import OrderTransitions
    from services.payments.service import PaymentService
    from services.reconcile.stalled_orders import StalledOrders

#: Orders for which a person is asked at once.
ASKED_AT_ONCE = 1000


@dataclass(frozen=True)
class StuckWorkflow:
    """A workflow whose tasks fail or are not taken; it drives an order, refunds a late payment, or does neither."""

    workflow_id: str
    order_id: UUID | None = None
    payment_id: UUID | None = None


class StuckWorkflows(Protocol):
    """Temporal's lists of workflows that cannot go on. Every method raises RPCError when it is not available."""

    async def failing(self) -> list[StuckWorkflow]:
        """The workflows whose tasks keep failing."""

    async def without_worker(self) -> list[StuckWorkflow]:
        """The workflows that are pinned to a build of the workers of which none runs."""


@dataclass(frozen=True)
class WatchActivities:
    """Compares the attention reasons of orders with what is wrong with them now."""

    recovery: OrderRecovery
    stalled: StalledOrders
    orders: OrderTransitions
    payments: PaymentService
    workflows: StuckWorkflows

    @activity.defn
    async def watch_orders(self) -> int:
        """Ask for a person for orders whose workflow fails or has no worker, or for which nothing is due.

        Returns how many reasons changed. Raises RPCError when Temporal is not available.
        """
        failing = await self._orders_of("workflow.task_failing", await self.workflows.failing())
        without_worker = await self._orders_of("workflow.no_worker", await self.workflows.without_worker())
        return await asyncio.to_thread(self._ask, failing, without_worker)

    async def _orders_of(self, event: str, stuck: Sequence[StuckWorkflow]) -> set[UUID]:
        for each in stuck:
            activity.logger.error(event, extra={"stuck": each.workflow_id})
        return {order_id for each in stuck if (order_id := await self._order_of(each))}

    async def _order_of(self, stuck: StuckWorkflow) -> UUID | None:
        if stuck.payment_id is None:
            return stuck.order_id
        try:
            return (await asyncio.to_thread(self.payments.get, stuck.payment_id)).order_id
        except NotFound:
            return None  # a workflow that somebody started by hand; the line above is all there is to say

    def _ask(self, failing: set[UUID], without_worker: set[UUID]) -> int:
        stalled = {*self.stalled.find(ASKED_AT_ONCE)}
        wanted = {WORKFLOW_FAILING: failing, NO_WORKER: without_worker, NO_PROGRESS: stalled}
        changed = sum(self._set(reason, orders) for reason, orders in wanted.items())
        recovered = self.recovery.no_longer_lost()
        for order_id in recovered:
            self.orders.clear_attention(order_id, WORKFLOW_LOST)
        return changed + len(recovered)

    def _set(self, reason: str, wanted: set[UUID]) -> int:
        """Let exactly these orders have the reason; returns how many changed."""
        present = {*self.recovery.needing(reason)}
        for order_id in wanted - present:
            self.orders.raise_attention(order_id, reason)
        for order_id in present - wanted:
            self.orders.clear_attention(order_id, reason)
        return len(wanted ^ present)
