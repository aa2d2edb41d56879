"""Starts the workflows of new orders beside the answer; what does not get through is left to the relay."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from starlette.concurrency import run_in_threadpool

from services.bootstrap import OrderStarter
from services.orders.service import OrderService

log = structlog.get_logger(__name__)

#: Starts under way at once; more would only queue up behind a slow Temporal.
MAX_STARTS = 64
#: Seconds for one start.
PATIENCE = 1.0


class Starts:
    """Tries each start once, bounded in time and number."""

    def __init__(self, orders: OrderService, starter: OrderStarter | None) -> None:
        self._orders = orders
        self._starter = starter
        # asyncio itself keeps tasks by weak references only.
        self._tasks: set[asyncio.Task[None]] = set()
        #: whether the last start got through; None before the first
        self.succeeding: bool | None = None

    @property
    def under_way(self) -> int:
        """Starts that are being tried now."""
        return len(self._tasks)

    def begin(self, order_id: UUID) -> None:
        """Try to start the order's workflow, without waiting for it."""
        if self._starter is None or len(self._tasks) >= MAX_STARTS:
            return
        task = asyncio.create_task(self._try(self._starter, order_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is under way: the relay delivers it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _try(self, starter: OrderStarter, order_id: UUID) -> None:
        try:
            start_input = await run_in_threadpool(self._orders.start_input, order_id)
            await asyncio.wait_for(starter.start(order_id, start_input), PATIENCE)
        except Exception as error:  # whatever it was, the order is stored and the relay will start it
            self.succeeding = False
            log.warning("api.start_left_to_relay", order_id=str(order_id), error=type(error).__name__)
        else:
            self.succeeding = True
