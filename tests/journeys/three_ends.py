"""Three orders with three ends: they hold whatever runs the steps and whatever stands before the database."""

from __future__ import annotations

from typing import Any

from tests.journeys.customers import Customer, answered
from tests.journeys.shop import STOCK, Shop
from tests.journeys.waiting import until

_WAYS = {"straight": "succeeds", "declined": "declines", "cancelled": "answers_later"}


def reach_three_ends(shop: Shop, customer: Customer) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Place an order that is confirmed, one that is declined and one that its buyer cancels while it is paid.

    Returns their ids by how they end, and the buyer's messages.
    """
    product = shop.product()
    ids = {name: customer.place(product, card=shop.paying("card", behaviour)) for name, behaviour in _WAYS.items()}
    customer.wait_for_event(ids["cancelled"], "payment_waiting")
    assert answered(customer.step(ids["cancelled"], "cancel"), 202)["status"] == "cancelling"

    ends = {name: customer.wait_for_end(order_id) for name, order_id in ids.items()}
    assert {name: (order["status"], order["cancelReason"]) for name, order in ends.items()} == {
        "straight": ("confirmed", None),
        "declined": ("cancelled", "payment_declined"),
        "cancelled": ("cancelled", "buyer_request"),
    }
    assert shop.stock(product) == (STOCK - 1, 0, 1)
    kept = {
        name: [(charge["captures"], len(charge["refunds"])) for charge in shop.ledger(order)]
        for name, order in ends.items()
    }
    assert kept == {"straight": [(1, 0)], "declined": [(0, 0)], "cancelled": [(1, 1)]}
    return ids, until(lambda: shop.inbox(customer.address), lambda found: len(found) == 8)
