# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""SQL of payments: payment locks, payment intents, and guarded status changes with their ledger entry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.archived_rows import either
from services.clock import NOW
from services.db import Executor
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.outcomes import captured_minor, status_of
from services.payments.records import PaymentRecord, PaymentRow
from services.payments.status import FOLLOWS, UNDECIDED, FailureCode, PaymentStatus
from services.payments.views import Charge, ReceiptLine


class PaymentRepository:
    """Statements on the caller's transaction or database."""

    def __init__(self, db: Executor) -> None:
        self._db = db

    def create_intent(
        self, payment_id: UUID, charge: Charge, gateway: str, claim_seconds: float
    ) -> tuple[bool, PaymentRecord | None]:
        """Insert a pending payment before its charge, claimed for `claim_seconds`.

        Returns whether the order still takes payments, and the new payment; None when the order has this attempt or
        another live payment already.
        """
        values = {
            "id": payment_id,
            "order_id": charge.order_id,
            "attempt": charge.attempt,
            "amount_minor": charge.amount_minor,
            "currency": charge.currency,
            "method": charge.method,
            "gateway": gateway,
            "seconds": claim_seconds,
        }
        row = self._db.fetch_one(_CREATE_INTENT, values)._asdict()
        is_open = bool(row.pop("is_open"))
        return is_open, PaymentRow(**row).record() if row["id"] is not None else None

    def close_payments(self, order_id: UUID) -> None:
        """Allow no further charge for the order; waits for a transaction that is inserting an intent."""
        self._run(_CLOSE_PAYMENTS, {"order_id": order_id})

    def find(self, payment_id: UUID) -> PaymentRecord | None:
        """The payment, or None; one that is archived is not found."""
        return self._one(_FIND, {"id": payment_id})

    def find_all(self, payment_ids: Sequence[UUID]) -> dict[UUID, PaymentRecord]:
        """The payments with these ids, archived or not, by id."""
        return {record.view.id: record for record in self._all(_FIND_ALL, {"ids": list(payment_ids)})}

    def orders_paid_by(self, payment: str) -> list[UUID]:
        """The orders of the payments with this id: ours as text, or the provider's."""
        return self._db.fetch_column(_ORDERS_PAID_BY, {"payment": payment, "id": _own_id(payment)})

    def moment(self) -> datetime:
        """The current time."""
        now: datetime = self._db.fetch_value(f"SELECT {_MOMENT}")
        return now

    def lock(self, payment_id: UUID) -> PaymentRecord | None:
        """The payment, locked until the transaction ends, or None."""
        return self._one(_LOCK, {"id": payment_id})

    def lock_by_provider_id(self, provider_id: str) -> PaymentRecord | None:
        """The payment that the provider has under this id, locked until the transaction ends, or None."""
        return self._one(_LOCK_BY_PROVIDER_ID, {"provider_id": provider_id})

    def find_attempt(self, order_id: UUID, attempt: int) -> PaymentRecord | None:
        """The payment of that attempt, or None."""
        return self._one(_FIND_ATTEMPT, {"order_id": order_id, "attempt": attempt})

    def of_order(self, order_id: UUID) -> list[PaymentRecord]:
        """Every payment of the order, first attempt first."""
        values = {"order_id": order_id}
        return self._all(_OF_ORDER, values) or self._all(_OF_ORDER_ANYWHERE, values)

    def settled(self, order_id: UUID) -> bool:
        """Whether every payment of the order is decided, and no money of it is kept; less than none may be."""
        return bool(self._db.fetch_value(_SETTLED, {"order_id": order_id, "undecided": sorted(UNDECIDED)}))

    def late_and_kept(self, quiet: float, limit: int) -> list[PaymentRecord]:
        """Payments whose money came too late and is still kept, unchanged for `quiet` seconds."""
        return self._all(_LATE_AND_KEPT, {"seconds": quiet, "limit": limit})

    def claim(self, record: PaymentRecord, seconds: float) -> PaymentRecord | None:
        """Take the right to charge for `seconds`; None when the payment has changed, or the order is closed."""
        return self._one(_CLAIM, _version(record) | {"seconds": seconds})

    def release_claim(self, record: PaymentRecord, retry_after: float) -> None:
        """End the claim; nobody calls the provider for another `retry_after` seconds."""
        self._run(_RELEASE_CLAIM, _version(record) | {"seconds": retry_after})

    def mark_unknown(self, payment_id: UUID) -> None:
        """Record that the provider's answer was lost."""
        self._run(_MARK_UNKNOWN, {"id": payment_id, "allowed": sorted(FOLLOWS[PaymentStatus.UNKNOWN])})

    def keep_receipt_lines(self, payment_id: UUID, lines: Sequence[ReceiptLine]) -> list[ReceiptLine]:
        """Keep the lines of the payment's receipt, unless it has some already; returns those that are kept."""
        given = [[line.description, line.quantity, line.price_minor, line.vat_code] for line in lines]
        kept = self._db.fetch_value(_KEEP_RECEIPT_LINES, {"id": payment_id, "lines": json.dumps(given)})
        return [ReceiptLine(*line) for line in kept]

    def mark_not_charged(self, record: PaymentRecord) -> None:
        """Record that the provider has no such payment, unless another caller has claimed it meanwhile."""
        self._run(_MARK_NOT_CHARGED, _version(record) | {"allowed": sorted(FOLLOWS[PaymentStatus.FAILED])})

    def mark_refused(self, payment_id: UUID, code: str) -> None:
        """Record that the provider rejected the charge, with its error code."""
        allowed = sorted(FOLLOWS[PaymentStatus.FAILED])
        self._run(_MARK_REFUSED, {"id": payment_id, "code": code[:64], "allowed": allowed})

    def apply_provider_state(
        self, record: PaymentRecord, reported: ProviderPayment, term: float
    ) -> PaymentRecord | None:
        """Write what the provider reports, with its ledger entry; None when the payment is past that status.

        `term`: seconds that a payment may stay pending at the provider.
        """
        status = status_of(reported, record.view)
        in_review = status is PaymentStatus.REVIEW
        values = {
            "id": record.view.id,
            "status": str(status),
            "allowed": sorted(FOLLOWS[status]),
            "provider_id": reported.provider_id,
            "confirmation_url": reported.confirmation_url if reported.outcome is Outcome.PENDING else None,
            "failure_code": _review_code(reported, record) if in_review else reported.failure_code,
            "captured": captured_minor(reported, record.view.amount),
            "returned": reported.returned,
            "term": term,
        }
        return self._one(_APPLY_PROVIDER_STATE, values)

    def _run(self, statement: str, values: Mapping[str, object]) -> None:
        self._db.execute(statement, values)

    def _all(self, statement: str, values: Mapping[str, object]) -> list[PaymentRecord]:
        rows = self._db.fetch_all(statement, values, into=PaymentRow)
        return [row.record() for row in rows]

    def _one(self, statement: str, values: Mapping[str, object]) -> PaymentRecord | None:
        return next(iter(self._all(statement, values)), None)


