"""Builders of orders, charges and results of the test cards run."""

from __future__ import annotations

from sandbox.demo.buyers import Order, PaymentMethods
from sandbox.demo.card_results import CardCase, CardResult
from sandbox.demo.invoices import Outcome, PlannedOrder
from sandbox.standins.controls import LedgerItem
from sandbox.standins.provider.test_cards import Behaviour, Method

PAID = CardCase("tok_succeeds", Method.CARD, Behaviour.SUCCEEDS)
CANCELLED = CardCase("tok_refund_fails_3", Method.CARD, Behaviour.REFUND_FAILS)
METHODS = PaymentMethods("tok_succeeds", "+79000000001", "tok_declines", "tok_answers_later")


def a_planned_order(outcome: Outcome = Outcome.PAID, lines: int = 1) -> PlannedOrder:
    """A planned order over 10.00 GBP."""
    return PlannedOrder(1, "536365", "17850", {"85123A@2.50": 4}, 1000, outcome, "card", lines)


def an_order(status: str, cancel_reason: str | None = None) -> Order:
    """An order over 10.00 GBP."""
    return {
        "id": "order-1",
        "status": status,
        "totalAmount": "10.00",
        "currency": "GBP",
        "cancelReason": cancel_reason,
        "payment": None,
    }


def a_charge(amount: str = "10.00", *refunds: tuple[str, str], captures: int = 1) -> LedgerItem:
    """A charge with refunds, given as pairs of amount and status."""
    return {
        "paymentId": "payment-1",
        "reference": "reference-1",
        "method": "card",
        "amount": amount,
        "currency": "GBP",
        "status": "succeeded",
        "captures": captures,
        "refunds": [{"refundId": "refund-1", "amount": value, "status": status} for value, status in refunds],
        "createdAt": "2026-11-23T09:00:00.000Z",
    }


def a_result(case: CardCase, *charges: LedgerItem, status: str | None = None, manually_refunded: int = 0) -> CardResult:
    """The result of an order over 10.00 GBP; its status is the expected one unless given."""
    return CardResult(case, an_order(status or case.expected_status), list(charges), manually_refunded)
