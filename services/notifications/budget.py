"""The budget of a recipient and of all SMS: which new messages are queued, and which are suppressed (T130, T131)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services.db import Executor
from services.notifications import budget_repository
from services.notifications.budget_repository import Used
from services.notifications.status import NotificationChannel
from services.notifications.views import Budget, NewMessage
from services.sms_budget import SmsBudget

#: Messages that one recipient gets in an hour and in a day (contract, Notifications).
LIMITS = {NotificationChannel.EMAIL: Used(10, 30), NotificationChannel.SMS: Used(5, 10)}
#: Why a message is suppressed; stored as its error message.
OVER_RECIPIENT = "over the budget of its recipient"
OVER_SHOP = "over SMS_PER_HOUR"


@dataclass(frozen=True)
class Decision:
    """Whether a message is queued; `subject` is the keyed hash of its recipient."""

    subject: bytes | None = field(default=None, repr=False)
    #: whether it counts against the budget of its recipient
    counted: bool = False
    #: why it is suppressed; None: it is queued
    suppressed: str | None = None


class MessageBudget:
    """Decides about new messages in the transaction that stores them.

    The stored messages are the count, so it is exact in any hour and any day. An advisory lock per recipient makes
    other transactions with messages to the same recipient wait until this one has ended.
    """

    def __init__(self, secrets_key: str, sms_budget: SmsBudget, factor: float = 1) -> None:
        """`factor` multiplies what a recipient gets, which is one message at least; 0: no limit."""
        # The first key makes new hashes; messages of before a rotation have one of another key.
        self._keys = [
            hashlib.sha256(b"market-recipients:" + key.strip().encode()).digest() for key in secrets_key.split(",")
        ]
        self._sms_budget = sms_budget
        self._limits = {
            channel: Used(max(1, int(limit.hour * factor)), max(1, int(limit.day * factor)))
            for channel, limit in LIMITS.items()
        }
        self._unlimited = factor == 0

    def decide(self, tx: Executor, messages: Sequence[NewMessage]) -> list[Decision]:
        """A decision for each message, in order; `tx` must then store them accordingly."""
        decisions = [self._within(message, used) for message, used in self._used(tx, messages)]
        self._spend_sms(tx, messages, decisions)
        return decisions

    def subjects(self, channel: NotificationChannel, to: str) -> list[bytes]:
        """The hashes that the messages to this recipient may have, one for each key."""
        return [_subject(key, channel, to) for key in self._keys]

    def _used(self, tx: Executor, messages: Sequence[NewMessage]) -> Iterator[tuple[NewMessage, _Recipient | None]]:
        subjects = [self._counted_subject(message) for message in messages]
        counted = {subject for subject in subjects if subject is not None}
        used = budget_repository.lock_and_count(tx, counted) if counted else {}
        recipients = {subject: _Recipient(subject, used.get(subject, Used(0, 0))) for subject in counted}
        for message, subject in zip(messages, subjects, strict=True):
            yield message, recipients[subject] if subject is not None else None

    def _within(self, message: NewMessage, recipient: _Recipient | None) -> Decision:
        if recipient is None:
            return Decision(_subject(self._keys[0], message.channel, message.to))
        if not recipient.take(self._limits[message.channel]):
            return Decision(recipient.subject, suppressed=OVER_RECIPIENT)
        return Decision(recipient.subject, counted=True)

    def _spend_sms(self, tx: Executor, messages: Sequence[NewMessage], decisions: list[Decision]) -> None:
        places = [
            place
            for place, (message, decision) in enumerate(zip(messages, decisions, strict=True))
            if _costs_an_sms(message) and decision.suppressed is None
        ]
        granted = self._sms_budget.take(tx, len(places)) if places else 0
        for place in places[granted:]:
            decisions[place] = Decision(decisions[place].subject, suppressed=OVER_SHOP)

    def _counted_subject(self, message: NewMessage) -> bytes | None:
        if self._unlimited or message.budget is not Budget.RECIPIENT:
            return None
        return _subject(self._keys[0], message.channel, message.to)


@dataclass
class _Recipient:
    subject: bytes = field(repr=False)
    used: Used

    def take(self, limit: Used) -> bool:
        """Count one message if it is within the limit."""
        if self.used.hour >= limit.hour or self.used.day >= limit.day:
            return False
        self.used = Used(self.used.hour + 1, self.used.day + 1)
        return True


def _costs_an_sms(message: NewMessage) -> bool:
    return message.channel is NotificationChannel.SMS and message.budget is not Budget.COUNTED


def _subject(key: bytes, channel: NotificationChannel, to: str) -> bytes:
    return hmac.digest(key, f"{channel}:{_mailbox(to)}".encode("utf-8", "replace"), "sha256")


def _mailbox(to: str) -> str:
    """A recipient without what distinguishes spellings of one mailbox: letter case, and a tag after a plus sign."""
    local, at, domain = to.casefold().rpartition("@")
    return local.partition("+")[0] + at + domain if at else to
