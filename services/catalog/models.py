"""Table of the catalog service: one row per product; stock belongs to the reservations service."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, DateTime, Index, String, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.catalog.comparing import compared_sql, searched_sql

SCHEMA = "catalog"


def _moment() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


class Product(SQLModel, table=True):
    """A product and its price; people identify it by its SKU."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price_minor BETWEEN 1 AND 1000000000000", name="price"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("jsonb_typeof(attributes) = 'object'", name="attributes"),
        Index("uq_products_sku", "sku", unique=True),
        Index("uq_products_sku_key", "sku_key", "twin", unique=True),
        Index("ix_products_active", "id", postgresql_where=text("is_active")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    sku: str = Field(sa_column=Column(String(64), nullable=False))
    #: the form in which SKUs are compared
    sku_key: str = Field(sa_column=Column(Text(collation="C"), Computed(compared_sql("sku"), persisted=True)))
    #: 0; another number for products from before SKUs were compared in that form, which no import finds
    twin: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    name: str = Field(sa_column=Column(String(200), nullable=False))
    #: name and SKU in the form in which they are searched
    searched: str = Field(
        sa_column=Column(
            Text(), Computed(f"{searched_sql('name')} || chr(10) || {searched_sql('sku')}", persisted=True)
        )
    )
    description: str = Field(sa_column=Column(Text, nullable=False, server_default=text("''")))
    price_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(sa_column=Column(String(3), nullable=False))
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
