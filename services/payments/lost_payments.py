"""Payments that only the provider has: a restore to an older state has lost their rows, and often their orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from services.db import Database, Transaction
from services.payments import lost_payments_repository
from services.payments.gateway import Gateway, ProviderPayment, WebhookEvent
from services.payments.payment_ids import attempt_of
from services.payments.provider_lists import LIST_SECONDS, batches
from services.payments.records import PaymentRecord
from services.payments.repository import PaymentRepository
from services.payments.service import PaymentService
from services.payments.views import RefundProgress
from services.payments.webhook_inbox_repository import WebhookInboxRepository

#: Number of an attempt whose payment has an id that does not follow from it: above every real one.
_UNNUMBERED = 100


class LostPayments:
    """Finds money that the provider keeps without a payment of ours, and sends it back when a person says so.

    Nothing does that by itself: another system that has the shop's credentials may have taken the money.
    """

    def __init__(self, database: Database, gateway: Gateway, payments: PaymentService) -> None:
        self._database = database
        self._gateway = gateway
        self._payments = payments

    def find(self, back: timedelta, progress: Callable[[int], None] = lambda _: None) -> list[ProviderPayment]:
        """Payments with the ids of a payment and an order, made since `back` ago, whose money is kept, newest first.

        Those whose payment we do not have, and those that `send_back` has not sent back yet. `progress` is called with
        the number of payments that were read. Raises Unavailable.
        """
        now, found, read = PaymentRepository(self._database).moment(), list[ProviderPayment](), 0
        for batch in batches(lambda: self._gateway.list_payments(now - back, now, within=LIST_SECONDS)):
            found += self._lost(batch)
            read += len(batch)
            progress(read)
        return found

    def _lost(self, batch: list[ProviderPayment]) -> list[ProviderPayment]:
        kept = [each for each in batch if each.reference and each.order_id and each.kept_minor > 0]
        known = PaymentRepository(self._database).find_all([each.reference for each in kept if each.reference])
        return [each for each in kept if each.reference and _is_lost(known.get(each.reference))]

    def send_back(self, lost: ProviderPayment) -> RefundProgress:
        """Record a payment that `find` has returned as one that came too late, and refund what is kept of it.

        No charge may begin for its order from now on. Repeatable. Raises Unavailable.
        """
        reference, order_id = lost.reference, lost.order_id
        if reference is None or order_id is None:
            raise ValueError("This payment names no payment and order of ours.")
        self._database.run_in_transaction(lambda tx: self._record(tx, reference, order_id, lost))
        return self._payments.refund_late(reference)

    def _record(self, tx: Transaction, reference: UUID, order_id: UUID, lost: ProviderPayment) -> None:
        repository = PaymentRepository(tx)
        repository.close_payments(order_id)
        attempt = attempt_of(order_id, reference) or _UNNUMBERED + len(repository.of_order(order_id))
        lost_payments_repository.adopt(tx, reference, lost, attempt, self._gateway.name)
        # A look-up then finds it by the provider's id.
        event = f"payment.{lost.outcome}"
        message = WebhookEvent(f"lost:{lost.provider_id}", event, lost.provider_id, reference)
        WebhookInboxRepository(tx).store_webhook(self._gateway.name, message)


def _is_lost(known: PaymentRecord | None) -> bool:
    return known is None or known.view.captured_late
