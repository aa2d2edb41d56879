"""What an order's page offers, by status."""

from __future__ import annotations

from typing import Any

import pytest

from web.repeated_refunds import counted
from web.shop.order_view import OrderView

UNTIL, PAGE = "2026-01-02T15:15:00Z", "https://provider.example/confirm"


def view(
    status: str,
    *events: str,
    payment: str | None = None,
    method: str = "card",
    page: str | None = PAGE,
    refunded: str = "0.00",
) -> OrderView:
    paid_by = {"status": payment, "method": method, "confirmationUrl": page} if payment else None
    data: dict[str, Any] = {"id": "1", "status": status, "payment": paid_by, "refundedAmount": refunded}
    data |= {"payBefore": UNTIL, "cancelReason": None}
    return OrderView(data, [{"type": event} for event in events])


@pytest.mark.parametrize(
    ("order", "shown", "sentence"),
    [
        (view("created"), False, "created"),
        (view("reserved"), True, "reserved"),
        (view("payment_pending", payment="pending"), True, "payment_confirm"),
        (view("payment_pending", payment="pending", method="phone", page=None), True, "payment_phone"),
        (view("payment_pending", payment="pending", page=None), False, "payment_pending"),
        (view("payment_pending", payment="failed"), True, "payment_pending"),
        (view("paid", payment="succeeded"), False, "paid"),
        (view("cancelling", payment="pending"), False, "cancelling"),
    ],
)
def test_the_time_to_pay_is_shown_to_who_has_to_do_something(order: OrderView, shown: bool, sentence: str) -> None:
    assert (order.pay_before, order.sentence) == (UNTIL if shown else None, sentence)


def test_a_refund_that_fails_for_ever_is_one_line() -> None:
    failed, done = {"amount": "5.00", "status": "canceled"}, {"amount": "5.00", "status": "succeeded"}
    assert counted([failed, failed, done]) == [{**failed, "times": 2}, {**done, "times": 1}]


def test_an_api_of_the_release_before_says_no_time_to_pay() -> None:
    order = view("reserved")
    assert OrderView({name: value for name, value in order.data.items() if name != "payBefore"}, []).pay_before is None


def steps(order: OrderView) -> list[tuple[str, str]]:
    return [(step.name, step.state) for step in order.steps]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (view("created", "created"), [("reserved", "now"), ("paid", "ahead"), ("confirmed", "ahead")]),
        (view("paid", "reserved", "paid"), [("reserved", "done"), ("paid", "done"), ("confirmed", "now")]),
        (view("cancelling", "reserved", "paid"),
         [("reserved", "undone"), ("paid", "undone"), ("cancelled", "now"), ("refunded", "now")]),
        (view("cancelled", "reserved", "paid", refunded="1.00"),
         [("reserved", "undone"), ("paid", "undone"), ("cancelled", "done"), ("refunded", "done")]),
        (view("cancelling", "reserved", "refund_failed"),
         [("reserved", "undone"), ("cancelled", "now"), ("refunded", "now")]),
        (view("cancelled", "reserved"), [("reserved", "undone"), ("cancelled", "done")]),
    ],
)  # fmt: skip
def test_the_stepper(order: OrderView, expected: list[tuple[str, str]]) -> None:
    assert steps(order) == expected


@pytest.mark.parametrize(
    ("order", "pay", "cancel", "confirm"),
    [
        (view("created"), False, True, False),
        (view("reserved"), True, True, False),
        (view("payment_pending", payment="pending"), False, True, True),
        (view("payment_pending", payment="failed"), True, True, False),
        (view("paid", payment="succeeded"), False, True, False),
        (view("confirmed", payment="succeeded"), False, False, False),
        (view("cancelling", payment="pending"), False, False, False),
        (view("cancelled", payment="failed"), False, False, False),
    ],
)
def test_what_can_be_done(order: OrderView, pay: bool, cancel: bool, confirm: bool) -> None:
    assert (order.can_pay, order.can_cancel, order.confirmation_url is not None) == (pay, cancel, confirm)
