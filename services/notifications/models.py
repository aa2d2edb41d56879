"""Table of the notifications service: one row per message."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, String, func, text
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints

SCHEMA = "notifications"


def _moment() -> Any:
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


class Notification(SQLModel, table=True):
    """One message to one person; its variables are encrypted, and deleted when it will not be sent any more."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'sent', 'failed', 'suppressed')", name="status"),
        CheckConstraint("channel IN ('email', 'sms')", name="channel"),
        Index("ix_notifications_due", "due_at", postgresql_where=text("status = 'queued'")),
        Index(
            "ix_notifications_recipient",
            "created_at",
            postgresql_where=text("status <> 'queued' AND recipient IS NOT NULL"),
        ),
        Index(
            "ix_notifications_budget",
            "budget_subject",
            "created_at",
            postgresql_where=text("budget_subject IS NOT NULL"),
        ),
        Index("ix_notifications_suppressed", "created_at", postgresql_where=text("status = 'suppressed'")),
        Index("uq_notifications_key", "key", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    #: business key: `notify:<order>:<event>:<channel>`, `account:<id>` or `send:<id>`
    key: str = Field(sa_column=Column(String(160), nullable=False))
    order_id: UUID | None = Field(default=None, index=True)
    channel: str = Field(sa_column=Column(String(8), nullable=False))
    template: str = Field(sa_column=Column(String(40), nullable=False))
    language: str = Field(sa_column=Column(String(8), nullable=False))
    #: encrypted `{"to": …}`, shown masked; null 30 days after the message
    recipient: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    #: keyed hash of the recipient, by which its messages are found; deleted with the recipient
    budget_subject: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    #: whether the message counts against the budget of its recipient
    budget_counted: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    #: encrypted variables of the template; null once sent or failed, or when suppressed
    variables: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    status: str = Field(sa_column=Column(String(12), nullable=False))
    attempts: int = Field(sa_column_kwargs={"server_default": text("0")})
    #: earliest next attempt: the end of the sender's lease, or of the back-off
    due_at: datetime = _moment()
    error_message: str | None = Field(default=None, sa_column=Column(String(200)))
    created_at: datetime = _moment()
    sent_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
