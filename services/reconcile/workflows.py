"""I7: compares open orders with the open workflows of orders, both ways, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from services.archived_rows import either
from services.db import Database
from services.errors import Unavailable
from services.orders.status import FINAL
from services.reconcile.findings import Check, Findings, finding_of
from services.reconcile.scope import Deadline, Progress, Scope, reason_of

DESCRIPTION = "an open order has an open workflow, and an open workflow an open order"
#: Orders that are compared at once.
BATCH = 200
#: Orders without an open workflow whose workflow is read one by one: more of them are only counted.
DESCRIBED = 200

_FINAL = ", ".join(f"'{status}'" for status in sorted(FINAL))
_OPEN = f"""
    SELECT id AS order_id, status FROM orders.orders
     WHERE status NOT IN ({_FINAL}) AND created_at < now() - make_interval(secs => %(lag)s)
       AND (cast(%(after)s AS uuid) IS NULL OR id > %(after)s)
     ORDER BY id LIMIT %(batch)s
    """  # noqa: S608 - only constants of this program
_STILL_OPEN = f"SELECT id FROM orders.orders WHERE id = ANY (%(ids)s) AND status NOT IN ({_FINAL})"  # noqa: S608 - constants
_STATUSES = either(
    f"""
    SELECT id AS order_id, status,
           status IN ({_FINAL}) AND updated_at < now() - make_interval(secs => %(lag)s) AS ended
      FROM orders.orders WHERE id = ANY (%(ids)s)
    """  # noqa: S608 - only constants of this program
)

_OPEN_STATES = frozenset({"running", "paused"})
_PROBLEMS = {
    None: "it has no workflow",
    "completed": "its workflow has completed",
    "failed": "its workflow has failed",
    "canceled": "its workflow was cancelled",
    "terminated": "its workflow was terminated",
    "timed_out": "its workflow has timed out",
}


class OrderWorkflows(Protocol):
    """What Temporal says about the workflows of orders. Every call raises Unavailable when it does not answer."""

    def open(self, deadline: Deadline) -> Iterator[Sequence[tuple[str, UUID | None]]]:
        """Every open workflow, page by page: its id, and the order that the id names, if any. May lag by seconds."""

    def open_of(self, order_ids: Collection[UUID], deadline: Deadline) -> set[UUID]:
        """Those of the orders that have an open workflow. May lag by seconds."""

    def state(self, workflow_id: str, deadline: Deadline) -> str | None:
        """The state of a workflow at this moment, such as `running` or `terminated`; None when there is none."""

    def without_worker(self, deadline: Deadline) -> Sequence[tuple[UUID, str]]:
        """The orders whose workflow is pinned to a build of the workers of which none runs, with the build."""

    def id_of(self, order_id: UUID) -> str:
        """The id of an order's workflow."""


def check_workflows(
    database: Database, workflows: OrderWorkflows, scope: Scope, deadline: Deadline, progress: Progress = lambda _: None
) -> Check:
    """Compare both ways. What cannot be compared, because a part is away or the time is over, says so in the result."""
    comparison = _Comparison(database, workflows, scope, deadline, progress)
    try:
        comparison.orders()
        comparison.workflows()
        comparison.builds()
    except Unavailable as trouble:
        return comparison.result(reason_of(trouble))
    return comparison.result()


@dataclass
class _Comparison:
    database: Database
    temporal: OrderWorkflows
    scope: Scope
    deadline: Deadline
    progress: Progress
    found: Findings = field(default_factory=Findings)
    compared: int = 0
    described: int = 0

    def result(self, unchecked: str | None = None) -> Check:
        return self.found.as_check("I7", DESCRIPTION, self.compared, unchecked)

    def orders(self) -> None:
        """Every open order has an open workflow."""
        for batch in self._open_orders():
            open_ids = self.temporal.open_of(batch.keys(), self.deadline)
            self._report({order: status for order, status in batch.items() if order not in open_ids})
            self._count(len(batch), "open orders")

    def workflows(self) -> None:
        """Every open workflow has an open order."""
        for page in self.temporal.open(self.deadline):
            orders = self._statuses([order_id for _, order_id in page if order_id])
            for workflow_id, order_id in page:
                self._check_workflow(workflow_id, order_id, orders)
            self._count(len(page), "open workflows")

    def builds(self) -> None:
        """The workflow of every open order has a worker that may run it."""
        pinned = dict(self.temporal.without_worker(self.deadline))
        for order, (status, _) in self._statuses([*pinned]).items():
            if status not in FINAL:
                values = {"order_id": order, "status": status, "build": pinned[order]}
                self.found.add(
                    finding_of("Order {order} is {status}, but no worker of its build {build} runs.", values)
                )

    def _count(self, number: int, what: str) -> None:
        self.compared += number
        self.progress(f"I7: {self.compared:,} {what} compared")

    def _open_orders(self) -> Iterator[dict[UUID, str]]:
        after = None
        while True:
            values = {"lag": self.scope.lag, "after": after, "batch": BATCH}
            with self.database.snapshot(self.deadline.left()) as tx:
                rows = tx.fetch_all(_OPEN, values)
            if rows:
                yield {row.order_id: row.status for row in rows}
            if len(rows) < BATCH:
                return
            after = rows[-1].order_id

    def _report(self, suspects: dict[UUID, str]) -> None:
        """Add those that have no open workflow: lists lag, so each workflow is read, and then the order's row."""
        states = {order: self._state(order) for order in suspects}
        suspects = {order: status for order, status in suspects.items() if states[order] not in _OPEN_STATES}
        if not suspects:
            return
        with self.database.snapshot(self.deadline.left()) as tx:
            still_open = tx.fetch_column(_STILL_OPEN, {"ids": list(suspects)})
        for order in still_open:
            problem = _PROBLEMS.get(states[order], "it has no open workflow")
            values = {"order_id": order, "status": suspects[order], "problem": problem}
            self.found.add(finding_of("Order {order} is {status}, but {problem}.", values))

    def _state(self, order_id: UUID) -> str | None:
        if self.described >= DESCRIBED:
            return "not described"
        self.described += 1
        return self.temporal.state(self.temporal.id_of(order_id), self.deadline)

    def _statuses(self, order_ids: Sequence[UUID]) -> dict[UUID, tuple[str, bool]]:
        with self.database.snapshot(self.deadline.left()) as tx:
            rows = tx.fetch_all(_STATUSES, {"ids": list(order_ids), "lag": self.scope.lag})
        return {row.order_id: (row.status, row.ended) for row in rows}

    def _check_workflow(self, workflow_id: str, order_id: UUID | None, orders: dict[UUID, tuple[str, bool]]) -> None:
        values: dict[str, UUID | str | None] = {"order_id": order_id, "workflow_id": workflow_id}
        if order_id is None:
            sentence = "Workflow {workflow} drives an order under an id that names none."
        elif order_id not in orders:
            sentence = "A workflow is open for order {order}, but there is no such order."
        elif orders[order_id][1]:
            values["status"] = orders[order_id][0]
            sentence = "Order {order} is {status}, but its workflow is still open."
        else:
            return
        if self.temporal.state(workflow_id, self.deadline) in _OPEN_STATES:
            self.found.add(finding_of(sentence, values))
