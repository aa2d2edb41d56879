"""The two doors to the outside, and what can become of a message that goes through one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Outcome(StrEnum):
    """What happened to one message."""

    SENT = "sent"
    #: this message will never be taken
    REJECTED = "rejected"
    #: this message was not taken now; another try may help
    POSTPONED = "postponed"
    #: nothing can be handed over at present, whatever the message
    UNREACHABLE = "unreachable"
    #: it was handed over and no answer came: it may or may not arrive
    UNKNOWN = "unknown"
    #: it never left this process: no turn any more, or it could not be composed
    UNTRIED = "untried"


@dataclass(frozen=True)
class DeliveryResult:
    """An outcome with its reason in our own words: never the neighbour's text, which may name the recipient."""

    outcome: Outcome
    reason: str | None = None


SENT = DeliveryResult(Outcome.SENT)


@dataclass(frozen=True)
class Email:
    """An e-mail; `id` makes its Message-ID, so a second sending is recognised as the same mail."""

    id: UUID
    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    written_at: datetime


@dataclass(frozen=True)
class Sms:
    """An SMS; `to` is E.164, `id` goes along as the gateway's idempotency key."""

    id: UUID
    to: str = field(repr=False)
    body: str = field(repr=False)


class MailSender(Protocol):
    """Hands over e-mails; used by several threads at once; never raises for a neighbour's trouble."""

    def send(self, mail: Email, /) -> DeliveryResult:
        """Hand over one mail."""


class SmsSender(Protocol):
    """Hands over SMS; used by several threads at once; never raises for a neighbour's trouble."""

    def send(self, text: Sms, /) -> DeliveryResult:
        """Hand over one SMS."""


class UnconfiguredSender:
    """Stands where a server's address is missing (development only): each message fails and says why."""

    def __init__(self, variable: str) -> None:
        """`variable`: the environment variable that is not set, e.g. `SMTP_URL`."""
        self._reason = f"{variable} is not set"

    def send(self, _: object, /) -> DeliveryResult:
        return DeliveryResult(Outcome.REJECTED, self._reason)
