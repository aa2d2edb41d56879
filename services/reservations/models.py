"""Tables of the reservations service: stock per product with its movements, and reservations with their lines."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, String, func, text
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.reservations.status import MovementKind, ReservationStatus

SCHEMA = "reservations"


class Stock(SQLModel, table=True):
    """One row per product; `total = available + reserved + sold` always holds."""

    __tablename__ = "stocks"
    __table_args__ = (
        CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name="not_negative"),
        CheckConstraint("total = available + reserved + sold", name="sum"),
        {"schema": SCHEMA},
    )

    product_id: UUID = Field(primary_key=True)
    total: int = Field(sa_column=Column(BigInteger, nullable=False))
    available: int = Field(sa_column=Column(BigInteger, nullable=False))
    reserved: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    sold: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class StockMovement(SQLModel, table=True):
    """A change of a product's total, never updated or deleted; the changes of a product add up to its total."""

    __tablename__ = "movements"
    __table_args__ = (
        CheckConstraint("kind IN (" + ", ".join(repr(str(kind)) for kind in MovementKind) + ")", name="kind"),
        CheckConstraint("change <> 0", name="change"),
        Index("ix_movements_product_id", "product_id", "id"),
        {"schema": SCHEMA},
    )

    # A UUIDv7, so that movements are in the order of time.
    id: UUID = Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
    product_id: UUID
    change: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(sa_column=Column(String(12), nullable=False))
    reason: str = Field(sa_column=Column(String(200), nullable=False, server_default=text("''")))
    #: who did it: a caller of the API as in logs, or a user of a machine
    by: str = Field(sa_column=Column(String(200), nullable=False, server_default=text("''")))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


class Reservation(SQLModel, table=True):
    """The reservation of an order; a `released` one without lines is a tombstone that prevents a delayed hold."""

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint(
            "status IN (" + ", ".join(repr(str(status)) for status in ReservationStatus) + ")", name="status"
        ),
        Index("ix_reservations_expiring", "expires_at", postgresql_where=text("status = 'reserved' AND NOT pinned")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(unique=True)
    status: str = Field(sa_column=Column(String(12), nullable=False))
    #: a payment has started: the hold does not expire by itself
    pinned: bool = Field(sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    closed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    #: when the units of a confirmed reservation went back from sold to available, after a refund of its order
    restocked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class ReservationLine(SQLModel, table=True):
    """Quantity of one product in a reservation."""

    __tablename__ = "lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"), {"schema": SCHEMA})

    reservation_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.reservations.id"), primary_key=True))
    product_id: UUID = Field(sa_column=Column(ForeignKey(f"{SCHEMA}.stocks.product_id"), primary_key=True))
    quantity: int = Field(sa_column=Column(BigInteger, nullable=False))
