"""Charges payments: an intent is committed first, and a look-up at the provider precedes every repeated charge."""

from __future__ import annotations

import time
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import NotFound, OrderClosing, PaymentExists
from services.payments.call_budget import CallBudget, gateway_errors_as_unavailable, unavailable
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
    """The part of the payments service that charges and looks up payments."""

    def __init__(self, database: Database, gateway: Gateway, budget: CallBudget) -> None:
        self._database = database
        self._gateway = gateway
        self._budget = budget

    def start(self, charge: Charge) -> PaymentRecord:
        """Charge, or continue what an earlier call for this attempt began.

        Raises OrderClosing, PaymentExists, Unavailable.
        """
        started = time.monotonic()
        record, is_new = self._create_intent(charge)
        if is_new:
            return self._charge_at_provider(record, charge, started)
        if record.view.provider_id is not None or not record.view.undecided:
            return record
        return self.refresh(record, charge)

    def refresh(self, record: PaymentRecord, retry: Charge | None) -> PaymentRecord:
        """Look up an undecided or failed payment at the provider, unless another caller holds the claim.

        When the provider has no such payment, charge again with `retry`, or record it as not charged without one.
        Raises Unavailable.
        """
        failed = record.view.status is PaymentStatus.FAILED
        if not (record.view.undecided or failed) or record.claimed_for > 0:
            return record
        reported = self._look_up(record)
        if reported is not None:
            return self._apply_provider_state(record, reported)
        if failed:
            return record
        started = time.monotonic()
        claimed = self._claim(record) if retry is not None else None
        if claimed and retry:
            return self._charge_at_provider(claimed, retry, started)
        return self._mark_not_charged(record)

    def refresh_review(self, record: PaymentRecord) -> tuple[PaymentRecord, bool]:
        """Look up a payment under review; also whether the provider has captured it, or still may.

        Raises Unavailable.
        """
        if record.claimed_for > 0:
            return record, True
        reported = self._look_up(record)
        if reported is None or reported.outcome is Outcome.FAILED:
            return record, False
        if reported.outcome is Outcome.SUCCEEDED:
            record = self._apply_provider_state(record, reported)
        return record, True

    def find(self, payment_id: UUID) -> PaymentRecord:
        """The payment. Raises NotFound."""
        return self._find(self._database, payment_id)

    @retried
    def _create_intent(self, charge: Charge) -> tuple[PaymentRecord, bool]:
        """The attempt's payment; also whether this call created it and may charge."""
        repository = self._repository(self._database)
        is_open, created = repository.create_intent(new_id(), charge, self._gateway.name, self._budget.claim)
        if not is_open:
            raise OrderClosing("This order is cancelled or closed and accepts no payment.")
        record = created or repository.find_attempt(charge.order_id, charge.attempt)
        if record is None:
            raise PaymentExists("This order has a payment already.")
        if (record.view.amount, record.view.method) != (charge.amount, charge.method):
            raise PaymentExists("This attempt was made with another amount or method.")
        return record, created is not None

    def _look_up(self, record: PaymentRecord) -> ProviderPayment | None:
        with gateway_errors_as_unavailable():
            return self._gateway.look_up(record.lookup, within=self._budget.call)

    def _charge_at_provider(self, record: PaymentRecord, charge: Charge, started: float) -> PaymentRecord:
        """Call the provider for a payment that this caller has claimed."""
        within = self._budget.remaining(started)
        if within <= 0:
            self._release_claim(record, 0)
            raise unavailable(None)
        try:
            reported = self._gateway.charge(record.view.id, charge, within=within)
            return self._apply_provider_state(record, reported)
        except GatewayRefused as error:
            return self._mark_refused(record, error.code)
        except GatewayUnavailable as error:
            self._release_claim(record, error.retry_after)
            raise unavailable(error) from error
        except GatewayUnknown:
            return self._mark_unknown(record)

    def _repository(self, tx: Executor) -> PaymentRepository:
        return PaymentRepository(tx)

    def _find(self, tx: Executor, payment_id: UUID) -> PaymentRecord:
        found = self._repository(tx).find(payment_id)
        if found is None:
            raise NotFound("Payment not found.")
        return found

    @retried
    def _apply_provider_state(self, record: PaymentRecord, reported: ProviderPayment) -> PaymentRecord:
        term = self._gateway.methods[record.view.method].term
        changed = self._repository(self._database).apply_provider_state(record, reported, term)
        current = changed or self._find(self._database, record.view.id)
        _log_provider_state(current, reported, changed=changed is not None)
        return current

    @retried
    def _claim(self, record: PaymentRecord) -> PaymentRecord | None:
        return self._repository(self._database).claim(record, self._budget.claim)

    @retried
    def _release_claim(self, record: PaymentRecord, retry_after: float) -> None:
        self._repository(self._database).release_claim(record, retry_after)

    @retried
    def _mark_unknown(self, record: PaymentRecord) -> PaymentRecord:
        log.warning("payments.unknown", payment_id=str(record.view.id), order_id=str(record.view.order_id))
        self._repository(self._database).mark_unknown(record.view.id)
        return self._find(self._database, record.view.id)

    @retried
    def _mark_refused(self, record: PaymentRecord, code: str) -> PaymentRecord:
        log.info("payments.refused", payment_id=str(record.view.id), code=code)
        self._repository(self._database).mark_refused(record.view.id, code)
        return self._find(self._database, record.view.id)

    @retried
    def _mark_not_charged(self, record: PaymentRecord) -> PaymentRecord:
        self._repository(self._database).mark_not_charged(record)
        return self._find(self._database, record.view.id)


def _log_provider_state(current: PaymentRecord, reported: ProviderPayment, *, changed: bool) -> None:
    view = current.view
    if not changed and reported.outcome.value != view.status:
        log.info("payments.stale_state", payment_id=str(view.id), status=view.status, reported=reported.outcome)
    elif view.status is PaymentStatus.REVIEW:
        log.error("payments.review", payment_id=str(view.id), order_id=str(view.order_id))
    elif changed:
        log.info("payments.changed", payment_id=str(view.id), status=view.status, captured_late=view.captured_late)
