"""Webhook inbox: stores each message about a payment once; a message triggers a look-up and is never trusted itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import structlog

from services.db import Database, retried
from services.errors import NotFound, PaymentOrderMismatch
from services.payments.archived_payments import PaymentArchive
from services.payments.gateway import Gateway, WebhookEvent
from services.payments.repository import PaymentRepository
from services.payments.status import PaymentStatus
from services.payments.views import PaymentStatusReport, PaymentView, WebhookReceipt
from services.payments.webhook_inbox_repository import WebhookInboxRepository

log = structlog.get_logger(__name__)


class WebhookInbox:
    """The part of the payments service that receives webhooks and status reports."""

    def __init__(self, database: Database, gateway: Gateway, archive: PaymentArchive) -> None:
        self._database = database
        self._archive = archive
        self._gateway = gateway

    def receive_webhook(
        self, gateway: str, headers: Mapping[str, str], body: bytes, source: str | None
    ) -> WebhookReceipt | None:
        """Store the gateway's own webhook. Raises as PaymentService.receive_webhook."""
        if gateway != self._gateway.name:
            raise NotFound("Payment gateway not found.")
        event = self._gateway.read_webhook(headers, body, source)
        return self._store_webhook(event) if event is not None else None

    def receive_report(
        self, message_id: str, payment_id: UUID, report: PaymentStatusReport, order_id: UUID | None
    ) -> tuple[PaymentView, WebhookReceipt | None]:
        """Store a status report; no receipt when a report about another payment had this id.

        An archived payment is moved back. Raises NotFound, PaymentOrderMismatch.
        """
        try:
            return self._receive_report(message_id, payment_id, report, order_id)
        except NotFound:
            if not self._archive.bring_back_payment(payment_id):
                raise
        return self._receive_report(message_id, payment_id, report, order_id)

    @retried
    def _receive_report(
        self, message_id: str, payment_id: UUID, report: PaymentStatusReport, order_id: UUID | None
    ) -> tuple[PaymentView, WebhookReceipt | None]:
        with self._database.transaction() as tx:
            inbox = WebhookInboxRepository(tx)
            record = PaymentRepository(tx).lock(payment_id)
            if record is None:
                raise NotFound("Payment not found.")
            view = record.view
            if order_id not in (None, view.order_id):
                log.error("payments.report_order_mismatch", payment_id=str(payment_id), order_id=str(order_id))
                raise PaymentOrderMismatch("This payment belongs to another order.")
            is_new = inbox.store_report(message_id, payment_id, report.status)
            if is_new:
                self._apply_report(inbox, view, report)
            elif inbox.find_payment_id(message_id) != payment_id:
                log.error("payments.report_id_reused", payment_id=str(payment_id))
                return view, None
        late = view.status is PaymentStatus.FAILED or view.captured_late
        return view, WebhookReceipt(payment_id, view.order_id, is_new, late)

    @retried
    def delete_old(self, limit: int) -> int:
        """Delete at most `limit` messages that were received 30 days ago, the oldest first; returns how many."""
        return WebhookInboxRepository(self._database).delete_old(limit)

    def _apply_report(self, inbox: WebhookInboxRepository, view: PaymentView, report: PaymentStatusReport) -> None:
        if report.amount not in (None, view.amount):
            stopped = inbox.start_review(view.id)
            log.error("payments.report_amount_mismatch", payment_id=str(view.id), status=view.status, stopped=stopped)
        if report.status == "failed":
            inbox.store_failure(view.id, report)
        log.info("payments.report", payment_id=str(view.id), status=view.status, reported=report.status)

    @retried
    def _store_webhook(self, event: WebhookEvent) -> WebhookReceipt | None:
        inbox, names = WebhookInboxRepository(self._database), (event.reference, event.provider_id)
        receipt = inbox.store_webhook(self._gateway.name, event)
        if receipt is None and any(self._archive.bring_back_payment(name) for name in names if name is not None):
            receipt = inbox.store_webhook(self._gateway.name, event)
        if receipt is None and event.reference is None:
            # Another system may use the same account of the provider.
            log.info("payments.foreign_webhook", event_name=event.event)
            return None
        if receipt is None:
            raise NotFound("Payment not found.")
        log.info("payments.webhook", payment_id=str(receipt.payment_id), event_name=event.event, is_new=receipt.is_new)
        return replace(receipt, refund_id=event.refund_id)
