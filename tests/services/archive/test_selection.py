"""The selection of what is archived: bounded work for each statement, also among many orders that cannot be moved."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.archive.archive import OrderArchive
from services.db import Database, Transaction
from services.payments.service import PaymentService
from tests.old_orders import BEFORE, make_old
from tests.services.reconcile.conftest import confirm_an_order

UNMOVABLE = 2000
LIMIT = 100
_COPY = """
    INSERT INTO orders.orders
    SELECT (copied.o).* FROM (
        SELECT jsonb_populate_record(o, jsonb_build_object('id', copy.id, 'needs_attention', true)) AS o
          FROM orders.orders o, unnest(cast(%(ids)s AS uuid[])) AS copy (id)) AS copied
    """


@pytest.fixture
def movable(database: Database, payments: PaymentService) -> UUID:
    """The one order that may be archived, behind many older ones that need a person."""
    order_id = confirm_an_order(database, payments).id
    make_old(database)
    older = [UUID(int=order_id.int - (number << 80)) for number in range(1, UNMOVABLE + 1)]
    database.execute(_COPY, {"ids": older})
    database.execute("ANALYZE orders.orders")
    return order_id


def test_each_statement_reads_a_bounded_number_of_orders_and_every_batch_gets_on(
    database: Database, archive: OrderArchive, movable: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that looks for the next movable order reads all that are not, until its time is over."""
    read: list[float] = []
    fetch = Transaction.fetch_column

    def explained(tx: Transaction, sql: str, values: Any = None) -> list[Any]:
        tx.execute("SET LOCAL enable_seqscan = off")  # as in a large table
        read.append(_orders_read(fetch(tx, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)[0][0]["Plan"]))
        return fetch(tx, sql, values)

    monkeypatch.setattr(Transaction, "fetch_column", explained)
    batches, after = [], None
    while (batch := archive.move_batch(BEFORE, after, LIMIT)).last:
        batches.append(batch)
        after = batch.last
    assert max(read) <= LIMIT
    assert [each.orders for each in batches] == [0] * (UNMOVABLE // LIMIT) + [1]
    assert batches[-1].last == movable
    assert archive.count(BEFORE, None, LIMIT)[0] == 0


def _orders_read(plan: dict[str, Any]) -> float:
    """The rows of `orders.orders` that a plan has read."""
    rows = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    own = rows if plan.get("Relation Name") == "orders" else 0
    return float(own + sum(map(_orders_read, plan.get("Plans", []))))
