"""Tables of the orders service: orders, their lines, their timeline, and the outbox of commands for Temporal."""

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
    LargeBinary,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.orders.status import CancelReason, OrderStatus

SCHEMA = "orders"


def _moment(**more: Any) -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now(), **more))


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in values)})"


class Order(SQLModel, table=True):
    """One order; its row decides every race about its end."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(_one_of("status", OrderStatus), name="status"),
        CheckConstraint(f"cancel_reason IS NULL OR {_one_of('cancel_reason', CancelReason)}", name="cancel_reason"),
        CheckConstraint("total_minor BETWEEN 1 AND 1000000000000", name="total"),
        Index("ix_orders_buyer_id_id", "buyer_id", "id"),
        Index("ix_orders_open", "buyer_id", postgresql_where=text("status NOT IN ('confirmed', 'cancelled')")),
        Index("ix_orders_paid", "buyer_id", postgresql_where=text("paid_by IS NOT NULL")),
        Index("ix_orders_number", text("right(id::text, 8)")),
        Index("ix_orders_needs_attention", "id", postgresql_where=text("needs_attention")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    buyer_id: UUID
    status: str = Field(sa_column=Column(String(20), nullable=False))
    total_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False))
    country: str = Field(sa_column=Column(String(2), nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    city: str = Field(sa_column=Column(Text, nullable=False))
    street: str = Field(sa_column=Column(Text, nullable=False))
    postal_code: str | None = Field(sa_column=Column(Text))
    language: str = Field(sa_column=Column(String(8), nullable=False))
    #: card or phone; the value itself is encrypted
    method: str | None = Field(sa_column=Column(String(8)))
    #: encrypted `{"card": token}` or `{"phone": E.164}`; null once the charge is final
    payment_method: bytes | None = Field(sa_column=Column(LargeBinary))
    #: encrypted phone number given with the order: once it has paid, it receives the messages too
    contact: bytes | None = Field(sa_column=Column(LargeBinary))
    #: where the payment provider's page sends the buyer back, with `{orderId}` as given; null: the shop's default
    return_url: str | None = Field(sa_column=Column(Text))
    #: the payment whose money the order keeps
    paid_by: UUID | None = None
    #: the run that holds this order; kept longer than Temporal's retention
    claimed_by: str | None = Field(sa_column=Column(String(64)))
    #: when that run started, by Temporal's clock: a later run takes the order over, and an earlier one is refused
    claimed_since: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    #: when recovery last started the workflow again, and how often since the order last went on
    recovered_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    recoveries: int = Field(sa_column_kwargs={"server_default": text("0")})
    #: the start input, also of a later signal-with-start
    start_input: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    cancel_reason: str | None = Field(sa_column=Column(String(20)))
    #: the reason in the words of the person who cancelled
    cancel_note: str | None = Field(sa_column=Column(String(500)))
    #: why a person is needed, oldest first; the code that raised a reason clears it
    attention_reasons: list[str] = Field(
        sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'::text[]"))
    )
    #: since when each reason holds (RFC 3339) and its detail, by the reason
    attention_details: dict[str, Any] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
    #: whether there is a reason; indexed for the list of orders that need a person
    needs_attention: bool = Field(sa_column_kwargs={"server_default": text("false")})
    #: when the order was last moved back from the archive
    restored_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = _moment()
    updated_at: datetime = _moment()


class ErasedBuyer(SQLModel, table=True):
    """A buyer whose account was erased: no order is stored for one, not even by a request that had begun before."""

    __tablename__ = "erased_buyers"
    __table_args__ = {"schema": SCHEMA}

    buyer_id: UUID = Field(primary_key=True)
    at: datetime = _moment()


class OrderLine(SQLModel, table=True):
    """One product of an order, its name and price frozen."""

    __tablename__ = "lines"
    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 500000000", name="quantity"),
        CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name="price"),
        {"schema": SCHEMA},
    )

    order_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.orders.id"), primary_key=True))
    product_id: UUID = Field(primary_key=True)
    position: int
    name: str = Field(sa_column=Column(Text, nullable=False))
    price_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    quantity: int


class OrderEvent(SQLModel, table=True):
    """The timeline; notifications and live streams read it."""

    __tablename__ = "events"
    __table_args__ = (
        Index("uq_events_once", "order_id", "key", unique=True),
        Index("ix_events_pending_notification", "id", postgresql_where=text("notified_at IS NULL")),
        {"schema": SCHEMA},
    )

    id: int | None = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    order_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.orders.id"), nullable=False))
    #: what makes this event one: `created`, `paid`, `refunded:<refundId>` …
    key: str = Field(sa_column=Column(String(80), nullable=False))
    type: str = Field(sa_column=Column(String(32), nullable=False))
    status: str = Field(sa_column=Column(String(20), nullable=False))
    detail: str | None = Field(sa_column=Column(Text))
    attempt: int | None = None
    amount_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    at: datetime = _moment()
    #: set when its notifications are queued (or when it has none)
    notified_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class OutboxCommand(SQLModel, table=True):
    """A command of an order to Temporal, written with what it is about, delivered oldest first per order."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_undone", "order_id", "id", postgresql_where=text("done_at IS NULL")),
        Index("ix_outbox_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index("uq_outbox_once", "order_id", "key", unique=True),
        {"schema": SCHEMA},
    )

    id: int | None = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    order_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.orders.id"), nullable=False))
    #: `start` or a signal's name
    name: str = Field(sa_column=Column(String(40), nullable=False))
    #: what makes the command one: `start`, `cancel_requested`, a webhook's id …
    key: str = Field(sa_column=Column(String(200), nullable=False))
    arguments: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    #: not before this: the api tries a start itself first; later it is the lease of who tries
    due_at: datetime = _moment()
    attempts: int = Field(sa_column_kwargs={"server_default": text("0")})
    created_at: datetime = _moment()
    done_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    #: claimed, delivered, refund, stale
    outcome: str | None = Field(default=None, sa_column=Column(String(32)))
