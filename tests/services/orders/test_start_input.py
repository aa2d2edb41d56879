"""The stored start input of a workflow: plain JSON values only."""

from __future__ import annotations

import json
from uuid import UUID

from services.orders.start_input import OrderInput


def test_the_input_is_stored_as_json() -> None:
    order = OrderInput(UUID(int=1), UUID(int=2), 1000, "RUB", True, 1200, 900, 1, 600, False)

    stored = json.loads(json.dumps(order.to_json()))

    assert (stored["order_id"], stored["buyer_id"]) == (str(UUID(int=1)), str(UUID(int=2)))
    assert (stored["total_minor"], stored["has_method"], stored["local_lane"]) == (1000, True, False)
    assert len(stored) == 12
