"""Refunds that the provider has and we did not hear of: made on its own page, or requested by us with a lost answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.standins.running import StandIns
from services.db import Database
from services.errors import RefundExceedsCaptured
from services.money import Money
from services.payments.gateway import GatewayRefused, GatewayUnavailable, GatewayUnknown
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus, RefundStatus
from services.payments.views import PaymentView
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.sandbox.standins.clients import Shop, body_of
from tests.services.payments.conftest import ProviderLedger, a_charge

SUCCEEDED = RefundStatus.SUCCEEDED


@pytest.fixture
def page(standins: StandIns) -> Iterator[Shop]:
    """The provider's own page, on which the shop's people refund by hand."""
    made = Shop(standins)
    yield made
    made.client.close()


@pytest.fixture
def paid(service: PaymentService) -> PaymentView:
    return service.charge(a_charge(amount_minor=10_000))


def refund_by_hand(page: Shop, payment: PaymentView, value: str) -> None:
    """A refund made on the provider's page."""
    body_of(page.post_refund(str(payment.provider_id), value))


def recorded(service: PaymentService, payment: PaymentView) -> list[tuple[RefundStatus, int]]:
    return [(refund.status, refund.amount.minor) for refund in service.refunds_of(payment.order_id)]


def test_a_refund_made_on_the_providers_page_is_recorded_once(
    service: PaymentService, page: Shop, paid: PaymentView
) -> None:
    refund_by_hand(page, paid, "30.00")
    assert [service.record_provider_refunds(paid.id) for _ in range(2)] == [1, 0]

    assert recorded(service, paid) == [(SUCCEEDED, 3_000)]
    view = service.get(paid.id)
    assert (view.status, view.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 3_000)
    assert [refund.payment_id for refund in service.unreported_refunds(10)] == [paid.id]


def test_all_of_it_refunded_on_the_page(service: PaymentService, page: Shop, paid: PaymentView) -> None:
    for value in ("30.00", "70.00"):
        refund_by_hand(page, paid, value)
    assert service.record_provider_refunds(paid.id) == 2
    assert service.get(paid.id).status is PaymentStatus.REFUNDED


def test_it_counts_against_what_an_operator_may_refund(service: PaymentService, page: Shop, paid: PaymentView) -> None:
    refund_by_hand(page, paid, "30.00")
    with pytest.raises(RefundExceedsCaptured):
        service.refund(paid.order_id, paid.id, Money(7_001, "RUB"))
    assert service.refund(paid.order_id, paid.id, Money(7_000, "RUB")).status is SUCCEEDED
    assert recorded(service, paid) == [(SUCCEEDED, 3_000), (SUCCEEDED, 7_000)]


def test_an_operators_refund_does_not_wait_for_a_provider_without_an_answer(
    service: PaymentService, gateway: FaultyGateway, paid: PaymentView
) -> None:
    gateway.before["list_refunds_of"] = GatewayUnavailable("away")
    assert service.refund(paid.order_id, paid.id, Money(1_000, "RUB")).status is SUCCEEDED


def test_the_undo_of_an_order_refunds_only_what_the_page_left(
    service: PaymentService, page: Shop, ledger: ProviderLedger, paid: PaymentView
) -> None:
    refund_by_hand(page, paid, "30.00")
    undone = service.undo(paid.order_id)
    assert (undone.done, undone.refunded_minor) == (True, 10_000)
    assert ledger.refunds(paid.id) == [("30.00", "succeeded"), ("70.00", "succeeded")]


def test_an_order_that_was_refunded_on_the_page_needs_no_refund(
    service: PaymentService, page: Shop, gateway: FaultyGateway, paid: PaymentView
) -> None:
    refund_by_hand(page, paid, "100.00")
    undone = service.undo(paid.order_id)
    assert (undone.done, undone.refunded_minor) == (True, 10_000)
    assert "refund" not in gateway.calls


