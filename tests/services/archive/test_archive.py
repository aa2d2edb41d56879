"""Closed old orders are moved whole, in transactions that can be interrupted and run side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from services.archive import archive as module
from services.archive import selection
from services.archive.archive import Batch, OrderArchive
from services.archive.moving import MovedWrongly, move
from services.archived_rows import TABLES
from services.db import Database, Transaction
from services.errors import Invalid, Unavailable
from services.money import Money
from services.payments.service import PaymentService
from services.reconcile.tables import check_tables
from tests.journeys.waiting import until
from tests.old_orders import BEFORE, make_old, rows
from tests.services.reconcile.conftest import confirm_an_order

LEDGER = "SELECT coalesce(sum(amount_minor), 0) FROM {}"


def sold(database: Database, payments: PaymentService, count: int) -> list[UUID]:
    """Old confirmed orders, one of them with a part refunded."""
    ids = [confirm_an_order(database, payments).id for _ in range(count)]
    payments.refund(ids[0], payments.of_order(ids[0])[0].id, Money(250, "RUB"))
    make_old(database)
    return ids


def violations(database: Database) -> list[Any]:
    return [check.violations for check in check_tables(database) if check.violations]


def stocks(database: Database) -> list[Any]:
    return database.fetch_all("SELECT product_id, total, available, reserved, sold FROM reservations.stocks ORDER BY 1")


def all_moved(archive: OrderArchive, limit: int = 500) -> int:
    """Archive until nothing is left, as the command does; returns how many."""
    total, after = 0, None
    while (batch := archive.move_batch(BEFORE, after, limit)).last:
        total, after = total + batch.orders, batch.last
    return total


def test_orders_are_moved_whole_and_the_money_and_the_stock_stay(
    database: Database, payments: PaymentService, archive: OrderArchive
) -> None:
    sold(database, payments, 3)
    before, stock = rows(database), stocks(database)
    assert all(
        count and not moved for table, (count, moved) in before.items() if table != "notifications.notifications"
    )
    kept = database.fetch_value(LEDGER.format("payments.ledger"))

    assert archive.move_batch(BEFORE) == Batch(3, {"RUB": kept}, database.fetch_value(_LAST))

    assert rows(database) == {table: (0, count) for table, (count, _) in before.items()}
    assert database.fetch_value(LEDGER.format("payments.archived_ledger")) == kept
    assert stocks(database) == stock
    assert violations(database) == []
    assert archive.move_batch(BEFORE) == Batch()


_LAST = "SELECT id FROM orders.archived_orders ORDER BY id DESC LIMIT 1"


def test_the_reconciler_still_counts_the_units_that_archived_orders_sold(
    database: Database, payments: PaymentService, archive: OrderArchive
) -> None:
    sold(database, payments, 2)
    archive.move_batch(BEFORE)
    database.execute("UPDATE reservations.archived_lines SET quantity = quantity + 1")
    assert [found[0].sentence.partition(" has ")[2] for found in violations(database)] == [
        "0 units reserved and 1 sold, but open reservations hold 0 and confirmed ones 2."
    ]


OPEN: dict[str, str] = {
    "an open order": "UPDATE orders.orders SET status = 'payment_pending'",
    "changed since": "UPDATE orders.orders SET updated_at = now() - interval '99 days'",
    "needs a person": "UPDATE orders.orders SET needs_attention = true",
    "a payment method": "UPDATE orders.orders SET payment_method = 'x'",
    "moved back": "UPDATE orders.orders SET restored_at = now() - interval '6 days'",
    "an event to tell": "UPDATE orders.events SET notified_at = NULL WHERE key = 'paid'",
    "a late event": "UPDATE orders.events SET at = now() WHERE key = 'paid'",
    "a command": "UPDATE orders.outbox SET done_at = NULL",
    "an undecided payment": "UPDATE payments.payments SET status = 'unknown'",
    "a payment in review": "UPDATE payments.payments SET status = 'review'",
    "a changed payment": "UPDATE payments.payments SET updated_at = now()",
    "a pending refund": "UPDATE payments.refunds SET status = 'pending'",
    "an unreported refund": "UPDATE payments.refunds SET reported_at = NULL",
    "a new refund": "UPDATE payments.refunds SET updated_at = now()",
    "a hold": "UPDATE reservations.reservations SET status = 'reserved'",
    "money that is wrong": "UPDATE payments.ledger SET amount_minor = amount_minor + 1 WHERE kind = 'charge'",
    "an unsent message": "INSERT INTO notifications.notifications (id, key, order_id, channel, template, language,"
    " status, created_at) SELECT id, 'k', id, 'email', 't', 'en', 'queued', updated_at FROM orders.orders",
    "a recipient": "INSERT INTO notifications.notifications (id, key, order_id, channel, template, language, status,"
    " created_at, recipient) SELECT id, 'k', id, 'email', 't', 'en', 'sent', updated_at, 'x' FROM orders.orders",
    "a new message": "INSERT INTO notifications.notifications (id, key, order_id, channel, template, language, status)"
    " SELECT id, 'k', id, 'email', 't', 'en', 'sent' FROM orders.orders",
    "a webhook": "WITH e AS (INSERT INTO webhooks.endpoints (id, url, description, event_types, secret)"
    " VALUES (uuidv7(), 'https://x', '', '{x}', 'x') RETURNING id)"
    " INSERT INTO webhooks.deliveries (id, endpoint_id, message_id, event_type, order_id, body, status)"
    " SELECT uuidv7(), e.id, 'm', 'x', o.id, '', 'waiting' FROM e, orders.orders o",
}


@pytest.mark.parametrize("change", OPEN.values(), ids=OPEN.keys())
def test_nothing_open_is_moved(
    database: Database, payments: PaymentService, archive: OrderArchive, change: str
) -> None:
    sold(database, payments, 1)
    database.execute(change)
    last = database.fetch_value("SELECT id FROM orders.orders")
    assert archive.count(BEFORE) == (0, last)
    assert archive.move_batch(BEFORE) == Batch(last=last)
    assert database.fetch_value("SELECT count(*) FROM orders.archived_orders") == 0


def test_an_order_that_was_placed_since_is_not_moved(
    database: Database, payments: PaymentService, archive: OrderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    new = confirm_an_order(database, payments)
    database.execute("UPDATE orders.outbox SET done_at = now()")
    for days in (30, 31):
        assert archive.move_batch(datetime.now(UTC) - timedelta(days=days, seconds=1)) == Batch()
    assert payments.of_order(new.id) != []


@pytest.mark.parametrize("days", [0, 29.99, -1000])
def test_a_date_that_is_too_near_is_refused(database: Database, archive: OrderArchive, days: float) -> None:
    before = datetime.now(UTC) - timedelta(days=days)
    with pytest.raises(Invalid, match="30 days after their last change: give a day until "):
        archive.move_batch(before)


def test_parallel_runs_move_every_order_once(
    database: Database, payments: PaymentService, archive: OrderArchive
) -> None:
    sold(database, payments, 24)
    before = rows(database)
    with ThreadPoolExecutor(4) as pool:
        moved = [*pool.map(lambda _: all_moved(archive, 3), range(4))]
    assert sum(moved) + all_moved(archive, 3) == 24
    assert rows(database) == {table: (0, count) for table, (count, _) in before.items()}


def test_a_run_that_dies_in_a_batch_leaves_whole_orders(
    database: Database, payments: PaymentService, archive: OrderArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(database, payments, 4)
    before = rows(database)

    def dies(tx: Transaction, ids: Sequence[UUID]) -> None:
        move(tx, ids)
        raise KeyboardInterrupt

    first = archive.move_batch(BEFORE, None, 2)
    with monkeypatch.context() as patch:
        patch.setattr(module, "move", dies)
        with pytest.raises(KeyboardInterrupt):
            archive.move_batch(BEFORE, first.last, 2)
    assert rows(database)["orders.orders"] == (2, 2)
    assert violations(database) == []
    assert all_moved(archive) == 2
    assert rows(database) == {table: (0, count) for table, (count, _) in before.items()}


def test_rows_that_are_lost_on_the_way_stop_the_batch(
    database: Database, payments: PaymentService, archive: OrderArchive, database_url: str
) -> None:
    sold(database, payments, 1)
    before = rows(database)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        connection.execute(
            "CREATE TRIGGER lose BEFORE INSERT ON payments.archived_ledger FOR EACH ROW EXECUTE FUNCTION lose()"
        )
        try:
            with pytest.raises(MovedWrongly):
                archive.move_batch(BEFORE)
        finally:
            connection.execute("DROP FUNCTION lose CASCADE")
    assert rows(database) == before


def test_a_column_that_the_archive_does_not_have_stops_the_batch(
    database: Database, payments: PaymentService, archive: OrderArchive, database_url: str
) -> None:
    sold(database, payments, 1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE orders.lines ADD COLUMN later text")
        try:
            with pytest.raises(Unavailable, match=r"orders.lines and orders.archived_lines differ"):
                archive.move_batch(BEFORE)
        finally:
            connection.execute("ALTER TABLE orders.lines DROP COLUMN later")
    assert all_moved(archive) == 1


LOCKS: dict[str, str] = {
    "order": "SELECT FROM orders.orders WHERE id = %s FOR NO KEY UPDATE",
    "payment": "SELECT FROM payments.payments WHERE order_id = %s FOR NO KEY UPDATE",
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS.keys())
def test_an_order_that_somebody_works_on_is_left_out(
    database: Database, payments: PaymentService, archive: OrderArchive, database_url: str, lock: str
) -> None:
    ids = sold(database, payments, 2)
    with psycopg.connect(database_url) as other:
        other.execute(lock.encode(), [ids[0]])
        assert all_moved(archive) == 1
    assert all_moved(archive) == 1


def test_an_order_that_changed_before_it_was_locked_is_left_out(
    database: Database,
    payments: PaymentService,
    archive: OrderArchive,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = sold(database, payments, 2)
    fetch = Transaction.fetch_column

    def meanwhile(tx: Transaction, sql: str, values: Any = None) -> list[Any]:
        if sql == selection.WITH_LOCKED_PAYMENTS:
            with psycopg.connect(database_url) as other:
                other.execute("UPDATE payments.payments SET updated_at = now() WHERE order_id = %s", [ids[1]])
        return fetch(tx, sql, values)

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "fetch_column", meanwhile)
        batch = archive.move_batch(BEFORE)
    assert (batch.orders, batch.last) == (1, max(ids))
    assert database.fetch_column("SELECT id FROM orders.orders") == [ids[1]]


def test_a_restore_waits_for_the_erasure_of_its_buyer(
    database: Database, payments: PaymentService, archive: OrderArchive, database_url: str
) -> None:
    (order_id,) = sold(database, payments, 1)
    buyer = database.fetch_value("SELECT buyer_id FROM orders.orders")
    all_moved(archive)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url) as erasing:
        erasing.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(buyer)])
        restoring = pool.submit(archive.bring_back, order_id)
        until(lambda: database.fetch_value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))
        assert rows(database)["orders.orders"] == (0, 1)
        erasing.rollback()
        assert restoring.result()
    assert rows(database)["orders.orders"] == (1, 0)


def restored(archive: OrderArchive, database: Database, order_id: UUID) -> bool:
    return archive.bring_back(order_id)


def restored_by_payment(archive: OrderArchive, database: Database, order_id: UUID) -> bool:
    payment = database.fetch_value(
        "SELECT id FROM payments.archived_payments WHERE order_id = %(id)s", {"id": order_id}
    )
    return archive.bring_back_payment(payment)


def restored_by_provider(archive: OrderArchive, database: Database, order_id: UUID) -> bool:
    provider_id: str = database.fetch_value(
        "SELECT provider_id FROM payments.archived_payments WHERE order_id = %(id)s", {"id": order_id}
    )
    return archive.bring_back_payment(provider_id)


@pytest.mark.parametrize("restore", [restored, restored_by_payment, restored_by_provider])
def test_an_order_is_moved_back_as_it_was_and_stays_for_a_week(
    database: Database,
    payments: PaymentService,
    archive: OrderArchive,
    restore: Callable[[OrderArchive, Database, UUID], bool],
) -> None:
    order_id, other = sold(database, payments, 2)
    before = contents(database)
    all_moved(archive)
    assert contents(database) != before

    assert restore(archive, database, order_id)
    assert restore(archive, database, other)

    assert contents(database) == before
    assert all_moved(archive) == 0
    database.execute("UPDATE orders.orders SET restored_at = now() - interval '7 days 1 second'")
    assert all_moved(archive) == 2


def test_what_is_not_archived_is_not_moved_back(
    database: Database, payments: PaymentService, archive: OrderArchive
) -> None:
    (order_id,) = sold(database, payments, 1)
    payment = payments.of_order(order_id)[0]
    assert not archive.bring_back(order_id)
    assert not archive.bring_back_payment(payment.id)
    assert not archive.bring_back_payment(payment.provider_id or "")


def test_parallel_restores_move_an_order_back_once(
    database: Database, payments: PaymentService, archive: OrderArchive
) -> None:
    ids = sold(database, payments, 6)
    before = contents(database)
    all_moved(archive)
    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(archive.bring_back, ids * 3)].count(True) >= 6
    assert contents(database) == before


def contents(database: Database) -> dict[str, list[Any]]:
    """Every row of the tables but of the outbox, as text; without the mark of an order that was moved back."""
    return {
        table: sorted(
            database.fetch_column(f"SELECT cast(to_jsonb(t) - 'restored_at' AS text) FROM {table} t")  # noqa: S608 - a name
        )
        for table in rows(database)
    }


#: Tables with rows of orders that are deleted by age, or by the command.
_DELETED_BY_AGE = {"identity.stream_tickets", "orders.outbox", "payments.inbox", "webhooks.deliveries"}


def test_every_table_with_rows_of_an_order_is_archived(database: Database) -> None:
    found = database.fetch_column(
        "SELECT DISTINCT table_schema || '.' || table_name FROM information_schema.columns"
        " WHERE column_name IN ('order_id', 'payment_id', 'refund_id', 'reservation_id')"
    )
    of_orders = {name for name in found if ".archived_" not in name}
    assert of_orders - _DELETED_BY_AGE == {*TABLES} - {"orders.orders"}


@pytest.mark.parametrize("statement", [selection.MOVABLE, selection.LOCKED])
def test_what_is_looked_up_for_an_order_does_not_depend_on_statistics(database: Database, statement: str) -> None:
    """Joined, whole tables were read for each order when the statistics were old: 43 s a batch of 100,000 orders."""
    values = {"orders": [UUID(int=1)], "before": datetime.now(UTC)}
    plan = "\n".join(database.fetch_column(f"EXPLAIN {statement}", values))
    assert "Join" not in plan
    assert plan.count("NOT EXISTS(SubPlan") == 7
