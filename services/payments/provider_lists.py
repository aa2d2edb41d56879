"""Compares the provider's lists with our books: finds refunds made on its page, and money that we do not know of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import TypeVar

import structlog

from services.db import Database
from services.payments import lost_payments_repository
from services.payments.call_budget import gateway_errors_as_unavailable
from services.payments.gateway import Gateway, Outcome, ProviderPayment, ProviderRefund, WebhookEvent
from services.payments.payment_ids import attempt_of
from services.payments.provider_refunds import ProviderRefunds
from services.payments.records import PaymentRecord
from services.payments.repository import PaymentRepository
from services.payments.views import WebhookReceipt
from services.payments.webhook_inbox_repository import WebhookInboxRepository

#: Seconds for one whole list.
LIST_SECONDS = 120.0
#: Objects of a list that are in memory at once, however long it is.
BATCH = 500
# The provider's clock may differ from ours by this much.
_SKEW = timedelta(minutes=2)
# A younger payment is on its way through its order's workflow.
_SETTLED_AFTER = timedelta(minutes=5)

log = structlog.get_logger(__name__)

Listed = TypeVar("Listed", ProviderPayment, ProviderRefund)


def batches(ask: Callable[[], Iterator[Listed]]) -> Iterator[list[Listed]]:
    """The list that `ask` begins to read, in parts. Raises Unavailable."""
    with gateway_errors_as_unavailable():
        listed = ask()
    while True:
        with gateway_errors_as_unavailable():
            batch = list(islice(listed, BATCH))
        if not batch:
            return
        yield batch


class ProviderLists:
    """The part of the payments service that looks at what the provider lists; every look is repeatable."""

    def __init__(self, database: Database, gateway: Gateway, provider_refunds: ProviderRefunds) -> None:
        self._database = database
        self._payments = PaymentRepository(database)
        self._inbox = WebhookInboxRepository(database)
        self._gateway = gateway
        self._provider_refunds = provider_refunds

    def find_refunds(self, back: timedelta) -> int:
        """Record the refunds that were made since `back` ago; returns how many changed. Raises Unavailable."""
        now = self._payments.moment()
        listed = batches(lambda: self._gateway.list_refunds(now - back, now + _SKEW, within=LIST_SECONDS))
        return sum(map(self._provider_refunds.record, listed))

    def find_payments(self, back: timedelta) -> list[WebhookReceipt]:
        """Payments that were made since `back` ago, decided by the provider and not in our books.

        Each is stored in the inbox like the webhook that should have come, so that a look-up finds it by the provider's
        id. Refunds of a payment that our books have as captured are recorded. A captured payment that our books have
        lost, of an order whose payments are closed, is recorded as one that came too late. Other captured money without
        a payment of ours is an error in the log: there is no order to which it could belong. Raises Unavailable.
        """
        now = self._payments.moment()
        until = now - _SETTLED_AFTER
        listed = batches(lambda: self._gateway.list_payments(now - back, until, within=LIST_SECONDS))
        # Stored once the list was read: who stores a payment has to tell its order, also when a later part is refused.
        due = [payment for batch in listed for payment in self._due(batch)]
        return [receipt for payment in due if (receipt := self._store(payment)) is not None]

    def _due(self, batch: list[ProviderPayment]) -> list[ProviderPayment]:
        ours = [(payment, payment.reference) for payment in batch if payment.reference is not None]
        known = self._payments.find_all([reference for _, reference in ours])
        return [payment for payment, reference in ours if self._is_due(payment, known.get(reference))]

    def _is_due(self, reported: ProviderPayment, known: PaymentRecord | None) -> bool:
        """Whether the provider has decided a payment that our books have as undecided, or as failed."""
        known = known or self._adopted(reported)
        if known is None or known.view.provider_id not in (None, reported.provider_id):
            _log_unknown(reported)
            return False
        if known.view.captured_minor:
            if reported.refunded_minor > known.view.refunded_minor:
                self._provider_refunds.try_record_of(known)
            return False
        ended = known.view.undecided and reported.outcome is Outcome.FAILED
        return ended or reported.outcome is Outcome.SUCCEEDED

    def _adopted(self, reported: ProviderPayment) -> PaymentRecord | None:
        """The payment, recorded for an order that is known and closed: a restore to an older state has lost it."""
        reference, order_id = reported.reference, reported.order_id
        if reference is None or order_id is None or reported.outcome is not Outcome.SUCCEEDED:
            return None
        # An id that does not follow from its order may be of another system that has the shop's credentials.
        attempt = attempt_of(order_id, reference)
        if attempt and lost_payments_repository.adopt(self._database, reference, reported, attempt, self._gateway.name):
            return self._payments.find(reference)
        return None

    def _store(self, reported: ProviderPayment) -> WebhookReceipt | None:
        event = f"payment.{reported.outcome}"
        webhook_id = f"listed:{event}:{reported.provider_id}"
        message = WebhookEvent(webhook_id, event, reported.provider_id, reported.reference)
        return self._inbox.store_webhook(self._gateway.name, message)


def _log_unknown(reported: ProviderPayment) -> None:
    if reported.kept_minor > 0:
        log.error(
            "payments.unknown_at_provider",
            provider_id=reported.provider_id,
            payment_id=str(reported.reference),
            order_id=str(reported.order_id),
            kept_minor=reported.kept_minor,
        )
