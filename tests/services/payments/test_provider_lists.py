"""The periodic look at the provider's lists: refunds made on its page, and payments whose end we do not know."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
import structlog

from sandbox.standins.running import StandIns
from services.clock import new_id
from services.db import Database
from services.errors import Unavailable
from services.money import Money
from services.payments.gateway import (
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    ProviderPayment,
    ProviderRefund,
)
from services.payments.lost_payments import LostPayments
from services.payments.provider_lists import Listed
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from services.payments.views import PaymentView
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FakeGateway, FaultyGateway
from tests.sandbox.standins.clients import Shop, body_of
from tests.services.payments.conftest import ProviderLedger, a_charge

BACK = timedelta(hours=1)
#: Seconds after which a payment is no longer on its way through its order's workflow.
SETTLED = 400
#: Objects of a long list.
LONG = 2000


@pytest.fixture
def page(standins: StandIns) -> Iterator[Shop]:
    """The provider's own page, on which the shop's people refund by hand."""
    made = Shop(standins)
    yield made
    made.client.close()


@pytest.fixture
def lost(service: PaymentService, gateway: FaultyGateway) -> PaymentView:
    """A payment that the provider has captured, and that is unknown to us."""
    gateway.after["charge"] = GatewayUnknown("lost")
    return service.charge(a_charge(amount_minor=10_000))


def found(service: PaymentService, payment: PaymentView) -> list[tuple[bool, bool]]:
    """What the list has about the payment: whether it is new, and whether it is late."""
    receipts = service.find_provider_payments(BACK)
    return [(receipt.is_new, receipt.late) for receipt in receipts if receipt.payment_id == payment.id]


def unknown_payments(service: PaymentService) -> dict[str, int]:
    """The payments of the provider that are reported as unknown, with the minor units that are kept."""
    with structlog.testing.capture_logs() as logs:
        service.find_provider_payments(BACK)
    errors = [entry for entry in logs if entry["event"] == "payments.unknown_at_provider"]
    assert {entry["log_level"] for entry in errors} <= {"error"}
    return {entry["provider_id"]: entry["kept_minor"] for entry in errors}


def test_refunds_of_the_page_are_found_once(service: PaymentService, page: Shop) -> None:
    first, second = [service.charge(a_charge(amount_minor=10_000)) for _ in range(2)]
    for payment, value in ((first, "30.00"), (second, "100.00"), (first, "20.00")):
        body_of(page.post_refund(str(payment.provider_id), value))
    assert [service.find_provider_refunds(BACK) for _ in range(2)] == [3, 0]
    assert [service.get(payment.id).refunded_minor for payment in (first, second)] == [5_000, 10_000]


def test_older_refunds_are_not_looked_at(
    service: PaymentService, page: Shop, clock: FakeClock, database: Database
) -> None:
    paid = service.charge(a_charge(amount_minor=10_000))
    body_of(page.post_refund(str(paid.provider_id), "30.00"))
    clock.set_from_database(database, 10)
    assert service.find_provider_refunds(timedelta(0)) == 0
    assert service.find_provider_refunds(timedelta(seconds=20)) == 1


def test_a_payment_whose_answer_was_lost_is_found_once_it_is_not_young(
    service: PaymentService, clock: FakeClock, database: Database, lost: PaymentView
) -> None:
    assert found(service, lost) == []
    clock.set_from_database(database, SETTLED)
    assert [found(service, lost) for _ in range(2)] == [[(True, False)], [(False, False)]]
    assert service.get(lost.id).status is PaymentStatus.UNKNOWN
    assert service.refresh(lost.id).status is PaymentStatus.SUCCEEDED
    assert found(service, lost) == []


def test_money_of_a_payment_that_was_given_up_is_found_and_sent_back(
    service: PaymentService,
    gateway: FaultyGateway,
    clock: FakeClock,
    database: Database,
    ledger: ProviderLedger,
    lost: PaymentView,
) -> None:
    clock.set_from_database(database, SETTLED)
    gateway.hides_payments = True
    assert service.undo(lost.order_id).done
    gateway.hides_payments = False
    with database.transaction() as tx:  # outside the period in which a look-up searches the list
        tx.execute("UPDATE payments.payments SET created_at = created_at - interval '1 day', claimed_until = NULL")
    assert service.refresh(lost.id).failure_code == "not_charged"
    assert found(service, lost) == [(True, True)]
    assert service.refund_late(lost.id).refunded_minor == 10_000
    assert ledger.refunds(lost.id) == [("100.00", "succeeded")]


@pytest.mark.parametrize(("card", "expected"), [("tok_declines", [(True, False)]), ("tok_answers_later_600", [])])
def test_only_a_decision_of_the_provider_counts(
    service: PaymentService, gateway: FaultyGateway, clock: FakeClock, database: Database, card: str, expected: object
) -> None:
    gateway.after["charge"] = GatewayUnknown("lost")
    payment = service.charge(a_charge(card))
    clock.set_from_database(database, SETTLED)
    assert found(service, payment) == expected


def test_a_payment_that_agrees_is_left_alone(service: PaymentService, clock: FakeClock, database: Database) -> None:
    payments = [service.charge(a_charge(card)) for card in ("tok_succeeds", "tok_declines")]
    clock.set_from_database(database, SETTLED)
    assert [found(service, payment) for payment in payments] == [[], []]


def test_refunds_of_a_listed_payment_are_recorded(
    service: PaymentService, page: Shop, clock: FakeClock, database: Database
) -> None:
    paid = service.charge(a_charge(amount_minor=10_000))
    body_of(page.post_refund(str(paid.provider_id), "30.00"))
    clock.set_from_database(database, SETTLED)
    assert found(service, paid) == []
    assert service.get(paid.id).refunded_minor == 3_000


def test_money_without_a_payment_of_ours_is_an_error(
    service: PaymentService, page: Shop, clock: FakeClock, database: Database
) -> None:
    kept, returned, declined, *foreign = [
        page.pay(card, metadata=metadata)["id"]
        for card, metadata in (
            ("tok_succeeds", {"reference": str(new_id()), "order": str(new_id())}),
            ("tok_succeeds", {"reference": str(new_id()), "order": str(new_id())}),
            ("tok_declines", {"reference": str(new_id()), "order": str(new_id())}),
            ("tok_succeeds", {"reference": "4711"}),
            ("tok_succeeds", {"reference": str(new_id())}),
        )
    ]
    body_of(page.post_refund(returned))
    clock.set_from_database(database, SETTLED)
    unknown = unknown_payments(service)
    assert unknown[kept] == 10_000
    assert not unknown.keys() & {returned, declined, *foreign}


def test_a_second_charge_for_one_payment_is_an_error(database: Database, clock: FakeClock) -> None:
    provider = FakeGateway()
    service = PaymentService(database.with_clock(clock), provider)
    paid = service.charge(a_charge(amount_minor=10_000))
    provider.payments[paid.id].append(replace(provider.payments[paid.id][0], provider_id="p-second"))
    clock.set_from_database(database, SETTLED)
    assert unknown_payments(service) == {"p-second": 10_000}
    assert found(service, paid) == []


def test_a_provider_without_an_answer_is_unavailable(service: PaymentService, gateway: FaultyGateway) -> None:
    gateway.before |= {"list_payments": GatewayUnknown("lost"), "list_refunds": GatewayUnavailable("away")}
    with pytest.raises(Unavailable):
        service.find_provider_payments(BACK)
    with pytest.raises(Unavailable):
        service.find_provider_refunds(BACK)


@dataclass
class LongList(FakeGateway):
    """A provider with many payments and refunds of other shops; counts how many of them are in memory at once."""

    alive: int = 0
    most: int = 0

    def list_payments(
        self, created_from: datetime, created_to: datetime, *, within: float
    ) -> Iterator[ProviderPayment]:
        for number in range(LONG):
            yield self._counted(
                ProviderPayment(
                    f"p-{number}",
                    Outcome.SUCCEEDED,
                    Money(100, "RUB"),
                    created_from,
                    refunded_minor=100,
                    reference=new_id(),
                    order_id=new_id(),
                )
            )

    def list_refunds(self, created_from: datetime, created_to: datetime, *, within: float) -> Iterator[ProviderRefund]:
        for number in range(LONG):
            yield self._counted(
                ProviderRefund(f"r-{number}", f"p-{number}", Outcome.SUCCEEDED, Money(100, "RUB"), created_from)
            )

    def _counted(self, made: Listed) -> Listed:
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(made, self._gone)
        return made

    def _gone(self) -> None:
        self.alive -= 1


def test_a_long_list_is_not_held_in_memory(database: Database, clock: FakeClock) -> None:
    provider, read = LongList(), list[int]()
    service = PaymentService(database.with_clock(clock), provider)
    assert service.find_provider_payments(BACK) == []
    assert service.find_provider_refunds(BACK) == 0
    assert LostPayments(database, provider, service).find(BACK, read.append) == []
    assert read == [500, 1000, 1500, 2000]
    assert provider.most <= 1100
