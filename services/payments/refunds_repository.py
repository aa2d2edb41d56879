# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""SQL of refunds: refund intents numbered within their payment, and guarded results with their ledger entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.payments.records import PaymentRecord, RefundRecord, RefundRow
from services.payments.status import FOLLOWS, PaymentStatus

#: Failure code of a refund that an operator has written off.
WRITTEN_OFF = "written_off"


class RefundRepository:
    """Statements on the caller's transaction or database."""

    def __init__(self, db: Executor) -> None:
        self._db = db

    def find(self, refund_id: UUID) -> RefundRecord | None:
        """The refund, or None."""
        return next(iter(self._all(_FIND, {"id": refund_id})), None)

    def of_payment(self, payment_id: UUID) -> list[RefundRecord]:
        """The payment's refunds, oldest first."""
        return self._all(_OF_PAYMENT, {"payment_id": payment_id})

    def of_order(self, order_id: UUID) -> list[RefundRecord]:
        """The order's refunds, oldest first."""
        return self._all(_OF_ORDER, {"order_id": order_id})

    def create_intent(
        self, refund_id: UUID, payment: PaymentRecord, amount_minor: int, number: int, claim_seconds: float
    ) -> None:
        """Insert a pending refund before it is requested, claimed for `claim_seconds`."""
        values = {
            "id": refund_id,
            "payment_id": payment.view.id,
            "order_id": payment.view.order_id,
            "number": number,
            "amount_minor": amount_minor,
            "currency": payment.view.amount.currency,
            "seconds": claim_seconds,
        }
        self._run(_CREATE_INTENT, values)

    def claim(self, record: RefundRecord, seconds: float) -> RefundRecord | None:
        """Take the right to request the refund for `seconds`; None when the refund has changed."""
        claimed = self._run(_CLAIM, {"id": record.view.id, "seen": record.claimed_until, "seconds": seconds})
        return self.find(record.view.id) if claimed else None

    def release_claim(self, record: RefundRecord, retry_after: float) -> None:
        """End the claim; nobody calls the provider for another `retry_after` seconds."""
        self._run(_CLAIM, {"id": record.view.id, "seen": record.claimed_until, "seconds": retry_after})

    def mark_accepted(self, refund_id: UUID, provider_id: str) -> None:
        """Record that the provider has the refund and decides it later."""
        self._run(_MARK_ACCEPTED, {"id": refund_id, "provider_id": provider_id})

    def mark_failed(self, refund_id: UUID, code: str, provider_id: str | None) -> None:
        """Record that the provider moved no money and will not."""
        self._run(_MARK_FAILED, {"id": refund_id, "code": code[:64], "provider_id": provider_id})

    def mark_succeeded(self, refund_id: UUID, provider_id: str | None) -> None:
        """Record that the buyer has the money: refund, payment and ledger in one statement, once."""
        allowed = sorted(FOLLOWS[PaymentStatus.REFUNDED])
        self._run(_MARK_SUCCEEDED, {"id": refund_id, "provider_id": provider_id, "allowed": allowed})

    def book_manually(self, refund_id: UUID, reference: str, *, lost: bool) -> None:
        """Record a refund made outside the provider, or (`lost`) written off, once."""
        values = {"id": refund_id, "reference": reference[:200]}
        if lost:
            self._run(_WRITE_OFF, values | {"code": WRITTEN_OFF})
        else:
            self._run(_SET_MANUAL_REFERENCE, values)
            self.mark_succeeded(refund_id, None)

    def pending(self, limit: int) -> list[UUID]:
        """Pending refunds without a current claim, least recently changed first."""
        return self._db.fetch_column(_PENDING, {"limit": limit})

    def unreported(self, limit: int) -> list[RefundRecord]:
        """Decided refunds that are not in their order's timeline yet, oldest first."""
        return self._all(_UNREPORTED, {"limit": limit})

    def mark_reported(self, refund_ids: Sequence[UUID]) -> None:
        """Record that the orders' timelines have these refunds."""
        self._run(_MARK_REPORTED, {"ids": list(refund_ids)})

    def touch(self, refund_id: UUID) -> None:
        """Move the refund to the end of `pending`."""
        self._run(_TOUCH, {"id": refund_id})

    def _run(self, statement: str, values: Mapping[str, object]) -> bool:
        """Execute a statement that returns a row for each change; True when it changed something."""
        return self._db.execute(statement, values) > 0

    def _all(self, statement: str, values: Mapping[str, object]) -> list[RefundRecord]:
        rows = self._db.fetch_all(statement, values, into=RefundRow)
        return [row.record() for row in rows]


