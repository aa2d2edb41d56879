"""Starts the workflows of new orders in the background; the outbox relay delivers the starts that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Request

from api.state import state_of

log = structlog.get_logger(__name__)

#: Concurrent starts; more would only queue up behind a slow Temporal.
MAX_STARTS = 64
#: Seconds for one start.
START_TIMEOUT = 1.0


class WorkflowStarter(Protocol):
    """Port to the workflow of an order; `workflows.order_commands` implements it."""

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Start the workflow, or leave it alone when it exists. Raises an error when Temporal cannot be reached."""

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str, by: str) -> str:
        """Resolve a stuck step for the operator `by`; returns what was done.

        Raises InvalidTransition (not stuck), Unavailable.
        """

    async def pollers(self) -> Sequence[str]:
        """The worker processes that ask Temporal for work now, by their identity. Raises Unavailable."""


class WorkflowStarts:
    """Tries each start once, within START_TIMEOUT, with at most MAX_STARTS at once."""

    def __init__(self, starter: WorkflowStarter | None) -> None:
        self._starter = starter
        # asyncio itself keeps tasks by weak references only.
        self._tasks: set[asyncio.Task[None]] = set()
        #: whether the last start succeeded; None before the first
        self.succeeding: bool | None = None

    @property
    def under_way(self) -> int:
        """The number of starts in progress."""
        return len(self._tasks)

    def begin(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Try to start the order's workflow, without waiting for it."""
        if self._starter is None or len(self._tasks) >= MAX_STARTS:
            return
        task = asyncio.create_task(self._try(self._starter, order_id, start_input))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel the starts in progress: the relay delivers them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _try(self, starter: WorkflowStarter, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        try:
            await asyncio.wait_for(starter.start(order_id, start_input), START_TIMEOUT)
        except Exception as error:  # the order is stored, and the relay starts its workflow
            self.succeeding = False
            log.warning("api.start_left_to_relay", order_id=str(order_id), error=type(error).__name__)
        else:
            self.succeeding = True


async def _starter(request: Request) -> WorkflowStarter | None:
    return state_of(request.app).starter


async def _starts(request: Request) -> WorkflowStarts:
    return state_of(request.app).order_starts


#: The workflow starter of this application; None when it has none.
Starter = Annotated[WorkflowStarter | None, Depends(_starter)]
OrderStarts = Annotated[WorkflowStarts, Depends(_starts)]
