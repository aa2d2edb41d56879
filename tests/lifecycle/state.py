"""The state of an order as far as anything depends on it: times and ids are reduced to what they decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.orders.status import UNPAID, OrderStatus
from services.payments.gateway import Outcome
from services.payments.status import UNDECIDED, PaymentStatus
from tests.fakes.gateway import FakeGateway

#: The run that drives the order, and the one before it, of which steps may still be under way.
RUNS = CURRENT, PREVIOUS = "current", "previous"

Row = Mapping[str, Any]
Tables = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class RefundFacts:
    """A refund in our tables, and what the provider says of it."""

    status: str
    known: bool
    claimed: bool
    at_provider: Outcome | None


@dataclass(frozen=True)
class PaymentFacts:
    """A payment in our tables, and what the provider says of it."""

    attempt: int
    status: PaymentStatus
    #: minor units
    captured: int
    returned: int
    late: bool
    known: bool
    claimed: bool
    at_provider: tuple[Outcome, ...]
    #: whether a webhook has reported what the provider has decided
    reported: bool
    #: minor units that the provider took and gave back
    taken_there: int
    returned_there: int
    refunds: tuple[RefundFacts, ...]

    @property
    def undecided(self) -> bool:
        return self.status in UNDECIDED


@dataclass(frozen=True)
class Hold:
    """The reservation: `reserved`, `confirmed`, or `ended`."""

    status: str
    pinned: bool = False
    is_over: bool = False


@dataclass(frozen=True)
class State:
    """The abstraction of all rows of one order, and of the provider's ledger."""

    status: OrderStatus
    #: the run that holds the order: `current`, `previous`, or neither
    claim: str | None
    has_method: bool
    methods_given: int
    #: the attempt that paid it
    paid_by: int | None
    failed_attempts: int
    by_hand: frozenset[str]
    closed_to_payments: bool
    payments: tuple[PaymentFacts, ...]
    hold: Hold | None
    #: units: available, reserved, sold
    stock: tuple[int, int, int]

    @property
    def closed(self) -> bool:
        return self.status in (OrderStatus.CONFIRMED, OrderStatus.CANCELLED)


def state_of(tables: Tables, gateway: FakeGateway, now: datetime) -> State:
    """The abstraction of the rows and of the provider at a time."""
    (order,), events = tables["orders.orders"], tables["orders.events"]
    payments = sorted(tables["payments.payments"], key=lambda row: int(row["attempt"]))
    attempts: dict[str | None, int] = {row["id"]: row["attempt"] for row in payments}
    (stock,) = tables["reservations.stocks"]
    status = OrderStatus(order["status"])
    pays = status in UNPAID  # what concerns the next attempt to pay decides nothing later
    return State(
        status=status,
        claim=order["claimed_by"] if order["claimed_by"] in RUNS else None,
        has_method=pays and order["payment_method"] is not None,
        methods_given=pays * sum(row["type"] == "payment_method_given" for row in events),
        paid_by=attempts.get(order["paid_by"]),
        failed_attempts=pays * sum(row["type"] == "payment_failed" for row in events),
        by_hand=frozenset(row["key"] for row in events if row["type"] == "resolved"),
        closed_to_payments=any(row["closed_at"] for row in tables["payments.payment_locks"]),
        payments=tuple(_payment(row, tables, gateway, now) for row in payments),
        hold=next((_reservation(row, now) for row in tables["reservations.reservations"]), None),
        stock=(stock["available"], stock["reserved"], stock["sold"]),
    )


def _payment(row: Row, tables: Tables, gateway: FakeGateway, now: datetime) -> PaymentFacts:
    reference = UUID(row["id"])
    made = gateway.payments.get(reference, [])
    inbox = [each["webhook_id"] for each in tables["payments.inbox"] if each["payment_id"] == row["id"]]
    refunds = [each for each in tables["payments.refunds"] if each["payment_id"] == row["id"]]
    return PaymentFacts(
        attempt=row["attempt"],
        status=PaymentStatus(row["status"]),
        captured=row["captured_minor"],
        returned=row["refunded_minor"],
        late=row["captured_late"],
        known=row["provider_id"] is not None,
        claimed=_lies_ahead(row["claimed_until"], now),
        at_provider=tuple(each.outcome for each in made),
        reported=any(each.startswith(made[0].outcome) for each in inbox) if made else False,
        taken_there=gateway.kept(reference) + gateway.refunded(reference),
        returned_there=gateway.refunded(reference),
        refunds=tuple(_refund(each, gateway, now) for each in sorted(refunds, key=lambda each: int(each["number"]))),
    )


def _refund(row: Row, gateway: FakeGateway, now: datetime) -> RefundFacts:
    made = gateway.refunds.get(f"refund:{row['payment_id']}:{row['number']}")
    status = "manual" if row["manual_reference"] else row["failure_code"] or row["status"]
    claimed = _lies_ahead(row["claimed_until"], now)
    return RefundFacts(status, row["provider_id"] is not None, claimed, made.outcome if made else None)


def _reservation(row: Row, now: datetime) -> Hold:
    if row["status"] in ("released", "expired"):
        return Hold("ended")
    is_over = not _lies_ahead(row["expires_at"], now)
    return Hold(row["status"], row["pinned"], row["status"] == "reserved" and is_over)


def _lies_ahead(moment: str | None, now: datetime) -> bool:
    return moment is not None and datetime.fromisoformat(moment) > now
