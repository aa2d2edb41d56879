"""Tables of the rate limiter."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, Index, LargeBinary, String
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints

SCHEMA = "limits"


def _rule() -> Any:
    return Field(sa_column=Column(String(40), primary_key=True))


def _subject() -> Any:
    return Field(sa_column=Column(LargeBinary, primary_key=True))


def _arrival() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class CoarseRate(SQLModel, table=True):
    """Counters of coarse limits, such as reads by address. The table is unlogged: a crash empties it."""

    __tablename__ = "coarse"
    __table_args__ = (Index("ix_coarse_arrival", "arrival"), {"schema": SCHEMA, "prefixes": ["UNLOGGED"]})

    rule: str = _rule()
    #: keyed hash of an address or account, which cannot be reversed
    subject: bytes = _subject()
    #: GCRA's theoretical arrival time: when the next request would be due at a steady rate
    arrival: datetime = _arrival()


class StrictRate(SQLModel, table=True):
    """Counters of limits that protect accounts and codes; they survive a crash."""

    __tablename__ = "strict"
    __table_args__ = (Index("ix_strict_arrival", "arrival"), {"schema": SCHEMA})

    rule: str = _rule()
    subject: bytes = _subject()
    arrival: datetime = _arrival()
