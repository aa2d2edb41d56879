"""Tables of second factors: the secret of an account's app, and its recovery codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, text
from sqlmodel import Field, SQLModel

from services.identity.models import SCHEMA, moment, once


class SecondFactor(SQLModel, table=True):
    """The TOTP secret (RFC 6238) of an operator's account; it is asked for once a code has confirmed it."""

    __tablename__ = "second_factors"
    __table_args__ = {"schema": SCHEMA}

    user_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    #: encrypted `{"secret": …}`, in base32
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    #: time step (30 s since 1970) of the last accepted code: neither it nor an earlier one is accepted again
    last_step: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    created_at: datetime = moment()
    confirmed_at: datetime | None = once()


class RecoveryCode(SQLModel, table=True):
    """A code that replaces one of the second factor, as SHA-256 of its 120 random bits; deleted when it is used."""

    __tablename__ = "recovery_codes"
    __table_args__ = {"schema": SCHEMA}

    user_id: UUID = Field(
        sa_column=Column(ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    created_at: datetime = moment()
