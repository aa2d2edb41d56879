"""The table of states: nothing goes back, and money that was taken is never forgotten."""

from __future__ import annotations

import pytest

from services.clock import new_id
from services.money import Money
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.outcomes import captured_minor, status_of
from services.payments.status import FOLLOWS, MethodKind, PaymentStatus
from services.payments.views import PaymentView

ASKED = Money(100, "RUB")


def a_payment(status: PaymentStatus = PaymentStatus.PENDING) -> PaymentView:
    return PaymentView(new_id(), new_id(), 1, status, ASKED, MethodKind.CARD, None, None, None, 0, 0, False, 0, None)


def reachable(start: PaymentStatus) -> set[PaymentStatus]:
    found: set[PaymentStatus] = set()
    waiting = [start]
    while waiting:
        now = waiting.pop()
        after = {status for status, before in FOLLOWS.items() if now in before and status != now}
        waiting += after - found
        found |= after
    return found


def test_I11_nothing_goes_back() -> None:
    assert set(FOLLOWS) == set(PaymentStatus)
    undecided = {PaymentStatus.PENDING, PaymentStatus.UNKNOWN}
    for status in set(PaymentStatus) - undecided:
        assert status not in reachable(status)
        assert not reachable(status) & undecided
    assert reachable(PaymentStatus.REFUNDED) == set()
    assert PaymentStatus.FAILED not in reachable(PaymentStatus.SUCCEEDED)


@pytest.mark.parametrize(
    ("outcome", "amount", "status", "taken"),
    [
        (Outcome.PENDING, ASKED, PaymentStatus.PENDING, 0),
        (Outcome.FAILED, ASKED, PaymentStatus.FAILED, 0),
        (Outcome.SUCCEEDED, ASKED, PaymentStatus.SUCCEEDED, 100),
        (Outcome.SUCCEEDED, Money(99, "RUB"), PaymentStatus.REVIEW, 99),
        (Outcome.SUCCEEDED, Money(100, "USD"), PaymentStatus.REVIEW, 0),
    ],
)
def test_T100_what_the_provider_tells_in_our_words(
    outcome: Outcome, amount: Money, status: PaymentStatus, taken: int
) -> None:
    told = ProviderPayment("p-1", outcome, amount)
    assert (status_of(told, a_payment()), captured_minor(told, ASKED)) == (status, taken)


def test_T100_what_was_stopped_is_not_gone_on_with() -> None:
    told = ProviderPayment("p-1", Outcome.SUCCEEDED, ASKED)
    assert status_of(told, a_payment(PaymentStatus.REVIEW)) is PaymentStatus.REVIEW
