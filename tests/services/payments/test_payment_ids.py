"""Ids of payments follow from order and attempt: what a restored database has forgotten is not charged again (F79)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.clock import new_id
from services.db import Database
from services.payments.payment_ids import earliest_charge, payment_id
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.services.payments.conftest import ProviderLedger, a_charge

#: Every table that has something about a payment.
_TABLES = ("refunds", "ledger", "inbox", "payments", "payment_locks")


def restore_to_before(database: Database, order_id: UUID) -> None:
    """Delete what the tables have about the payments of an order, as a restore to an older state does."""
    for table in _TABLES:
        statement = f"DELETE FROM payments.{table} WHERE "  # noqa: S608 - constants of this module
        column = "payment_id IN (SELECT id FROM payments.payments WHERE order_id = %(id)s)"
        database.execute(statement + (column if table == "inbox" else "order_id = %(id)s"), {"id": order_id})


@pytest.mark.parametrize("order_id", [new_id(), uuid4()], ids=["uuid7", "uuid4"])
def test_an_id_follows_from_order_and_attempt(order_id: UUID) -> None:
    first, second = payment_id(order_id, 1), payment_id(order_id, 2)
    assert payment_id(UUID(str(order_id)), 1) == first
    assert len({order_id, first, second, payment_id(new_id(), 1)}) == 4
    assert first.variant == order_id.variant


def test_an_id_has_the_time_of_its_order() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    orders = [new_id() for _ in range(3)]
    placed = [earliest_charge(payment_id(order_id, 2)) for order_id in orders]
    assert all(each and before <= each <= datetime.now(UTC) for each in placed)
    assert payment_id(orders[0], 1).version == 7
    assert (payment_id(uuid4(), 1).version, earliest_charge(payment_id(uuid4(), 1))) == (8, None)


def test_F79_a_payment_that_a_restore_has_forgotten_is_not_charged_again(
    service: PaymentService, ledger: ProviderLedger, database: Database
) -> None:
    charge = a_charge("tok_succeeds")
    first = service.charge(charge)
    restore_to_before(database, charge.order_id)
    again = service.charge(charge)
    assert (again.id, again.provider_id, again.status) == (first.id, first.provider_id, PaymentStatus.SUCCEEDED)
    assert ledger.charges(first.id) == ["succeeded"]


def test_F79_another_card_after_a_restore_finds_the_first_payment(
    service: PaymentService, ledger: ProviderLedger, clock: FakeClock, database: Database
) -> None:
    """The provider refuses the key with another card; a look-up from the time of the order finds the payment."""
    charge = a_charge("tok_succeeds")
    first = service.charge(charge)
    restore_to_before(database, charge.order_id)
    clock.set_from_database(database, 900)
    other = a_charge("tok_another", order_id=charge.order_id)
    assert service.charge(other).status is PaymentStatus.UNKNOWN
    clock.set_from_database(database, 1000)
    found = service.charge(other)
    assert (found.id, found.provider_id, found.status) == (first.id, first.provider_id, PaymentStatus.SUCCEEDED)
    assert ledger.charges(first.id) == ["succeeded"]


def test_F79_the_provider_is_asked_first_when_it_may_have_forgotten_the_key(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge("tok_ignores_keys")
    first = service.charge(charge)
    restore_to_before(database, charge.order_id)
    clock.set_from_database(database, timedelta(hours=13).total_seconds())
    again = service.charge(charge)
    assert (again.id, again.status) == (first.id, PaymentStatus.SUCCEEDED)
    assert (gateway.calls, ledger.charges(first.id)) == (["charge", "look_up"], ["succeeded"])


def test_F79_an_old_order_without_a_payment_at_the_provider_is_charged(
    service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    clock.set_from_database(database, timedelta(hours=13).total_seconds())
    assert service.charge(a_charge("tok_succeeds")).status is PaymentStatus.SUCCEEDED
    assert gateway.calls == ["look_up", "charge"]
