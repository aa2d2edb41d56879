"""Sends claimed messages: decrypts, renders and hands them to the mail or SMS sender; no database access."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from uuid import UUID

import structlog

from services.notifications.ports import DeliveryResult, Email, MailSender, Outcome, Sms, SmsSender
from services.notifications.rendering import Templates
from services.notifications.retry_policy import ClaimedMessage
from services.notifications.sender_pool import SenderPool
from services.notifications.status import NotificationChannel
from services.secrets import Vault

_NOT_TRIED = DeliveryResult(Outcome.UNTRIED)
_SENDER_DIED = DeliveryResult(Outcome.UNKNOWN, "delivery unknown: the sender stopped while it was sending")


class MessageSender:
    """Renders and sends single messages."""

    def __init__(self, vault: Vault, templates: Templates, mail_sender: MailSender, sms_sender: SmsSender) -> None:
        self._vault = vault
        self._templates = templates
        self._mail_sender = mail_sender
        self._sms_sender = sms_sender

    def send(self, claimed: ClaimedMessage) -> DeliveryResult:
        """Send one message. Never raises, so that a broken message cannot block others."""
        if claimed.channel is NotificationChannel.SMS and claimed.attempts > 1:
            return _SENDER_DIED
        try:
            message = self._render(claimed)
        except Exception as error:
            structlog.get_logger().error(
                "notification.not_rendered", id=str(claimed.id), template=claimed.template, error=type(error).__name__
            )
            return DeliveryResult(Outcome.UNTRIED, f"the message could not be composed ({type(error).__name__})")
        return self._sms_sender.send(message) if isinstance(message, Sms) else self._mail_sender.send(message)

    def _render(self, claimed: ClaimedMessage) -> Email | Sms:
        to = self._vault.open(claimed.recipient)["to"]
        variables = self._vault.open(claimed.variables)
        arguments = (claimed.template, claimed.language, variables)
        if claimed.channel is NotificationChannel.SMS:
            return Sms(claimed.id, to, self._templates.sms(*arguments))
        email = self._templates.email(*arguments)
        return Email(claimed.id, to, email.subject, email.text, email.html, claimed.created_at)


class DeliveryBatch:
    """Sends the messages of one claim: those of one order in sequence, the others in parallel.

    No further message is started once the server was unreachable, or when the lease has too little time left.
    """

    def __init__(self, message_sender: MessageSender, may_start: Callable[[], bool]) -> None:
        """`may_start`: False when the lease has too little time left to start another message."""
        self._message_sender = message_sender
        self._may_start = may_start
        self._unreachable = Event()

    def run(self, claimed: Sequence[ClaimedMessage], pool: SenderPool) -> list[tuple[ClaimedMessage, DeliveryResult]]:
        """Send every message; returns each with its result."""
        return [pair for group in pool.map(self._send_in_sequence, _by_order(claimed)) for pair in group]

    def _send_in_sequence(self, group: Sequence[ClaimedMessage]) -> list[tuple[ClaimedMessage, DeliveryResult]]:
        return [(claimed, self._send(claimed)) for claimed in group]

    def _send(self, claimed: ClaimedMessage) -> DeliveryResult:
        if self._unreachable.is_set() or not self._may_start():
            return _NOT_TRIED
        result = self._message_sender.send(claimed)
        if result.outcome is Outcome.UNREACHABLE:
            self._unreachable.set()
        return result


def _by_order(claimed: Sequence[ClaimedMessage]) -> list[list[ClaimedMessage]]:
    groups: dict[UUID, list[ClaimedMessage]] = {}
    for one in claimed:
        groups.setdefault(one.order_id or one.id, []).append(one)
    return list(groups.values())
