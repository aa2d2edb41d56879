"""Checks the invariants that the tables alone show; each is one statement that returns violations only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.db import Database
from services.errors import Unavailable
from services.reconcile.findings import LISTED, Check, Finding, finding_of
from services.reconcile.invariants.invariant import Invariant
from services.reconcile.invariants.messages import MESSAGES
from services.reconcile.invariants.orders import ORDERS
from services.reconcile.invariants.payments import PAYMENTS
from services.reconcile.invariants.standstill import STANDSTILL
from services.reconcile.invariants.stock import STOCK
from services.reconcile.scope import Deadline, Progress, Scope, reason_of

INVARIANTS: tuple[Invariant, ...] = tuple(
    sorted((*STOCK, *ORDERS, *PAYMENTS, *MESSAGES, *STANDSTILL), key=lambda invariant: int(invariant.id[1:]))
)

#: The first violations that a statement selects, with the number of all of them.
LISTED_ROWS = "SELECT found.*, count(*) OVER () AS found_in_all FROM ({}) AS found ORDER BY 1 LIMIT %(listed)s"

_NEEDS_ATTENTION = """
    SELECT id AS order_id, status, array_to_string(attention_reasons, ', ') AS reasons,
           cast(extract(epoch FROM now() - coalesce(
               (SELECT min(cast(reason.value ->> 'since' AS timestamptz)) FROM jsonb_each(attention_details) AS reason),
               updated_at)) AS bigint) AS seconds
      FROM orders.orders WHERE needs_attention
    """


def check_tables(
    database: Database,
    scope: Scope | None = None,
    *,
    deadline: Deadline | None = None,
    progress: Progress = lambda _: None,
) -> list[Check]:
    """Check every invariant that the tables alone show.

    What cannot be checked, because the database is away or the time is over, says so in its result.
    """
    scope = scope or Scope()
    deadline = deadline or Deadline(scope.timeout)
    checks = []
    for invariant in INVARIANTS:
        progress(f"{invariant.id}: {invariant.description}")
        checks.append(_check(database, invariant, scope, deadline))
    return checks


def orders_that_need_attention(database: Database, deadline: Deadline) -> tuple[list[Finding], int]:
    """The first orders that need a person, and how many there are. Raises Unavailable."""
    with database.snapshot(deadline.left()) as tx:
        return findings_of(
            tx.fetch_all(LISTED_ROWS.format(_NEEDS_ATTENTION), {"listed": LISTED}),
            "Order {order} is {status} and needs a person: {reasons} (for {seconds} s).",
        )


def _check(database: Database, invariant: Invariant, scope: Scope, deadline: Deadline) -> Check:
    values = {"lag": scope.lag, "grace": scope.grace, "since": scope.since}
    try:
        with database.snapshot(deadline.left()) as tx:
            rows = int(tx.fetch_value(invariant.rows, values))
            found = tx.fetch_all(LISTED_ROWS.format(invariant.violations), {**values, "listed": LISTED})
    except Unavailable as trouble:
        return Check(invariant.id, invariant.description, unchecked=reason_of(trouble))
    findings, count = findings_of(found, invariant.sentence)
    return Check(invariant.id, invariant.description, rows, findings, count)


def findings_of(rows: list[Any], sentence: str) -> tuple[list[Finding], int]:
    """The findings in rows of `LISTED_ROWS`, and the number of all."""
    found: list[Mapping[str, Any]] = [row._asdict() for row in rows]
    listed = [finding_of(sentence, {k: v for k, v in row.items() if k != "found_in_all"}) for row in found]
    return listed, int(found[0]["found_in_all"]) if found else 0
