"""I13: the provider's payments and refunds and ours are compared both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.clock import new_id
from services.db import Database
from services.money import Money
from services.order_number import order_number
from services.orders.views import OrderView
from services.payments.gateway import Gateway, Outcome, ProviderPayment
from services.payments.service import PaymentService
from services.reconcile.findings import Check
from services.reconcile.provider import BATCH
from services.reconcile.provider_payments import PaymentComparison
from services.reconcile.provider_refunds import RefundComparison
from services.reconcile.scope import Deadline, Scope
from tests.fakes.gateway import FakeGateway

NOW = Scope(lag=0)
TEN = Money(1000, "RUB")


def compare_payments(database: Database, gateway: Gateway, scope: Scope = NOW) -> Check:
    return PaymentComparison(database, gateway, Deadline(60)).run(scope)


def compare_refunds(database: Database, gateway: Gateway, scope: Scope = NOW) -> Check:
    return RefundComparison(database, gateway, Deadline(60)).run(scope)


def sentences(check: Check) -> list[str]:
    assert check.unchecked is None
    assert check.violated == len(check.violations)
    return [found.sentence for found in check.violations]


@pytest.fixture
def payment_id(payments: PaymentService, confirmed: OrderView) -> UUID:
    return payments.of_order(confirmed.id)[0].id


@pytest.fixture
def refund_id(payments: PaymentService, confirmed: OrderView, payment_id: UUID) -> UUID:
    return payments.refund(confirmed.id, payment_id, Money(250, "RUB")).id


def test_what_agrees_is_counted(database: Database, gateway: FakeGateway, refund_id: UUID) -> None:
    for check in (compare_payments(database, gateway), compare_refunds(database, gateway)):
        assert (sentences(check), check.rows, check.holds) == ([], 1, True)


def other_amount(gateway: FakeGateway, payment_id: UUID) -> None:
    gateway.payments[payment_id] = [replace(gateway.payments[payment_id][0], amount=Money(999, "RUB"))]


def second_charge(gateway: FakeGateway, payment_id: UUID) -> None:
    gateway.payments[payment_id].append(replace(gateway.payments[payment_id][0], provider_id="second"))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda gateway, payment: gateway.decide(payment, Outcome.FAILED),
            "The provider's payment of order {order} is failed, ours is succeeded.",
        ),
        (
            lambda gateway, _: gateway.payments.clear(),
            "The provider does not have the payment of order {order}, which is succeeded.",
        ),
        (other_amount, "The provider captured 9.99 RUB for order {order}, we have 10.00 RUB."),
        (second_charge, "The provider has a second payment of 10.00 RUB for order {order}: it is succeeded."),
    ],
)
def test_payments_that_differ(
    database: Database,
    gateway: FakeGateway,
    confirmed: OrderView,
    payment_id: UUID,
    damage: Callable[[FakeGateway, UUID], None],
    expected: str,
) -> None:
    damage(gateway, payment_id)
    check = compare_payments(database, gateway)
    assert sentences(check) == [expected.format(order=order_number(str(confirmed.id)))]
    assert check.violations[0].ids.keys() == {"order", "payment", "provider"}


def test_a_payment_that_we_do_not_have(database: Database, gateway: FakeGateway, payment_id: UUID) -> None:
    database.execute("TRUNCATE payments.ledger, payments.refunds, payments.payments")
    (found,) = compare_payments(database, gateway).violations
    assert found.sentence == "The provider has a payment of 10.00 RUB with our reference, but we do not."
    assert found.ids == {"payment": str(payment_id), "provider": f"p-{payment_id}"}
    gateway.decide(payment_id, Outcome.FAILED)
    assert compare_payments(database, gateway).holds


def test_payments_of_others_are_skipped(database: Database, gateway: FakeGateway, payment_id: UUID) -> None:
    other = ProviderPayment("other", Outcome.SUCCEEDED, TEN, datetime.now(UTC))
    gateway.payments[new_id()] = [other]
    check = compare_payments(database, ListsAsTheyAre(gateway, [other, *gateway.payments[payment_id]]))
    assert (sentences(check), check.rows) == ([], 1)


@dataclass
class ListsAsTheyAre(FakeGateway):
    """A gateway whose list of payments is given, while look-ups see the present state."""

    def __init__(self, inner: FakeGateway, listed: list[ProviderPayment]) -> None:
        super().__init__(payments=inner.payments, refunds=inner.refunds)
        self.shown = listed
        self.lists = 0

    def list_payments(
        self, created_from: datetime, created_to: datetime, *, within: float
    ) -> Iterator[ProviderPayment]:
        self.lists += 1
        return iter([one for one in self.shown if created_from <= one.created_at < created_to])


def test_a_list_that_was_read_too_early_is_no_violation(
    database: Database, gateway: FakeGateway, payment_id: UUID
) -> None:
    stale = [replace(one, outcome=Outcome.PENDING, reference=payment_id) for one in gateway.payments[payment_id]]
    assert sentences(compare_payments(database, ListsAsTheyAre(gateway, stale))) == []


def test_a_refund_that_we_do_not_have(
    database: Database, gateway: FakeGateway, confirmed: OrderView, payment_id: UUID
) -> None:
    made = gateway.refund_by_hand(payment_id, 300)
    check = compare_refunds(database, gateway)
    number = order_number(str(confirmed.id))
    assert sentences(check) == [
        f"The provider has a refund of 3.00 RUB for order {number}, but we do not: it is succeeded."
    ]
    ids = {"order": str(confirmed.id), "payment": str(payment_id), "provider": made.provider_id}
    assert check.violations[0].ids == ids


def test_a_refund_that_an_operator_has_booked_agrees(
    database: Database, gateway: FakeGateway, payments: PaymentService, confirmed: OrderView, payment_id: UUID
) -> None:
    payments.book_manually(confirmed.id, "made on the provider's page", lost=False)
    gateway.refund_by_hand(payment_id, 1000)
    assert sentences(compare_refunds(database, gateway)) == []


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            lambda gateway, _: gateway.refunds.clear(),
            "The provider does not have the refund of 2.50 RUB for order {order}, which is succeeded.",
        ),
        (
            lambda gateway, key: gateway.refunds.update({key: replace(gateway.refunds[key], outcome=Outcome.FAILED)}),
            "The provider's refund of 2.50 RUB for order {order} is failed, ours is succeeded.",
        ),
        (
            lambda gateway, key: gateway.refunds.update({key: replace(gateway.refunds[key], amount=TEN)}),
            "The provider's refund for order {order} is of 10.00 RUB, ours of 2.50 RUB.",
        ),
    ],
)
def test_refunds_that_differ(
    database: Database,
    gateway: FakeGateway,
    confirmed: OrderView,
    payment_id: UUID,
    refund_id: UUID,
    damage: Callable[[FakeGateway, str], None],
    expected: str,
) -> None:
    damage(gateway, f"refund:{payment_id}:1")
    check = compare_refunds(database, gateway)
    assert sentences(check) == [expected.format(order=order_number(str(confirmed.id)))]
    assert check.violations[0].ids.keys() >= {"order", "payment", "refund", "provider"}


def test_a_lost_answer_is_found_by_the_key_of_the_request(
    database: Database, gateway: FakeGateway, refund_id: UUID
) -> None:
    database.execute("UPDATE payments.refunds SET provider_id = NULL")
    assert sentences(compare_refunds(database, gateway)) == []


def test_only_the_window_is_compared(database: Database, gateway: FakeGateway, payment_id: UUID) -> None:
    gateway.decide(payment_id, Outcome.FAILED)
    assert compare_payments(database, gateway, Scope(lag=60)).holds
    age(database, gateway, payment_id, timedelta(hours=25))
    assert compare_payments(database, gateway, Scope(since=86_400)).holds
    assert not compare_payments(database, gateway, Scope(since=2 * 86_400)).holds


def age(database: Database, gateway: FakeGateway, payment_id: UUID, by: timedelta) -> None:
    gateway.payments[payment_id] = [
        replace(one, created_at=one.created_at - by) for one in gateway.payments[payment_id]
    ]
    database.execute("UPDATE payments.payments SET created_at = created_at - %(by)s", {"by": by})


def test_2000_payments_are_compared_slice_by_slice(database: Database, gateway: FakeGateway, payment_id: UUID) -> None:
    database.execute(
        "INSERT INTO payments.payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', md5('p' || n)::uuid,"
        " 'order_id', md5('o' || n)::uuid, 'provider_id', 'p-' || n,"
        " 'created_at', p.created_at - n * interval '2 minutes'))).*"
        "  FROM payments.payments p, generate_series(1, 1999) AS n"
    )
    rows = database.fetch_all("SELECT id, provider_id, created_at FROM payments.payments")
    listed = [
        ProviderPayment(row.provider_id, Outcome.SUCCEEDED, TEN, row.created_at, reference=row.id) for row in rows
    ]
    every = ListsAsTheyAre(gateway, listed)
    check = compare_payments(database, every)
    assert (sentences(check), check.rows, every.lists) == ([], 2000, 14)
    assert len(rows) > 3 * BATCH
    every.shown = listed[:-7]
    assert compare_payments(database, every).violated == 7


def test_when_the_provider_does_not_answer_the_result_says_so(database: Database, gateway: FakeGateway) -> None:
    gateway.set_available(False)
    check = compare_payments(database, gateway)
    assert (check.holds, check.unchecked) == (False, "The payment provider cannot be asked: unavailable.")
