"""Takes claimed messages to their ports: opens, renders, sends; nothing here knows the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from threading import Event
from uuid import UUID

import structlog

from services.notifications.ports import DeliveryResult, Email, MailSender, Outcome, Sms, SmsSender
from services.notifications.rendering import Templates
from services.notifications.retry_policy import ClaimedMessage
from services.notifications.status import Channel
from services.secrets import Vault

_NOT_TRIED = DeliveryResult(Outcome.UNTRIED)
_SENDER_DIED = DeliveryResult(Outcome.UNKNOWN, "delivery unknown: the sender stopped while it was sending")


class MessageSender:
    """Delivers single messages."""

    def __init__(self, vault: Vault, templates: Templates, mail_sender: MailSender, sms_sender: SmsSender) -> None:
        self._vault = vault
        self._templates = templates
        self._mail_sender = mail_sender
        self._sms_sender = sms_sender

    def deliver(self, claimed: ClaimedMessage) -> DeliveryResult:
        """Send one message, whatever is wrong with it: never raises, so that it cannot hold up others."""
        if claimed.channel is Channel.SMS and claimed.attempts > 1:
            return _SENDER_DIED
        try:
            handed_over = self._compose(claimed)
        except Exception as error:
            structlog.get_logger().error(
                "notification.not_composed", id=str(claimed.id), template=claimed.template, error=type(error).__name__
            )
            return DeliveryResult(Outcome.UNTRIED, f"the message could not be composed ({type(error).__name__})")
        return (
            self._sms_sender.send(handed_over) if isinstance(handed_over, Sms) else self._mail_sender.send(handed_over)
        )

    def _compose(self, claimed: ClaimedMessage) -> Email | Sms:
        to = self._vault.open(claimed.recipient)["to"]
        variables = self._vault.open(claimed.variables)
        what = (claimed.template, claimed.language, variables)
        if claimed.channel is Channel.SMS:
            return Sms(claimed.id, to, self._templates.sms(*what))
        email = self._templates.email(*what)
        return Email(claimed.id, to, email.subject, email.text, email.html, claimed.created_at)


class DeliveryBatch:
    """One claim's messages on their way: those of one order in their order, all else side by side.

    Nobody begins a message when the server turned out to be away, or when the lease has too little time left.
    """

    def __init__(self, message_sender: MessageSender, in_time: Callable[[], bool]) -> None:
        self._message_sender = message_sender
        self._in_time = in_time
        self._away = Event()

    def run(self, claimed: Sequence[ClaimedMessage], pool: Executor) -> list[tuple[ClaimedMessage, DeliveryResult]]:
        """Every message with what became of it."""
        return [pair for group in pool.map(self._one_by_one, _by_order(claimed)) for pair in group]

    def _one_by_one(self, group: Sequence[ClaimedMessage]) -> list[tuple[ClaimedMessage, DeliveryResult]]:
        return [(claimed, self._deliver(claimed)) for claimed in group]

    def _deliver(self, claimed: ClaimedMessage) -> DeliveryResult:
        if self._away.is_set() or not self._in_time():
            return _NOT_TRIED
        delivery = self._message_sender.deliver(claimed)
        if delivery.outcome is Outcome.UNREACHABLE:
            self._away.set()
        return delivery


def _by_order(claimed: Sequence[ClaimedMessage]) -> list[list[ClaimedMessage]]:
    groups: dict[UUID, list[ClaimedMessage]] = {}
    for one in claimed:
        groups.setdefault(one.order_id or one.id, []).append(one)
    return list(groups.values())
