"""The buyer comes back from the payment provider's page, with all processes running."""

from __future__ import annotations

import httpx2

from tests.journeys.shop import Shop


def test_T195_after_3d_secure_the_buyer_lands_on_a_page_that_exists(shop: Shop) -> None:
    customer = shop.customer()
    order_id = customer.place(shop.product(), card=shop.paying("card", "confirms_on_page"))
    waiting = customer.wait_for_event(order_id, "payment_waiting")
    assert "paid" not in waiting
    page = customer.order(order_id)["payment"]["confirmationUrl"]

    decided = httpx2.post(page, data={"decision": "approve"})

    assert decided.status_code == 303
    assert decided.headers["location"] == f"{shop.stack.addresses.api}/return"
    landed = httpx2.get(decided.headers["location"], headers={"Accept-Language": "en"})
    assert (landed.status_code, "Thank you!" in landed.text) == (200, True)
    customer.wait_for_status(order_id, "confirmed")
