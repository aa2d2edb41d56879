"""Statuses and channels of messages."""

from enum import StrEnum


class NotificationStatus(StrEnum):
    """`queued → sent | failed`."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class NotificationChannel(StrEnum):
    """How a message reaches its recipient."""

    EMAIL = "email"
    SMS = "sms"
