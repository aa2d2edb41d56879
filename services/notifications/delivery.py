"""Takes claimed messages to their ports: opens, renders, sends; nothing here knows the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from threading import Event
from uuid import UUID

import structlog

from services.notifications.ports import Delivery, Mail, Mailer, Outcome, Text, Texter
from services.notifications.rendering import Templates
from services.notifications.retry_policy import Claimed
from services.notifications.status import Channel
from services.secrets import Vault

_NO_TURN = Delivery(Outcome.UNTRIED)
_SENDER_DIED = Delivery(Outcome.UNKNOWN, "delivery unknown: the sender stopped while it was sending")


class Courier:
    """Delivers single messages."""

    def __init__(self, vault: Vault, templates: Templates, mailer: Mailer, texter: Texter) -> None:
        self._vault = vault
        self._templates = templates
        self._mailer = mailer
        self._texter = texter

    def deliver(self, claimed: Claimed) -> Delivery:
        """Send one message, whatever is wrong with it: never raises, so that it cannot hold up others."""
        if claimed.channel is Channel.SMS and claimed.attempts > 1:
            return _SENDER_DIED
        try:
            handed_over = self._composed(claimed)
        except Exception as error:
            structlog.get_logger().error(
                "notification.not_composed", id=str(claimed.id), template=claimed.template, error=type(error).__name__
            )
            return Delivery(Outcome.UNTRIED, f"the message could not be composed ({type(error).__name__})")
        return self._texter.send(handed_over) if isinstance(handed_over, Text) else self._mailer.send(handed_over)

    def _composed(self, claimed: Claimed) -> Mail | Text:
        to = self._vault.open(claimed.recipient)["to"]
        variables = self._vault.open(claimed.variables)
        what = (claimed.template, claimed.language, variables)
        if claimed.channel is Channel.SMS:
            return Text(claimed.id, to, self._templates.sms(*what))
        letter = self._templates.letter(*what)
        return Mail(claimed.id, to, letter.subject, letter.text, letter.html, claimed.created_at)


class Round:
    """One claim's messages on their way: those of one order in their order, all else side by side.

    Nobody begins a message when the server turned out to be away, or when the lease has too little time left.
    """

    def __init__(self, courier: Courier, in_time: Callable[[], bool]) -> None:
        self._courier = courier
        self._in_time = in_time
        self._away = Event()

    def run(self, claimed: Sequence[Claimed], pool: Executor) -> list[tuple[Claimed, Delivery]]:
        """Every message with what became of it."""
        return [pair for group in pool.map(self._one_by_one, _by_order(claimed)) for pair in group]

    def _one_by_one(self, group: Sequence[Claimed]) -> list[tuple[Claimed, Delivery]]:
        return [(claimed, self._deliver(claimed)) for claimed in group]

    def _deliver(self, claimed: Claimed) -> Delivery:
        if self._away.is_set() or not self._in_time():
            return _NO_TURN
        delivery = self._courier.deliver(claimed)
        if delivery.outcome is Outcome.UNREACHABLE:
            self._away.set()
        return delivery


def _by_order(claimed: Sequence[Claimed]) -> list[list[Claimed]]:
    groups: dict[UUID, list[Claimed]] = {}
    for one in claimed:
        groups.setdefault(one.order_id or one.id, []).append(one)
    return list(groups.values())
