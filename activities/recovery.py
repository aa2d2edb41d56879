"""Finds open orders whose workflow is gone, and starts it again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from temporalio import activity

from services.orders.status import WORKFLOW_LOST

if TYPE_CHECKING:
    from services.orders.recovery import OrderRecovery
    from services.orders.transitions import OrderTransitions

#: Orders that are read at once.
PAGE = 1000
#: Concurrent questions to Temporal: after its store was lost, every open order has one.
AT_ONCE = 16
#: Starts without progress after which a person is asked for.
STARTS_BEFORE_ATTENTION = 3


class RunState(Enum):
    """Whether somebody drives an order."""

    #: running, or paused by an operator
    OPEN = "open"
    TERMINATED = "terminated"
    #: there is none, or it ended in another way
    GONE = "gone"


class OrderRuns(Protocol):
    """The workflows of orders as Temporal knows them. Every method raises RPCError when Temporal is not available."""

    async def running(self) -> set[UUID]:
        """The orders whose workflow is running, by the list of workflows, which is some seconds old."""

    async def state(self, order_id: UUID) -> RunState:
        """The state of the latest run of an order's workflow."""

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Start the workflow, or join it when it runs."""

    async def waiting_for_method(self) -> set[UUID]:
        """The orders whose workflow was last known to wait for a payment method; some seconds old."""

    async def method_given(self, order_id: UUID) -> None:
        """Tell the workflow that the order's row has a payment method; nothing happens when none runs."""

    async def stop(self, order_id: UUID) -> None:
        """Tell the workflow that its order is to be cancelled; nothing happens when none runs."""


@dataclass(frozen=True)
class RecoveryActivities:
    """The row of an order says whether there is anything to do, Temporal says whether a workflow does it."""

    recovery: OrderRecovery
    orders: OrderTransitions
    runs: OrderRuns

    @activity.defn
    async def recover_orders(self) -> int:
        """Start the workflow of every open order that has none; returns how many.

        One that was terminated is started with a cancellation, all others go on. A workflow whose order has ended or
        has no row is of another time than the database, and is stopped: the row decides how it ends, and without one
        it fails and changes nothing. One that waits for a method which the row has had for a while is notified of it.
        """
        running = await self.runs.running()
        await self._correct(running)
        after, recovered, errors = None, 0, list[BaseException]()
        while page := await asyncio.to_thread(self.recovery.unattended, after, PAGE):
            for result in await self._recover([order_id for order_id in page if order_id not in running]):
                if isinstance(result, BaseException):
                    errors.append(result)
                else:
                    recovered += result
            after = page[-1]
        if errors:
            # After all orders: one that cannot be started must not keep the others from it.
            raise errors[0]
        return recovered

    async def _correct(self, running: set[UUID]) -> None:
        """Notify workflows that contradict the rows, as after a restore of one of the two to an older state."""
        for order_id in await asyncio.to_thread(self.recovery.not_open, running):
            activity.logger.warning("order.not_open", extra={"order_id": str(order_id)})
            await self.runs.stop(order_id)
        waiting = await self.runs.waiting_for_method()
        for order_id in await asyncio.to_thread(self.recovery.with_method, waiting):
            await self.runs.method_given(order_id)

    async def _recover(self, order_ids: Sequence[UUID]) -> list[bool | BaseException]:
        """Whether each order was started, or why it could not be."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(order_id: UUID) -> bool:
            async with slots:
                return await self._recover_one(order_id, await self.runs.state(order_id))

        return await asyncio.gather(*map(one, order_ids), return_exceptions=True)

    async def recover_now(self, order_id: UUID) -> tuple[RunState, bool]:
        """Recover one order without waiting for its time; returns what its workflow was, and whether it was started.

        It is not started when it is open, or when the order has ended. Raises RPCError when Temporal is not available.
        """
        state = await self.runs.state(order_id)
        return state, await self._recover_one(order_id, state, now=True)

    async def _recover_one(self, order_id: UUID, state: RunState, *, now: bool = False) -> bool:
        begin = partial(self.recovery.begin, order_id, now=now)
        restart = None if state is RunState.OPEN else await asyncio.to_thread(begin)
        if restart is None:
            return False
        if state is RunState.TERMINATED:
            await asyncio.to_thread(self.recovery.cancel, order_id)
        await self.runs.start(order_id, restart.start_input)
        activity.logger.warning("order.recovered", extra={"order_id": str(order_id), "workflow_was": state.value})
        if restart.times >= STARTS_BEFORE_ATTENTION:
            await asyncio.to_thread(self.orders.raise_attention, order_id, WORKFLOW_LOST)
        return True
