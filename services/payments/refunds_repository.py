# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""The SQL of refunds: intents numbered within their payment, and guarded ends with their ledger entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlmodel import Session

from services.clock import NOW
from services.payments.records import PaymentRecord, RefundRecord, refund_record
from services.payments.status import FOLLOWS, PaymentStatus

#: Why a refund failed that an operator has given up for good.
WRITTEN_OFF = "written_off"


class RefundRepository:
    """Statements in the caller's transaction; `now` is the moment of a test's clock, or None for the database's."""

    def __init__(self, session: Session, now: datetime | None) -> None:
        self._session = session
        self._now = now

    def _run(self, statement: TextClause, **values: object) -> Sequence[Row[Any]]:
        return self._session.execute(statement, {"now": self._now, **values}).all()

    def _one(self, statement: TextClause, **values: object) -> RefundRecord | None:
        rows = self._run(statement, **values)
        return refund_record(rows[0]) if rows else None

    def find(self, refund_id: UUID) -> RefundRecord | None:
        """The refund."""
        return self._one(_FIND, id=refund_id)

    def of_payment(self, payment_id: UUID) -> list[RefundRecord]:
        """The payment's refunds, first one first."""
        return [refund_record(row) for row in self._run(_OF_PAYMENT, payment_id=payment_id)]

    def of_order(self, order_id: UUID) -> list[RefundRecord]:
        """The order's refunds, first one first."""
        return [refund_record(row) for row in self._run(_OF_ORDER, order_id=order_id)]

    def intend(self, refund_id: UUID, payment: PaymentRecord, amount_minor: int, number: int, seconds: float) -> None:
        """Write the intent of a refund; for `seconds` nobody else talks to the provider about it."""
        self._run(
            _INTEND,
            id=refund_id,
            payment_id=payment.view.id,
            order_id=payment.view.order_id,
            number=number,
            amount_minor=amount_minor,
            currency=payment.view.amount.currency,
            seconds=seconds,
        )

    def claim(self, seen: RefundRecord, seconds: float) -> RefundRecord | None:
        """Take the right to ask for the refund again for `seconds`; None when it moved since it was `seen`."""
        taken = self._run(_CLAIM, id=seen.view.id, seen=seen.claimed_until, seconds=seconds)
        return self.find(seen.view.id) if taken else None

    def let_go(self, seen: RefundRecord, seconds: float) -> None:
        """Nobody talks to the provider now; nobody shall for another `seconds`."""
        self._run(_CLAIM, id=seen.view.id, seen=seen.claimed_until, seconds=seconds)

    def accept(self, refund_id: UUID, provider_id: str) -> None:
        """The provider has it and will end it later."""
        self._run(_ACCEPT, id=refund_id, provider_id=provider_id)

    def fail(self, refund_id: UUID, code: str, provider_id: str | None) -> None:
        """The provider moved nothing and will not."""
        self._run(_FAIL, id=refund_id, code=code[:64], provider_id=provider_id)

    def succeed(self, refund_id: UUID, provider_id: str | None) -> None:
        """The buyer has the money: refund, payment and ledger in one statement, once."""
        follows = FOLLOWS[PaymentStatus.REFUNDED]
        self._run(_SUCCEED, id=refund_id, provider_id=provider_id, allowed=sorted(follows))

    def book_manually(self, refund_id: UUID, reference: str, *, lost: bool) -> None:
        """A refund that the provider has no part in: sent back in another way, or (`lost`) given up, once."""
        if lost:
            self._run(_WRITE_OFF, id=refund_id, reference=reference[:200], code=WRITTEN_OFF)
        else:
            self._run(_REFER, id=refund_id, reference=reference[:200])
            self.succeed(refund_id, None)

    def pending(self, limit: int) -> list[UUID]:
        """Refunds that wait and that nobody is asking for, the longest untouched first."""
        return [row.id for row in self._run(_PENDING, limit=limit)]

    def untold(self, limit: int) -> list[RefundRecord]:
        """Refunds whose end is not in their order's timeline, oldest first."""
        return [refund_record(row) for row in self._run(_UNTOLD, limit=limit)]

    def mark_reported(self, refund_ids: Sequence[UUID]) -> None:
        """Their ends are in the timelines."""
        self._run(_MARK_TOLD, ids=list(refund_ids))

    def touch(self, refund_id: UUID) -> None:
        """It was looked at, so others come first."""
        self._run(_TOUCH, id=refund_id)


