"""The audit of a run: compares our tables with the payment provider's ledger and the inbox."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable

import httpx2

from sandbox.standins.controls import LedgerItem
from sandbox.standins.inbox.messages import MessageItem
from services import db
from services.db import Database
from services.money import Money
from services.reconcile import Check, check_tables

#: The outbox and the messages have drained when this invariant holds.
DRAINED = "I12"
MAX_VIOLATIONS = 20
#: What the provider must have kept for each order. A manual refund leaves its amount at the provider.
_EXPECTED = (
    "SELECT o.id, o.status, o.currency, array_agg(p.id::text) AS payments,"
    " CASE WHEN o.status = 'confirmed' THEN o.total_minor ELSE 0 END"
    " - coalesce(sum(p.refunded_minor) FILTER (WHERE p.id = o.paid_by AND o.status = 'confirmed'), 0)"
    " + (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.refunds r"
    "     WHERE r.order_id = o.id AND r.manual_reference IS NOT NULL) AS expected"
    "  FROM orders.orders o LEFT JOIN payments.payments p ON p.order_id = o.id GROUP BY o.id"
)
_SENT = "SELECT id::text FROM notifications.notifications WHERE status = 'sent'"
_NOT_NOTIFIED = (
    "SELECT o.id::text FROM orders.orders o WHERE o.status IN ('confirmed', 'cancelled')"
    " AND NOT EXISTS (SELECT FROM notifications.notifications n"
    " WHERE n.order_id = o.id AND n.template = 'order_' || o.status)"
)


def run_audit(database_url: str, sandbox_url: str, timeout: float = 20.0) -> list[Check]:
    """Run all checks, after waiting up to `timeout` seconds for the outbox and the messages to drain."""
    database = db.connect(database_url, pool_size=2)
    try:
        _wait(lambda: all(check.holds for check in check_tables(database, 0) if check.id == DRAINED), timeout)
        with httpx2.Client(base_url=sandbox_url, timeout=30) as sandbox:
            ledger: list[LedgerItem] = sandbox.get("/ledger").json()["items"]
            inbox: list[MessageItem] = sandbox.get("/inbox").json()["items"]
        return [*check_tables(database, 0), check_ledger(database, ledger), check_inbox(database, inbox)]
    finally:
        database.close()


def _wait(condition: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def check_ledger(database: Database, ledger: list[LedgerItem]) -> Check:
    """I5: the provider kept one charge for each confirmed order and none for others; no refund exceeds its charge."""
    with database.transaction() as tx:
        rows = tx.fetch_all(_EXPECTED)
    charges = defaultdict(list)
    for charge in ledger:
        charges[charge["reference"]].append(charge)
    violations = []
    for row in rows:
        kept = sum(_kept(charge) for payment in row.payments if payment for charge in charges.pop(payment, []))
        if kept != row.expected:
            violations.append(f"{row.id} {row.status}: {Money(kept, row.currency).text} kept at the provider")
    violations += [f"{reference}: unknown payment" for reference, items in charges.items() if any(map(_kept, items))]
    violations += [f"{charge['reference']}: refunds exceed the charge" for charge in ledger if _kept(charge) < 0]
    return Check("I5", "the provider's own ledger agrees, order by order", len(ledger), violations[:MAX_VIOLATIONS])


def _kept(charge: LedgerItem) -> int:
    captured = Money.parse(charge["amount"], charge["currency"]).minor * charge["captures"]
    returned = sum(
        Money.parse(refund["amount"], charge["currency"]).minor
        for refund in charge["refunds"]
        if refund["status"] == "succeeded"
    )
    return captured - returned


def check_inbox(database: Database, inbox: list[MessageItem]) -> Check:
    """I6: every sent message was delivered, no SMS twice, and every final order has its notification."""
    with database.transaction() as tx:
        expected = set(tx.fetch_column(_SENT))
        violations = [f"order {order_id}: no final notification" for order_id in tx.fetch_column(_NOT_NOTIFIED)]
    delivered = Counter(_message_id(item) for item in inbox)
    # A worker that is killed between sending an e-mail and storing that sends it again with the same Message-ID,
    # which mail clients show once. An SMS must not be sent twice.
    sms = {_message_id(item) for item in inbox if item["channel"] == "sms"}
    violations += [
        f"message {key}: delivered {times} times" for key, times in delivered.items() if times > 1 and key in sms
    ]
    violations += [f"message {key}: not delivered" for key in expected - set(delivered)]
    return Check("I6", "every message arrived once", len(inbox), violations[:MAX_VIOLATIONS])


def _message_id(item: MessageItem) -> str:
    headers = {name.lower(): value for name, value in item["headers"].items()}
    if item["channel"] == "sms":
        return headers["idempotency-key"]
    return headers["message-id"].strip("<>").split("@")[0]
