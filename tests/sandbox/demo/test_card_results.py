"""When a result of the test cards run balances."""

from __future__ import annotations

import pytest

from tests.sandbox.demo.builders import CANCELLED, PAID, a_charge, a_result

BALANCED = {
    "paid": a_result(PAID, a_charge()),
    "one of two attempts captured": a_result(PAID, a_charge(captures=0), a_charge()),
    "refunded": a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled"), ("10.00", "succeeded"))),
    "wrong amount refunded in full": a_result(CANCELLED, a_charge("11.00", ("11.00", "succeeded"))),
    "refunded manually": a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled")), manually_refunded=1000),
    "not charged": a_result(CANCELLED),
}
UNBALANCED = {
    "charged twice": a_result(PAID, a_charge(), a_charge()),
    "charged twice and refunded once": a_result(PAID, a_charge(), a_charge("10.00", ("10.00", "succeeded"))),
    "charged too much": a_result(PAID, a_charge("11.00")),
    "confirmed without a charge": a_result(PAID),
    "not refunded": a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled"))),
    "refunded in part": a_result(CANCELLED, a_charge("10.00", ("9.99", "succeeded"))),
    "refunded by the provider and manually": a_result(
        CANCELLED, a_charge("10.00", ("10.00", "succeeded")), manually_refunded=1000
    ),
    "not final": a_result(CANCELLED, a_charge("10.00", ("10.00", "succeeded")), status="cancelling"),
    "unexpected final status": a_result(CANCELLED, a_charge(), status="confirmed"),
}


@pytest.mark.parametrize("name", BALANCED)
def test_result_balances(name: str) -> None:
    assert BALANCED[name].balances


@pytest.mark.parametrize("name", UNBALANCED)
def test_result_does_not_balance(name: str) -> None:
    assert not UNBALANCED[name].balances
