"""Refunds by operators: never more than what is left, once per request."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import (
    CurrencyMismatch,
    Invalid,
    InvalidTransition,
    MarketError,
    NotFound,
    PaymentOrderMismatch,
    RefundExceedsCaptured,
)
from services.idempotency import IdempotentRequest
from services.money import Money
from services.payments.gateway import GatewayUnknown
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus, RefundStatus
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.services.payments.conftest import PHONE, ProviderLedger, a_charge, refresh_until_decided


def rub(minor: int) -> Money:
    return Money(minor, "RUB")


def test_a_partial_refund_and_then_the_remainder(service: PaymentService, ledger: ProviderLedger) -> None:
    view = service.charge(a_charge(amount_minor=10_000))
    part = service.refund(view.order_id, view.id, rub(3_000))
    assert (part.status, part.amount, part.replayed) == (RefundStatus.SUCCEEDED, rub(3_000), False)
    assert service.get(view.id).status is PaymentStatus.PARTIALLY_REFUNDED
    service.refund(view.order_id, view.id, rub(7_000))
    assert service.get(view.id).status is PaymentStatus.REFUNDED
    assert ledger.refunds(view.id) == [("30.00", "succeeded"), ("70.00", "succeeded")]


def test_T93_invalid_refunds(service: PaymentService, ledger: ProviderLedger) -> None:
    view = service.charge(a_charge(amount_minor=10_000))
    declined = service.charge(a_charge("tok_declines"))
    with pytest.raises(RefundExceedsCaptured):
        service.refund(view.order_id, view.id, rub(10_001))
    with pytest.raises(PaymentOrderMismatch):
        service.refund(new_id(), view.id, rub(1))
    with pytest.raises(InvalidTransition):
        service.refund(declined.order_id, declined.id, rub(1))
    with pytest.raises(CurrencyMismatch):
        service.refund(view.order_id, view.id, Money(1, "USD"))
    with pytest.raises(Invalid):
        service.refund(view.order_id, view.id, rub(0))
    with pytest.raises(NotFound):
        service.refund(view.order_id, new_id(), rub(1))
    assert ledger.refunds(view.id) == []


def test_a_phone_is_refunded_in_full_only(service: PaymentService) -> None:
    view = refresh_until_decided(service, service.charge(a_charge(phone=PHONE)).id)
    with pytest.raises(Invalid):
        service.refund(view.order_id, view.id, rub(1))
    assert service.refund(view.order_id, view.id, view.amount).status is RefundStatus.SUCCEEDED


def test_T94_fifty_concurrent_full_refunds(service: PaymentService, ledger: ProviderLedger) -> None:
    view = service.charge(a_charge())

    def ended(_: int) -> str:
        try:
            return service.refund(view.order_id, view.id, view.amount).status
        except MarketError as error:
            return error.code

    with ThreadPoolExecutor(50) as pool:
        outcomes = Counter(pool.map(ended, range(50)))
    assert outcomes == {"succeeded": 1, "refund-exceeds-captured": 49}
    assert ledger.refunds(view.id) == [("1299.00", "succeeded")]


def test_an_idempotency_key_makes_one_refund(service: PaymentService, ledger: ProviderLedger) -> None:
    view = service.charge(a_charge(amount_minor=10_000))
    key = IdempotentRequest.of("service:test", "POST /refunds", "key-1", {"amount": "30.00"})
    first = service.refund(view.order_id, view.id, rub(3_000), idempotent=key)
    again = service.refund(view.order_id, view.id, rub(3_000), idempotent=key)
    assert (again.id, again.replayed) == (first.id, True)
    assert ledger.refunds(view.id) == [("30.00", "succeeded")]


def test_a_refund_with_a_lost_answer_counts_and_undo_refunds_the_remainder(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    view = service.charge(a_charge(amount_minor=10_000))
    gateway.after["refund"] = GatewayUnknown("lost")
    lost = service.refund(view.order_id, view.id, rub(3_000))
    assert (lost.status, lost.retry_after > 0) == (RefundStatus.PENDING, True)
    assert service.refresh_refund(lost.id).status is RefundStatus.PENDING
    with pytest.raises(RefundExceedsCaptured):
        service.refund(view.order_id, view.id, rub(7_001))
    clock.set_from_database(database, 6)
    assert service.undo(view.order_id).refunded_minor == 10_000
    assert service.refresh_refund(lost.id).status is RefundStatus.SUCCEEDED
    assert ledger.refunds(view.id) == [("30.00", "succeeded"), ("70.00", "succeeded")]


def test_F54_concurrent_look_ups_of_one_refund(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    view = service.charge(a_charge(amount_minor=10_000))
    gateway.after["refund"] = GatewayUnknown("lost")
    lost = service.refund(view.order_id, view.id, rub(3_000))
    clock.set_from_database(database, 6)
    gateway.barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: service.refresh_refund(lost.id), range(4)))
    assert {refund.status for refund in found} == {RefundStatus.SUCCEEDED}
    assert service.get(view.id).refunded_minor == 3_000
    assert ledger.refunds(view.id) == [("30.00", "succeeded")]
