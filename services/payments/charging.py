"""Takes money: an intent is written first, asked for once, and looked for before it is asked for again."""

from __future__ import annotations

import time
from uuid import UUID

import structlog
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import NotFound, OrderClosing, PaymentExists
from services.payments.call_budget import Times, asking, unreachable
from services.payments.gateway import (
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    ProviderPayment,
)
from services.payments.records import PaymentRecord
from services.payments.repository import PaymentRepository
from services.payments.status import PaymentStatus
from services.payments.views import Charge

log = structlog.get_logger(__name__)


class Charges:
    """The part of the payments service that takes money and learns what became of it."""

    def __init__(self, sessions: Sessions, gateway: Gateway, clock: Clock, times: Times) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._clock = clock
        self._times = times

    def start(self, charge: Charge) -> PaymentRecord:
        """Charge, or go on with what the same attempt began. Raises OrderClosing, PaymentExists, Unavailable."""
        began = time.monotonic()
        record, fresh = self._intend(charge)
        if fresh:
            return self._call(record, charge, began)
        if record.view.provider_id is not None or not record.view.undecided:
            return record
        return self.known(record, charge)

    def known(self, seen: PaymentRecord, retry: Charge | None) -> PaymentRecord:
        """Ask the provider about a payment that it has not settled for good, unless somebody may be charging now.

        When the provider has none, charge again with `retry`, or give the payment up. Raises Unavailable.
        """
        failed = seen.view.status is PaymentStatus.FAILED
        if not (seen.view.undecided or failed) or seen.busy_for > 0:
            return seen
        with asking():
            told = self._gateway.look_up(seen.search, within=self._times.call)
        if told is not None:
            return self._apply_provider_state(seen, told)
        if failed:
            return seen
        began = time.monotonic()
        claimed = self._claim(seen) if retry is not None else None
        return self._call(claimed, retry, began) if claimed and retry else self._give_up(seen)

    def under_review(self, seen: PaymentRecord) -> tuple[PaymentRecord, bool]:
        """A payment that a message has stopped, and whether the provider took money for it, or still may.

        Raises Unavailable.
        """
        if seen.busy_for > 0:
            return seen, True
        with asking():
            told = self._gateway.look_up(seen.search, within=self._times.call)
        if told is None or told.outcome is Outcome.FAILED:
            return seen, False
        return self._apply_provider_state(seen, told) if told.outcome is Outcome.SUCCEEDED else seen, True

    def find(self, payment_id: UUID) -> PaymentRecord:
        """The payment. Raises NotFound."""
        with self._sessions.begin() as session:
            return self._found(session, payment_id)

    @retried
    def _intend(self, charge: Charge) -> tuple[PaymentRecord, bool]:
        """The attempt's payment, and whether it is new and ours to call for."""
        with self._sessions.begin() as session:
            repository = self._repository(session)
            is_open, made = repository.intend(new_id(), charge, self._gateway.name, self._times.claim)
            if not is_open:
                raise OrderClosing("This order is being cancelled or is closed: it takes no payment.")
            found = made or repository.find_attempt(charge.order_id, charge.attempt)
        if found is None:
            raise PaymentExists("This order has a payment already.")
        if (found.view.amount, found.view.method) != (charge.amount, charge.method):
            raise PaymentExists("This attempt was made with another amount or method.")
        return found, made is not None

    def _call(self, record: PaymentRecord, charge: Charge, began: float) -> PaymentRecord:
        """Ask the provider for a charge whose claim is ours."""
        within = self._times.left(began)
        if within <= 0:
            self._let_go(record, 0)
            raise unreachable(None)
        try:
            return self._apply_provider_state(record, self._gateway.charge(record.view.id, charge, within=within))
        except GatewayRefused as error:
            return self._refuse(record, error.code)
        except GatewayUnavailable as error:
            self._let_go(record, error.retry_after)
            raise unreachable(error) from error
        except GatewayUnknown:
            return self._mark_unknown(record)

    def _repository(self, session: Session) -> PaymentRepository:
        return PaymentRepository(session, self._clock.override())

    def _found(self, session: Session, payment_id: UUID) -> PaymentRecord:
        found = self._repository(session).find(payment_id)
        if found is None:
            raise NotFound("There is no such payment.")
        return found

    @retried
    def _apply_provider_state(self, seen: PaymentRecord, told: ProviderPayment) -> PaymentRecord:
        term = self._gateway.methods[seen.view.method].term
        with self._sessions.begin() as session:
            moved = self._repository(session).apply_provider_state(seen, told, term)
            now = moved or self._found(session, seen.view.id)
        if moved is None and told.outcome.value != now.view.status:
            log.info("payments.stale_news", payment_id=str(now.view.id), status=now.view.status, told=told.outcome)
        elif now.view.status is PaymentStatus.REVIEW:
            log.error("payments.review", payment_id=str(now.view.id), order_id=str(now.view.order_id))
        elif moved:
            view = now.view
            log.info("payments.told", payment_id=str(view.id), status=view.status, captured_late=view.captured_late)
        return now

    @retried
    def _claim(self, seen: PaymentRecord) -> PaymentRecord | None:
        with self._sessions.begin() as session:
            return self._repository(session).claim(seen, self._times.claim)

    @retried
    def _let_go(self, seen: PaymentRecord, seconds: float) -> None:
        with self._sessions.begin() as session:
            self._repository(session).let_go(seen, seconds)

    @retried
    def _mark_unknown(self, seen: PaymentRecord) -> PaymentRecord:
        log.warning("payments.unknown", payment_id=str(seen.view.id), order_id=str(seen.view.order_id))
        with self._sessions.begin() as session:
            self._repository(session).mark_unknown(seen.view.id)
            return self._found(session, seen.view.id)

    @retried
    def _refuse(self, seen: PaymentRecord, code: str) -> PaymentRecord:
        log.info("payments.refused", payment_id=str(seen.view.id), code=code)
        with self._sessions.begin() as session:
            self._repository(session).refuse(seen.view.id, code)
            return self._found(session, seen.view.id)

    @retried
    def _give_up(self, seen: PaymentRecord) -> PaymentRecord:
        with self._sessions.begin() as session:
            self._repository(session).give_up(seen)
            return self._found(session, seen.view.id)
