"""A fake mailer and texter for the notification ports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from services.notifications.ports import SENT, Delivery, Mail, Text

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


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
