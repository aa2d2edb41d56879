"""Charges payments: an intent is committed first, and a look-up at the provider precedes every repeated charge."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import structlog

from services.db import Database, Executor, Transaction, retried
from services.errors import NotFound, OrderClosing, PaymentExists
from services.payments.archived_payments import PaymentArchive
from services.payments.call_budget import CallBudget, gateway_errors_as_unavailable, unavailable
from services.payments.gateway import (
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    ProviderPayment,
)
from services.payments.payment_ids import payment_id
from services.payments.provider_refunds import ProviderRefunds
from services.payments.receipts import Receipts
from services.payments.records import PaymentRecord
from services.payments.repository import PaymentRepository
from services.payments.status import FailureCode, PaymentStatus
from services.payments.views import Charge, PaymentView

#: Age of an order from which its first charge is looked up first. A provider keeps an idempotency key for 24 hours, and
#: a database that was restored may have forgotten a charge.
LOOK_UP_FIRST = timedelta(hours=12)

log = structlog.get_logger(__name__)


R = TypeVar("R")
#: Called with a payment's state in the transaction that writes it; an error that it raises undoes what was written.
Recorder = Callable[[Executor, PaymentView], R]


@dataclass(frozen=True)
class PaymentIntent:
    """A payment that is written, to be charged next; `is_new`: this call wrote it, and may charge."""

    charge: Charge
    record: PaymentRecord
    is_new: bool


class Charges:
    """The part of the payments service that charges and looks up payments."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        budget: CallBudget,
        provider_refunds: ProviderRefunds,
        receipts: Receipts,
        archive: PaymentArchive,
    ) -> None:
        self._database = database
        self._archive = archive
        self._gateway = gateway
        self._budget = budget
        self._provider_refunds = provider_refunds
        self._receipts = receipts

    @retried
    def create_intent(self, charge: Charge, tx: Executor | None = None) -> PaymentIntent:
        """The attempt's payment, written before its charge. Raises OrderClosing, PaymentExists, Unavailable."""
        repository = PaymentRepository(tx or self._database)
        is_open, created = repository.create_intent(
            payment_id(charge.order_id, charge.attempt), charge, self._gateway.name, self._budget.claim
        )
        if not is_open:
            raise OrderClosing("This order is cancelled or closed and accepts no payment.")
        record = created or repository.find_attempt(charge.order_id, charge.attempt)
        if record is None:
            raise PaymentExists("This order has a payment already.")
        if (record.view.amount, record.view.method) != (charge.amount, charge.method):
            raise PaymentExists("This attempt was made with another amount or method.")
        return PaymentIntent(charge, record, created is not None)

    def start(self, intent: PaymentIntent, then: Recorder[R]) -> R:
        """Charge, or continue what an earlier call for this attempt began; returns what `then` returns.

        `then` is called with the payment's state in the transaction that writes the provider's answer; when nothing is
        written, with the database. Raises Unavailable.
        """
        record = intent.record
        if intent.is_new:
            return self._charge_new(record, intent.charge, then)
        if record.view.provider_id is not None or not record.view.undecided:
            return then(self._database, record.view)
        return self.refresh(record, intent.charge, then)

    def refresh(self, record: PaymentRecord, retry: Charge | None, then: Recorder[R]) -> R:
        """Look up an undecided or failed payment at the provider, unless another caller holds the claim.

        When the provider has no such payment, charge again with `retry`, or record it as not charged without one.
        Returns what `then` returns (see `start`). Raises Unavailable.
        """
        failed = record.view.status is PaymentStatus.FAILED
        if not (record.view.undecided or failed) or record.claimed_for > 0:
            return then(self._database, record.view)
        reported = self._look_up(record)
        if reported is not None:
            return self._apply_provider_state(record, reported, then)
        if failed:
            return then(self._database, record.view)
        started = time.monotonic()
        claimed = self._claim(record) if retry is not None else None
        if claimed and retry:
            return self._charge_at_provider(claimed, retry, started, then)
        return self._write(record, lambda payments: payments.mark_not_charged(record), then)

    def refresh_review(self, record: PaymentRecord) -> tuple[PaymentView, bool]:
        """Look up a payment under review; also whether the provider has captured it, or still may.

        Raises Unavailable.
        """
        if record.claimed_for > 0:
            return record.view, True
        reported = self._look_up(record)
        if reported is None or reported.outcome is Outcome.FAILED:
            return record.view, False
        if reported.outcome is Outcome.SUCCEEDED:
            return self._apply_provider_state(record, reported, view_of), True
        return record.view, True

    def read(self, payment_id: UUID) -> PaymentView:
        """The payment, archived or not. Raises NotFound."""
        found = PaymentRepository(self._database).find_all([payment_id])
        if payment_id not in found:
            raise NotFound("Payment not found.")
        return found[payment_id].view

    def find(self, payment_id: UUID) -> PaymentRecord:
        """The payment, to change it; one that is archived is moved back. Raises NotFound."""
        found = PaymentRepository(self._database).find(payment_id)
        if found is None:
            self._archive.bring_back_payment(payment_id)
        return found or self._find(self._database, payment_id)

    def _look_up(self, record: PaymentRecord) -> ProviderPayment | None:
        with gateway_errors_as_unavailable():
            return self._gateway.look_up(record.lookup, within=self._budget.call)

    def _charge_new(self, record: PaymentRecord, charge: Charge, then: Recorder[R]) -> R:
        started = time.monotonic()
        old = record.created_at - record.earliest_charge > LOOK_UP_FIRST
        if old and (reported := self._look_up(record)) is not None:
            return self._apply_provider_state(record, reported, then)
        return self._charge_at_provider(record, charge, started, then)

    def _charge_at_provider(self, record: PaymentRecord, charge: Charge, started: float, then: Recorder[R]) -> R:
        """Call the provider for a payment that this caller has claimed."""
        charge = replace(charge, receipt=self._receipts.of_charge(record.view))
        within = self._budget.remaining(started)
        if within <= 0:
            self._release_claim(record, 0)
            raise unavailable(None)
        ids = {"payment_id": str(record.view.id), "order_id": str(record.view.order_id)}
        try:
            reported = self._gateway.charge(record.view.id, charge, within=within)
        except GatewayRefused as error:
            code = FailureCode.PAYMENT_UNAVAILABLE if error.shop_fault else error.code
            level = log.error if error.shop_fault else log.info
            level("payments.refused", payment_id=ids["payment_id"], code=error.code, parameter=error.parameter)
            return self._write(record, lambda payments: payments.mark_refused(record.view.id, code), then)
        except GatewayUnavailable as error:
            self._release_claim(record, error.retry_after)
            raise unavailable(error) from error
        except GatewayUnknown:
            log.warning("payments.unknown", **ids)
            return self._write(record, lambda payments: payments.mark_unknown(record.view.id), then)
        return self._apply_provider_state(record, reported, then)

    def _find(self, tx: Executor, payment_id: UUID) -> PaymentRecord:
        found = PaymentRepository(tx).find(payment_id)
        if found is None:
            raise NotFound("Payment not found.")
        return found

    def _apply_provider_state(self, record: PaymentRecord, reported: ProviderPayment, then: Recorder[R]) -> R:
        term = self._gateway.methods[record.view.method].term

        def apply(tx: Transaction) -> tuple[PaymentRecord, bool, R]:
            changed = PaymentRepository(tx).apply_provider_state(record, reported, term)
            current = changed or self._find(tx, record.view.id)
            return current, changed is not None, then(tx, current.view)

        current, changed, result = self._database.run_in_transaction(apply)
        _log_provider_state(current, reported, changed=changed)
        if reported.refunded_minor > current.view.refunded_minor:
            self._provider_refunds.try_record_of(current)
        return result

    @retried
    def _claim(self, record: PaymentRecord) -> PaymentRecord | None:
        return PaymentRepository(self._database).claim(record, self._budget.claim)

    @retried
    def _release_claim(self, record: PaymentRecord, retry_after: float) -> None:
        PaymentRepository(self._database).release_claim(record, retry_after)

    def _write(self, record: PaymentRecord, change: Callable[[PaymentRepository], object], then: Recorder[R]) -> R:
        def write(tx: Transaction) -> R:
            change(PaymentRepository(tx))
            return then(tx, self._find(tx, record.view.id).view)

        return self._database.run_in_transaction(write)


def view_of(_: Executor, payment: PaymentView) -> PaymentView:
    """A `Recorder` that records nothing."""
    return payment


def _log_provider_state(current: PaymentRecord, reported: ProviderPayment, *, changed: bool) -> None:
    view = current.view
    if not changed and reported.outcome.value != view.status:
        log.info("payments.stale_state", payment_id=str(view.id), status=view.status, reported=reported.outcome)
    elif view.status is PaymentStatus.REVIEW:
        log.error("payments.review", payment_id=str(view.id), order_id=str(view.order_id))
    elif changed:
        log.info("payments.changed", payment_id=str(view.id), status=view.status, captured_late=view.captured_late)
