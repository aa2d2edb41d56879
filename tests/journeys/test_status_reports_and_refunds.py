"""Signed status reports from the provider and refunds by an operator, with all processes running."""

from __future__ import annotations

import subprocess
import sys

import httpx2
import pytest

from sandbox.layout import ROOT
from tests.journeys.customers import answered
from tests.journeys.shop import PRICE, Shop
from tests.journeys.waiting import until


@pytest.fixture(scope="module")
def operator(shop: Shop) -> dict[str, str]:
    """Request headers with an operator's token."""
    argv = [sys.executable, "-m", "services", "token", "--role", "operator"]
    environment = shop.stack.environment
    minted = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return {"Authorization": f"Bearer {minted.stdout.strip()}"}


def test_a_signed_status_report_triggers_a_look_up_that_confirms_the_order(shop: Shop) -> None:
    card = "tok_answers_later_1"
    with httpx2.Client(base_url=shop.stack.addresses.sandbox) as sandbox:
        webhooks = {"script": card, "generic": True}
        assert sandbox.post("/webhooks", json=webhooks).status_code == 204
        buyer = shop.customer()
        order_id = buyer.place(shop.product(), card=card)
        buyer.wait_for_status(order_id, "confirmed")
        assert sandbox.request("DELETE", "/webhooks").status_code == 204
    stored = "SELECT event FROM payments.inbox WHERE webhook_id LIKE 'notify:%' AND event = 'succeeded'"
    until(lambda: shop.rows(stored) == [("succeeded",)])


def test_an_operator_refunds_in_parts_and_the_buyer_gets_a_mail_for_each(shop: Shop, operator: dict[str, str]) -> None:
    buyer = shop.customer()
    order_id = buyer.place(shop.product(), card="tok_succeeds")
    order = buyer.wait_for_status(order_id, "confirmed")
    payment_id = order["payment"]["paymentId"]
    with httpx2.Client(base_url=shop.stack.addresses.api, headers=operator) as api:
        for amount in ("299.00", "100.00"):
            body = {"orderId": order_id, "paymentId": payment_id, "amount": amount}
            made = answered(api.post("/api/v1/refunds", json=body), 201)
            assert made["status"] == "succeeded"
        shown = answered(api.get(f"/api/v1/payments/{payment_id}"), 200)
    assert (shown["status"], shown["amount"]) == ("partially_refunded", PRICE)
    (charge,) = shop.ledger(order)
    assert [refund["amount"] for refund in charge["refunds"]] == ["299.00", "100.00"]
    # With the character before it, 299.00 is not found in the total of 1,299.00.
    formats = (" 299.00", "RUB299.00", "RUB\u00a0299.00"), (" 100.00", "RUB100.00", "RUB\u00a0100.00")

    def mailed() -> list[bool]:
        mails = [mail["text"] for mail in shop.inbox(buyer.address)]
        return [any(amount in text for amount in amounts for text in mails) for amounts in formats]

    until(mailed, all)
