"""Test doubles for the ports of the notifications service: a clock, and a sender that records messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.clock import Clock
from services.notifications.ports import SENT, DeliveryResult, Email, Sms

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class SetClock(Clock):
    """Time for the database and for pauses, moved by hand."""

    def __init__(self) -> None:
        self.moment = NOON

    def override(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - NOON).total_seconds()

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class Outbox:
    """Mail and SMS sender in one: records every message and returns what `answer` makes of it."""

    def __init__(self) -> None:
        self.mails: list[Email] = []
        self.texts: list[Sms] = []
        self.answer: Callable[[Email | Sms], DeliveryResult] = lambda _: SENT

    def send(self, message: Email | Sms, /) -> DeliveryResult:
        delivery = self.answer(message)
        if isinstance(message, Email):
            self.mails.append(message)
        else:
            self.texts.append(message)
        return delivery
