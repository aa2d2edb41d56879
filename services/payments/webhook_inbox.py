"""Takes what others tell of payments: kept once, never believed, but enough to ask the provider or to stop."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog

from services.clock import Clock
from services.db import Sessions, retried
from services.errors import NotFound, PaymentOrderMismatch
from services.payments.gateway import Gateway, Hint
from services.payments.repository import PaymentRepository
from services.payments.status import PaymentStatus
from services.payments.views import News, PaymentView, Received
from services.payments.webhook_inbox_repository import InboxRepository

log = structlog.get_logger(__name__)


class Inbox:
    """The part of the payments service that is told things."""

    def __init__(self, sessions: Sessions, gateway: Gateway, clock: Clock) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._clock = clock

    def from_gateway(
        self, gateway: str, headers: Mapping[str, str], body: bytes, source: str | None
    ) -> Received | None:
        """The gateway's own message. Raises as PaymentService.receive_webhook."""
        if gateway != self._gateway.name:
            raise NotFound("There is no such gateway.")
        hint = self._gateway.read_webhook(headers, body, source)
        return self._keep(hint) if hint is not None else None

    @retried
    def of_payment(
        self, message_id: str, payment_id: UUID, news: News, order_id: UUID | None
    ) -> tuple[PaymentView, Received | None]:
        """News of a payment, and of `order_id` if that is said; no receipt when another message had this id.

        Raises NotFound, PaymentOrderMismatch.
        """
        with self._sessions.begin() as session:
            inbox = InboxRepository(session, self._clock.override())
            seen = PaymentRepository(session, self._clock.override()).lock(payment_id)
            if seen is None:
                raise NotFound("There is no such payment.")
            view = seen.view
            if order_id not in (None, view.order_id):
                log.error("payments.news_of_another_order", payment_id=str(payment_id), order_id=str(order_id))
                raise PaymentOrderMismatch("This payment belongs to another order.")
            fresh = inbox.keep("news", message_id, payment_id, news.status)
            if fresh:
                self._take_in(inbox, view, news)
            elif inbox.subject(message_id) != payment_id:
                log.error("payments.message_id_again", payment_id=str(payment_id))
                return view, None
        late = view.status is PaymentStatus.FAILED
        return view, Received(payment_id, view.order_id, fresh, late)

    def _take_in(self, inbox: InboxRepository, view: PaymentView, news: News) -> None:
        if news.amount not in (None, view.amount):
            stopped = inbox.stop(view.id)
            log.error("payments.told_other_amount", payment_id=str(view.id), status=view.status, stopped=stopped)
        if news.status == "failed":
            inbox.note_failure(view.id, news)
        log.info("payments.news", payment_id=str(view.id), status=view.status, told=news.status)

    @retried
    def _keep(self, hint: Hint) -> Received:
        with self._sessions.begin() as session:
            kept = InboxRepository(session, self._clock.override()).receive(self._gateway.name, hint)
        if kept is None:
            raise NotFound("There is no such payment.")
        received = Received(kept.id, kept.order_id, kept.fresh, kept.late)
        log.info("payments.webhook", payment_id=str(received.payment_id), event_name=hint.event, fresh=received.fresh)
        return received