def test_a_refund_of_ours_with_a_lost_answer_is_settled_and_not_booked_twice(
    service: PaymentService, gateway: FaultyGateway, paid: PaymentView
) -> None:
    gateway.after["refund"] = GatewayUnknown("lost")
    ours = service.refund(paid.order_id, paid.id, Money(3_000, "RUB"))
    assert service.record_provider_refunds(paid.id) == 1
    assert service.get_refund(ours.id).status is SUCCEEDED
    assert recorded(service, paid) == [(SUCCEEDED, 3_000)]


def test_the_same_refunds_recorded_from_all_sides_at_once(
    service: PaymentService,
    page: Shop,
    gateway: FaultyGateway,
    clock: FakeClock,
    database: Database,
    paid: PaymentView,
) -> None:
    """The webhook, the periodic look, and the look-up of our own refund."""
    gateway.after["refund"] = GatewayUnknown("lost")
    ours = service.refund(paid.order_id, paid.id, Money(3_000, "RUB"))
    refund_by_hand(page, paid, "20.00")
    clock.set_from_database(database, 6)

    def find(number: int) -> object:
        return service.refresh_refund(ours.id) if number % 3 == 0 else service.record_provider_refunds(paid.id)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(find, range(24)))
    assert sorted(recorded(service, paid)) == [(SUCCEEDED, 2_000), (SUCCEEDED, 3_000)]
    assert service.get(paid.id).refunded_minor == 5_000


def test_a_refund_that_succeeds_while_its_failure_is_reported_is_reported_too(
    service: PaymentService, gateway: FaultyGateway, paid: PaymentView
) -> None:
    """Its goods go back to stock, and its buyer is notified, only when its success is reported."""
    gateway.after["refund"] = GatewayRefused("forbidden")  # of a proxy: the provider has made it
    service.refund(paid.order_id, paid.id, Money(10_000, "RUB"), restock=True)
    seen = service.unreported_refunds(10)
    assert [refund.status for refund in seen] == [RefundStatus.FAILED]
    assert service.record_provider_refunds(paid.id) == 1

    service.mark_reported(seen)

    assert [refund.returns_goods for refund in service.unreported_refunds(10)] == [True]
    service.mark_reported(service.unreported_refunds(10))
    assert service.unreported_refunds(10) == []


def test_two_refunds_under_one_key_of_ours_are_both_recorded(
    service: PaymentService, page: Shop, paid: PaymentView
) -> None:
    """A provider that ignores keys may have refunded twice: both took our money."""
    service.refund(paid.order_id, paid.id, Money(3_000, "RUB"))
    body_of(page.post_refund(str(paid.provider_id), "30.00", description=f"refund:{paid.id}:1"))
    assert service.record_provider_refunds(paid.id) == 1
    assert recorded(service, paid) == [(SUCCEEDED, 3_000), (SUCCEEDED, 3_000)]


def test_a_refund_of_ours_whose_row_is_lost_keeps_its_key(
    service: PaymentService, page: Shop, ledger: ProviderLedger, paid: PaymentView
) -> None:
    """After a restore of the database: a new refund under the same key would be taken for the old one."""
    key = f"refund:{paid.id}:2"
    body_of(page.post_refund(str(paid.provider_id), "30.00", key, key))
    service.record_provider_refunds(paid.id)
    assert service.undo(paid.order_id).refunded_minor == 10_000
    assert ledger.refunds(paid.id) == [("30.00", "succeeded"), ("70.00", "succeeded")]


def test_a_refund_that_the_provider_cancelled_moved_no_money(service: PaymentService, page: Shop) -> None:
    paid = service.charge(a_charge("tok_refund_fails", amount_minor=10_000))
    refund_by_hand(page, paid, "30.00")
    assert service.record_provider_refunds(paid.id) == 0
    assert recorded(service, paid) == []


def test_it_is_recorded_with_the_capture_of_its_payment(service: PaymentService, page: Shop) -> None:
    """Before that the books have nothing that could be refunded."""
    waiting = service.charge(a_charge("tok_answers_later", amount_minor=10_000))
    page.wait_until_final(str(waiting.provider_id))
    refund_by_hand(page, waiting, "30.00")
    assert service.record_provider_refunds(waiting.id) == 0
    service.refresh(waiting.id)
    assert service.get(waiting.id).refunded_minor == 3_000
    assert recorded(service, waiting) == [(SUCCEEDED, 3_000)]
