"""Taking money: once an order, by card or phone, as the provider decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import event, text

from sandbox.standins.running import Neighbours
from services.clock import new_id
from services.db import Sessions
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
from services.payments.views import Charge, PaymentView
from services.payments.yookassa.gateway import YooKassa, live_methods
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway
from tests.services.payments.conftest import CARD_TERM, PHONE, PHONE_TERM, Bank, a_charge


def refreshed(service: PaymentService, payment_id: UUID) -> PaymentView:
    """The payment once the provider has decided; each look is an exchange of a few milliseconds."""
    for _ in range(3000):
        view = service.refresh(payment_id)
        if not view.undecided:
            return view
    raise AssertionError("the provider never decided")


def test_a_card_is_charged_at_once(service: PaymentService, bank: Bank) -> None:
    charge = a_charge(amount_minor=129_900)
    view = service.charge(charge)
    assert (view.order_id, view.attempt, view.status) == (charge.order_id, 1, PaymentStatus.SUCCEEDED)
    assert (view.amount, view.captured_minor, view.refunded_minor) == (Money(129_900, "RUB"), 129_900, 0)
    assert (view.method, view.captured_late, view.retry_after, view.term_left) == ("card", False, 0, None)
    assert bank.charges(view.id) == ["succeeded"]
    assert service.get(view.id) == view == service.charge(charge) == service.refresh(view.id)
    assert service.of_order(charge.order_id) == [view]


def test_a_charge_is_two_statements_of_ours(service: PaymentService, sessions: Sessions) -> None:
    seen: list[str] = []
    listener: Callable[..., None] = lambda *given: seen.append(given[2])  # noqa: E731 - sqlalchemy looks at its arguments
    event.listen(sessions.engine, "before_cursor_execute", listener)
    try:
        service.charge(a_charge())
    finally:
        event.remove(sessions.engine, "before_cursor_execute", listener)
    assert len(seen) == 2


def test_amounts_have_their_currencys_decimals(service: PaymentService, bank: Bank, neighbours: Neighbours) -> None:
    view = service.charge(a_charge(amount_minor=500, currency="JPY"))
    assert (view.status, view.captured_minor) == (PaymentStatus.SUCCEEDED, 500)
    assert neighbours.ledger(str(view.id))[0]["amount"] == "500"


def test_F38_a_declined_card(service: PaymentService, bank: Bank) -> None:
    charge = a_charge("tok_declines")
    view = service.charge(charge)
    assert (view.status, view.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")
    assert (view.captured_minor, view.retry_after) == (0, 0)
    assert service.charge(charge) == view
    assert bank.charges(view.id) == ["canceled"]


def test_another_attempt_after_a_declined_one(service: PaymentService) -> None:
    first = a_charge("tok_declines")
    service.charge(first)
    second = service.charge(a_charge(order_id=first.order_id, attempt=2))
    assert (second.attempt, second.status) == (2, PaymentStatus.SUCCEEDED)
    assert [payment.status for payment in service.of_order(first.order_id)] == ["failed", "succeeded"]


@pytest.mark.parametrize("card", ["tok_succeeds", "tok_confirms_on_page"])
def test_T89_a_second_payment_beside_a_live_or_succeeded_one(service: PaymentService, bank: Bank, card: str) -> None:
    first = a_charge(card)
    view = service.charge(first)
    with pytest.raises(PaymentExists):
        service.charge(a_charge(order_id=first.order_id, attempt=2))
    with pytest.raises(PaymentExists):
        service.charge(a_charge(card, order_id=first.order_id, amount_minor=1))
    assert [payment.id for payment in service.of_order(first.order_id)] == [view.id]


def test_a_card_that_is_confirmed_on_a_page(service: PaymentService, neighbours: Neighbours) -> None:
    view = service.charge(a_charge("tok_confirms_on_page"))
    assert view.status is PaymentStatus.PENDING
    assert view.confirmation_url is not None
    assert view.confirmation_url.startswith(neighbours.url)
    assert view.term_left is not None
    assert CARD_TERM - 60 < view.term_left <= CARD_TERM
    assert view.retry_after >= 1
    assert service.refresh(view.id).status is PaymentStatus.PENDING
    answer = httpx2.post(view.confirmation_url, data={"decision": "approve"}, trust_env=False)
    assert answer.status_code == 303
    assert service.refresh(view.id).status is PaymentStatus.SUCCEEDED
    assert service.get(view.id).confirmation_url is None


def test_a_phone_is_charged_a_moment_later(service: PaymentService, bank: Bank) -> None:
    view = service.charge(a_charge(phone=PHONE))
    assert (view.status, view.method, view.confirmation_url) == (PaymentStatus.PENDING, "phone", None)
    assert view.term_left is not None
    assert PHONE_TERM - 60 < view.term_left <= PHONE_TERM
    assert refreshed(service, view.id).status is PaymentStatus.SUCCEEDED
    assert bank.charges(view.id) == ["succeeded"]


@pytest.mark.parametrize("card", ["tok_answers_later", "tok_never_calls_back"])
def test_F45_an_answer_that_comes_later_or_never_is_asked_for(service: PaymentService, bank: Bank, card: str) -> None:
    charge = a_charge(card)
    view = service.charge(charge)
    assert view.status is PaymentStatus.PENDING
    assert service.charge(charge).id == view.id
    assert refreshed(service, view.id).captured_minor == charge.amount_minor
    assert bank.charges(view.id) == ["succeeded"]


def test_T100_another_amount_than_asked_is_for_review(service: PaymentService) -> None:
    charge = a_charge("tok_wrong_amount", amount_minor=10_000)
    view = refreshed(service, service.charge(charge).id)
    assert (view.status, view.captured_minor) == (PaymentStatus.REVIEW, 10_100)
    assert (view.failure_code, view.captured_late) == ("captured_other_amount_RUB", False)
    with pytest.raises(PaymentExists):
        service.charge(a_charge(order_id=charge.order_id, attempt=2))


def test_T64_one_attempt_fifty_times_at_once(service: PaymentService, bank: Bank, gateway: FaultyGateway) -> None:
    charge = a_charge()
    with ThreadPoolExecutor(50) as pool:
        views = list(pool.map(lambda _: service.charge(charge), range(50)))
    assert len({view.id for view in views}) == 1
    assert {view.status for view in views} <= {PaymentStatus.PENDING, PaymentStatus.SUCCEEDED}
    assert all(view.retry_after > 0 for view in views if view.undecided)
    assert gateway.calls == ["charge"]
    assert service.get(views[0].id).status is PaymentStatus.SUCCEEDED
    assert bank.charges(views[0].id) == ["succeeded"]


def test_T89_many_attempts_of_one_order_at_once(service: PaymentService, gateway: FaultyGateway) -> None:
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


def test_T64_charge_and_undo_at_once_leave_no_money_here(service: PaymentService, bank: Bank) -> None:
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
def test_T88_T90_what_cannot_be_charged(
    service: PaymentService, changes: dict[str, Any], refusal: type[Invalid], pointer: str
) -> None:
    with pytest.raises(refusal) as raised:
        service.charge(a_charge(**changes))
    assert raised.value.pointer == pointer


def test_the_real_providers_limits(sessions: Sessions, clock: FakeClock) -> None:
    nobody = YooKassa("http://127.0.0.1:9/v3", "1", "key", live_methods(3600, 3900))
    service = PaymentService(sessions, nobody, clock)
    for charge in (a_charge(phone=PHONE, amount_minor=999), a_charge(phone=PHONE, amount_minor=1_500_001)):
        with pytest.raises(AmountMismatch):
            service.charge(charge)
    with pytest.raises(CurrencyMismatch):
        service.charge(a_charge(currency="USD"))
    nobody.close()


def test_G13_the_database_is_the_second_wall(service: PaymentService, sessions: Sessions) -> None:
    view = service.charge(a_charge())
    with pytest.raises(Exception, match="ck_payments_refunded"), sessions.begin() as session:
        session.execute(text("UPDATE payments.payments SET refunded_minor = captured_minor + 1"))
    assert service.get(view.id).refunded_minor == 0


def test_nothing_is_known_of_an_unknown_payment(service: PaymentService) -> None:
    with pytest.raises(NotFound):
        service.get(new_id())
    with pytest.raises(NotFound):
        service.refresh(new_id())
    with pytest.raises(NotFound):
        service.get_refund(new_id())
    assert service.of_order(new_id()) == []


def test_a_payment_is_not_charged_again_with_another_orders_money(service: PaymentService) -> None:
    view = service.charge(a_charge())
    with pytest.raises(PaymentOrderMismatch):
        service.refresh(view.id, a_charge())


def test_I10_neither_token_nor_phone_is_shown(service: PaymentService) -> None:
    assert "tok_succeeds" not in repr(a_charge())
    assert PHONE not in repr(a_charge(phone=PHONE))
