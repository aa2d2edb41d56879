"""Refund intents: how much to refund is decided under a lock and recorded before the provider is called."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import (
    CurrencyMismatch,
    Invalid,
    InvalidTransition,
    NotFound,
    PaymentOrderMismatch,
    RefundExceedsCaptured,
    Unavailable,
)
from services.idempotency import IdempotentRequest, remember
from services.money import Money
from services.payments.call_budget import CallBudget
from services.payments.gateway import Gateway
from services.payments.records import PaymentRecord, RefundRecord, next_number
from services.payments.refunds_repository import RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.status import CAPTURED, FailureCode, PaymentStatus, RefundStatus
from services.payments.views import PaymentView

log = structlog.get_logger(__name__)


class RefundIntents:
    """The part of the payments service that creates refunds; every method is one transaction."""

    def __init__(self, database: Database, gateway: Gateway, budget: CallBudget) -> None:
        self._database = database
        self._gateway = gateway
        self._budget = budget

    @retried
    def for_remaining(self, payment_id: UUID) -> tuple[RefundRecord, bool] | None:
        """The refund to continue, and whether this call created it; None when nothing is left to refund."""
        with self._database.transaction() as tx:
            payment = self._lock(tx, payment_id)
            refunds = RefundRepository(tx).of_payment(payment_id)
            for refund in refunds:
                if refund.view.status is RefundStatus.PENDING:
                    return refund, False
            remaining = payment.view.captured_minor - payment.view.refunded_minor
            if remaining == 0 or _is_written_off(refunds):
                return None
            last = refunds[-1] if refunds else None
            failed = last is not None and last.view.status is RefundStatus.FAILED
            if last and failed and self._budget.refund_retry_after(last.number, last.unchanged_for) > 0:
                return last, False
            return self._insert(tx, payment, remaining, next_number(refunds), new_id()), True

    @retried
    def for_amount(
        self, order_id: UUID, payment_id: UUID, amount: Money, restock: bool, idempotent: IdempotentRequest | None
    ) -> tuple[RefundRecord, bool]:
        """A refund of `amount`, and whether this call created it. Raises as PaymentService.refund, but Unavailable."""
        refund_id = new_id()
        with self._database.transaction() as tx:
            if replay := remember(tx, idempotent, refund_id, 201):
                return self._find(tx, replay.resource_id), False
            payment = self._lock(tx, payment_id)
            refunds = RefundRepository(tx).of_payment(payment_id)
            self._check(order_id, payment, amount, refunds)
            if restock and amount.minor != payment.view.captured_minor - payment.view.refunded_minor:
                raise Invalid("Goods go back to stock only with all that is left of the payment.", pointer="/restock")
            return self._insert(tx, payment, amount.minor, next_number(refunds), refund_id, restock=restock), True

    @retried
    def book_manually(self, payment_id: UUID, reference: str, *, lost: bool) -> bool:
        """Book what is left of a payment as refunded outside the provider, or (`lost`) as written off; once.

        True when it was booked, now or by an earlier call, and when it is not known yet what the payment has captured.

        A pending refund that the provider has not accepted is given up. One that it has accepted stays pending,
        because nobody can stop it any more, and is still looked up. Raises Unavailable while another caller holds the
        claim of a pending refund.
        """
        with self._database.transaction() as tx:
            payment = self._lock(tx, payment_id)
            refunds = RefundRepository(tx).of_payment(payment_id)
            pending = [refund for refund in refunds if refund.view.status is RefundStatus.PENDING]
            if any(refund.claimed_for > 0 for refund in pending):
                raise Unavailable("A refund of this payment is in progress.", retry_after=1)
            for refund in pending:
                if refund.provider_id is None:
                    RefundRepository(tx).mark_failed(refund.view.id, "booked_manually", None)
            remaining = payment.view.captured_minor - payment.view.refunded_minor
            if remaining == 0 or _is_written_off(refunds):
                return _may_capture(payment.view) or RefundRepository(tx).is_booked(payment_id, reference, lost=lost)
            refund = self._insert(tx, payment, remaining, next_number(refunds), new_id())
            RefundRepository(tx).book_manually(refund.view.id, reference, lost=lost)
        log.warning("payments.booked_manually", payment_id=str(payment_id), lost=lost)
        return True

    def _lock(self, tx: Executor, payment_id: UUID) -> PaymentRecord:
        found = PaymentRepository(tx).lock(payment_id)
        if found is None:
            raise NotFound("Payment not found.")
        return found

    def _insert(
        self,
        tx: Executor,
        payment: PaymentRecord,
        amount_minor: int,
        number: int,
        refund_id: UUID,
        *,
        restock: bool = False,
    ) -> RefundRecord:
        RefundRepository(tx).create_intent(refund_id, payment, amount_minor, number, self._budget.claim, restock)
        return self._find(tx, refund_id)

    def _check(self, order_id: UUID, payment: PaymentRecord, amount: Money, refunds: Sequence[RefundRecord]) -> None:
        view = payment.view
        if view.order_id != order_id:
            raise PaymentOrderMismatch("This payment belongs to another order.")
        if view.status not in CAPTURED:
            raise InvalidTransition("This payment was not captured, so it cannot be refunded.")
        if amount.currency != view.amount.currency:
            raise CurrencyMismatch("A refund must be in the currency of its payment.", pointer="/currency")
        if amount.minor < 1:
            raise Invalid("A refund must be at least one minor unit.", pointer="/amount")
        pending = sum(r.view.amount.minor for r in refunds if r.view.status is RefundStatus.PENDING)
        if amount.minor > view.captured_minor - view.refunded_minor - pending:
            raise RefundExceedsCaptured("The refund is more than what is left of the payment.", pointer="/amount")
        if amount.minor != view.captured_minor and not self._gateway.methods[view.method].partial_refunds:
            raise Invalid("The provider refunds this payment method in full only.", pointer="/amount")

    def _find(self, tx: Executor, refund_id: UUID) -> RefundRecord:
        found = RefundRepository(tx).find(refund_id)
        if found is None:
            raise NotFound("Refund not found.")
        return found


def _may_capture(payment: PaymentView) -> bool:
    return payment.undecided or (payment.status is PaymentStatus.REVIEW and payment.captured_minor == 0)


def _is_written_off(refunds: Sequence[RefundRecord]) -> bool:
    return any(refund.view.failure_code == FailureCode.WRITTEN_OFF for refund in refunds)
