"""What an order's page offers, by status."""

from __future__ import annotations

from typing import Any

import pytest

from web.shop.order_view import OrderView


def view(status: str, *events: str, payment: str | None = None, refunded: str = "0.00") -> OrderView:
    paid_by = {"status": payment, "confirmationUrl": "https://provider.example/confirm"} if payment else None
    data: dict[str, Any] = {"id": "1", "status": status, "payment": paid_by, "refundedAmount": refunded}
    return OrderView(data, [{"type": event} for event in events])


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
