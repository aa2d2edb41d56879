"""Tables of the payments service: intents, refunds, the append-only ledger, webhooks received."""

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
from sqlmodel import Field, SQLModel

from services import db as db  # constraint names are set there
from services.payments.status import PaymentStatus, RefundStatus

SCHEMA = "payments"


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


def _moment() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


class PaymentLock(SQLModel, table=True):
    """One row an order; once closed, no charge may begin for it any more (a tombstone against a late charge)."""

    __tablename__ = "payment_locks"
    __table_args__ = {"schema": SCHEMA}

    order_id: UUID = Field(primary_key=True)
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Payment(SQLModel, table=True):
    """One attempt to take an order's money; its id is our reference at the provider."""

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
        Index("uq_payments_attempt", "order_id", "attempt", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID
    #: which try of the order this is, from 1
    attempt: int
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False))
    method: str = Field(sa_column=Column(String(8), nullable=False))
    status: str = Field(sa_column=Column(String(20), nullable=False))
    gateway: str = Field(sa_column=Column(String(16), nullable=False))
    provider_id: str | None = Field(default=None, sa_column=Column(String(80), unique=True))
    #: somebody may be talking to the provider until then: nobody else looks up or tries again before
    claimed_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    #: when the provider's own term for a pending payment ends
    pending_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    confirmation_url: str | None = Field(default=None, sa_column=Column(Text))
    failure_code: str | None = Field(default=None, sa_column=Column(String(64)))
    failure_message: str | None = Field(default=None, sa_column=Column(String(500)))
    captured_minor: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    refunded_minor: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    #: a success that came after the payment had been given up: nobody waits for it, it is sent back
    captured_late: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class Refund(SQLModel, table=True):
    """Money on its way back; `refund:<payment>:<number>` is its key at the provider."""

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
    #: an operator's word for what was done instead: the reference of a transfer, or why it was written off
    manual_reference: str | None = Field(default=None, sa_column=Column(String(200)))
    #: set when the order's timeline has its end
    reported_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class LedgerEntry(SQLModel, table=True):
    """Append-only: `+` a charge, `-` a refund or a loss; an order's sum is what we hold of its buyer's money."""

    __tablename__ = "ledger"
    __table_args__ = (
        CheckConstraint(
            "(kind = 'charge' AND amount_minor > 0) OR (kind IN ('refund', 'write_off') AND amount_minor < 0)",
            name="sign",
        ),
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
    at: datetime = _moment()


class ReceivedWebhook(SQLModel, table=True):
    """A provider's message, kept once by its id: a hint that is checked with the provider itself."""

    __tablename__ = "inbox"
    __table_args__ = (Index("ix_inbox_payment_id", "payment_id"), {"schema": SCHEMA})

    webhook_id: str = Field(sa_column=Column(String(160), primary_key=True))
    gateway: str = Field(sa_column=Column(String(16), nullable=False))
    payment_id: UUID | None = None
    #: the payment's id there, as the message has it: where to look, not what to believe
    provider_id: str | None = Field(default=None, sa_column=Column(String(80)))
    event: str = Field(sa_column=Column(String(64), nullable=False))
    received_at: datetime = _moment()
