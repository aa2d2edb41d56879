"""Tables of the payments service: payments, refunds, the append-only ledger, and the webhook inbox."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.payments.status import PaymentStatus, RefundStatus

SCHEMA = "payments"


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


def _now() -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class PaymentLock(SQLModel, table=True):
    """One row per order; once closed, no charge may begin for the order, not even a delayed one."""

    __tablename__ = "payment_locks"
    __table_args__ = {"schema": SCHEMA}

    order_id: UUID = Field(primary_key=True)
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Payment(SQLModel, table=True):
    """One attempt to charge for an order; its id is our reference at the provider."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(_one_of("status", PaymentStatus), name="status"),
        CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="amount"),
        CheckConstraint("refunded_minor >= 0 AND captured_minor >= refunded_minor", name="refunded"),
        Index(
            "uq_payments_live",
            "order_id",
            unique=True,
            postgresql_where=text("status NOT IN ('failed', 'refunded') AND NOT captured_late"),
        ),
        Index(
            "ix_payments_late",
            "updated_at",
            postgresql_where=text("captured_late AND captured_minor > refunded_minor"),
        ),
        Index("uq_payments_attempt", "order_id", "attempt", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID
    #: number of the attempt within the order, from 1
    attempt: int
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False))
    method: str = Field(sa_column=Column(String(8), nullable=False))
    status: str = Field(sa_column=Column(String(20), nullable=False))
    gateway: str = Field(sa_column=Column(String(16), nullable=False))
    provider_id: str | None = Field(default=None, sa_column=Column(String(80), unique=True))
    #: until then one caller has the right to call the provider; others neither look up nor charge
    claimed_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    #: when a pending payment expires at the provider
    pending_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    confirmation_url: str | None = Field(default=None, sa_column=Column(Text))
    failure_code: str | None = Field(default=None, sa_column=Column(String(64)))
    failure_message: str | None = Field(default=None, sa_column=Column(String(500)))
    captured_minor: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    refunded_minor: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    #: captured after the payment was recorded as failed: it does not pay for the order and must be refunded
    captured_late: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    #: of the first fiscal receipt: `[description, quantity, price_minor, vat_code]` each; its refunds have the same
    receipt_lines: list[Any] | None = Field(default=None, sa_column=Column(JSONB))
    created_at: datetime = Field(sa_column=_now())
    updated_at: datetime = Field(sa_column=_now())


class Refund(SQLModel, table=True):
    """A refund; `refund:<payment>:<number>` is its key at the provider, unless it was made on the provider's page."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint(_one_of("status", RefundStatus), name="status"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("uq_refunds_number", "payment_id", "number", unique=True),
        Index("ix_refunds_pending", "updated_at", postgresql_where=text("status = 'pending'")),
        Index(
            "ix_refunds_unreported", "updated_at", postgresql_where=text("reported_at IS NULL AND status <> 'pending'")
        ),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    payment_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.payments.id"), nullable=False))
    order_id: UUID = Field(index=True)
    number: int
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False))
    status: str = Field(sa_column=Column(String(12), nullable=False))
    provider_id: str | None = Field(default=None, sa_column=Column(String(80), unique=True))
    claimed_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    failure_code: str | None = Field(default=None, sa_column=Column(String(64)))
    #: the goods of the order go back to stock when the refund has succeeded
    restock: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    #: the operator's note for a refund made outside the provider, or the reason of a write-off
    manual_reference: str | None = Field(default=None, sa_column=Column(String(200)))
    #: when the result was written to the order's timeline
    reported_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(sa_column=_now())
    updated_at: datetime = Field(sa_column=_now())


class LedgerEntry(SQLModel, table=True):
    """Append-only: charges are positive, refunds and write-offs negative; the sum is the money we hold for an order.

    A `reversal` takes back what was written off and refunded after all.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint(
            "(kind IN ('charge', 'reversal') AND amount_minor > 0)"
            " OR (kind IN ('refund', 'write_off') AND amount_minor < 0)",
            name="sign",
        ),
        Index("ix_ledger_payment_id", "payment_id"),
        Index("ix_ledger_refund_id", "refund_id", postgresql_where=text("refund_id IS NOT NULL")),
        Index("uq_ledger_charge", "payment_id", unique=True, postgresql_where=text("kind = 'charge'")),
        Index("uq_ledger_refund", "refund_id", unique=True, postgresql_where=text("kind = 'refund'")),
        {"schema": SCHEMA},
    )

    id: int | None = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    order_id: UUID = Field(index=True)
    payment_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.payments.id"), nullable=False))
    refund_id: UUID | None = Field(default=None, sa_column=Column(ForeignKey(f"{SCHEMA}.refunds.id")))
    kind: str = Field(sa_column=Column(String(12), nullable=False))
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False))
    at: datetime = Field(sa_column=_now())


class InboxMessage(SQLModel, table=True):
    """A webhook or status report, stored once by its id."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_payment_id", "payment_id"),
        Index("ix_inbox_received_at", "received_at"),
        {"schema": SCHEMA},
    )

    webhook_id: str = Field(sa_column=Column(String(160), primary_key=True))
    gateway: str = Field(sa_column=Column(String(16), nullable=False))
    payment_id: UUID | None = None
    #: the provider's id of the payment as the message has it: where to look it up, not trusted
    provider_id: str | None = Field(default=None, sa_column=Column(String(80)))
    event: str = Field(sa_column=Column(String(64), nullable=False))
    received_at: datetime = Field(sa_column=_now())
