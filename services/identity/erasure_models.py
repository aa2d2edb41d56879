"""Table of erased accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, String
from sqlmodel import Field, SQLModel

from services.identity.models import SCHEMA, moment


class Erasure(SQLModel, table=True):
    """An account whose data was deleted: who asked for it, and when. An id says nothing about the person.

    After a restore from an older backup, these accounts must be erased again.
    """

    __tablename__ = "erasures"
    __table_args__ = (CheckConstraint("by IN ('person', 'operator')", name="by"), {"schema": SCHEMA})

    user_id: UUID = Field(primary_key=True)
    by: str = Field(sa_column=Column(String(8), nullable=False))
    at: datetime = moment()
