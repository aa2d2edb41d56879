"""Makes refunds: an intent is committed first, and a look-up at the provider precedes every repeated request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import (
    CurrencyMismatch,
    Invalid,
    InvalidTransition,
    NotFound,
    PaymentOrderMismatch,
    RefundExceedsCaptured,
    Unavailable,
)
from services.idempotency import Idempotent, remember
from services.money import Money
from services.payments.call_budget import CallBudget, gateway_errors_as_unavailable, unavailable
from services.payments.gateway import (
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    ProviderRefund,
)
from services.payments.records import PaymentRecord, RefundRecord
from services.payments.refunds_repository import WRITTEN_OFF, RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.status import CAPTURED, RefundStatus
from services.payments.views import RefundProgress

log = structlog.get_logger(__name__)


class Refunds:
    """The part of the payments service that makes and looks up refunds."""

    def __init__(self, sessions: Sessions, gateway: Gateway, clock: Clock, budget: CallBudget) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._clock = clock
        self._budget = budget

    def refund_remaining(self, payment_id: UUID) -> RefundProgress:
        """Refund what a decided payment has captured and not refunded; the caller fills in `refunded_minor`.

        Idempotent: the amount follows from the recorded state. Raises Unavailable.
        """
        started = time.monotonic()
        current = self._remaining_intent(payment_id)
        if current is None:
            return RefundProgress(True, 0, payment_id=payment_id)
        refund, is_new = current
        refund = self._refund_at_provider(refund, started) if is_new else self._refresh(refund)
        match refund.view.status:
            case RefundStatus.SUCCEEDED:
                done = RefundProgress(True, 0, refund.view.id, payment_id)
                return done if is_new else self.refund_remaining(payment_id)
            case RefundStatus.PENDING:
                return RefundProgress(False, 0, refund.view.id, payment_id, refund.view.retry_after, "refund_pending")
            case RefundStatus.FAILED:
                return RefundProgress(False, 0, refund.view.id, payment_id, self._retry_delay(refund), "refund_failed")

    def refresh(self, refund_id: UUID) -> RefundRecord:
        """Look up a pending refund; request it again when the provider has none. Raises NotFound, Unavailable."""
        self._touch(refund_id)
        return self._refresh(self.find(refund_id))

    @retried
    def _touch(self, refund_id: UUID) -> None:
        with self._sessions.begin() as session:
            self._repository(session).touch(refund_id)

    def find(self, refund_id: UUID) -> RefundRecord:
        """The refund. Raises NotFound."""
        with self._sessions.begin() as session:
            return self._find(session, refund_id)

    def refund_amount(
        self, order_id: UUID, payment_id: UUID, amount: Money, idempotent: Idempotent | None
    ) -> tuple[RefundRecord, bool]:
        """Refund `amount`; also whether an earlier request made this refund. Raises as PaymentService.refund."""
        started = time.monotonic()
        refund, is_new = self._create_intent(order_id, payment_id, amount, idempotent)
        if not is_new:
            return refund, True
        try:
            return self._refund_at_provider(refund, started), False
        except Unavailable:
            # The intent is committed and the periodic sweep continues it; an error would invite a second refund.
            return self.find(refund.view.id), False

    def book_manually(self, payment_id: UUID, reference: str, *, lost: bool) -> None:
        """Book what is left of a payment as refunded outside the provider, or (`lost`) as written off; once.

        Raises Unavailable while another caller holds the claim of a pending refund.
        """
        with self._sessions.begin() as session:
            payment = self._lock(session, payment_id)
            refunds = self._repository(session).of_payment(payment_id)
            pending = [refund for refund in refunds if refund.view.status is RefundStatus.PENDING]
            if any(refund.claimed_for > 0 for refund in pending):
                raise Unavailable("A refund of this payment is in progress.", retry_after=1)
            for refund in pending:
                self._repository(session).mark_failed(refund.view.id, "booked_manually", None)
            remaining = payment.view.captured_minor - payment.view.refunded_minor
            if remaining == 0 or _is_written_off(refunds):
                return
            refund = self._insert(session, payment, remaining, len(refunds) + 1, new_id())
            self._repository(session).book_manually(refund.view.id, reference, lost=lost)
        log.warning("payments.booked_manually", payment_id=str(payment_id), lost=lost)

    def _repository(self, session: Session) -> RefundRepository:
        return RefundRepository(session, self._clock.override())

    @retried
    def _remaining_intent(self, payment_id: UUID) -> tuple[RefundRecord, bool] | None:
        """The refund to continue, and whether this call created it; None when nothing is left to refund."""
        with self._sessions.begin() as session:
            payment = self._lock(session, payment_id)
            refunds = self._repository(session).of_payment(payment_id)
            for refund in refunds:
                if refund.view.status is RefundStatus.PENDING:
                    return refund, False
            remaining = payment.view.captured_minor - payment.view.refunded_minor
            if remaining == 0 or _is_written_off(refunds):
                return None
            last = refunds[-1] if refunds else None
            if last and last.view.status is RefundStatus.FAILED and self._retry_delay(last) > 0:
                return last, False
            return self._insert(session, payment, remaining, len(refunds) + 1, new_id()), True

    @retried
    def _create_intent(
        self, order_id: UUID, payment_id: UUID, amount: Money, idempotent: Idempotent | None
    ) -> tuple[RefundRecord, bool]:
        refund_id = new_id()
        with self._sessions.begin() as session:
            if replay := remember(session, idempotent, refund_id, 201):
                return self._find(session, replay.resource_id), False
            payment = self._lock(session, payment_id)
            refunds = self._repository(session).of_payment(payment_id)
            self._check(order_id, payment, amount, refunds)
            return self._insert(session, payment, amount.minor, len(refunds) + 1, refund_id), True

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

    def _lock(self, session: Session, payment_id: UUID) -> PaymentRecord:
        found = PaymentRepository(session, self._clock.override()).lock(payment_id)
        if found is None:
            raise NotFound("Payment not found.")
        return found

    def _insert(
        self, session: Session, payment: PaymentRecord, amount_minor: int, number: int, refund_id: UUID
    ) -> RefundRecord:
        self._repository(session).create_intent(refund_id, payment, amount_minor, number, self._budget.claim)
        return self._find(session, refund_id)

    def _find(self, session: Session, refund_id: UUID) -> RefundRecord:
        found = self._repository(session).find(refund_id)
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
        with self._sessions.begin() as session:
            return self._repository(session).claim(refund, self._budget.claim)

    @retried
    def _release_claim(self, refund: RefundRecord, retry_after: float) -> None:
        with self._sessions.begin() as session:
            self._repository(session).release_claim(refund, retry_after)

    def _refund_at_provider(self, refund: RefundRecord, started: float) -> RefundRecord:
        """Call the provider for a refund that this caller has claimed."""
        within = self._budget.remaining(started)
        if within <= 0:
            self._release_claim(refund, 0)
            raise unavailable(None)
        try:
            return self._apply_provider_state(refund, self._gateway.refund(refund.request, within=within))
        except GatewayRefused as error:
            return self._mark_failed(refund, error.code, None)
        except GatewayUnavailable as error:
            self._release_claim(refund, error.retry_after)
            raise unavailable(error) from error
        except GatewayUnknown:
            log.warning("payments.refund_unknown", refund_id=str(refund.view.id))
            return self.find(refund.view.id)

    def _apply_provider_state(self, refund: RefundRecord, reported: ProviderRefund) -> RefundRecord:
        match reported.outcome:
            case Outcome.PENDING:
                return self._mark_accepted(refund, reported.provider_id)
            case Outcome.SUCCEEDED:
                return self._mark_succeeded(refund, reported.provider_id)
            case Outcome.FAILED:
                return self._mark_failed(refund, reported.failure_code or "canceled", reported.provider_id)

    @retried
    def _mark_accepted(self, refund: RefundRecord, provider_id: str) -> RefundRecord:
        with self._sessions.begin() as session:
            self._repository(session).mark_accepted(refund.view.id, provider_id)
            return self._find(session, refund.view.id)

    @retried
    def _mark_succeeded(self, refund: RefundRecord, provider_id: str) -> RefundRecord:
        with self._sessions.begin() as session:
            self._repository(session).mark_succeeded(refund.view.id, provider_id)
            found = self._find(session, refund.view.id)
        log.info("payments.refunded", refund_id=str(found.view.id), payment_id=str(found.view.payment_id))
        return found

    @retried
    def _mark_failed(self, refund: RefundRecord, code: str, provider_id: str | None) -> RefundRecord:
        with self._sessions.begin() as session:
            self._repository(session).mark_failed(refund.view.id, code, provider_id)
            found = self._find(session, refund.view.id)
        log.warning("payments.refund_failed", refund_id=str(found.view.id), code=found.view.failure_code)
        return found

    def _retry_delay(self, failed: RefundRecord) -> float:
        """Seconds until a failed refund may be requested again under a new number."""
        doubled = self._budget.refund_retry_delay * float(1 << min(failed.number - 1, 10))
        return max(min(doubled, 300.0) - failed.unchanged_for, 0.0)


def _is_written_off(refunds: Sequence[RefundRecord]) -> bool:
    return any(refund.view.failure_code == WRITTEN_OFF for refund in refunds)
