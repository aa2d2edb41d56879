"""A product is withdrawn or changed while its orders are open (FAULTS F63, F64)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest

from sandbox.layout import ROOT
from tests.journeys.customers import answered, problem
from tests.journeys.shop import STOCK, Shop


@pytest.fixture
def operator(shop: Shop) -> Iterator[httpx2.Client]:
    """The API for an operator."""
    argv = [sys.executable, "-m", "services", "token", "--role", "operator", "--name", "anna"]
    token = subprocess.run(argv, cwd=ROOT, env=shop.stack.environment, check=True, capture_output=True, text=True)
    headers = {"Authorization": f"Bearer {token.stdout.strip()}"}
    with httpx2.Client(base_url=f"{shop.stack.addresses.api}/api/v1", headers=headers) as client:
        yield client


def test_F64_orders_of_a_product_that_was_withdrawn_end_and_no_other_is_taken(
    shop: Shop, operator: httpx2.Client
) -> None:
    customer, product = shop.customer(), shop.product()
    card = shop.paying("card", "succeeds")
    paid, cancelled = (customer.place(product) for _ in range(2))
    waiting = customer.place(product, card="tok_succeeds_3")
    for order_id in (paid, cancelled):
        customer.wait_for_status(order_id, "reserved")
    customer.wait_for_status(waiting, "payment_pending")

    answered(operator.patch(f"/products/{product}", json={"isActive": False}), 200)
    assert problem(customer.post_order(product, card=card)) == (422, "product-unavailable")
    answered(customer.step(paid, "pay", card=card), 200, 202)
    answered(customer.step(cancelled, "cancel"), 202)

    # What was ordered stays ordered, at its price: only new orders are refused.
    ends = {order_id: customer.wait_for_end(order_id) for order_id in (paid, cancelled, waiting)}
    assert [ends[order_id]["status"] for order_id in (paid, cancelled, waiting)] == [
        "confirmed",
        "cancelled",
        "confirmed",
    ]
    assert {order["totalAmount"] for order in ends.values()} == {"1299.00"}
    assert shop.stock(product) == (STOCK - 2, 0, 2)
