"""Statuses and channels of messages."""

from enum import StrEnum


class NotificationStatus(StrEnum):
    """`queued → sent | failed | suppressed`."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    #: over a budget when it was queued; never sent
    SUPPRESSED = "suppressed"


class NotificationChannel(StrEnum):
    """How a message reaches its recipient."""

    EMAIL = "email"
    SMS = "sms"
