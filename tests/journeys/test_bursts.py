"""More orders at once than the shop can take (FAULTS F75)."""

from __future__ import annotations

from tests.journeys.load import Load
from tests.journeys.shop import STOCK, Shop

#: About ten times as many buyers at once as the shop serves best with; each sends the next order at once.
BUYERS = 80
#: Orders that the burst waits for: the shop takes them much faster than it processes them.
ORDERS = 100


def test_F75_a_burst_is_accepted_or_refused_and_every_accepted_order_ends(parts: Shop) -> None:
    load = Load(parts, buyers=BUYERS)
    with load.running():
        load.wait_for_orders(ORDERS)
    assert load.statuses.keys() <= {201, 429, 503}
    accepted = len(load.orders)
    assert accepted >= ORDERS
    assert load.ends() == {"confirmed"}
    assert parts.stock(load.product) == (STOCK - accepted, 0, accepted)
