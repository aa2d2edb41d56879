"""SQL of the webhook inbox: each message is stored once; the few changes that a message may make by itself."""

from __future__ import annotations

from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.old_rows import oldest
from services.payments.gateway import WebhookEvent
from services.payments.status import STOPPABLE, FailureCode
from services.payments.views import PaymentStatusReport, WebhookReceipt

#: Days after its receipt. The longest time for which a sender repeats a message, with a margin: YooKassa repeats a
#: webhook for 24 hours, and Standard Webhooks recommends a few days.
KEPT_DAYS = 30


class WebhookInboxRepository:
    """Statements on the caller's transaction or database."""

    def __init__(self, db: Executor) -> None:
        self._db = db

    def store_webhook(self, gateway: str, event: WebhookEvent) -> WebhookReceipt | None:
        """Store a provider's webhook once; None when it names no payment of ours."""
        values = {
            "gateway": gateway,
            "webhook_id": event.webhook_id,
            "event": event.event,
            "provider_id": event.provider_id,
            "reference": event.reference,
        }
        return self._db.fetch_one(_STORE_WEBHOOK, values, into=WebhookReceipt)

    def store_report(self, message_id: str, payment_id: UUID, status: str) -> bool:
        """Store a status report once; False when a message with this id was stored before."""
        values = {"webhook_id": message_id, "payment_id": payment_id, "event": status}
        return self._db.execute(_STORE_REPORT, values) == 1

    def find_payment_id(self, message_id: str) -> UUID | None:
        """The payment that the message with this id concerns."""
        payment_id: UUID | None = self._db.fetch_value(_FIND_PAYMENT_ID, {"webhook_id": message_id})
        return payment_id

    def start_review(self, payment_id: UUID) -> bool:
        """Put an undecided payment under review because a report named another amount; False when it is decided."""
        values = {"id": payment_id, "allowed": sorted(STOPPABLE)}
        return self._db.execute(_START_REVIEW, values) == 1

    def store_failure(self, payment_id: UUID, report: PaymentStatusReport) -> None:
        """Store the reported reason of a failure, for operators; it is never shown to the buyer."""
        code = (report.failure_code or "")[:64] or None
        message = (report.failure_message or "")[:500] or None
        self._db.execute(_STORE_FAILURE, {"id": payment_id, "code": code, "message": message})

    def delete_old(self, limit: int) -> int:
        """Delete old messages; returns how many."""
        return self._db.execute(_DELETE_OLD, {"limit": limit})


_STORE_WEBHOOK = f"""
    WITH found AS (
        SELECT id, order_id, status = 'failed' OR captured_late AS late FROM payments.payments
         WHERE id = %(reference)s OR provider_id = %(provider_id)s ORDER BY id = %(reference)s DESC NULLS LAST LIMIT 1),
    stored AS (
        INSERT INTO payments.inbox (webhook_id, gateway, payment_id, provider_id, event, received_at)
        SELECT %(webhook_id)s, %(gateway)s, id, %(provider_id)s, %(event)s, (SELECT {NOW}) FROM found
        ON CONFLICT (webhook_id) DO NOTHING RETURNING 1)
    SELECT found.id AS payment_id, found.order_id, EXISTS (SELECT FROM stored) AS is_new, found.late FROM found
    """  # noqa: S608 - every part is a constant of this module or of services.clock
_STORE_REPORT = f"""
    INSERT INTO payments.inbox (webhook_id, gateway, payment_id, event, received_at)
    VALUES (%(webhook_id)s, 'status_report', %(payment_id)s, %(event)s, (SELECT {NOW}))
    ON CONFLICT (webhook_id) DO NOTHING RETURNING 1
    """  # noqa: S608 - every part is a constant of this module or of services.clock
_FIND_PAYMENT_ID = "SELECT payment_id FROM payments.inbox WHERE webhook_id = %(webhook_id)s"
_START_REVIEW = f"""
    UPDATE payments.payments
       SET status = 'review', failure_code = '{FailureCode.REPORTED_OTHER_AMOUNT}', updated_at = (SELECT {NOW})
     WHERE id = %(id)s AND status = ANY (%(allowed)s) RETURNING 1
    """  # noqa: S608 - every part is a constant of this module or of services.clock
_STORE_FAILURE = """
    UPDATE payments.payments
       SET failure_code = coalesce(failure_code, %(code)s), failure_message = coalesce(failure_message, %(message)s)
     WHERE id = %(id)s AND status IN ('pending', 'unknown', 'failed')
    """
_DELETE_OLD = f"DELETE FROM payments.inbox WHERE {oldest('payments.inbox', 'received_at', f'{KEPT_DAYS} days')}"  # noqa: S608 - constants
