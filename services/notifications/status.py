"""Statuses and channels of messages."""

from enum import StrEnum


class NotificationStatus(StrEnum):
    """`queued → sent | failed`."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Channel(StrEnum):
    """How a message reaches its recipient."""

    EMAIL = "email"
    SMS = "sms"
