"""Transitions of an order: each is one guarded transaction and repeatable."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session

from services.db import Sessions, retried
from services.errors import InvalidTransition, NotFound, OrderClaimed, OrderClosing
from services.money import Money
from services.orders import repository, shaping
from services.orders.status import CLOSING, CancelReason, OrderStatus, has_reached, sources
from services.orders.views import Claimed, Due, PaymentMethod, Standing
from services.secrets import Vault


class OrderTransitions:
    """The transitions of an order that its workflow's steps make."""

    def __init__(self, sessions: Sessions, vault: Vault) -> None:
        self._sessions = sessions
        self._vault = vault

    @retried
    def claim(self, order_id: UUID, run_id: str) -> Claimed:
        """Take the order for the run with this (original) id, because Temporal forgets ids after retention.

        Raises NotFound, OrderClaimed (by another run), OrderClosing (cancelled before it began).
        """
        with self._sessions.begin() as session:
            row = repository.claim(session, order_id, run_id)
            if row is None:
                self._standing(session, order_id)
                raise OrderClaimed("Another run of the workflow drives this order.")
        status = OrderStatus(row.status)
        _refuse_closing(status)
        return Claimed(status, tuple((UUID(product_id), quantity) for product_id, quantity in row.items))

    def reserved(self, order_id: UUID) -> Standing:
        """`created → reserved`. Raises OrderClosing, NotFound."""
        return self._forward(order_id, OrderStatus.RESERVED)

    @retried
    def start_payment(self, order_id: UUID, attempt: int) -> Due:
        """`reserved → payment_pending`, and what is to be paid from what; the method is None once it is forgotten.

        Raises OrderClosing, InvalidTransition, NotFound.
        """
        target = OrderStatus.PAYMENT_PENDING
        with self._sessions.begin() as session:
            row = repository.move(session, order_id, target, sources(target), attempt=attempt)
            if row is None:
                row = self._reached(session, order_id, target)
            return Due(Money(row.total_minor, row.currency), self._method(row.payment_method))

    def paid(self, order_id: UUID, payment_id: UUID, amount: Money) -> Standing:
        """`payment_pending → paid`; the way to pay is forgotten. Raises OrderClosing, NotFound."""
        return self._forward(order_id, OrderStatus.PAID, paid_by=payment_id, amount=amount.minor, forget=True)

    def confirmed(self, order_id: UUID) -> Standing:
        """`paid → confirmed`, the point of no return. Raises OrderClosing, InvalidTransition (unpaid), NotFound."""
        return self._forward(order_id, OrderStatus.CONFIRMED)

    @retried
    def begin_cancel(self, order_id: UUID, run_id: str, reason: str) -> Standing:
        """To `cancelling` from wherever that is allowed; tells where the order stands then (maybe `confirmed`).

        The first reason stays. Raises OrderClaimed, NotFound.
        """
        target, why = OrderStatus.CANCELLING, CancelReason(reason)
        with self._sessions.begin() as session:
            repository.move(session, order_id, target, sources(target), reason=why, detail=why, run=run_id)
            standing = self._standing(session, order_id)
            if standing.claimed_by not in (None, run_id):
                raise OrderClaimed("Another run of the workflow drives this order.")
            return Standing(OrderStatus(standing.status), shaping.reason(standing.cancel_reason))

    @retried
    def cancelled(self, order_id: UUID) -> Standing:
        """`cancelling → cancelled`, after everything was undone. Repeatable. Raises InvalidTransition, NotFound."""
        target = OrderStatus.CANCELLED
        with self._sessions.begin() as session:
            row = repository.move(session, order_id, target, sources(target), forget=True)
            standing = self._standing(session, order_id)
            if row is None and standing.status != target:
                raise InvalidTransition(f"The order is {standing.status}: it is not being cancelled.")
            return Standing(target, shaping.reason(standing.cancel_reason))

    @retried
    def note(
        self,
        order_id: UUID,
        type_: str,
        key: str,
        *,
        detail: str | None = None,
        attempt: int | None = None,
        amount_minor: int | None = None,
    ) -> None:
        """Write an entry of the timeline that changes no status; once a key."""
        with self._sessions.begin() as session:
            repository.note(session, order_id, key, type=type_, detail=detail, attempt=attempt, amount=amount_minor)

    def record_refund(self, order_id: UUID, refund_id: UUID, amount_minor: int, failure_code: str | None) -> None:
        """Write how a refund ended into the timeline: each that succeeded, of which the buyer is told, and one failure.

        A refund that keeps failing is tried again under new numbers: the timeline need not repeat that.
        """
        if failure_code is None:
            self.note(order_id, "refunded", f"refunded:{refund_id}", amount_minor=amount_minor)
        else:
            self.note(order_id, "refund_failed", "refund_failed", detail=failure_code, amount_minor=amount_minor)

    @retried
    def forget_method(self, order_id: UUID) -> None:
        """Drop the token or number of a payment that failed for good."""
        with self._sessions.begin() as session:
            repository.forget_method(session, order_id)

    @retried
    def set_attention(self, order_id: UUID, reason: str | None) -> None:
        """Ask for a person with a reason (a short code), or no longer (None)."""
        with self._sessions.begin() as session:
            repository.set_attention(session, order_id, reason)

    @retried
    def _forward(self, order_id: UUID, target: OrderStatus, **event: Any) -> Standing:
        with self._sessions.begin() as session:
            row = repository.move(session, order_id, target, sources(target), **event)
            if row is None:
                self._reached(session, order_id, target)
            return Standing(target)

    def _reached(self, session: Session, order_id: UUID, target: OrderStatus) -> Any:
        standing = self._standing(session, order_id)
        status = OrderStatus(standing.status)
        _refuse_closing(status)
        if not has_reached(status, target):
            raise InvalidTransition(f"The order is {status}: it cannot become {target}.")
        return standing

    def _standing(self, session: Session, order_id: UUID) -> Any:
        row = repository.standing(session, order_id)
        if row is None:
            raise NotFound("There is no such order.")
        return row

    def _method(self, sealed: bytes | None) -> PaymentMethod | None:
        return PaymentMethod(**self._vault.open(sealed)) if sealed else None


def _refuse_closing(status: OrderStatus) -> None:
    if status in CLOSING:
        raise OrderClosing(f"The order is {status}.")
