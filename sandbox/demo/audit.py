"""The audit of a run: compares our tables with the payment provider's ledger and the inbox."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import httpx2

from sandbox.standins.controls import LedgerItem
from sandbox.standins.inbox.messages import MessageItem
from services import db
from services.db import Database
from services.money import Money
from services.reconcile.findings import Check, Finding, Findings
from services.reconcile.scope import Scope
from services.reconcile.tables import check_tables

#: The outbox and the messages have drained when this invariant holds.
DRAINED = "I12"
#: Commands and messages may not be under way any more.
_NOW = Scope(lag=0)
#: What the provider must have kept for each order. A manual refund leaves its amount at the provider.
_EXPECTED = (
    "SELECT o.id, o.status, o.currency, array_agg(p.id::text) AS payments,"
    " CASE WHEN o.status = 'confirmed' THEN o.total_minor ELSE 0 END"
    " - coalesce(sum(p.refunded_minor) FILTER (WHERE p.id = o.paid_by AND o.status = 'confirmed'), 0)"
    " + (SELECT coalesce(sum(r.amount_minor), 0) FROM payments.refunds r"
    "     WHERE r.order_id = o.id AND r.manual_reference IS NOT NULL) AS expected"
    "  FROM orders.orders o LEFT JOIN payments.payments p ON p.order_id = o.id GROUP BY o.id"
)
#: Messages that are read from the inbox at once.
INBOX_PAGE = 500
_SENT = "SELECT id::text FROM notifications.notifications WHERE status = 'sent'"
_BALANCE = (
    "SELECT (SELECT coalesce(sum(total_minor), 0) FROM orders.orders WHERE status = 'confirmed')::bigint AS confirmed,"
    " (SELECT coalesce(sum(amount_minor), 0) FROM payments.ledger)::bigint AS captured"
)
_SUPPRESSED = "SELECT id::text FROM notifications.notifications WHERE status = 'suppressed'"
_NOT_NOTIFIED = (
    "SELECT o.id::text FROM orders.orders o WHERE o.status IN ('confirmed', 'cancelled')"
    " AND NOT EXISTS (SELECT FROM notifications.notifications n"
    " WHERE n.order_id = o.id AND n.template = 'order_' || o.status)"
)


@dataclass(frozen=True)
class Balance:
    """The money of all orders by three records, in minor units; they agree when every order is final."""

    #: total of the confirmed orders
    confirmed: int
    #: captured less refunded, by the ledger of the shop
    captured: int
    #: captured less refunded, by the provider
    provider: int


def read_balance(database_url: str, sandbox_url: str) -> Balance:
    """The balance at this moment."""
    database = db.connect(database_url, pool_size=1)
    try:
        with database.transaction() as tx:
            (row,) = tx.fetch_all(_BALANCE)
    finally:
        database.close()
    ledger: list[LedgerItem] = httpx2.get(f"{sandbox_url}/ledger", timeout=60).json()["items"]
    return Balance(row.confirmed, row.captured, sum(map(kept, ledger)))


def run_audit(database_url: str, sandbox_url: str, timeout: float = 20.0) -> list[Check]:
    """Run all checks, after waiting up to `timeout` seconds for the outbox and the messages to drain.

    A payment that is settled late queues a command after they have: then they are waited for again.
    """
    deadline = time.monotonic() + timeout
    database = db.connect(database_url, pool_size=2)
    try:
        while True:
            _wait(lambda: _drained(check_tables(database, _NOW)), deadline)
            with httpx2.Client(base_url=sandbox_url, timeout=30) as sandbox:
                ledger: list[LedgerItem] = sandbox.get("/ledger").json()["items"]
                inbox = check_inbox(database, _messages(sandbox))
            checks = [*check_tables(database, _NOW), check_ledger(database, ledger), inbox]
            if _drained(checks) or time.monotonic() > deadline:
                return checks
    finally:
        database.close()


def _drained(checks: Iterable[Check]) -> bool:
    return all(check.holds for check in checks if check.id == DRAINED)


def _messages(sandbox: httpx2.Client) -> Iterator[MessageItem]:
    after = 0
    while items := sandbox.get("/inbox", params={"after": after, "limit": INBOX_PAGE}).json()["items"]:
        yield from items
        after = items[-1]["id"]


def _wait(condition: Callable[[], bool], deadline: float) -> None:
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def check_ledger(database: Database, ledger: list[LedgerItem]) -> Check:
    """I5: the provider kept one charge for each confirmed order and none for others; no refund exceeds its charge."""
    with database.transaction() as tx:
        rows = tx.fetch_all(_EXPECTED)
    charges = defaultdict(list)
    for charge in ledger:
        charges[charge["reference"]].append(charge)
    found = Findings()
    for row in rows:
        amount_kept = sum(kept(charge) for payment in row.payments if payment for charge in charges.pop(payment, []))
        if amount_kept != row.expected:
            amount = f"{Money(amount_kept, row.currency).text} {row.currency}"
            found.add(
                Finding(f"The provider keeps {amount} for an order that is {row.status}.", {"order": str(row.id)})
            )
    for reference in (reference for reference, items in charges.items() if any(map(kept, items))):
        found.add(Finding("The provider keeps money of a payment that we do not know.", {"payment": str(reference)}))
    for charge in (charge for charge in ledger if kept(charge) < 0):
        found.add(Finding("The provider refunded more than it captured.", {"payment": str(charge["reference"])}))
    return found.as_check("I5", "the provider's own ledger agrees, order by order", len(ledger))


def kept(charge: LedgerItem) -> int:
    """What the provider keeps of a charge: captured less returned, in minor units."""
    captured = Money.parse(charge["amount"], charge["currency"]).minor * charge["captures"]
    returned = sum(
        Money.parse(refund["amount"], charge["currency"]).minor
        for refund in charge["refunds"]
        if refund["status"] == "succeeded"
    )
    return captured - returned


def check_inbox(database: Database, inbox: Iterable[MessageItem]) -> Check:
    """I6: every sent message was delivered, no SMS twice, none over a budget, and every final order has its message."""
    with database.transaction() as tx:
        expected = set(tx.fetch_column(_SENT))
        suppressed = set(tx.fetch_column(_SUPPRESSED))
        unnotified = tx.fetch_column(_NOT_NOTIFIED)
    found = Findings()
    for order_id in unnotified:
        found.add(Finding("No message says how the order ended.", {"order": order_id}))
    delivered: Counter[str] = Counter()
    sms = set()
    for item in inbox:
        key = _message_id(item)
        delivered[key] += 1
        if item["channel"] == "sms":
            sms.add(key)
    # A worker that is killed between sending an e-mail and storing that sends it again with the same Message-ID,
    # which mail clients show once. An SMS must not be sent twice.
    for key in (key for key, times in delivered.items() if times > 1 and key in sms):
        found.add(Finding(f"An SMS was delivered {delivered[key]} times.", {"message": key}))
    for key in expected - set(delivered):
        found.add(Finding("A message that was sent did not arrive.", {"message": key}))
    for key in suppressed & set(delivered):
        found.add(Finding("A message over its budget was sent all the same.", {"message": key}))
    return found.as_check("I6", "every message arrived once", delivered.total())


def _message_id(item: MessageItem) -> str:
    headers = {name.lower(): value for name, value in item["headers"].items()}
    if item["channel"] == "sms":
        return headers["idempotency-key"]
    return headers["message-id"].strip("<>").split("@")[0]
