"""Table of the reconciler: the last result of each invariant, which every process shows as a metric."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, String, func
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints

SCHEMA = "reconcile"


class InvariantResult(SQLModel, table=True):
    """How often an invariant was violated when it was last checked in full."""

    __tablename__ = "results"
    __table_args__ = {"schema": SCHEMA}

    #: id in the contract, section 4: `I7`
    invariant: str = Field(sa_column=Column(String(8), primary_key=True))
    violations: int = Field(sa_column=Column(BigInteger, nullable=False))
    checked_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
