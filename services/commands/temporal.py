"""Temporal for commands: the one module of the services that knows it, and only by the client modules of workflows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from activities.recovery import RecoveryActivities
from workflows.builds import Build, Builds
from workflows.client import connect, temporal_errors_as_unavailable
from workflows.open_orders import TemporalOrderWorkflows
from workflows.order_commands import OrderCommands
from workflows.order_retries import OrderRetries
from workflows.order_runs import OrderRuns

if TYPE_CHECKING:
    from temporalio.client import Client

    from services.orders.recovery import OrderRecovery
    from services.orders.transitions import OrderTransitions
    from services.orders.views import OrderView
    from services.reconcile.workflows import OrderWorkflows
    from services.settings import Settings
    from workflows.order_runs import RunProgress

R = TypeVar("R")


@dataclass(frozen=True)
class RecoveryRows:
    """What recovery reads and writes of orders."""

    recovery: OrderRecovery
    orders: OrderTransitions


def with_client(settings: Settings, work: Callable[[Client], Awaitable[R]]) -> R:
    """Run `work` with a client, and return what it returns. Whether Temporal answers shows when it is called."""

    async def run() -> R:
        return await work(await connect(settings, lazy=True))

    return asyncio.run(run())


def with_order_workflows(settings: Settings, work: Callable[[OrderWorkflows], R]) -> R:
    """Run synchronous `work` that asks about the workflows of orders, and return what it returns."""

    async def run(client: Client) -> R:
        return await asyncio.to_thread(work, TemporalOrderWorkflows(client, asyncio.get_running_loop()))

    return with_client(settings, run)


def order_progress(settings: Settings, order_id: UUID) -> RunProgress | None:
    """The latest run of an order's workflow; None when Temporal knows none. Raises Unavailable."""
    with temporal_errors_as_unavailable():
        return with_client(settings, lambda client: OrderRuns(client).progress(order_id))


def start_order(settings: Settings, order_id: UUID, start_input: Mapping[str, Any]) -> RunProgress | None:
    """Start an order's workflow, unless one is open; returns the latest run before that. Raises Unavailable."""

    async def start(client: Client) -> RunProgress | None:
        runs = OrderRuns(client)
        before = await runs.progress(order_id)
        if before is None or not before.open:
            await runs.start(order_id, start_input)
        return before

    with temporal_errors_as_unavailable():
        return with_client(settings, start)


def resolve_order(settings: Settings, order_id: UUID, step: str, action: str, reference: str, by: str) -> None:
    """Resolve a stuck undo for the operator `by`. Raises InvalidTransition (it is not stuck), Unavailable."""
    with temporal_errors_as_unavailable():
        with_client(settings, lambda client: OrderCommands(client).resolve(order_id, step, action, reference, by))


def retry_order(settings: Settings, rows: RecoveryRows, order_id: UUID, reason: str, by: str) -> str:
    """Have recovery try again at once what an attention reason is about; returns what was done.

    Raises InvalidTransition (there is nothing to try), Unavailable.
    """
    return with_client(settings, lambda client: _retries(client, rows).retry(order_id, reason, by))


def next_tries(settings: Settings, rows: RecoveryRows, orders: Sequence[OrderView]) -> list[Mapping[str, datetime]]:
    """When each attention reason of each order is tried again by itself; as `OrderRetries.next_tries`."""

    async def ask(client: Client) -> list[Mapping[str, datetime]]:
        retries = _retries(client, rows)
        return list(await asyncio.gather(*(retries.next_tries(each.id, each.attention_reasons) for each in orders)))

    return with_client(settings, ask)


def _retries(client: Client, rows: RecoveryRows) -> OrderRetries:
    commands = OrderCommands(client)
    return OrderRetries(lambda: commands, rows.recovery, rows.orders)


def worker_builds(settings: Settings) -> list[tuple[Build, int]]:
    """Every build of the versioned workers, with its pinned open workflows. Raises Unavailable."""

    async def read(client: Client) -> list[tuple[Build, int]]:
        builds = Builds(client)
        return [(build, await builds.pinned(build.build_id)) for build in await builds.all()]

    with temporal_errors_as_unavailable():
        return with_client(settings, read)


def set_current_build(settings: Settings, build_id: str, wait: float) -> None:
    """Send new orders to a build, once a worker of it asks for tasks. Raises InvalidTransition, Unavailable."""

    with temporal_errors_as_unavailable():
        with_client(settings, lambda client: Builds(client).make_current(build_id, wait))


def recover_orders(settings: Settings, rows: RecoveryRows) -> int:
    """What the job `recover-orders` does in one run; returns how many workflows were started. Raises Unavailable."""

    async def recover(client: Client) -> int:
        return await RecoveryActivities(rows.recovery, rows.orders, OrderRuns(client)).recover_orders()

    with temporal_errors_as_unavailable():
        return with_client(settings, recover)
