"""Stand-ins at the notifications' ports: a clock that is set, a mailer and a texter that remember."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.clock import Clock
from services.notifications.ports import SENT, Delivery, Mail, Text

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
    """Mailer and texter in one: keeps what it took, answers as `answer` says."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.texts: list[Text] = []
        self.answer: Callable[[Mail | Text], Delivery] = lambda _: SENT

    def send(self, message: Mail | Text, /) -> Delivery:
        delivery = self.answer(message)
        if isinstance(message, Mail):
            self.mails.append(message)
        else:
            self.texts.append(message)
        return delivery
