"""The archive of old orders: moves closed orders into it, and one back when something happens to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.archive import selection
from services.archive.moving import move
from services.archived_rows import archived
from services.clock import NOW
from services.db import Database, Executor, Transaction
from services.errors import Invalid
from services.orders.event_log import log_event

#: An order is archived so many days after the last change of its rows, at the earliest: providers send webhooks, buyers
#: ask for refunds, and messages keep their recipients until then.
YOUNGEST_DAYS = 30
#: Orders of one transaction.
BATCH = 500
# How far the clock of a process may be ahead of the database's.
_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Batch:
    """What one transaction moved."""

    orders: int = 0
    #: minor units that the ledger has for these orders, by currency
    kept_minor: Mapping[str, int] = field(default_factory=dict)
    #: the last order that was looked at; None: there are no more
    last: UUID | None = None


class OrderArchive:
    """Moves orders, each with all of its rows in one transaction. Any number of processes may do it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, before: datetime) -> None:
        """Raise Invalid for a date that is not at least YOUNGEST_DAYS ago."""
        now: datetime = self._database.fetch_value(f"SELECT {NOW}")
        newest = now - timedelta(days=YOUNGEST_DAYS)
        if before > newest:
            raise Invalid(
                f"Orders are archived {YOUNGEST_DAYS} days after their last change: give a day until {newest:%Y-%m-%d}."
            )

    def count(self, before: datetime, after: UUID | None = None, limit: int = BATCH) -> tuple[int, UUID | None]:
        """How many of the next `limit` orders after an id may be archived, and the last of them; moves nothing."""
        found = self._database.fetch_column(selection.MOVABLE, selected(before, after, limit))
        return len(found), found[-1] if found else None

    def move_batch(self, before: datetime, after: UUID | None = None, limit: int = BATCH) -> Batch:
        """Archive at most `limit` closed orders after an id whose rows have not changed since `before`, oldest first.

        Orders that another process works on are left out. Raises Invalid (as `check`), Unavailable, MovedWrongly.
        """
        self.check(before)

        def run(tx: Transaction) -> Batch:
            locked = tx.fetch_column(selection.LOCKED, selected(before, after, limit))
            if not locked:
                return Batch()
            ids = tx.fetch_column(selection.WITH_LOCKED_PAYMENTS, {"orders": locked})
            # What was committed between the first statement and the locks is seen by this one.
            ids = tx.fetch_column(selection.STILL_MOVABLE, {"orders": ids, "before": before})
            content = move(tx, ids)
            kept = Counter[str]()
            for row in content:
                if row.what == "ledger":
                    kept[row.currency] += int(row.total)
            return Batch(len(ids), kept, locked[-1])

        return self._database.run_in_transaction(run)

    def bring_back(self, order_id: UUID) -> bool:
        """Move an order back from the archive; False when it is not there. It stays for RESTORED_DAYS at least."""
        return self._database.run_in_transaction(lambda tx: _bring_back(tx, order_id))

    def bring_back_payment(self, payment: UUID | str) -> bool:
        """Move the order of an archived payment back: ours by its id, or the provider's; False when it is not there."""
        column = "id" if isinstance(payment, UUID) else "provider_id"
        statement = archived(f"SELECT order_id FROM payments.payments WHERE {column} = %(payment)s")  # noqa: S608 - one of two names
        order_id: UUID | None = self._database.fetch_value(statement, {"payment": payment})
        return order_id is not None and self.bring_back(order_id)


def selected(before: datetime, after: UUID | None, limit: int) -> dict[str, object]:
    """The parameters of `selection`."""
    until = UUID(int=int((before + _SKEW).timestamp() * 1000) << 80)
    return {"before": before, "after": after, "until": until, "limit": limit}


_BUYER = archived("SELECT buyer_id FROM orders.orders WHERE id = %(id)s")
_LOCK = archived("SELECT id FROM orders.orders WHERE id = %(id)s FOR UPDATE")
# An erasure of the buyer updates the tables, then the archive: an order must not go from the second to the first then.
_LOCK_BUYER = "SELECT pg_advisory_xact_lock(hashtextextended(%(buyer)s, 0))"
_MARK = f"UPDATE orders.orders SET restored_at = {NOW} WHERE id = %(id)s"  # noqa: S608 - a constant


def _bring_back(tx: Executor, order_id: UUID) -> bool:
    buyer_id = tx.fetch_value(_BUYER, {"id": order_id})
    if buyer_id is None:
        return False
    tx.execute(_LOCK_BUYER, {"buyer": str(buyer_id)})
    if tx.fetch_value(_LOCK, {"id": order_id}) is None:
        return True  # another process has moved it back meanwhile
    move(tx, [order_id], back=True)
    tx.execute(_MARK, {"id": order_id})
    log_event(tx, order_id, "restored")
    return True
