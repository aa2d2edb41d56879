"""The verdict on a run: our tables, the payment provider's own ledger and the inbox must tell one story."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import httpx2
from sqlalchemy import text

from services import db
from services.db import Sessions
from services.money import Money
from services.reconcile import Check, check_tables


def verdict(database_url: str, sandbox_url: str, patience: float = 20.0) -> list[Check]:
    """Every check, after waiting (seconds) for outbox and messages to drain."""
    engine = db.connect(database_url, pool_size=2)
    try:
        sessions = Sessions(engine)
        _until(lambda: all(check.holds for check in check_tables(sessions, 0) if check.id == "I12"), patience)
        with httpx2.Client(base_url=sandbox_url, timeout=30) as world:
            ledger = world.get("/ledger").json()["items"]
            inbox = world.get("/inbox").json()["items"]
        return [*check_tables(sessions, 0), check_ledger(sessions, ledger), check_inbox(sessions, inbox)]
    finally:
        engine.dispose()


def _until(holds: Callable[[], bool], patience: float) -> None:
    ends = time.monotonic() + patience
    while not holds() and time.monotonic() < ends:
        time.sleep(0.1)


def check_ledger(sessions: Sessions, ledger: list[dict[str, Any]]) -> Check:
    """At the provider: one charge kept for a confirmed order, none for any other, no charge refunded twice."""
    with sessions.begin() as session:
        rows = session.execute(
            text(
                # What an operator settled by hand stays at the provider; what is refunded of a confirmed order leaves
                "SELECT o.id, o.status, o.currency, array_agg(p.id::text) AS payments,"
                " CASE WHEN o.status = 'confirmed' THEN o.total_minor ELSE 0 END"
                " - coalesce(sum(p.refunded_minor) FILTER (WHERE p.id = o.paid_by AND o.status = 'confirmed'), 0)"
                " + (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.refunds r"
                "     WHERE r.order_id = o.id AND r.manual_reference IS NOT NULL) AS expected"
                "  FROM orders.orders o LEFT JOIN payments.payments p ON p.order_id = o.id GROUP BY o.id"
            )
        ).all()
    charges = defaultdict(list)
    for charge in ledger:
        charges[charge["reference"]].append(charge)
    wrong = []
    for row in rows:
        kept = sum(_kept(charge) for payment in row.payments if payment for charge in charges.pop(payment, []))
        if kept != row.expected:
            wrong.append(f"{row.id} {row.status}: {Money(kept, row.currency).text} kept at the provider")
    wrong += [f"{reference}: unknown to us" for reference, items in charges.items() if any(map(_kept, items))]
    wrong += [f"{charge['reference']}: refunded beyond the charge" for charge in ledger if _kept(charge) < 0]
    return Check("I5", "the provider's own ledger agrees, order by order", len(ledger), wrong[:20])


def _kept(charge: dict[str, Any]) -> int:
    amount = Money.parse(charge["amount"], charge["currency"]).minor * int(charge["captures"])
    returned = sum(
        Money.parse(refund["amount"], charge["currency"]).minor
        for refund in charge["refunds"]
        if refund["status"] == "succeeded"
    )
    return amount - returned


def check_inbox(sessions: Sessions, inbox: list[dict[str, Any]]) -> Check:
    """Each (order, event, channel) is visible once: every message sent has arrived, no SMS twice."""
    with sessions.begin() as session:
        sent = session.execute(text("SELECT id::text FROM notifications.notifications WHERE status = 'sent'")).scalars()
        expected = set(sent)
        untold = session.execute(
            text(
                "SELECT o.id::text FROM orders.orders o WHERE o.status IN ('confirmed', 'cancelled')"
                " AND NOT EXISTS (SELECT FROM notifications.notifications n"
                " WHERE n.order_id = o.id AND n.template = 'order_' || o.status)"
            )
        ).scalars()
        wrong = [f"order {order_id}: its end was not told" for order_id in untold]
    seen = Counter(_message_id(item) for item in inbox)
    # A mail whose sender died before writing it down comes again under the same Message-ID: readers show it once.
    texts = {_message_id(item) for item in inbox if item["channel"] == "sms"}
    wrong += [f"message {key}: delivered {times} times" for key, times in seen.items() if times > 1 and key in texts]
    wrong += [f"message {key}: not delivered" for key in expected - set(seen)]
    return Check("I6", "every message arrived once", len(inbox), wrong[:20])


def _message_id(item: dict[str, Any]) -> str:
    headers = {name.lower(): value for name, value in item["headers"].items()}
    if item["channel"] == "sms":
        return str(headers["idempotency-key"])
    return str(headers["message-id"]).strip("<>").split("@")[0]
