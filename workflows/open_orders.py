"""What Temporal says about the workflows of orders, for callers in threads beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from temporalio.client import Client
from temporalio.service import RPCError

from services.errors import Unavailable
from workflows.builds import Builds
from workflows.ids import order_of_workflow, order_workflow_id
from workflows.order_runs import describe_workflow, status_of

if TYPE_CHECKING:
    from services.reconcile.scope import Deadline

#: Seconds that one call may take.
CALL = 10.0
_OPEN = 'WorkflowType="OrderWorkflow" AND ExecutionStatus="Running"'

R = TypeVar("R")


class TemporalOrderWorkflows:
    """The port of the reconciler (`services.reconcile.workflows.OrderWorkflows`) to Temporal."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop, builds: Builds | None = None) -> None:
        """`loop`: the event loop that the client runs on; no method may be called in its thread."""
        self._client = client
        self._builds = builds or Builds(client)
        self._loop = loop

    def open(self, deadline: Deadline) -> Iterator[Sequence[tuple[str, UUID | None]]]:
        """Every open workflow, page by page: its id and its order. Raises Unavailable."""
        for page in self._pages(_OPEN, deadline):
            yield [(workflow_id, order_of_workflow(workflow_id)) for workflow_id in page]

    def open_of(self, order_ids: Collection[UUID], deadline: Deadline) -> set[UUID]:
        """Those of the orders that have an open workflow. Raises Unavailable."""
        ids = ", ".join(f'"{order_workflow_id(order_id)}"' for order_id in order_ids)
        pages = self._pages(f"{_OPEN} AND WorkflowId IN ({ids})", deadline)
        return {order_id for page in pages for workflow_id in page if (order_id := order_of_workflow(workflow_id))}

    def state(self, workflow_id: str, deadline: Deadline) -> str | None:
        """The state of the newest run of a workflow; None when there is none. Raises Unavailable."""
        return self._wait(lambda: self._state(workflow_id), deadline)

    def without_worker(self, deadline: Deadline) -> Sequence[tuple[UUID, str]]:
        """The orders whose workflow is pinned to a build without a worker, with the build. Raises Unavailable."""

        async def pinned() -> list[tuple[UUID, str]]:
            found = [each async for each in self._builds.without_worker()]
            return [(order_id, build) for workflow_id, build in found if (order_id := order_of_workflow(workflow_id))]

        return self._wait(pinned, deadline)

    def id_of(self, order_id: UUID) -> str:
        """The id of an order's workflow."""
        return order_workflow_id(order_id)

    def _pages(self, query: str, deadline: Deadline) -> Iterator[list[str]]:
        listed = self._client.list_workflows(query, rpc_timeout=timedelta(seconds=CALL))
        while True:
            self._wait(listed.fetch_next_page, deadline)
            yield [found.id for found in listed.current_page or ()]
            if listed.next_page_token is None:
                return

    async def _state(self, workflow_id: str) -> str | None:
        described = await describe_workflow(self._client, workflow_id)
        return status_of(described) if described else None

    def _wait(self, call: Callable[[], Coroutine[Any, Any, R]], deadline: Deadline) -> R:
        seconds = min(CALL, deadline.left())
        future = asyncio.run_coroutine_threadsafe(call(), self._loop)
        try:
            return future.result(seconds)
        except (RPCError, RuntimeError, TimeoutError) as trouble:
            future.cancel()
            deadline.left()
            raise Unavailable("Temporal does not answer.") from trouble
