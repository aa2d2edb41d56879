"""Money that an operator settles by hand, and refunds that the provider makes all the same."""

from __future__ import annotations

import pytest

from services.db import Database
from services.errors import Unavailable
from services.money import Money
from services.payments.call_budget import CallBudget
from services.payments.gateway import Outcome
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus, RefundStatus
from services.payments.views import PaymentView, RefundView
from services.reconcile.tables import check_tables
from tests.fakes.gateway import Behaviour, FakeGateway
from tests.services.payments.conftest import a_charge

AMOUNT = 10_000


@pytest.fixture
def provider() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def payments(database: Database, provider: FakeGateway) -> PaymentService:
    return PaymentService(database, provider, call_budget=CallBudget(call=1, claim=0, refund_retry_delay=0))


@pytest.fixture
def paid(payments: PaymentService) -> PaymentView:
    return payments.charge(a_charge(amount_minor=AMOUNT))


@pytest.fixture
def accepted(payments: PaymentService, provider: FakeGateway, paid: PaymentView) -> RefundView:
    """A refund of all of it that the provider has accepted and not decided."""
    provider.behaviour = Behaviour.WAITS
    assert payments.undo(paid.order_id).reason == "refund_pending"
    provider.behaviour = Behaviour.SUCCEEDS
    (refund,) = payments.refunds_of(paid.order_id)
    return refund


def decide(payments: PaymentService, provider: FakeGateway, refund: RefundView, outcome: Outcome) -> None:
    """The provider decides, and the sweep looks at what is pending."""
    provider.decide_pending(outcome)
    for pending in payments.pending_refunds(10):
        payments.refresh_refund(pending)
    assert payments.get_refund(refund.id).status == outcome.value


def entries(database: Database) -> list[tuple[str, int]]:
    """Kind and amount of each entry of the ledger."""
    return [tuple(row) for row in database.fetch_all("SELECT kind, amount_minor FROM payments.ledger ORDER BY id")]


def violations(database: Database) -> list[str]:
    checks = check_tables(database)
    return [found.ids["payment"] for check in checks if check.id == "I5" for found in check.violations]


@pytest.mark.parametrize("lost", [False, True])
def test_a_refund_that_the_provider_has_accepted_is_still_looked_up(
    payments: PaymentService, accepted: RefundView, lost: bool
) -> None:
    payments.book_manually(accepted.order_id, "transfer 4711", lost=lost)
    assert payments.get_refund(accepted.id).status is RefundStatus.PENDING
    assert payments.pending_refunds(10) == [accepted.id]


def test_a_refund_that_succeeds_after_a_transfer_is_reported_as_a_second_one(
    payments: PaymentService, provider: FakeGateway, database: Database, accepted: RefundView
) -> None:
    payments.book_manually(accepted.order_id, "transfer 4711", lost=False)
    assert violations(database) == []
    decide(payments, provider, accepted, Outcome.SUCCEEDED)
    assert entries(database) == [("charge", AMOUNT), ("refund", -AMOUNT), ("refund", -AMOUNT)]
    assert violations(database) == [str(accepted.payment_id)]
    assert payments.get(accepted.payment_id).status is PaymentStatus.REFUNDED
    assert payments.settled(accepted.order_id)  # or the order could never be cancelled


def test_a_refund_that_succeeds_after_a_write_off_takes_the_loss_back(
    payments: PaymentService, provider: FakeGateway, database: Database, accepted: RefundView
) -> None:
    payments.book_manually(accepted.order_id, "the card is closed", lost=True)
    decide(payments, provider, accepted, Outcome.SUCCEEDED)
    assert sorted(entries(database)) == [
        ("charge", AMOUNT),
        ("refund", -AMOUNT),
        ("reversal", AMOUNT),
        ("write_off", -AMOUNT),
    ]
    assert violations(database) == []
    assert payments.get(accepted.payment_id).refunded_minor == AMOUNT


def test_what_is_refunded_on_the_page_takes_back_a_write_off_and_no_more(
    payments: PaymentService, provider: FakeGateway, database: Database, paid: PaymentView
) -> None:
    payments.book_manually(paid.order_id, "the card is closed", lost=True)
    for minor in (3_000, 7_000, 1_000):
        provider.refund_by_hand(paid.id, minor)
        assert payments.record_provider_refunds(paid.id) == 1
    assert [amount for kind, amount in entries(database) if kind == "reversal"] == [3_000, 7_000]
    assert violations(database) == [str(paid.id)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_refund_that_fails_after_the_booking_changes_nothing(
    payments: PaymentService, provider: FakeGateway, database: Database, accepted: RefundView, lost: bool
) -> None:
    payments.book_manually(accepted.order_id, "transfer 4711", lost=lost)
    booked = entries(database)
    decide(payments, provider, accepted, Outcome.FAILED)
    assert entries(database) == booked
    assert violations(database) == []


def test_a_request_that_the_provider_does_not_have_is_given_up(
    payments: PaymentService, provider: FakeGateway, paid: PaymentView
) -> None:
    """It is never sent again: the operator's transfer takes its place."""
    provider.behaviour = Behaviour.REQUEST_LOST
    lost = payments.refund(paid.order_id, paid.id, Money(AMOUNT, "RUB"))
    provider.behaviour = Behaviour.SUCCEEDS
    payments.book_manually(paid.order_id, "transfer 4711", lost=False)
    assert payments.get_refund(lost.id).failure_code == "booked_manually"
    assert payments.pending_refunds(10) == []
    assert payments.undo(paid.order_id).done
    assert provider.refunded(paid.id) == 0


def test_a_request_that_arrives_after_it_was_given_up_is_recorded(
    payments: PaymentService, provider: FakeGateway, database: Database, paid: PaymentView
) -> None:
    provider.behaviour = Behaviour.REQUEST_LOST
    lost = payments.refund(paid.order_id, paid.id, Money(AMOUNT, "RUB"))
    provider.behaviour = Behaviour.SUCCEEDS
    payments.book_manually(paid.order_id, "the card is closed", lost=True)
    (given_up, _) = payments.refunds_of(paid.order_id)
    provider.refund_by_hand(paid.id, AMOUNT, key=f"refund:{paid.id}:1")
    assert payments.record_provider_refunds(paid.id) == 1
    assert given_up.id == lost.id
    assert payments.get_refund(lost.id).status is RefundStatus.SUCCEEDED
    assert sum(amount for _, amount in entries(database)) == 0


def test_what_the_provider_has_refunded_is_not_booked_again(
    payments: PaymentService, provider: FakeGateway, database: Database, paid: PaymentView
) -> None:
    """The operator refunds on the provider's page, and then resolves the order."""
    provider.refund_by_hand(paid.id, 3_000)
    payments.book_manually(paid.order_id, "refunded on the page, and transfer 4711", lost=False)
    assert entries(database) == [("charge", AMOUNT), ("refund", -3_000), ("refund", -7_000)]
    assert payments.record_provider_refunds(paid.id) == 0


def test_nothing_is_booked_while_the_provider_is_away(
    payments: PaymentService, provider: FakeGateway, database: Database, paid: PaymentView
) -> None:
    provider.set_available(False)
    with pytest.raises(Unavailable):
        payments.book_manually(paid.order_id, "transfer 4711", lost=False)
    assert entries(database) == [("charge", AMOUNT)]
