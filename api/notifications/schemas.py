"""Schemas of the notification operations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictStr

from api.requests.fields import Body, Shape, Utc
from services.notifications.status import NotificationChannel, NotificationStatus

Variable = Annotated[StrictStr, Field(max_length=500)]


class SendNotification(Body):
    """A message made from a template. Its language follows `Accept-Language`."""

    channel: Annotated[NotificationChannel, Field(strict=False)]
    to: Annotated[
        StrictStr,
        Field(min_length=3, max_length=254, description="E-mail address or phone number, depending on the channel."),
    ]
    template: Annotated[StrictStr, Field(min_length=1, max_length=40)]
    variables: Annotated[
        dict[str, Variable], Field(max_length=20, description="A value for each variable of the template.")
    ]


class QueuedNotification(Shape):
    """A message and its status."""

    notification_id: UUID
    status: NotificationStatus


class NotificationDetails(QueuedNotification):
    """A message without its text."""

    channel: NotificationChannel
    to: str = Field(description="The recipient, masked; `***` once it is deleted (after 30 days).")
    template: str
    created_at: Utc
    error_message: str | None
