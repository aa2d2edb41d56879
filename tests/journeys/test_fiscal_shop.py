"""A shop that must send fiscal receipts, under the limits of the real provider; and one that was not configured."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest

from sandbox.layout import ROOT
from sandbox.settings import StackSettings
from tests.journeys.canaries import Canaries, events, histories, logs, stored_files
from tests.journeys.conftest import running
from tests.journeys.customers import answered, problem
from tests.journeys.shop import CHEAP_PASSWORDS, PRICE, Shop
from tests.journeys.waiting import until

CONFIGURED = {"PAYMENT_RECEIPTS": "on", "PAYMENT_LIMITS": "live"}


@pytest.fixture(scope="module")
def fiscal_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("fiscal"))
    with running(replace(settings, env=CHEAP_PASSWORDS | CONFIGURED)) as opened:
        yield opened
        assert opened.violations() == []


def refund(shop: Shop, order_id: str, payment_id: str, amount: str) -> dict[str, object]:
    argv = [sys.executable, "-m", "services", "token", "--role", "operator", "--name", "anna"]
    environment = shop.stack.environment
    minted = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    headers = {"Authorization": f"Bearer {minted.stdout.strip()}"}
    body = {"orderId": order_id, "paymentId": payment_id, "amount": amount}
    with httpx2.Client(base_url=shop.stack.addresses.api, headers=headers) as api:
        return answered(api.post("/api/v1/refunds", json=body), 201)


def test_T176_orders_of_a_fiscal_shop_are_paid_and_refunded(fiscal_shop: Shop) -> None:
    buyer = fiscal_shop.customer()
    bought = buyer.place(fiscal_shop.product(), quantity=3, card="tok_succeeds")
    order = buyer.wait_for_end(bought)
    assert order["status"] == "confirmed"
    made = refund(fiscal_shop, bought, order["payment"]["paymentId"], "1000.01")
    assert made["status"] == "succeeded"

    cancelled = buyer.place(fiscal_shop.product(), phone=fiscal_shop.paying("phone", "answers_later"))
    buyer.wait_for_event(cancelled, "payment_waiting")
    answered(buyer.step(cancelled, "cancel"), 202)
    assert buyer.wait_for_end(cancelled)["refundedAmount"] == PRICE

    canaries, folder = Canaries({"customer": buyer.address}), fiscal_shop.stack.settings.data_dir
    kept = logs(folder) | stored_files(folder) | asyncio.run(of_workflows(fiscal_shop))
    assert {name: found for name, content in kept.items() if (found := canaries.found_in(content))} == {}


async def of_workflows(shop: Shop) -> dict[str, bytes]:
    return await histories(await shop.temporal())


def test_T173_an_order_above_the_limit_of_the_phone_is_refused(fiscal_shop: Shop) -> None:
    buyer, product = fiscal_shop.customer(), fiscal_shop.product()
    answer = buyer.post_order(product, quantity=12, phone="+79000000001")
    assert problem(answer) == (422, "validation-error")
    assert answer.json()["bounds"]["maxAmount"] == "15000.00"
    assert buyer.orders() == []


def test_T175_T176_a_fiscal_shop_without_receipts_cancels_and_says_why(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("unconfigured"))
    with running(replace(settings, env=CHEAP_PASSWORDS | {"FISCAL_SHOP": "on"})) as shop:
        buyer = shop.customer("en")
        order_id = buyer.place(shop.product(), card="tok_succeeds")

        order = buyer.wait_for_end(order_id)

        assert (order["status"], order["cancelReason"]) == ("cancelled", "payment_unavailable")
        assert order["payments"][0]["status"] == "failed"
        until(lambda: any("reason on our side" in mail["text"] for mail in shop.inbox(buyer.address)))
        assert shop.metric("orders_ended_total", outcome="payment_unavailable") == 1
        written = events(logs(shop.stack.settings.data_dir)["workers.log"])
        refusals = [each for each in written if each["event"] == "payments.refused"]
        assert [(each["level"], each["code"], each["parameter"]) for each in refusals] == [
            ("error", "invalid_request", "receipt")
        ]
        assert shop.violations() == []
