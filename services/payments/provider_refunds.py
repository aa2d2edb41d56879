"""Refunds as the provider lists them: ours are settled, and those made on the provider's own page are booked too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Transaction
from services.errors import Unavailable
from services.payments.archived_payments import PaymentArchive
from services.payments.call_budget import CallBudget, gateway_errors_as_unavailable
from services.payments.gateway import Gateway, Outcome, ProviderRefund
from services.payments.records import PaymentRecord, RefundRecord, next_number, refund_key
from services.payments.refunds_repository import RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.status import RefundStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Change:
    """A refund that was changed or inserted; `found`: nobody had requested it here."""

    refund: RefundRecord
    #: minor units beyond what was left of the payment
    excess_minor: int
    found: bool


class ProviderRefunds:
    """The part of the payments service that records refunds which it did not hear of as the answer to its request."""

    def __init__(self, database: Database, gateway: Gateway, budget: CallBudget, archive: PaymentArchive) -> None:
        self._database = database
        self._archive = archive
        self._gateway = gateway
        self._budget = budget

    def record_of(self, payment: PaymentRecord) -> int:
        """Record every refund that the provider has of this payment; returns how many changed. Raises Unavailable."""
        return self.record(self._listed(payment))

    def found_of(self, payment: PaymentRecord) -> int:
        """As `record_of`; returns how many of those that succeeded were made on the provider's own page."""
        changed = self._changed(self._listed(payment))
        return sum(each.found and each.refund.view.status is RefundStatus.SUCCEEDED for each in changed)

    def has(self, provider_id: str | None) -> bool:
        """Whether our books have the refund with this id at the provider as succeeded."""
        known = RefundRepository(self._database).statuses([provider_id]) if provider_id else {}
        return RefundStatus.SUCCEEDED in known.values()

    def try_record_of(self, payment: PaymentRecord) -> None:
        """As `record_of`, but when the provider does not answer, the periodic look has to find the refunds."""
        try:
            self.record_of(payment)
        except Unavailable:
            log.warning("payments.refunds_not_listed", payment_id=str(payment.view.id))

    def record(self, listed: Sequence[ProviderRefund]) -> int:
        """Record refunds of payments of ours, each once; returns how many changed.

        Refunds of other payments, and those of a payment that is not captured in our books yet, are left out. An
        archived payment with a refund that our books do not have is moved back.
        """
        return len(self._changed(listed))

    def _listed(self, payment: PaymentRecord) -> list[ProviderRefund]:
        if payment.view.provider_id is None:
            return []
        with gateway_errors_as_unavailable():
            return list(self._gateway.list_refunds_of(payment.view.provider_id, within=self._budget.call))

    def _changed(self, listed: Sequence[ProviderRefund]) -> list[_Change]:
        known = RefundRepository(self._database).statuses([refund.provider_id for refund in listed])
        unlike = [refund for refund in listed if known.get(refund.provider_id) != refund.outcome.value]
        return [change for refund in unlike if (change := self._record(refund))]

    def _record(self, reported: ProviderRefund) -> _Change | None:
        self._archive.bring_back_payment(reported.payment_provider_id)
        change = self._database.run_in_transaction(lambda tx: _record(tx, reported))
        if change is not None:
            log_end(change.refund, change.excess_minor)
        return change


def log_end(refund: RefundRecord, excess_minor: int) -> None:
    """Log how a refund ended, if it did. `excess_minor`: what was refunded beyond what was left of the payment."""
    view = refund.view
    if excess_minor:
        log.error("payments.refunded_twice", payment_id=str(view.payment_id), excess_minor=excess_minor)
    if view.status is RefundStatus.SUCCEEDED:
        log.info("payments.refunded", refund_id=str(view.id), payment_id=str(view.payment_id))
    elif view.status is RefundStatus.FAILED:
        log.warning("payments.refund_failed", refund_id=str(view.id), code=view.failure_code)


def _record(tx: Transaction, reported: ProviderRefund) -> _Change | None:
    """What this call changed or inserted; None when it changed nothing."""
    payment = PaymentRepository(tx).lock_by_provider_id(reported.payment_provider_id)
    if payment is None or not _concerns(reported, payment):
        return None
    repository = RefundRepository(tx)
    refunds = repository.of_payment(payment.view.id)
    requested = _requested(reported, refunds)
    if requested is None and reported.outcome is Outcome.FAILED:
        return None
    refund_id = requested.view.id if requested else _insert(repository, payment, reported, refunds)
    excess_minor = repository.apply_provider_state(refund_id, reported)
    after = repository.find(refund_id)
    if after is None or (requested and _state(requested) == _state(after)):
        return None
    return _Change(after, excess_minor, found=requested is None)


def _concerns(reported: ProviderRefund, payment: PaymentRecord) -> bool:
    """Whether the refund can be booked: not before the payment is captured, and in its currency only."""
    if reported.amount.currency != payment.view.amount.currency:
        log.error("payments.refund_currency", payment_id=str(payment.view.id), provider_id=reported.provider_id)
        return False
    return payment.view.captured_minor > 0


def _requested(reported: ProviderRefund, refunds: Sequence[RefundRecord]) -> RefundRecord | None:
    """The row that has the provider's id, or else our key: then the answer to our request was lost."""
    by_id = (refund for refund in refunds if refund.provider_id == reported.provider_id)
    by_key = (
        refund
        for refund in refunds
        if refund.provider_id is None and refund.request.key == reported.key and refund.view.amount == reported.amount
    )
    return next(by_id, None) or next(by_key, None)


def _state(refund: RefundRecord) -> tuple[RefundStatus, str | None]:
    return refund.view.status, refund.provider_id


def _insert(
    repository: RefundRepository, payment: PaymentRecord, reported: ProviderRefund, refunds: Sequence[RefundRecord]
) -> UUID:
    """A refund that we did not request. One with a key of ours takes its number: no later refund may have that key."""
    log.warning("payments.refund_found", payment_id=str(payment.view.id), provider_id=reported.provider_id)
    free = next_number(refunds)
    numbers = (number for number in range(free, free + 100) if refund_key(payment.view.id, number) == reported.key)
    refund_id = new_id()
    repository.insert_found(refund_id, payment, reported, next(numbers, free))
    return refund_id
