"""What must hold after a run: the tables, the workflows, the provider's ledger and the inbox agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.demo.audit import run_audit
from sandbox.standins.provider.test_cards import Behaviour
from services.reconcile.findings import Check
from tests.soak.buyers import Placed
from tests.soak.system import System

#: An order that is paid by one of these is never confirmed.
NEVER_CONFIRMED = (Behaviour.DECLINES, Behaviour.WRONG_AMOUNT)
_ORDERS = "SELECT id::text, status FROM orders.orders"


@dataclass(frozen=True)
class Violation:
    """A sentence, and the orders that it is about."""

    sentence: str
    orders: tuple[str, ...] = ()


def violations(system: System, placed: Sequence[Placed]) -> list[Violation]:
    """All violations, from the same audit as the demo's, `reconcile`, and the plan of the buyers."""
    addresses = system.stack.addresses
    audited = [_of_check(check) for check in run_audit(addresses.database, addresses.sandbox, timeout=5)]
    found = [violation for each in [*audited, reconciled(system)] for violation in each]
    statuses = {row.id: row.status for row in system.rows(_ORDERS)}
    return [*found, *ends(statuses, placed), *captured_twice(system.ledger())]


def reconciled(system: System) -> list[Violation]:
    """What `python -m services reconcile` reports, all sources included."""
    result = system.run("reconcile", "--json", "--lag", "0")
    if not result.stdout:
        return [Violation(f"reconcile failed: {result.stderr}")]
    report = json.loads(result.stdout)
    found = [
        Violation(f"reconcile, {check['id']}: {each['sentence']} {each['ids']}", _orders_in(each["ids"]))
        for check in report["checks"]
        for each in check["violations"]
    ]
    unchecked = [check for check in report["checks"] if check["unchecked"]]
    return found + [Violation(f"reconcile, {each['id']} was not checked: {each['unchecked']}") for each in unchecked]


def ends(statuses: Mapping[str, str], placed: Sequence[Placed]) -> list[Violation]:
    """Every order that was answered exists and has ended, as its card allows; no other order exists."""
    found = []
    for one in placed:
        status = statuses.get(one.order_id or "", "missing")
        if one.order_id is None:
            found.append(Violation(f"order number {one.number} of the plan was never answered"))
        elif status not in ("confirmed", "cancelled"):
            found.append(Violation(f"an order is {status}", (one.order_id,)))
        elif status == "confirmed" and one.planned.behaviour in NEVER_CONFIRMED:
            found.append(Violation(f"an order is confirmed with a card that {one.planned.behaviour}", (one.order_id,)))
    # I8: a request that is repeated with its key makes no second order.
    extra = set(statuses) - {str(one.order_id) for one in placed}
    return found + [Violation("an order was never returned to its buyer", (order_id,)) for order_id in sorted(extra)]


def captured_twice(ledger: Sequence[Mapping[str, Any]]) -> list[Violation]:
    """Payments of ours that the provider captured more than once, refunded or not."""
    captures = Counter(str(payment["reference"]) for payment in ledger if payment["captures"])
    return [
        Violation(f"payment {reference} was captured {times} times")
        for reference, times in captures.items()
        if times > 1
    ]


def _of_check(check: Check) -> list[Violation]:
    found = [Violation(f"{check.id}: {each}", _orders_in(dict(each.ids))) for each in check.violations]
    return found + ([Violation(f"{check.id} was not checked: {check.unchecked}")] if check.unchecked else [])


def _orders_in(ids: dict[str, str]) -> tuple[str, ...]:
    return (ids["order"],) if "order" in ids else ()
