"""Charges by card and phone: one payment per order, in the state that the provider reports."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from sandbox.standins.running import StandIns
from services.clock import new_id
from services.db import Database, Transaction
from services.errors import (
    AmountMismatch,
    CurrencyMismatch,
    Invalid,
    MarketError,
    NotFound,
    OrderClosing,
    PaymentExists,
    PaymentOrderMismatch,
)
from services.money import Money
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from services.payments.views import Charge
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import live_methods
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.services.payments.conftest import (
    CARD_TERM,
    PHONE,
    PHONE_TERM,
    ProviderLedger,
    a_charge,
    refresh_until_decided,
)


def test_a_card_is_charged_immediately(service: PaymentService, ledger: ProviderLedger) -> None:
    charge = a_charge(amount_minor=129_900)
    view = service.charge(charge)
    assert (view.order_id, view.attempt, view.status) == (charge.order_id, 1, PaymentStatus.SUCCEEDED)
    assert (view.amount, view.captured_minor, view.refunded_minor) == (Money(129_900, "RUB"), 129_900, 0)
    assert (view.method, view.captured_late, view.retry_after, view.term_left) == ("card", False, 0, None)
    assert ledger.charges(view.id) == ["succeeded"]
    assert service.get(view.id) == view == service.charge(charge) == service.refresh(view.id)
    assert service.of_order(charge.order_id) == [view]


def test_a_charge_takes_two_statements(service: PaymentService, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    run = Transaction._run

    def noted(self: Transaction, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return run(self, sql, *rest)

    monkeypatch.setattr(Transaction, "_run", noted)
    service.charge(a_charge())
    assert len(seen) == 2


def test_amounts_use_the_decimals_of_their_currency(
    service: PaymentService, ledger: ProviderLedger, standins: StandIns
) -> None:
    view = service.charge(a_charge(amount_minor=500, currency="JPY"))
    assert (view.status, view.captured_minor) == (PaymentStatus.SUCCEEDED, 500)
    assert standins.ledger(str(view.id))[0]["amount"] == "500"


def test_F38_a_declined_card(service: PaymentService, ledger: ProviderLedger) -> None:
    charge = a_charge("tok_declines")
    view = service.charge(charge)
    assert (view.status, view.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")
    assert (view.captured_minor, view.retry_after) == (0, 0)
    assert service.charge(charge) == view
    assert ledger.charges(view.id) == ["canceled"]


def test_a_second_attempt_after_a_declined_one(service: PaymentService) -> None:
    first = a_charge("tok_declines")
    service.charge(first)
    second = service.charge(a_charge(order_id=first.order_id, attempt=2))
    assert (second.attempt, second.status) == (2, PaymentStatus.SUCCEEDED)
    assert [payment.status for payment in service.of_order(first.order_id)] == ["failed", "succeeded"]


@pytest.mark.parametrize("card", ["tok_succeeds", "tok_confirms_on_page"])
def test_T89_no_second_payment_while_one_is_live_or_succeeded(
    service: PaymentService, ledger: ProviderLedger, card: str
) -> None:
    first = a_charge(card)
    view = service.charge(first)
    with pytest.raises(PaymentExists):
        service.charge(a_charge(order_id=first.order_id, attempt=2))
    with pytest.raises(PaymentExists):
        service.charge(a_charge(card, order_id=first.order_id, amount_minor=1))
    assert [payment.id for payment in service.of_order(first.order_id)] == [view.id]


def test_a_card_that_needs_confirmation_by_the_buyer(service: PaymentService, standins: StandIns) -> None:
    view = service.charge(a_charge("tok_confirms_on_page"))
    assert view.status is PaymentStatus.PENDING
    assert view.confirmation_url is not None
    assert view.confirmation_url.startswith(standins.url)
    assert view.term_left is not None
    assert CARD_TERM - 60 < view.term_left <= CARD_TERM
    assert view.retry_after >= 1
    assert service.refresh(view.id).status is PaymentStatus.PENDING
    answer = httpx2.post(view.confirmation_url, data={"decision": "approve"}, trust_env=False)
    assert answer.status_code == 303
    assert service.refresh(view.id).status is PaymentStatus.SUCCEEDED
    assert service.get(view.id).confirmation_url is None


def test_a_phone_payment_is_pending_and_then_succeeds(service: PaymentService, ledger: ProviderLedger) -> None:
    view = service.charge(a_charge(phone=PHONE))
    assert (view.status, view.method, view.confirmation_url) == (PaymentStatus.PENDING, "phone", None)
    assert view.term_left is not None
    assert PHONE_TERM - 60 < view.term_left <= PHONE_TERM
    assert refresh_until_decided(service, view.id).status is PaymentStatus.SUCCEEDED
    assert ledger.charges(view.id) == ["succeeded"]


@pytest.mark.parametrize("card", ["tok_answers_later", "tok_never_calls_back"])
def test_F45_a_result_without_a_webhook_is_looked_up(
    service: PaymentService, ledger: ProviderLedger, card: str
) -> None:
    charge = a_charge(card)
    view = service.charge(charge)
    assert view.status is PaymentStatus.PENDING
    assert service.charge(charge).id == view.id
    assert refresh_until_decided(service, view.id).captured_minor == charge.amount_minor
    assert ledger.charges(view.id) == ["succeeded"]


def test_T100_another_captured_amount_needs_a_review(service: PaymentService) -> None:
    charge = a_charge("tok_wrong_amount", amount_minor=10_000)
    view = refresh_until_decided(service, service.charge(charge).id)
    assert (view.status, view.captured_minor) == (PaymentStatus.REVIEW, 10_100)
    assert (view.failure_code, view.captured_late) == ("captured_other_amount_RUB", False)
    with pytest.raises(PaymentExists):
        service.charge(a_charge(order_id=charge.order_id, attempt=2))


def test_T64_fifty_concurrent_charges_of_one_attempt(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway
) -> None:
    charge = a_charge()
    with ThreadPoolExecutor(50) as pool:
        views = list(pool.map(lambda _: service.charge(charge), range(50)))
    assert len({view.id for view in views}) == 1
    assert {view.status for view in views} <= {PaymentStatus.PENDING, PaymentStatus.SUCCEEDED}
    assert all(view.retry_after > 0 for view in views if view.undecided)
    assert gateway.calls == ["charge"]
    assert service.get(views[0].id).status is PaymentStatus.SUCCEEDED
    assert ledger.charges(views[0].id) == ["succeeded"]


def test_T89_concurrent_attempts_of_one_order(service: PaymentService, gateway: FaultyGateway) -> None:
    order_id = new_id()

    def ended(attempt: int) -> str:
        try:
            service.charge(a_charge(order_id=order_id, attempt=attempt))
        except MarketError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(ended, range(1, 17)))
    assert outcomes == {"ok": 1, "payment-exists": 15}
    assert gateway.calls == ["charge"]


def test_T64_concurrent_charge_and_undo_keep_no_money(service: PaymentService, ledger: ProviderLedger) -> None:
    charges = [a_charge() for _ in range(12)]

    def pay(charge: Charge) -> str:
        try:
            return service.charge(charge).status
        except OrderClosing:
            return "closing"

    with ThreadPoolExecutor(24) as pool:
        for charge in charges:
            pool.submit(pay, charge)
            pool.submit(service.undo, charge.order_id)
    for charge in charges:
        assert service.undo(charge.order_id).done
        for view in service.of_order(charge.order_id):
            assert view.status in (PaymentStatus.REFUNDED, PaymentStatus.FAILED)
            assert view.captured_minor == view.refunded_minor


@pytest.mark.parametrize(
    ("changes", "refusal", "pointer"),
    [
        ({"card": None}, Invalid, "/cardToken"),
        ({"amount_minor": 0}, AmountMismatch, "/amount"),
        ({"amount_minor": 10**12 + 1}, AmountMismatch, "/amount"),
        ({"currency": "XYZ"}, CurrencyMismatch, "/currency"),
    ],
)
def test_T88_T90_invalid_charges(
    service: PaymentService, changes: dict[str, Any], refusal: type[Invalid], pointer: str
) -> None:
    with pytest.raises(refusal) as raised:
        service.charge(a_charge(**changes))
    assert raised.value.pointer == pointer


def test_limits_of_the_real_provider(database: Database, clock: FakeClock) -> None:
    unreachable = YooKassa("http://127.0.0.1:9/v3", "1", "key", live_methods(3600, 3900))
    service = PaymentService(database.with_clock(clock), unreachable)
    for charge in (a_charge(phone=PHONE, amount_minor=999), a_charge(phone=PHONE, amount_minor=1_500_001)):
        with pytest.raises(AmountMismatch):
            service.charge(charge)
    with pytest.raises(CurrencyMismatch):
        service.charge(a_charge(currency="USD"))
    unreachable.close()


def test_G13_the_database_rejects_refunds_above_the_captured_amount(
    service: PaymentService, database: Database
) -> None:
    view = service.charge(a_charge())
    with pytest.raises(Exception, match="ck_payments_refunded"), database.transaction() as tx:
        tx.execute("UPDATE payments.payments SET refunded_minor = captured_minor + 1")
    assert service.get(view.id).refunded_minor == 0


def test_an_unknown_payment_is_not_found(service: PaymentService) -> None:
    with pytest.raises(NotFound):
        service.get(new_id())
    with pytest.raises(NotFound):
        service.refresh(new_id())
    with pytest.raises(NotFound):
        service.get_refund(new_id())
    assert service.of_order(new_id()) == []


def test_refresh_refuses_a_retry_of_another_order(service: PaymentService) -> None:
    view = service.charge(a_charge())
    with pytest.raises(PaymentOrderMismatch):
        service.refresh(view.id, a_charge())


def test_I10_repr_shows_neither_token_nor_phone(service: PaymentService) -> None:
    assert "tok_succeeds" not in repr(a_charge())
    assert PHONE not in repr(a_charge(phone=PHONE))
