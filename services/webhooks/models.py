"""Tables of outgoing webhooks: endpoints, the messages to each, and the attempts to deliver them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.webhooks.status import DeliveryStatus, DisabledReason

SCHEMA = "webhooks"


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


def _now() -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=False, server_default=func.now())


def _moment() -> Any:
    return Field(default=None, sa_column=Column(DateTime(timezone=True)))


class WebhookEndpoint(SQLModel, table=True):
    """Where one other system receives messages."""

    __tablename__ = "endpoints"
    __table_args__ = (
        CheckConstraint(
            f"disabled_reason IS NULL OR {_one_of('disabled_reason', DisabledReason)}", name="disabled_reason"
        ),
        CheckConstraint("cardinality(event_types) > 0", name="event_types"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    url: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(sa_column=Column(String(200), nullable=False))
    event_types: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    #: encrypted `{"secret": "whsec_…"}`, and the one before it, which signs too until it ends
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_secret_until: datetime | None = _moment()
    #: null: enabled
    disabled_reason: str | None = Field(default=None, sa_column=Column(String(16)))
    disabled_at: datetime | None = _moment()
    #: since when no attempt has succeeded, and how many failed in a row without an answer that counts
    failing_since: datetime | None = _moment()
    failures: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    #: no message before this: the receiver asked for it, or gave no answer
    paused_until: datetime | None = _moment()
    created_at: datetime = Field(sa_column=_now())


class WebhookDelivery(SQLModel, table=True):
    """One message to one endpoint, written with the mark that the event has its messages."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(_one_of("status", DeliveryStatus), name="status"),
        Index("uq_deliveries_message", "endpoint_id", "message_id", unique=True),
        Index("ix_deliveries_waiting", "endpoint_id", "due_at", "id", postgresql_where=text("status = 'waiting'")),
        Index(
            "ix_deliveries_failed",
            "endpoint_id",
            "created_at",
            postgresql_where=text("status IN ('failed', 'skipped')"),
        ),
        Index("ix_deliveries_endpoint_id_id", "endpoint_id", "id"),
        Index("ix_deliveries_order_id", "order_id"),
        Index("ix_deliveries_created_at", "created_at"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{SCHEMA}.endpoints.id", ondelete="CASCADE"), nullable=False)
    )
    message_id: str = Field(sa_column=Column(String(64), nullable=False))
    event_type: str = Field(sa_column=Column(String(32), nullable=False))
    order_id: UUID
    #: as it is signed and sent
    body: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(String(12), nullable=False))
    #: failed attempts of the present series: a redelivery begins a new one
    tries: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    #: all attempts that were recorded
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    #: when it is sent next; while it is being sent, the end of the lease
    due_at: datetime = Field(sa_column=_now())
    created_at: datetime = Field(sa_column=_now())
    finished_at: datetime | None = _moment()
    last_status: int | None = Field(default=None, sa_column=Column(Integer))
    last_error: str | None = Field(default=None, sa_column=Column(String(200)))


class WebhookAttempt(SQLModel, table=True):
    """One attempt; nothing of the answer but its status."""

    __tablename__ = "attempts"
    __table_args__ = {"schema": SCHEMA}

    delivery_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{SCHEMA}.deliveries.id", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(primary_key=True)
    #: when it ended
    at: datetime = Field(sa_column=_now())
    status: int | None = Field(default=None, sa_column=Column(Integer))
    #: milliseconds
    duration: int = Field(sa_column=Column(Integer, nullable=False))
    error: str | None = Field(default=None, sa_column=Column(String(200)))
