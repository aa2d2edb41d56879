"""What becomes of an order of a replay: sold, refused, cancelled or failed."""

from __future__ import annotations

import pytest

from sandbox.demo.account import CONFIRMED_FIRST, Fate, refused, result_of
from sandbox.demo.buyers import Order
from sandbox.demo.invoices import Outcome
from tests.sandbox.demo.builders import a_planned_order, an_order

PAID, DECLINED, CANCELLED = Outcome


@pytest.mark.parametrize(
    ("outcome", "order", "fate", "reason"),
    [
        (PAID, an_order("confirmed"), Fate.SOLD, ""),
        (PAID, an_order("cancelled", "out_of_stock"), Fate.REFUSED, "out of stock"),
        (PAID, an_order("cancelled", "payment_declined"), Fate.FAILED, "cancelled payment_declined instead of paid"),
        (PAID, an_order("cancelled", "internal"), Fate.FAILED, "cancelled internal instead of paid"),
        (PAID, an_order("confirmed") | {"totalAmount": "9.99"}, Fate.FAILED, "the total is 9.99, not as in the file"),
        (DECLINED, an_order("cancelled", "payment_declined"), Fate.REFUSED, "the card is declined"),
        (DECLINED, an_order("confirmed"), Fate.FAILED, "confirmed instead of declined"),
        (CANCELLED, an_order("cancelled", "buyer_request"), Fate.CANCELLED, "while the payment was pending"),
        (CANCELLED, an_order("cancelled", "out_of_stock"), Fate.CANCELLED, "not accepted: out of stock"),
        (CANCELLED, an_order("confirmed"), Fate.SOLD, CONFIRMED_FIRST),
    ],
)
def test_what_becomes_of_an_order(outcome: Outcome, order: Order, fate: Fate, reason: str) -> None:
    result = result_of(a_planned_order(outcome), order)
    assert (result.fate, result.reason) == (fate, reason)


def test_an_order_that_is_refused_at_once() -> None:
    assert refused(a_planned_order(), "hold limit").fate is Fate.REFUSED
    assert refused(a_planned_order(CANCELLED), "hold limit").fate is Fate.CANCELLED