_MOMENT = f"(SELECT {NOW})"
_SECONDS = "cast(%(seconds)s AS float8) * interval '1 second'"
_SELECT = f"""
    SELECT r.id, r.payment_id, r.order_id, r.number, r.amount_minor, r.currency, r.status, r.provider_id,
           r.failure_code, r.claimed_until, p.provider_id AS payment_provider_id,
           coalesce(greatest(extract(epoch FROM r.claimed_until - {_MOMENT}), 0), 0)::float8 AS claimed_for,
           extract(epoch FROM {_MOMENT} - r.updated_at)::float8 AS unchanged_for
      FROM payments.refunds r JOIN payments.payments p ON p.id = r.payment_id"""
_FIND = f"{_SELECT} WHERE r.id = %(id)s"
_OF_PAYMENT = f"{_SELECT} WHERE r.payment_id = %(payment_id)s ORDER BY r.number"
_OF_ORDER = f"{_SELECT} WHERE r.order_id = %(order_id)s ORDER BY r.created_at, r.number"
_CREATE_INTENT = f"""
    INSERT INTO payments.refunds (id, payment_id, order_id, number, amount_minor, currency, status, claimed_until,
                                  created_at, updated_at)
    SELECT %(id)s, %(payment_id)s, %(order_id)s, %(number)s, %(amount_minor)s, %(currency)s, 'pending',
           moment.at + {_SECONDS},
           moment.at, moment.at
      FROM {_MOMENT} AS moment (at) RETURNING 1
    """
_CLAIM = f"""
    UPDATE payments.refunds SET claimed_until = {_MOMENT} + {_SECONDS}, updated_at = {_MOMENT}
     WHERE id = %(id)s AND status = 'pending' AND provider_id IS NULL
       AND claimed_until IS NOT DISTINCT FROM cast(%(seen)s AS timestamptz) RETURNING 1
    """
_MARK_ACCEPTED = f"""
    UPDATE payments.refunds SET provider_id = %(provider_id)s, claimed_until = NULL, updated_at = {_MOMENT}
     WHERE id = %(id)s AND status = 'pending' RETURNING 1
    """
_MARK_FAILED = f"""
    UPDATE payments.refunds
       SET status = 'failed', failure_code = %(code)s, provider_id = coalesce(%(provider_id)s, provider_id),
           claimed_until = NULL, updated_at = {_MOMENT}
     WHERE id = %(id)s AND status = 'pending' RETURNING 1
    """
_MARK_SUCCEEDED = f"""
    WITH ended AS (
        UPDATE payments.refunds SET status = 'succeeded', provider_id = %(provider_id)s, claimed_until = NULL,
                                    updated_at = {_MOMENT}
         WHERE id = %(id)s AND status = 'pending'
        RETURNING id, payment_id, amount_minor),
    moved AS (
        UPDATE payments.payments p
           SET refunded_minor = p.refunded_minor + ended.amount_minor, updated_at = {_MOMENT},
               status = CASE WHEN p.refunded_minor + ended.amount_minor = p.captured_minor
                             THEN 'refunded' ELSE 'partially_refunded' END
          FROM ended WHERE p.id = ended.payment_id AND p.status = ANY (%(allowed)s)
        RETURNING p.id, p.order_id, p.currency, ended.id AS refund_id, ended.amount_minor)
    INSERT INTO payments.ledger (order_id, payment_id, refund_id, kind, amount_minor, currency, at)
    SELECT order_id, id, refund_id, 'refund', -amount_minor, currency, {_MOMENT} FROM moved RETURNING 1
    """
_SET_MANUAL_REFERENCE = f"""
    UPDATE payments.refunds SET manual_reference = %(reference)s, updated_at = {_MOMENT}
     WHERE id = %(id)s RETURNING 1
    """
_WRITE_OFF = f"""
    WITH ended AS (
        UPDATE payments.refunds
           SET status = 'failed', failure_code = %(code)s, manual_reference = %(reference)s, claimed_until = NULL,
               updated_at = {_MOMENT}
         WHERE id = %(id)s AND status = 'pending' RETURNING id, payment_id, order_id, amount_minor, currency)
    INSERT INTO payments.ledger (order_id, payment_id, refund_id, kind, amount_minor, currency, at)
    SELECT order_id, payment_id, id, 'write_off', -amount_minor, currency, {_MOMENT} FROM ended RETURNING 1
    """
_PENDING = f"""
    SELECT id FROM payments.refunds
     WHERE status = 'pending' AND (claimed_until IS NULL OR claimed_until <= {_MOMENT})
     ORDER BY updated_at LIMIT %(limit)s
    """
_UNREPORTED = f"{_SELECT} WHERE r.reported_at IS NULL AND r.status <> 'pending' ORDER BY r.updated_at LIMIT %(limit)s"
_MARK_REPORTED = f"UPDATE payments.refunds SET reported_at = {_MOMENT} WHERE id = ANY(%(ids)s) RETURNING 1"
_TOUCH = f"UPDATE payments.refunds SET updated_at = {_MOMENT} WHERE id = %(id)s AND status = 'pending' RETURNING 1"
