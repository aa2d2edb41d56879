"""The SQL of messages about payments: each kept once, and what it may do by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW
from services.payments.gateway import Hint
from services.payments.status import STOPPABLE
from services.payments.views import News


class InboxRepository:
    """Statements in the caller's transaction; `now` is the moment of a test's clock, or None for the database's."""

    def __init__(self, session: Session, now: datetime | None) -> None:
        self._session = session
        self._now = now

    def receive(self, gateway: str, hint: Hint) -> Row[Any] | None:
        """Keep a hint once: payment, order, whether it is new, and late; None when no payment of ours is meant."""
        return self._session.execute(
            _RECEIVE,
            {
                "now": self._now,
                "gateway": gateway,
                "webhook_id": hint.webhook_id,
                "event": hint.event,
                "provider_id": hint.provider_id,
                "reference": hint.reference,
            },
        ).one_or_none()

    def keep(self, gateway: str, webhook_id: str, payment_id: UUID, event: str) -> bool:
        """Keep a message about a payment of ours; False when its id was there."""
        values = {"gateway": gateway, "webhook_id": webhook_id, "payment_id": payment_id, "event": event}
        return self._session.execute(_KEEP, {"now": self._now, **values}).one_or_none() is not None

    def subject(self, webhook_id: str) -> UUID | None:
        """The payment that the message with this id was about."""
        return self._session.execute(_SUBJECT, {"webhook_id": webhook_id}).scalar_one_or_none()

    def stop(self, payment_id: UUID) -> bool:
        """Put an undecided payment under review: somebody whom we know tells of another amount than ours."""
        values = {"now": self._now, "id": payment_id, "allowed": sorted(STOPPABLE)}
        return self._session.execute(_STOP, values).one_or_none() is not None

    def note_failure(self, payment_id: UUID, news: News) -> None:
        """Keep why a payment failed, in the words of who told it: for operators, never for the buyer."""
        words = {"code": (news.failure_code or "")[:64] or None, "message": (news.failure_message or "")[:500] or None}
        self._session.execute(_NOTE_FAILURE, {"id": payment_id, **words})


_RECEIVE = text(
    f"""
    WITH found AS (
        SELECT id, order_id, status = 'failed' AS late FROM payments.payments
         WHERE id = :reference OR provider_id = :provider_id ORDER BY id = :reference DESC NULLS LAST LIMIT 1),
    kept AS (
        INSERT INTO payments.inbox (webhook_id, gateway, payment_id, provider_id, event, received_at)
        SELECT :webhook_id, :gateway, id, :provider_id, :event, (SELECT {NOW}) FROM found
        ON CONFLICT (webhook_id) DO NOTHING RETURNING 1)
    SELECT found.id, found.order_id, EXISTS (SELECT FROM kept) AS fresh, found.late FROM found
    """  # noqa: S608 - constants of this program
)
_KEEP = text(
    f"""
    INSERT INTO payments.inbox (webhook_id, gateway, payment_id, event, received_at)
    VALUES (:webhook_id, :gateway, :payment_id, :event, (SELECT {NOW}))
    ON CONFLICT (webhook_id) DO NOTHING RETURNING 1
    """  # noqa: S608 - constants of this program
)
_SUBJECT = text("SELECT payment_id FROM payments.inbox WHERE webhook_id = :webhook_id")
_STOP = text(
    f"""
    UPDATE payments.payments
       SET status = 'review', failure_code = 'told_other_amount', updated_at = (SELECT {NOW})
     WHERE id = :id AND status = ANY (:allowed) RETURNING 1
    """  # noqa: S608 - constants of this program
)
_NOTE_FAILURE = text(
    """
    UPDATE payments.payments
       SET failure_code = coalesce(failure_code, :code), failure_message = coalesce(failure_message, :message)
     WHERE id = :id AND status IN ('pending', 'unknown', 'failed')
    """
)
