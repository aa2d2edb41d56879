"""Makes refunds: an intent is committed first, and a look-up at the provider precedes every repeated request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import structlog

from services.db import Database, Executor, Transaction, retried
from services.errors import NotFound, Unavailable
from services.idempotency import IdempotentRequest
from services.money import Money
from services.payments.call_budget import CallBudget, gateway_errors_as_unavailable, unavailable
from services.payments.gateway import (
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    ProviderRefund,
)
from services.payments.provider_refunds import ProviderRefunds, log_end
from services.payments.receipts import Receipts
from services.payments.records import PaymentRecord, RefundRecord
from services.payments.refund_intents import RefundIntents
from services.payments.refunds_repository import RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.status import RefundStatus
from services.payments.views import RefundProgress

log = structlog.get_logger(__name__)

#: Seconds that the provider may take to decide a refund: YooKassa answers at once, but for banks that answer later.
REFUND_TERM = 86_400.0


class Refunds:
    """The part of the payments service that makes and looks up refunds."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        budget: CallBudget,
        intents: RefundIntents,
        provider_refunds: ProviderRefunds,
        receipts: Receipts,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._budget = budget
        self._intents = intents
        self._provider_refunds = provider_refunds
        self._receipts = receipts

    def refund_remaining(self, payment: PaymentRecord) -> RefundProgress:
        """Refund what a decided payment has captured and not refunded; the caller fills in `refunded_minor`.

        Before a refund is requested, those that the provider has are recorded: what was sent back on its own page
        must not be refunded again. Idempotent: the amount follows from the recorded state. Raises Unavailable.
        """
        payment_id = payment.view.id
        if not self._pending(payment_id):
            self._provider_refunds.record_of(payment)
        started = time.monotonic()
        current = self._intents.for_remaining(payment_id)
        if current is None:
            return RefundProgress(True, 0, payment_id=payment_id)
        refund, is_new = current
        refund = self._refund_at_provider(refund, started) if is_new else self._refresh(refund)
        match refund.view.status:
            case RefundStatus.SUCCEEDED:
                done = RefundProgress(True, 0, refund.view.id, payment_id)
                return done if is_new else self.refund_remaining(payment)
            case RefundStatus.PENDING:
                reason, waiting = "refund_pending", _waiting(refund)
                return RefundProgress(
                    False, 0, refund.view.id, payment_id, refund.view.retry_after, reason, waiting=waiting
                )
            case RefundStatus.FAILED:
                retry_after = self._budget.refund_retry_after(refund.number, refund.unchanged_for)
                return RefundProgress(False, 0, refund.view.id, payment_id, retry_after, "refund_failed")

    def _pending(self, payment_id: UUID) -> list[RefundRecord]:
        refunds = RefundRepository(self._database).of_payment(payment_id)
        return [refund for refund in refunds if refund.view.status is RefundStatus.PENDING]

    def refresh(self, refund_id: UUID) -> RefundRecord:
        """Look up a pending refund; request it again when the provider has none. Raises NotFound, Unavailable."""
        self._touch(refund_id)
        return self._refresh(self.find(refund_id))

    @retried
    def _touch(self, refund_id: UUID) -> None:
        RefundRepository(self._database).touch(refund_id)

    def find(self, refund_id: UUID) -> RefundRecord:
        """The refund. Raises NotFound."""
        return self._find(self._database, refund_id)

    def refund_amount(
        self, order_id: UUID, payment_id: UUID, amount: Money, restock: bool, idempotent: IdempotentRequest | None
    ) -> tuple[RefundRecord, bool]:
        """Refund `amount`; also whether an earlier request made this refund. Raises as PaymentService.refund."""
        started = time.monotonic()
        refund, is_new = self._intents.for_amount(order_id, payment_id, amount, restock, idempotent)
        if not is_new:
            return refund, True
        try:
            return self._refund_at_provider(refund, started), False
        except Unavailable:
            # The intent is committed and the periodic sweep continues it; an error would invite a second refund.
            return self.find(refund.view.id), False

    def _find(self, tx: Executor, refund_id: UUID) -> RefundRecord:
        found = RefundRepository(tx).find(refund_id)
        if found is None:
            raise NotFound("Refund not found.")
        return found

    def _refresh(self, refund: RefundRecord) -> RefundRecord:
        claimed = refund.provider_id is None and refund.claimed_for > 0
        if refund.view.status is not RefundStatus.PENDING or claimed:
            return refund
        with gateway_errors_as_unavailable():
            reported = self._gateway.look_up_refund(refund.request, refund.provider_id, within=self._budget.call)
        if reported is not None:
            return self._apply_provider_state(refund, reported)
        started = time.monotonic()
        ours = self._claim(refund)
        return self._refund_at_provider(ours, started) if ours else self.find(refund.view.id)

    @retried
    def _claim(self, refund: RefundRecord) -> RefundRecord | None:
        return RefundRepository(self._database).claim(refund, self._budget.claim)

    @retried
    def _release_claim(self, refund: RefundRecord, retry_after: float) -> None:
        RefundRepository(self._database).release_claim(refund, retry_after)

    def _refund_at_provider(self, refund: RefundRecord, started: float) -> RefundRecord:
        """Call the provider for a refund that this caller has claimed."""
        request = replace(refund.request, receipt=self._receipts.of_refund(refund))
        within = self._budget.remaining(started)
        if within <= 0:
            self._release_claim(refund, 0)
            raise unavailable(None)
        try:
            return self._apply_provider_state(refund, self._gateway.refund(request, within=within))
        except GatewayRefused as error:
            fields = {"refund_id": str(refund.view.id), "code": error.code, "parameter": error.parameter}
            log.error("payments.refund_refused", **fields)
            return self._mark_failed(refund, error.code)
        except GatewayUnavailable as error:
            self._release_claim(refund, error.retry_after)
            raise unavailable(error) from error
        except GatewayUnknown:
            log.warning("payments.refund_unknown", refund_id=str(refund.view.id))
            return self.find(refund.view.id)

    def _apply_provider_state(self, refund: RefundRecord, reported: ProviderRefund) -> RefundRecord:
        return self._end(refund, lambda refunds: refunds.apply_provider_state(refund.view.id, reported))

    def _mark_failed(self, refund: RefundRecord, code: str) -> RefundRecord:
        return self._end(refund, lambda refunds: refunds.mark_failed(refund.view.id, code, None))

    def _end(self, refund: RefundRecord, change: Callable[[RefundRepository], int | None]) -> RefundRecord:
        """Change the refund under the lock of its payment; returns it as it is then."""

        def write(tx: Transaction) -> tuple[RefundRecord, int | None]:
            PaymentRepository(tx).lock(refund.view.payment_id)
            excess_minor = change(RefundRepository(tx))
            return self._find(tx, refund.view.id), excess_minor

        ended, excess_minor = self._database.run_in_transaction(write)
        log_end(ended, excess_minor or 0)
        return ended


def _waiting(refund: RefundRecord) -> float:
    """Seconds that the provider may still take; 0 when it does not have the refund."""
    return max(REFUND_TERM - refund.age, 0) if refund.provider_id else 0.0
