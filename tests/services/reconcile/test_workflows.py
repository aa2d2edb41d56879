"""I7: open orders and open workflows are compared both ways, in batches; Temporal is a fake here."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.order_number import order_number
from services.orders.service import OrderService
from services.orders.views import Policy
from services.reconcile.findings import LISTED, Check
from services.reconcile.scope import Deadline, Scope
from services.reconcile.workflows import BATCH, DESCRIBED, check_workflows
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.fakes.workflows import FakeWorkflows


def place(database: Database, status: str = "reserved") -> UUID:
    """An order in this status."""
    order = OrderService(database, Vault(KEY), Policy()).place(an_order()).order
    database.execute(
        "UPDATE orders.orders SET status = %(status)s WHERE id = %(id)s", {"status": status, "id": order.id}
    )
    return order.id


def check(database: Database, workflows: FakeWorkflows, lag: float = 0) -> Check:
    return check_workflows(database, workflows, Scope(lag=lag), Deadline(60))


def test_an_open_order_with_an_open_workflow_and_a_closed_one_without_agree(database: Database) -> None:
    order = place(database)
    place(database, "confirmed")
    done = check(database, FakeWorkflows({f"order-{order}": "running"}))
    assert (done.holds, done.rows) == (True, 2)


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (None, "it has no workflow"),
        ("terminated", "its workflow was terminated"),
        ("completed", "its workflow has completed"),
        ("failed", "its workflow has failed"),
    ],
)
def test_an_open_order_without_an_open_workflow(database: Database, state: str | None, problem: str) -> None:
    order = place(database)
    workflows = FakeWorkflows({f"order-{order}": state} if state else {})
    done = check(database, workflows)
    assert [(found.sentence, dict(found.ids)) for found in done.violations] == [
        (f"Order {order_number(str(order))} is reserved, but {problem}.", {"order": str(order)})
    ]
    assert check(database, workflows, lag=60).holds


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("confirmed", "Order {number} is confirmed, but its workflow is still open."),
        (None, "A workflow is open for order {number}, but there is no such order."),
    ],
)
def test_an_open_workflow_without_an_open_order(database: Database, status: str | None, expected: str) -> None:
    order = place(database, status) if status else new_id()
    done = check(database, FakeWorkflows({f"order-{order}": "running"}))
    assert [found.sentence for found in done.violations] == [expected.format(number=order_number(str(order)))]
    assert check(database, FakeWorkflows({f"order-{order}": "running"}), lag=60).holds == (status is not None)


@pytest.mark.parametrize(("status", "found"), [("reserved", 1), ("confirmed", 0)])
def test_an_open_order_whose_build_has_no_worker(database: Database, status: str, found: int) -> None:
    """F82. The list of workflows may still have that of an order which has just ended."""
    order = place(database, status)
    running = FakeWorkflows({f"order-{order}": "running"}, without={order: "4f2a"})
    done = check(database, running, lag=60)
    number = order_number(str(order))
    expected = [f"Order {number} is reserved, but no worker of its build 4f2a runs."]
    assert [each.sentence for each in done.violations] == expected[:found]


def test_a_workflow_under_another_id_is_named(database: Database) -> None:
    (found,) = check(database, FakeWorkflows({"by-hand": "running"})).violations
    assert found.sentence == "Workflow by-hand drives an order under an id that names none."
    assert dict(found.ids) == {"workflow": "by-hand"}


def test_lists_lag_so_the_workflow_itself_decides(database: Database) -> None:
    young, closed = place(database), place(database, "cancelled")
    workflows = FakeWorkflows({f"order-{young}": "running", f"order-{closed}": "completed"})
    workflows.hidden, workflows.listed = {f"order-{young}"}, {f"order-{closed}"}
    assert check(database, workflows).holds
    assert sorted(workflows.described) == sorted(workflows.states)


def test_an_order_that_ends_during_the_check_is_no_violation(database: Database) -> None:
    order = place(database)
    workflows = FakeWorkflows({f"order-{order}": "completed"})
    workflows.when_described = lambda: database.execute("UPDATE orders.orders SET status = 'confirmed'")
    assert check(database, workflows).holds


def test_orders_are_compared_in_batches_and_all_violations_are_counted(database: Database) -> None:
    place(database)
    database.execute(
        "INSERT INTO orders.orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid()))).*"
        " FROM orders.orders o, generate_series(1, 1999)"
    )
    workflows = FakeWorkflows()
    done = check(database, workflows)
    assert (done.rows, done.violated, len(done.violations)) == (2000, 2000, LISTED)
    assert (max(workflows.batches), sum(workflows.batches), len(workflows.described)) == (BATCH, 2000, DESCRIBED)


def test_when_temporal_is_away_the_result_says_so(database: Database) -> None:
    done = check(database, FakeWorkflows(away=True))
    assert (done.holds, done.unchecked) == (False, "Temporal does not answer.")
