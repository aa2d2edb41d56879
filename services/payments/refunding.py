"""Sends money back: a refund is written first, asked for once, and looked for before it is asked for again."""

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
from services.payments.call_budget import Times, asking, unreachable
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
from services.payments.status import PaymentStatus, RefundStatus
from services.payments.views import Undone

log = structlog.get_logger(__name__)

_PAID = (PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


class Refunds:
    """The part of the payments service that gives money back."""

    def __init__(self, sessions: Sessions, gateway: Gateway, clock: Clock, times: Times) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._clock = clock
        self._times = times

    def all_of(self, payment_id: UUID) -> Undone:
        """Send back whatever a decided payment has captured and not refunded; `refunded_minor` is left to the caller.

        By the state of the books, never "one more": doing it again is harmless. Raises Unavailable.
        """
        began = time.monotonic()
        rest = self._intend_rest(payment_id)
        if rest is None:
            return Undone(True, 0, payment_id=payment_id)
        refund, fresh = rest
        refund = self._ask(refund, began) if fresh else self._drive(refund)
        match refund.view.status:
            case RefundStatus.SUCCEEDED:
                return self.all_of(payment_id) if not fresh else Undone(True, 0, refund.view.id, payment_id)
            case RefundStatus.PENDING:
                return Undone(False, 0, refund.view.id, payment_id, refund.view.retry_after, "refund_pending")
            case RefundStatus.FAILED:
                return Undone(False, 0, refund.view.id, payment_id, self._pause(refund), "refund_failed")

    def drive(self, refund_id: UUID) -> RefundRecord:
        """Find out how far a refund is; ask for it again if the provider has none. Raises NotFound, Unavailable."""
        self._touch(refund_id)
        return self._drive(self.find(refund_id))

    @retried
    def _touch(self, refund_id: UUID) -> None:
        with self._sessions.begin() as session:
            self._repository(session).touch(refund_id)

    def find(self, refund_id: UUID) -> RefundRecord:
        """The refund. Raises NotFound."""
        with self._sessions.begin() as session:
            found = self._repository(session).find(refund_id)
        if found is None:
            raise NotFound("There is no such refund.")
        return found

    def some_of(
        self, order_id: UUID, payment_id: UUID, amount: Money, idempotent: Idempotent | None
    ) -> tuple[RefundRecord, bool]:
        """Send back `amount`; also whether this repeats an earlier request. Raises as PaymentService.refund."""
        began = time.monotonic()
        refund, fresh = self._intend_some(order_id, payment_id, amount, idempotent)
        if not fresh:
            return refund, True
        try:
            return self._ask(refund, began), False
        except Unavailable:
            # It is written down: the sweep goes on with it, and a second request would be a second refund.
            return self.find(refund.view.id), False

    def book_manually(self, payment_id: UUID, reference: str, *, lost: bool) -> None:
        """Book what is left of a payment as sent back by hand, or (`lost`) as written off; once. Raises Unavailable."""
        with self._sessions.begin() as session:
            payment = self._locked(session, payment_id)
            refunds = self._repository(session).of_payment(payment_id)
            pending = [refund for refund in refunds if refund.view.status is RefundStatus.PENDING]
            if any(refund.busy_for > 0 for refund in pending):
                raise Unavailable("The provider is being asked for this refund.", retry_after=1)
            for refund in pending:
                self._repository(session).fail(refund.view.id, "settled_by_hand", None)
            rest = payment.view.captured_minor - payment.view.refunded_minor
            if rest == 0 or _is_written_off(refunds):
                return
            refund = self._intend(session, payment, rest, len(refunds) + 1, new_id())
            self._repository(session).book_manually(refund.view.id, reference, lost=lost)
        log.warning("payments.settled_by_hand", payment_id=str(payment_id), lost=lost)

    def _repository(self, session: Session) -> RefundRepository:
        return RefundRepository(session, self._clock.override())

    @retried
    def _intend_rest(self, payment_id: UUID) -> tuple[RefundRecord, bool] | None:
        """The refund to go on with, and whether it is new; None when nothing is left to send back."""
        with self._sessions.begin() as session:
            payment = self._locked(session, payment_id)
            refunds = self._repository(session).of_payment(payment_id)
            for refund in refunds:
                if refund.view.status is RefundStatus.PENDING:
                    return refund, False
            rest = payment.view.captured_minor - payment.view.refunded_minor
            if rest == 0 or _is_written_off(refunds):
                return None
            last = refunds[-1] if refunds else None
            if last and last.view.status is RefundStatus.FAILED and self._pause(last) > 0:
                return last, False
            return self._intend(session, payment, rest, len(refunds) + 1, new_id()), True

    @retried
    def _intend_some(
        self, order_id: UUID, payment_id: UUID, amount: Money, idempotent: Idempotent | None
    ) -> tuple[RefundRecord, bool]:
        refund_id = new_id()
        with self._sessions.begin() as session:
            if replay := remember(session, idempotent, refund_id, 201):
                return self._found(session, replay.resource_id), False
            payment = self._locked(session, payment_id)
            refunds = self._repository(session).of_payment(payment_id)
            self._check(order_id, payment, amount, refunds)
            return self._intend(session, payment, amount.minor, len(refunds) + 1, refund_id), True

    def _check(self, order_id: UUID, payment: PaymentRecord, amount: Money, refunds: Sequence[RefundRecord]) -> None:
        view = payment.view
        if view.order_id != order_id:
            raise PaymentOrderMismatch("This payment belongs to another order.")
        if view.status not in _PAID:
            raise InvalidTransition("Nothing was paid that could be refunded.")
        if amount.currency != view.amount.currency:
            raise CurrencyMismatch("A refund is in the currency of its payment.", pointer="/currency")
        if amount.minor < 1:
            raise Invalid("A refund is of at least one minor unit.", pointer="/amount")
        on_its_way = sum(r.view.amount.minor for r in refunds if r.view.status is RefundStatus.PENDING)
        if amount.minor > view.captured_minor - view.refunded_minor - on_its_way:
            raise RefundExceedsCaptured("That is more than is left of the payment.", pointer="/amount")
        if amount.minor != view.captured_minor and not self._gateway.methods[view.method].partial_refunds:
            raise Invalid("By this method the provider refunds in full only.", pointer="/amount")

    def _locked(self, session: Session, payment_id: UUID) -> PaymentRecord:
        found = PaymentRepository(session, self._clock.override()).lock(payment_id)
        if found is None:
            raise NotFound("There is no such payment.")
        return found

    def _intend(
        self, session: Session, payment: PaymentRecord, amount_minor: int, number: int, refund_id: UUID
    ) -> RefundRecord:
        self._repository(session).intend(refund_id, payment, amount_minor, number, self._times.claim)
        return self._found(session, refund_id)

    def _found(self, session: Session, refund_id: UUID) -> RefundRecord:
        found = self._repository(session).find(refund_id)
        if found is None:
            raise NotFound("There is no such refund.")
        return found

    def _drive(self, seen: RefundRecord) -> RefundRecord:
        if seen.view.status is not RefundStatus.PENDING or (seen.provider_id is None and seen.busy_for > 0):
            return seen
        with asking():
            told = self._gateway.look_up_refund(seen.order, seen.provider_id, within=self._times.call)
        if told is not None:
            return self._record(seen, told)
        began = time.monotonic()
        claimed = self._claim(seen)
        return self._ask(claimed, began) if claimed else self.find(seen.view.id)

    @retried
    def _claim(self, seen: RefundRecord) -> RefundRecord | None:
        with self._sessions.begin() as session:
            return self._repository(session).claim(seen, self._times.claim)

    @retried
    def _let_go(self, seen: RefundRecord, seconds: float) -> None:
        with self._sessions.begin() as session:
            self._repository(session).let_go(seen, seconds)

    def _ask(self, refund: RefundRecord, began: float) -> RefundRecord:
        """Ask the provider for a refund whose claim is ours."""
        within = self._times.left(began)
        if within <= 0:
            self._let_go(refund, 0)
            raise unreachable(None)
        try:
            return self._record(refund, self._gateway.refund(refund.order, within=within))
        except GatewayRefused as error:
            return self._fail(refund, error.code, None)
        except GatewayUnavailable as error:
            self._let_go(refund, error.retry_after)
            raise unreachable(error) from error
        except GatewayUnknown:
            log.warning("payments.refund_unknown", refund_id=str(refund.view.id))
            return self.find(refund.view.id)

    def _record(self, refund: RefundRecord, told: ProviderRefund) -> RefundRecord:
        match told.outcome:
            case Outcome.PENDING:
                return self._accept(refund, told)
            case Outcome.SUCCEEDED:
                return self._succeed(refund, told)
            case Outcome.FAILED:
                return self._fail(refund, told.failure_code or "canceled", told.provider_id)

    @retried
    def _accept(self, refund: RefundRecord, told: ProviderRefund) -> RefundRecord:
        with self._sessions.begin() as session:
            self._repository(session).accept(refund.view.id, told.provider_id)
            return self._found(session, refund.view.id)

    @retried
    def _succeed(self, refund: RefundRecord, told: ProviderRefund) -> RefundRecord:
        with self._sessions.begin() as session:
            self._repository(session).succeed(refund.view.id, told.provider_id)
            found = self._found(session, refund.view.id)
        log.info("payments.refunded", refund_id=str(found.view.id), payment_id=str(found.view.payment_id))
        return found

    @retried
    def _fail(self, refund: RefundRecord, code: str, provider_id: str | None) -> RefundRecord:
        with self._sessions.begin() as session:
            self._repository(session).fail(refund.view.id, code, provider_id)
            found = self._found(session, refund.view.id)
        log.warning("payments.refund_failed", refund_id=str(found.view.id), code=found.view.failure_code)
        return found

    def _pause(self, failed: RefundRecord) -> float:
        """Seconds until a refused refund may be tried under a new number."""
        doubled = self._times.refund_pause * float(1 << min(failed.number - 1, 10))
        return max(min(doubled, 300.0) - failed.still_for, 0.0)


def _is_written_off(refunds: Sequence[RefundRecord]) -> bool:
    return any(refund.view.failure_code == WRITTEN_OFF for refund in refunds)
