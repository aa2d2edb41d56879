"""Test doubles for the ports of the notifications service: a clock, and a sender that records messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from services.notifications.ports import SENT, DeliveryResult, Email, Sms

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


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
