"""The orders for which nothing is due, by the rule of invariant I14."""

from __future__ import annotations

from uuid import UUID

from services.db import Database
from services.orders.status import NO_PROGRESS
from services.reconcile.invariants.standstill import stalled_orders

#: Seconds after the last timer of an order until it counts as stalled: more than recovery takes.
GRACE = 300.0

# A stalled order stays one while a person is asked for just because of that.
_STALLED = f"""
    SELECT order_id FROM ({stalled_orders(f"o.attention_reasons <@ ARRAY['{NO_PROGRESS}']")}) AS stalled
     ORDER BY order_id LIMIT %(limit)s
    """  # noqa: S608 - only constants


class StalledOrders:
    """What the job `watch-orders` asks the tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, limit: int) -> list[UUID]:
        """At most `limit` open orders that are stalled and need no person for another reason."""
        return self._database.fetch_column(_STALLED, {"grace": GRACE, "limit": limit})
