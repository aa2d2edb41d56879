"""Ports of the notifications service: the mail sender and the SMS sender, their messages and results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Outcome(StrEnum):
    """What happened to one message."""

    SENT = "sent"
    #: the server will never accept this message
    REJECTED = "rejected"
    #: the server did not accept this message now; a retry may succeed
    POSTPONED = "postponed"
    #: the server accepts no message at present
    UNREACHABLE = "unreachable"
    #: the message was sent and no answer came: it may or may not arrive
    UNKNOWN = "unknown"
    #: the message never left this process: the batch stopped before it, or it could not be rendered
    UNTRIED = "untried"


@dataclass(frozen=True)
class DeliveryResult:
    """An outcome and its reason. The reason never quotes the server, whose text may name the recipient."""

    outcome: Outcome
    reason: str | None = None


SENT = DeliveryResult(Outcome.SENT)


@dataclass(frozen=True)
class Email:
    """An e-mail; `id` makes its Message-ID, so that a second delivery is recognised as the same mail."""

    id: UUID
    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    written_at: datetime


@dataclass(frozen=True)
class Sms:
    """An SMS; `to` is E.164, `id` is the idempotency key for the gateway."""

    id: UUID
    to: str = field(repr=False)
    body: str = field(repr=False)


class MailSender(Protocol):
    """Sends e-mails. Used by several threads at once; a failure of the server is a result, never an exception."""

    def send(self, mail: Email, /) -> DeliveryResult:
        """Send one e-mail."""


class SmsSender(Protocol):
    """Sends SMS. Used by several threads at once; a failure of the gateway is a result, never an exception."""

    def send(self, sms: Sms, /) -> DeliveryResult:
        """Send one SMS."""


class UnconfiguredSender:
    """Replaces a sender whose address is not set (development only): each message fails with that reason."""

    def __init__(self, variable: str) -> None:
        """`variable`: the environment variable that is not set, e.g. `SMTP_URL`."""
        self._reason = f"{variable} is not set"

    def send(self, _: object, /) -> DeliveryResult:
        """Reject the message."""
        return DeliveryResult(Outcome.REJECTED, self._reason)
