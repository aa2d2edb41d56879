"""Signed status reports from the provider and refunds by an operator, with all processes running."""

from __future__ import annotations

import subprocess
import sys

import httpx2
import pytest

from sandbox.layout import ROOT
from tests.journeys.customers import Customer, answered
from tests.journeys.shop import PRICE, Shop
from tests.journeys.waiting import until


@pytest.fixture(scope="module")
def operator(shop: Shop) -> dict[str, str]:
    """Request headers with an operator's token."""
    argv = [sys.executable, "-m", "services", "token", "--role", "operator", "--name", "anna"]
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
    until(lambda: [mailed(shop, buyer, amount) for amount in ("299.00", "100.00")], all)


def test_a_refund_made_on_the_providers_page_is_shown_and_mailed(shop: Shop) -> None:
    buyer = shop.customer()
    order_id = buyer.place(shop.product(), card="tok_succeeds")
    order = buyer.wait_for_status(order_id, "confirmed")
    (charge,) = shop.ledger(order)
    environment = shop.stack.environment
    credentials = environment["YOOKASSA_SHOP_ID"], environment["YOOKASSA_SECRET_KEY"]
    with httpx2.Client(base_url=shop.stack.addresses.sandbox, auth=credentials) as page:
        body = {"payment_id": charge["paymentId"], "amount": {"value": "299.00", "currency": "RUB"}}
        answered(page.post("/v3/refunds", json=body, headers={"Idempotence-Key": "by hand"}), 200)
    until(lambda: mailed(shop, buyer, "299.00"))
    refund = buyer.order(order_id)["refund"]
    assert (refund["status"], refund["amount"]) == ("succeeded", "299.00")


def mailed(shop: Shop, buyer: Customer, amount: str) -> bool:
    """Whether the buyer got a mail with this amount."""
    # With the character before it, 299.00 is not found in the total of 1,299.00.
    formats = (f" {amount}", f"RUB{amount}", f"RUB\u00a0{amount}")
    return any(text in mail["text"] for text in formats for mail in shop.inbox(buyer.address))