_MOMENT = f"(SELECT {NOW})"
_SECONDS = "cast(:seconds AS float8) * interval '1 second'"
_SELECT = f"""
    SELECT r.id, r.payment_id, r.order_id, r.number, r.amount_minor, r.currency, r.status, r.provider_id,
           r.failure_code, r.claimed_until, p.provider_id AS payment_provider_id,
           coalesce(greatest(extract(epoch FROM r.claimed_until - {_MOMENT}), 0), 0)::float8 AS busy_for,
           extract(epoch FROM {_MOMENT} - r.updated_at)::float8 AS still_for
      FROM payments.refunds r JOIN payments.payments p ON p.id = r.payment_id"""
_FIND = text(f"{_SELECT} WHERE r.id = :id")
_OF_PAYMENT = text(f"{_SELECT} WHERE r.payment_id = :payment_id ORDER BY r.number")
_OF_ORDER = text(f"{_SELECT} WHERE r.order_id = :order_id ORDER BY r.created_at, r.number")
_INTEND = text(
    f"""
    INSERT INTO payments.refunds (id, payment_id, order_id, number, amount_minor, currency, status, claimed_until,
                                  created_at, updated_at)
    SELECT :id, :payment_id, :order_id, :number, :amount_minor, :currency, 'pending', moment.at + {_SECONDS},
           moment.at, moment.at
      FROM {_MOMENT} AS moment (at) RETURNING 1
    """
)
_CLAIM = text(
    f"""
    UPDATE payments.refunds SET claimed_until = {_MOMENT} + {_SECONDS}, updated_at = {_MOMENT}
     WHERE id = :id AND status = 'pending' AND provider_id IS NULL
       AND claimed_until IS NOT DISTINCT FROM cast(:seen AS timestamptz) RETURNING 1
    """
)
_ACCEPT = text(
    f"""
    UPDATE payments.refunds SET provider_id = :provider_id, claimed_until = NULL, updated_at = {_MOMENT}
     WHERE id = :id AND status = 'pending' RETURNING 1
    """
)
_FAIL = text(
    f"""
    UPDATE payments.refunds
       SET status = 'failed', failure_code = :code, provider_id = coalesce(:provider_id, provider_id),
           claimed_until = NULL, updated_at = {_MOMENT}
     WHERE id = :id AND status = 'pending' RETURNING 1
    """
)
_SUCCEED = text(
    f"""
    WITH ended AS (
        UPDATE payments.refunds SET status = 'succeeded', provider_id = :provider_id, claimed_until = NULL,
                                    updated_at = {_MOMENT}
         WHERE id = :id AND status = 'pending'
        RETURNING id, payment_id, amount_minor),
    moved AS (
        UPDATE payments.payments p
           SET refunded_minor = p.refunded_minor + ended.amount_minor, updated_at = {_MOMENT},
               status = CASE WHEN p.refunded_minor + ended.amount_minor = p.captured_minor
                             THEN 'refunded' ELSE 'partially_refunded' END
          FROM ended WHERE p.id = ended.payment_id AND p.status = ANY (:allowed)
        RETURNING p.id, p.order_id, p.currency, ended.id AS refund_id, ended.amount_minor)
    INSERT INTO payments.ledger (order_id, payment_id, refund_id, kind, amount_minor, currency, at)
    SELECT order_id, id, refund_id, 'refund', -amount_minor, currency, {_MOMENT} FROM moved RETURNING 1
    """
)
_REFER = text(
    f"UPDATE payments.refunds SET manual_reference = :reference, updated_at = {_MOMENT} WHERE id = :id RETURNING 1"
)
_WRITE_OFF = text(
    f"""
    WITH ended AS (
        UPDATE payments.refunds
           SET status = 'failed', failure_code = :code, manual_reference = :reference, claimed_until = NULL,
               updated_at = {_MOMENT}
         WHERE id = :id AND status = 'pending' RETURNING id, payment_id, order_id, amount_minor, currency)
    INSERT INTO payments.ledger (order_id, payment_id, refund_id, kind, amount_minor, currency, at)
    SELECT order_id, payment_id, id, 'write_off', -amount_minor, currency, {_MOMENT} FROM ended RETURNING 1
    """
)
_PENDING = text(
    f"""
    SELECT id FROM payments.refunds
     WHERE status = 'pending' AND (claimed_until IS NULL OR claimed_until <= {_MOMENT})
     ORDER BY updated_at LIMIT :limit
    """
)
_UNTOLD = text(f"{_SELECT} WHERE r.reported_at IS NULL AND r.status <> 'pending' ORDER BY r.updated_at LIMIT :limit")
_MARK_TOLD = text(f"UPDATE payments.refunds SET reported_at = {_MOMENT} WHERE id = ANY(:ids) RETURNING 1")
_TOUCH = text(f"UPDATE payments.refunds SET updated_at = {_MOMENT} WHERE id = :id AND status = 'pending' RETURNING 1")