def _own_id(payment: str) -> UUID | None:
    try:
        return UUID(payment)
    except ValueError:
        return None


def _version(record: PaymentRecord) -> dict[str, object]:
    """Values that the optimistic lock compares."""
    return {"id": record.view.id, "seen": record.claimed_until}


def _review_code(reported: ProviderPayment, record: PaymentRecord) -> str | None:
    if reported.amount == record.view.amount:
        return record.view.failure_code
    return f"{FailureCode.CAPTURED_OTHER_AMOUNT}_{reported.amount.currency}"


_MOMENT = f"(SELECT {NOW})"
_SECONDS = "cast(%(seconds)s AS float8) * interval '1 second'"
_COLUMNS = f"""
    p.id, p.order_id, p.attempt, p.status, p.amount_minor, p.currency, p.method, p.provider_id, p.confirmation_url,
    p.failure_code, p.captured_minor, p.refunded_minor, p.captured_late, p.claimed_until, p.created_at,
    p.pending_until,
    coalesce(greatest(extract(epoch FROM p.claimed_until - {_MOMENT}), 0), 0)::float8 AS claimed_for,
    extract(epoch FROM p.pending_until - {_MOMENT})::float8 AS term_left,
    extract(epoch FROM {_MOMENT} - p.created_at)::float8 AS age"""
_CONTEXT = """
    EXISTS (SELECT FROM payments.payment_locks l
             WHERE l.order_id = p.order_id AND l.closed_at IS NOT NULL) AS payments_closed,
    ARRAY(SELECT DISTINCT i.provider_id FROM payments.inbox i
           WHERE p.provider_id IS NULL AND i.payment_id = p.id AND i.provider_id IS NOT NULL) AS candidate_ids"""
_SELECT = f"SELECT {_COLUMNS}, {_CONTEXT} FROM payments.payments p"

# The lock's row is written although payments are open: a transaction that closes them then waits for this one, and
# sees its intent.
_CREATE_INTENT = f"""
    WITH open_lock AS (
        INSERT INTO payments.payment_locks AS l (order_id) VALUES (%(order_id)s)
        ON CONFLICT (order_id) DO UPDATE SET closed_at = NULL WHERE l.closed_at IS NULL
        RETURNING order_id),
    intent AS (
        INSERT INTO payments.payments AS p (id, order_id, attempt, amount_minor, currency, method, status, gateway,
                                            claimed_until, created_at, updated_at)
        SELECT %(id)s, open_lock.order_id, %(attempt)s, %(amount_minor)s, %(currency)s, %(method)s, 'pending',
               %(gateway)s,
               moment.at + {_SECONDS}, moment.at, moment.at
          FROM open_lock, {_MOMENT} AS moment (at)
        ON CONFLICT DO NOTHING
        RETURNING {_COLUMNS}, false AS payments_closed, cast('{{}}' AS text[]) AS candidate_ids)
    SELECT EXISTS (SELECT FROM open_lock) AS is_open, intent.* FROM (SELECT 1) AS one LEFT JOIN intent ON true
    """
_CLOSE_PAYMENTS = f"""
    INSERT INTO payments.payment_locks AS l (order_id, closed_at) VALUES (%(order_id)s, {_MOMENT})
    ON CONFLICT (order_id) DO UPDATE SET closed_at = coalesce(l.closed_at, excluded.closed_at)
    """
