"""What is printed for a violation: the timeline of the order, and the file of its workflow's history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from temporalio.service import RPCError

from tests.soak.checks import Violation
from tests.soak.operators import Operator
from tests.soak.system import System
from workflows.ids import order_workflow_id

#: Orders whose timelines are printed.
SHOWN = 10
_EVENTS = "SELECT at, type, detail FROM orders.events WHERE order_id = %(id)s ORDER BY id"
_PAYMENTS = "SELECT id, status, captured_minor, refunded_minor FROM payments.payments WHERE order_id = %(id)s"


def describe(system: System, operator: Operator, found: Sequence[Violation], folder: Path) -> Iterator[str]:
    """The violations as lines, each order with its timeline; histories are written as JSON into `folder`."""
    folder.mkdir(exist_ok=True)
    for violation in found:
        yield f"VIOLATION: {violation.sentence} {' '.join(violation.orders)}".rstrip()
    orders = dict.fromkeys(order_id for violation in found for order_id in violation.orders)
    for order_id in list(orders)[:SHOWN]:
        yield f"order {order_id}"
        yield from _timeline(system, order_id)
        yield from (f"    operator at {done}" for done in operator.done.get(order_id, []))
        yield from (f"    history: {path}" for path in asyncio.run(_histories(system, order_id, folder)))


def _timeline(system: System, order_id: str) -> Iterator[str]:
    for row in system.rows(_EVENTS, id=order_id):
        yield f"    {row.at:%H:%M:%S.%f} {row.type} {row.detail or ''}".rstrip()
    for row in system.rows(_PAYMENTS, id=order_id):
        yield f"    payment {row.id}: {row.status}, captured {row.captured_minor}, refunded {row.refunded_minor}"


async def _histories(system: System, order_id: str, folder: Path) -> list[Path]:
    """The history of each run of the order's workflow."""
    client, written = await system.temporal(), []
    query = f"WorkflowId = '{order_workflow_id(UUID(order_id))}'"
    async for run in client.list_workflows(query):
        path = folder / f"{order_id}-{run.run_id}.json"
        try:
            history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        except RPCError:
            continue
        path.write_text(history.to_json())
        written.append(path)
    return written
