"""The payment provider's ledger: payments and refunds, separate from the order system's database."""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, reference TEXT, method TEXT NOT NULL,
  instrument TEXT NOT NULL, value TEXT NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, metadata TEXT NOT NULL,
  description TEXT, return_url TEXT, cancel_reason TEXT, captured_ms INTEGER, created_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS payments_reference ON payments (reference);
CREATE TABLE IF NOT EXISTS refunds (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, payment_id TEXT NOT NULL, value TEXT NOT NULL,
  currency TEXT NOT NULL, status TEXT NOT NULL, description TEXT, created_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_payment ON refunds (payment_id);
"""
ADD_PAYMENT = """
INSERT INTO payments (id, reference, method, instrument, value, currency, status, metadata, description, return_url,
  cancel_reason, captured_ms, created_ms)
VALUES (:id, :reference, :method, :instrument, :value, :currency, :status, :metadata, :description, :return_url,
  :cancel_reason, :captured_ms, :created_ms)
"""
ADD_REFUND = """
INSERT INTO refunds (id, payment_id, value, currency, status, description, created_ms)
VALUES (:id, :payment_id, :value, :currency, :status, :description, :created_ms)
"""
FINISH = """
UPDATE payments SET status = :status, value = :value, cancel_reason = :cancel_reason, captured_ms = :captured_ms
WHERE id = :id AND status = 'pending'
"""


class Status(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


def now_ms() -> int:
    """The current time in Unix milliseconds, the provider's resolution."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A new provider id: a random UUID."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Payment:
    """A payment; `instrument` is the card token or phone, `value` a decimal string in `currency`."""

    method: str
    instrument: str
    value: str
    currency: str
    status: Status = Status.PENDING
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    return_url: str | None = None
    cancel_reason: str | None = None
    captured_ms: int | None = None
    id: str = field(default_factory=new_id)
    created_ms: int = field(default_factory=now_ms)
    seq: int = 0

    @property
    def reference(self) -> str | None:
        """The shop's id of this payment."""
        return self.metadata.get("reference")


@dataclass(frozen=True)
class Refund:
    """A refund; a canceled one returned no money."""

    payment_id: str
    value: str
    currency: str
    status: Status
    description: str | None = None
    id: str = field(default_factory=new_id)
    created_ms: int = field(default_factory=now_ms)
    seq: int = 0


@dataclass(frozen=True)
class Filter:
    """Conditions of a list query: constant SQL with bound values."""

    conditions: tuple[str, ...] = ()
    values: tuple[str | int, ...] = ()

    def also(self, condition: str, value: str | int) -> "Filter":
        """This filter with one more condition, for example `status = ?`."""
        return Filter((*self.conditions, condition), (*self.values, value))

    @property
    def where(self) -> str:
        """The WHERE clause; empty without conditions."""
        return f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


class Ledger:
    """Reads and writes the ledger; writes join the caller's transaction, if there is one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def add_payment(self, payment: Payment) -> None:
        """Insert a payment."""
        columns = {"reference": payment.reference, "metadata": json.dumps(payment.metadata)}
        self.db.execute(ADD_PAYMENT, vars(payment) | columns)

    def finish(self, payment: Payment) -> bool:
        """Store the final state of a pending payment; False when it was already final."""
        return self.db.execute(FINISH, vars(payment) | {"metadata": None}).rowcount == 1

    def add_refund(self, refund: Refund) -> None:
        """Insert a refund."""
        self.db.execute(ADD_REFUND, vars(refund))

    def payment(self, payment_id: str) -> Payment | None:
        """The payment with this provider id, or None."""
        row = self.db.execute("SELECT * FROM payments WHERE id = ?", (payment_id,)).fetchone()
        return None if row is None else _payment(row)

    def refund(self, refund_id: str) -> Refund | None:
        """The refund with this provider id, or None."""
        row = self.db.execute("SELECT * FROM refunds WHERE id = ?", (refund_id,)).fetchone()
        return None if row is None else _refund(row)

    def payments(self, filter_: Filter, limit: int = -1) -> list[Payment]:
        """Payments, newest first; a negative `limit` returns all."""
        query = f"SELECT * FROM payments{filter_.where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - conditions are constants of this package
        return [_payment(row) for row in self.db.execute(query, (*filter_.values, limit))]

    def refunds(self, filter_: Filter, limit: int = -1) -> list[Refund]:
        """Refunds, newest first; a negative `limit` returns all."""
        query = f"SELECT * FROM refunds{filter_.where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - conditions are constants of this package
        return [_refund(row) for row in self.db.execute(query, (*filter_.values, limit))]

    def refunds_of(self, payment_id: str) -> list[Refund]:
        """All refunds of one payment."""
        return self.refunds(Filter().also("payment_id = ?", payment_id))


def sum_refunded(refunds: Iterable[Refund]) -> Decimal:
    """The sum of successful refunds, in their currency."""
    return sum((Decimal(refund.value) for refund in refunds if refund.status is Status.SUCCEEDED), Decimal(0))


def _payment(row: sqlite3.Row) -> Payment:
    columns: dict[str, Any] = {name: row[name] for name in row.keys() if name != "reference"}  # noqa: SIM118 - iterating a sqlite3.Row yields values
    return Payment(**columns | {"status": Status(row["status"]), "metadata": json.loads(row["metadata"])})


def _refund(row: sqlite3.Row) -> Refund:
    columns: dict[str, Any] = dict(zip(row.keys(), row, strict=True))
    return Refund(**columns | {"status": Status(row["status"])})
