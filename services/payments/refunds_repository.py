# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""SQL of refunds: refund intents numbered within their payment, and guarded results with their ledger entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.archived_rows import either
from services.clock import NOW
from services.db import Executor
from services.payments.gateway import Outcome, ProviderRefund
from services.payments.records import PaymentRecord, RefundRecord, RefundRow
from services.payments.status import FOLLOWS, FailureCode, PaymentStatus, RefundStatus
from services.payments.views import RefundView


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
        self,
        refund_id: UUID,
        payment: PaymentRecord,
        amount_minor: int,
        number: int,
        claim_seconds: float,
        restock: bool,
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
            "restock": restock,
        }
        self._run(_CREATE_INTENT, values)

    def insert_found(self, refund_id: UUID, payment: PaymentRecord, found: ProviderRefund, number: int) -> None:
        """Insert a refund that was not requested by us, as pending: what the provider reports is applied to it next."""
        values = {
            "id": refund_id,
            "payment_id": payment.view.id,
            "order_id": payment.view.order_id,
            "number": number,
            "amount_minor": found.amount.minor,
            "currency": found.amount.currency,
            "provider_id": found.provider_id,
        }
        self._run(_INSERT_FOUND, values)

    def statuses(self, provider_ids: Sequence[str]) -> dict[str, RefundStatus]:
        """The status of each refund that is recorded under one of these ids at the provider."""
        rows = self._db.fetch_all(_STATUSES, {"ids": list(provider_ids)})
        return {row.provider_id: RefundStatus(row.status) for row in rows}

    def apply_provider_state(self, refund_id: UUID, reported: ProviderRefund) -> int:
        """Record what the provider reports; returns as `mark_succeeded`."""
        match reported.outcome:
            case Outcome.PENDING:
                self._run(_MARK_ACCEPTED, {"id": refund_id, "provider_id": reported.provider_id})
            case Outcome.SUCCEEDED:
                return self.mark_succeeded(refund_id, reported.provider_id)
            case Outcome.FAILED:
                self.mark_failed(refund_id, reported.failure_code or FailureCode.CANCELED, reported.provider_id)
        return 0

    def claim(self, record: RefundRecord, seconds: float) -> RefundRecord | None:
        """Take the right to request the refund for `seconds`; None when the refund has changed."""
        claimed = self._run(_CLAIM, {"id": record.view.id, "seen": record.claimed_until, "seconds": seconds})
        return self.find(record.view.id) if claimed else None

    def release_claim(self, record: RefundRecord, retry_after: float) -> None:
        """End the claim; nobody calls the provider for another `retry_after` seconds."""
        self._run(_CLAIM, {"id": record.view.id, "seen": record.claimed_until, "seconds": retry_after})

    def mark_failed(self, refund_id: UUID, code: str, provider_id: str | None) -> None:
        """Record that the provider moved no money and will not."""
        self._run(_MARK_FAILED, {"id": refund_id, "code": code[:64], "provider_id": provider_id})

    def mark_succeeded(self, refund_id: UUID, provider_id: str | None) -> int:
        """Record that the buyer has the money in refund, payment and ledger, once; the payment must be locked.

        A failed refund, too, succeeds when the provider says so: an operator may have given it up before. What was
        written off is taken back as far as it is refunded now.

        Returns by how many minor units it exceeds what was left of the payment, which is possible when an operator had
        booked the money by hand before: the ledger has it in full, and reconciliation reports the payment (I5).
        """
        allowed = sorted(FOLLOWS[PaymentStatus.REFUNDED] | {PaymentStatus.REFUNDED})
        values = {
            "id": refund_id,
            "provider_id": provider_id,
            "allowed": allowed,
            "written_off": FailureCode.WRITTEN_OFF,
        }
        return self._db.fetch_value(_MARK_SUCCEEDED, values) or 0

    def book_manually(self, refund_id: UUID, reference: str, *, lost: bool) -> None:
        """Record a refund made outside the provider, or (`lost`) written off, once."""
        values = {"id": refund_id, "reference": reference[:200]}
        if lost:
            self._run(_WRITE_OFF, values | {"code": FailureCode.WRITTEN_OFF})
        else:
            self._run(_SET_MANUAL_REFERENCE, values)
            self.mark_succeeded(refund_id, None)

    def is_booked(self, payment_id: UUID, reference: str, *, lost: bool) -> bool:
        """Whether the payment has a refund that was booked by hand so."""
        values = {
            "payment_id": payment_id,
            "reference": reference[:200],
            "lost": lost,
            "written_off": FailureCode.WRITTEN_OFF,
        }
        return bool(self._db.fetch_value(_IS_BOOKED, values))

    def pending(self, limit: int) -> list[UUID]:
        """Pending refunds without a current claim, least recently changed first."""
        return self._db.fetch_column(_PENDING, {"limit": limit})

    def unreported(self, limit: int) -> list[RefundRecord]:
        """Decided refunds that are not in their order's timeline yet, oldest first."""
        return self._all(_UNREPORTED, {"limit": limit})

    def mark_reported(self, refunds: Sequence[RefundView]) -> None:
        """Record that the orders' timelines have these refunds, unless their status has changed meanwhile."""
        values = {"ids": [each.id for each in refunds], "statuses": [each.status for each in refunds]}
        self._run(_MARK_REPORTED, values)

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
           r.failure_code, r.claimed_until, r.restock, p.provider_id AS payment_provider_id,
           coalesce(greatest(extract(epoch FROM r.claimed_until - {_MOMENT}), 0), 0)::float8 AS claimed_for,
           extract(epoch FROM {_MOMENT} - r.updated_at)::float8 AS unchanged_for,
           extract(epoch FROM {_MOMENT} - r.created_at)::float8 AS age
      FROM payments.refunds r JOIN payments.payments p ON p.id = r.payment_id"""
_FIND = either(f"{_SELECT} WHERE r.id = %(id)s")
_OF_PAYMENT = f"{_SELECT} WHERE r.payment_id = %(payment_id)s ORDER BY r.number"
_OF_ORDER = either(f"{_SELECT} WHERE r.order_id = %(order_id)s", "ORDER BY age DESC, number")
_CREATE_INTENT = f"""
    INSERT INTO payments.refunds (id, payment_id, order_id, number, amount_minor, currency, status, restock,
                                  claimed_until, created_at, updated_at)
    SELECT %(id)s, %(payment_id)s, %(order_id)s, %(number)s, %(amount_minor)s, %(currency)s, 'pending', %(restock)s,
           moment.at + {_SECONDS},
           moment.at, moment.at
      FROM {_MOMENT} AS moment (at) RETURNING 1
    """
_INSERT_FOUND = f"""
    INSERT INTO payments.refunds (id, payment_id, order_id, number, amount_minor, currency, status, provider_id,
                                  created_at, updated_at)
    SELECT %(id)s, %(payment_id)s, %(order_id)s, %(number)s, %(amount_minor)s, %(currency)s, 'pending',
           %(provider_id)s, moment.at, moment.at
      FROM {_MOMENT} AS moment (at) RETURNING 1
    """
_STATUSES = either("SELECT provider_id, status FROM payments.refunds WHERE provider_id = ANY(%(ids)s)")
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
        UPDATE payments.refunds
           SET status = 'succeeded', provider_id = coalesce(%(provider_id)s, provider_id), failure_code = NULL,
               claimed_until = NULL, reported_at = NULL, updated_at = {_MOMENT}
         WHERE id = %(id)s AND status <> 'succeeded' AND failure_code IS DISTINCT FROM %(written_off)s
        RETURNING id, payment_id, amount_minor),
    before AS (
        SELECT p.captured_minor - p.refunded_minor AS left_minor
          FROM payments.payments p JOIN ended ON p.id = ended.payment_id),
    moved AS (
        UPDATE payments.payments p
           SET refunded_minor = least(p.refunded_minor + ended.amount_minor, p.captured_minor), updated_at = {_MOMENT},
               status = CASE WHEN p.refunded_minor + ended.amount_minor >= p.captured_minor
                             THEN 'refunded' ELSE 'partially_refunded' END
          FROM ended WHERE p.id = ended.payment_id AND p.status = ANY (%(allowed)s)
        RETURNING p.id, p.order_id, p.currency, ended.id AS refund_id, ended.amount_minor),
    reversed AS (
        INSERT INTO payments.ledger (order_id, payment_id, refund_id, kind, amount_minor, currency, at)
        SELECT order_id, id, refund_id, 'reversal', least(amount_minor, lost), currency, {_MOMENT}
          FROM (SELECT moved.*, (SELECT -sum(l.amount_minor) FROM payments.ledger l
                                  WHERE l.payment_id = moved.id AND l.kind IN ('write_off', 'reversal')) AS lost
                  FROM moved) AS refunded
         WHERE lost > 0),
    entry AS (
        INSERT INTO payments.ledger (order_id, payment_id, refund_id, kind, amount_minor, currency, at)
        SELECT order_id, id, refund_id, 'refund', -amount_minor, currency, {_MOMENT} FROM moved)
    SELECT greatest(moved.amount_minor - before.left_minor, 0) FROM moved, before
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
_IS_BOOKED = """
    SELECT EXISTS (SELECT FROM payments.refunds
                    WHERE payment_id = %(payment_id)s AND manual_reference = %(reference)s
                      AND (failure_code IS NOT DISTINCT FROM %(written_off)s) = %(lost)s)
    """
_PENDING = f"""
    SELECT id FROM payments.refunds
     WHERE status = 'pending' AND (claimed_until IS NULL OR claimed_until <= {_MOMENT})
     ORDER BY updated_at LIMIT %(limit)s
    """
_UNREPORTED = f"{_SELECT} WHERE r.reported_at IS NULL AND r.status <> 'pending' ORDER BY r.updated_at LIMIT %(limit)s"
# A refund that was reported as failed may have succeeded since: its success is to be reported too.
_MARK_REPORTED = f"""
    UPDATE payments.refunds r SET reported_at = {_MOMENT}
      FROM unnest(cast(%(ids)s AS uuid[]), cast(%(statuses)s AS text[])) AS seen (id, status)
     WHERE r.id = seen.id AND r.status = seen.status RETURNING 1
    """
_TOUCH = f"UPDATE payments.refunds SET updated_at = {_MOMENT} WHERE id = %(id)s AND status = 'pending' RETURNING 1"