_FIND = f"{_SELECT} WHERE p.id = %(id)s"
_FIND_ALL = either(f"{_SELECT} WHERE p.id = ANY(%(ids)s)")
_LOCK = f"{_SELECT} WHERE p.id = %(id)s FOR NO KEY UPDATE OF p"
_LOCK_BY_PROVIDER_ID = f"{_SELECT} WHERE p.provider_id = %(provider_id)s FOR NO KEY UPDATE OF p"
_FIND_ATTEMPT = f"{_SELECT} WHERE p.order_id = %(order_id)s AND p.attempt = %(attempt)s"
_SETTLED = """
    SELECT NOT EXISTS (SELECT FROM payments.payments WHERE order_id = %(order_id)s AND status = ANY (%(undecided)s))
       AND coalesce((SELECT sum(amount_minor) FROM payments.ledger WHERE order_id = %(order_id)s), 0) <= 0
    """
_LATE_AND_KEPT = f"""
    {_SELECT}
     WHERE p.captured_late AND p.captured_minor > p.refunded_minor AND p.updated_at < {_MOMENT} - {_SECONDS}
       AND NOT EXISTS (SELECT FROM payments.ledger l WHERE l.payment_id = p.id
                        GROUP BY l.payment_id HAVING sum(l.amount_minor) <= 0)
     ORDER BY p.updated_at LIMIT %(limit)s
    """
_ORDERS_PAID_BY = either("SELECT order_id FROM payments.payments WHERE provider_id = %(payment)s OR id = %(id)s")
_OF_ORDER = f"{_SELECT} WHERE p.order_id = %(order_id)s ORDER BY attempt"
_OF_ORDER_ANYWHERE = either(f"{_SELECT} WHERE p.order_id = %(order_id)s", "ORDER BY attempt")

# Optimistic lock: of all callers that read one `claimed_until`, only the first to change it proceeds.
_UNCHANGED = (
    "p.id = %(id)s AND p.provider_id IS NULL AND p.claimed_until IS NOT DISTINCT FROM cast(%(seen)s AS timestamptz)"
)
_CLAIM = f"""
    UPDATE payments.payments p SET claimed_until = {_MOMENT} + {_SECONDS}, updated_at = {_MOMENT}
     WHERE {_UNCHANGED} AND p.status IN ('pending', 'unknown')
       AND NOT EXISTS (SELECT FROM payments.payment_locks l WHERE l.order_id = p.order_id AND l.closed_at IS NOT NULL)
    RETURNING {_COLUMNS}, {_CONTEXT}
    """
_RELEASE_CLAIM = f"""
    UPDATE payments.payments p SET claimed_until = {_MOMENT} + {_SECONDS}
     WHERE {_UNCHANGED} AND p.status IN ('pending', 'unknown')
    """
_MARK_UNKNOWN = f"""
    UPDATE payments.payments p SET status = 'unknown', updated_at = {_MOMENT}
     WHERE p.id = %(id)s AND p.provider_id IS NULL AND p.status = ANY (%(allowed)s)
    """
_KEEP_RECEIPT_LINES = """
    UPDATE payments.payments SET receipt_lines = coalesce(receipt_lines, cast(%(lines)s AS jsonb))
     WHERE id = %(id)s RETURNING receipt_lines
    """
_MARK_NOT_CHARGED = f"""
    UPDATE payments.payments p SET status = 'failed', failure_code = '{FailureCode.NOT_CHARGED}', updated_at = {_MOMENT}
     WHERE {_UNCHANGED} AND p.status = ANY (%(allowed)s)
    """
_MARK_REFUSED = f"""
    UPDATE payments.payments p
       SET status = 'failed', failure_code = %(code)s, claimed_until = NULL, updated_at = {_MOMENT}
     WHERE p.id = %(id)s AND p.provider_id IS NULL AND p.status = ANY (%(allowed)s)
    """
_APPLY_PROVIDER_STATE = f"""
    WITH moved AS (
        UPDATE payments.payments p
           SET status = cast(%(status)s AS text), captured_minor = %(captured)s,
               captured_late = p.captured_late OR p.status = 'failed' OR %(returned)s,
               provider_id = %(provider_id)s, confirmation_url = %(confirmation_url)s, failure_code = %(failure_code)s,
               failure_message = CASE WHEN cast(%(status)s AS text) = 'failed' THEN p.failure_message END,
               claimed_until = NULL, updated_at = {_MOMENT},
               pending_until = coalesce(p.pending_until, {_MOMENT} + cast(%(term)s AS float8) * interval '1 second')
         WHERE p.id = %(id)s AND p.status = ANY (%(allowed)s) AND p.captured_minor = 0
        RETURNING {_COLUMNS}, {_CONTEXT}),
    entry AS (
        INSERT INTO payments.ledger (order_id, payment_id, kind, amount_minor, currency, at)
        SELECT order_id, id, 'charge', %(captured)s, currency, {_MOMENT} FROM moved WHERE %(captured)s > 0)
    SELECT * FROM moved
    """
