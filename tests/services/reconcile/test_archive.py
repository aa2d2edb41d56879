"""The archive: each invariant of orders and money is violated there, and is detected; pages are bounded."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from services.archive.archive import OrderArchive
from services.db import Database
from services.order_number import order_number
from services.payments.service import PaymentService
from services.reconcile.archive import beginning, check_archive, pages
from services.reconcile.findings import Check
from services.reconcile.reconciler import Reconciler
from services.reconcile.scope import Deadline, Scope
from tests.old_orders import BEFORE, make_old, old_order_ids
from tests.services.reconcile.conftest import confirm_an_order


@pytest.fixture
def archived(database: Database, payments: PaymentService, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Three confirmed orders of 10.00 RUB each, in the archive."""
    with monkeypatch.context() as patched:
        old_order_ids(patched)
        orders = [confirm_an_order(database, payments).id for _ in range(3)]
    make_old(database)
    assert OrderArchive(database).move_batch(BEFORE).orders == 3
    return orders


DAMAGE = {
    "DELETE FROM orders.archived_events WHERE key = 'paid' AND order_id = %(order)s": (
        "I3: Order {order} is confirmed, but its timeline lacks one of `reserved`, `payment_pending` and `paid`."
    ),
    "UPDATE orders.archived_orders SET total_minor = 1001 WHERE id = %(order)s": (
        "I4: Order {order} is confirmed, but the ledger keeps 10.00 RUB for it instead of 10.01 RUB."
    ),
    "UPDATE reservations.archived_reservations SET status = 'released' WHERE order_id = %(order)s": (
        "I4: Order {order} is confirmed, but its reservation is released."
    ),
    "UPDATE payments.archived_payments SET captured_minor = 1001 WHERE order_id = %(order)s": (
        "I5: A payment of order {order} has 10.01 RUB captured and 0.00 RUB refunded, but the ledger has 10.00 RUB and"
        " 0.00 RUB."
    ),
    "UPDATE payments.archived_payments SET status = 'failed' WHERE order_id = %(order)s": (
        "I11: A payment of order {order} is failed, but 10.00 RUB was captured and 0.00 RUB refunded."
    ),
    "UPDATE orders.archived_events SET id = id - 1000 WHERE key = 'confirmed' AND order_id = %(order)s": (
        "I11: Order {order} went back from `confirmed` to `created`."
    ),
}


@pytest.mark.parametrize("page", [1, 5000])
@pytest.mark.parametrize(
    ("statement", "expected"), DAMAGE.items(), ids=[each[:3].strip(":") for each in DAMAGE.values()]
)
def test_damage_of_an_archived_order_is_detected_and_described(
    database: Database, archived: list[UUID], statement: str, expected: str, page: int
) -> None:
    database.execute(statement, {"order": archived[1]})
    checks = check_archive(database, Scope(), deadline=Deadline(60), page=page)
    assert found(checks) == [expected.format(order=order_number(str(archived[1])))]
    assert {check.rows for check in checks} == {3}


def test_the_reconciler_checks_the_archive(database: Database, archived: list[UUID]) -> None:
    database.execute("UPDATE payments.archived_payments SET captured_minor = 1001")
    checks = Reconciler(database).run().checks
    assert [(check.id, check.violated) for check in checks if check.violated] == [("I5", 3)]
    of_archive = [check.id for check in checks if check.description.endswith("(archive)")]
    assert of_archive == ["I3", "I4", "I4", "I5", "I11", "I11"]


def test_an_empty_archive_is_not_mentioned(database: Database) -> None:
    assert check_archive(database, Scope(), deadline=Deadline(60)) == []


def test_a_check_with_little_time_checks_a_page(database: Database, archived: list[UUID]) -> None:
    checks = check_archive(database, Scope(archive=0), deadline=Deadline(60), page=1)
    assert {(check.rows, check.unchecked) for check in checks} == {(1, None)}


def test_each_hour_begins_elsewhere_and_every_order_is_reached_once(database: Database, archived: list[UUID]) -> None:
    first, last = UUID(int=1000), UUID(int=101_000)
    begun = sorted(beginning(first, last, hour).int for hour in range(490_000, 490_024))
    assert max(after - before for before, after in pairwise(begun)) < 10_000
    assert sorted(last for _, last, _ in pages(database, Deadline(60), 1)) == sorted(archived)


def test_what_is_not_checked_in_time_says_so(database: Database, archived: list[UUID]) -> None:
    checks = check_archive(database, Scope(), deadline=Deadline(0))
    assert {check.unchecked for check in checks} == {"The time of 0 s is over. Allow more time with --timeout."}


def found(checks: list[Check]) -> list[str]:
    return [f"{check.id}: {each.sentence}" for check in checks for each in check.violations]
