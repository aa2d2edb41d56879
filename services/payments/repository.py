# ruff: noqa: S608 - every part put into a statement is a constant of this module
"""The SQL of payments: doors, intents, guarded transitions with their ledger entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlmodel import Session

from services.clock import NOW
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.outcomes import captured, status_of
from services.payments.records import PaymentRecord, payment_record
from services.payments.status import FOLLOWS, PaymentStatus
from services.payments.views import Charge


class PaymentRepository:
    """Statements in the caller's transaction; `now` is the moment of a test's clock, or None for the database's."""

    def __init__(self, session: Session, now: datetime | None) -> None:
        self._session = session
        self._now = now

    def _run(self, statement: TextClause, **values: object) -> Sequence[Row[Any]]:
        return self._session.execute(statement, {"now": self._now, **values}).all()

    def _one(self, statement: TextClause, **values: object) -> PaymentRecord | None:
        rows = self._run(statement, **values)
        return payment_record(rows[0]) if rows else None

    def intend(
        self, payment_id: UUID, charge: Charge, gateway: str, seconds: float
    ) -> tuple[bool, PaymentRecord | None]:
        """Write the intent of a charge, if the order's door is open and it has no such attempt and no live payment.

        Returns whether the door is open, and the intent if it was written; `seconds` is for how long nobody else
        talks to the provider about it.
        """
        row = self._run(
            _INTEND,
            id=payment_id,
            order_id=charge.order_id,
            attempt=charge.attempt,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            method=charge.method,
            gateway=gateway,
            seconds=seconds,
        )[0]
        return row.open, payment_record(row) if row.id is not None else None

    def close_door(self, order_id: UUID) -> None:
        """From here on no charge may begin for the order; waits for one that is about to."""
        self._run(_CLOSE_DOOR, order_id=order_id)

    def find(self, payment_id: UUID) -> PaymentRecord | None:
        """The payment."""
        return self._one(_FIND, id=payment_id)

    def lock(self, payment_id: UUID) -> PaymentRecord | None:
        """The payment, kept from others until the transaction ends."""
        return self._one(_LOCK, id=payment_id)

    def find_attempt(self, order_id: UUID, attempt: int) -> PaymentRecord | None:
        """The payment of that attempt."""
        return self._one(_FIND_ATTEMPT, order_id=order_id, attempt=attempt)

    def of_order(self, order_id: UUID) -> list[PaymentRecord]:
        """Every payment of the order, first attempt first."""
        return [payment_record(row) for row in self._run(_OF_ORDER, order_id=order_id)]

    def claim(self, seen: PaymentRecord, seconds: float) -> PaymentRecord | None:
        """Take the right to charge for `seconds`; None when it moved since it was `seen`, or the door is closed."""
        return self._one(_CLAIM, id=seen.view.id, seen=seen.claimed_until, seconds=seconds)

    def let_go(self, seen: PaymentRecord, seconds: float) -> None:
        """Nobody talks to the provider now; nobody shall for another `seconds`."""
        self._run(_LET_GO, id=seen.view.id, seen=seen.claimed_until, seconds=seconds)

    def mark_unknown(self, payment_id: UUID) -> None:
        """The provider's answer was lost."""
        allowed = sorted(FOLLOWS[PaymentStatus.UNKNOWN])
        self._run(_MARK_UNKNOWN, id=payment_id, allowed=allowed)

    def give_up(self, seen: PaymentRecord) -> None:
        """The provider has no such payment and nobody is asking for it: nothing was charged."""
        allowed = sorted(FOLLOWS[PaymentStatus.FAILED])
        self._run(_GIVE_UP, id=seen.view.id, seen=seen.claimed_until, allowed=allowed)

    def refuse(self, payment_id: UUID, code: str) -> None:
        """The provider will not take this charge."""
        allowed = sorted(FOLLOWS[PaymentStatus.FAILED])
        self._run(_REFUSE, id=payment_id, code=code[:64], allowed=allowed)

    def apply_provider_state(self, seen: PaymentRecord, told: ProviderPayment, term: float) -> PaymentRecord | None:
        """Write what the provider tells, with its ledger entry; None when the payment is beyond that already.

        `term`: seconds that a pending payment may stay pending there.
        """
        status = status_of(told, seen.view)
        return self._one(
            _SETTLE,
            id=seen.view.id,
            status=str(status),
            allowed=sorted(FOLLOWS[status]),
            provider_id=told.provider_id,
            confirmation_url=told.confirmation_url if told.outcome is Outcome.PENDING else None,
            failure_code=_review_code(told, seen) if status is PaymentStatus.REVIEW else told.failure_code,
            captured=captured(told, seen.view.amount),
            term=term,
        )


def _review_code(told: ProviderPayment, seen: PaymentRecord) -> str | None:
    if told.amount == seen.view.amount:
        return seen.view.failure_code
    return f"captured_other_amount_{told.amount.currency}"


_MOMENT = f"(SELECT {NOW})"
_SECONDS = "cast(:seconds AS float8) * interval '1 second'"
_COLUMNS = f"""
    p.id, p.order_id, p.attempt, p.status, p.amount_minor, p.currency, p.method, p.provider_id, p.confirmation_url,
    p.failure_code, p.captured_minor, p.refunded_minor, p.captured_late, p.claimed_until, p.created_at,
    coalesce(greatest(extract(epoch FROM p.claimed_until - {_MOMENT}), 0), 0)::float8 AS busy_for,
    extract(epoch FROM p.pending_until - {_MOMENT})::float8 AS term_left,
    extract(epoch FROM {_MOMENT} - p.created_at)::float8 AS age"""
_AROUND = """
    EXISTS (SELECT FROM payments.payment_locks l WHERE l.order_id = p.order_id AND l.closed_at IS NOT NULL) AS closed,
    ARRAY(SELECT DISTINCT i.provider_id FROM payments.inbox i
           WHERE p.provider_id IS NULL AND i.payment_id = p.id AND i.provider_id IS NOT NULL) AS hints"""
_SELECT = f"SELECT {_COLUMNS}, {_AROUND} FROM payments.payments p"

# The door's row is written even when it is open: a close then waits for this intent, and sees it.
_INTEND = text(
    f"""
    WITH door AS (
        INSERT INTO payments.payment_locks AS l (order_id) VALUES (:order_id)
        ON CONFLICT (order_id) DO UPDATE SET closed_at = NULL WHERE l.closed_at IS NULL
        RETURNING order_id),
    intent AS (
        INSERT INTO payments.payments AS p (id, order_id, attempt, amount_minor, currency, method, status, gateway,
                                            claimed_until, created_at, updated_at)
        SELECT :id, door.order_id, :attempt, :amount_minor, :currency, :method, 'pending', :gateway,
               moment.at + {_SECONDS}, moment.at, moment.at
          FROM door, {_MOMENT} AS moment (at)
        ON CONFLICT DO NOTHING
        RETURNING {_COLUMNS}, false AS closed, cast('{{}}' AS text[]) AS hints)
    SELECT EXISTS (SELECT FROM door) AS open, intent.* FROM (SELECT 1) AS one LEFT JOIN intent ON true
    """
)
_CLOSE_DOOR = text(
    f"""
    INSERT INTO payments.payment_locks AS l (order_id, closed_at) VALUES (:order_id, {_MOMENT})
    ON CONFLICT (order_id) DO UPDATE SET closed_at = coalesce(l.closed_at, excluded.closed_at) RETURNING 1
    """
)
_FIND = text(f"{_SELECT} WHERE p.id = :id")
_LOCK = text(f"{_SELECT} WHERE p.id = :id FOR NO KEY UPDATE OF p")
_FIND_ATTEMPT = text(f"{_SELECT} WHERE p.order_id = :order_id AND p.attempt = :attempt")
_OF_ORDER = text(f"{_SELECT} WHERE p.order_id = :order_id ORDER BY p.attempt")

# `claimed_until` is the token: whoever saw it pass and finds it unchanged is the only one to go on.
_UNTOLD = "p.id = :id AND p.provider_id IS NULL AND p.claimed_until IS NOT DISTINCT FROM cast(:seen AS timestamptz)"
_CLAIM = text(
    f"""
    UPDATE payments.payments p SET claimed_until = {_MOMENT} + {_SECONDS}, updated_at = {_MOMENT}
     WHERE {_UNTOLD} AND p.status IN ('pending', 'unknown')
       AND NOT EXISTS (SELECT FROM payments.payment_locks l WHERE l.order_id = p.order_id AND l.closed_at IS NOT NULL)
    RETURNING {_COLUMNS}, {_AROUND}
    """
)
_LET_GO = text(
    f"""
    UPDATE payments.payments p SET claimed_until = {_MOMENT} + {_SECONDS}
     WHERE {_UNTOLD} AND p.status IN ('pending', 'unknown') RETURNING 1
    """
)
_MARK_UNKNOWN = text(
    f"""
    UPDATE payments.payments p SET status = 'unknown', updated_at = {_MOMENT}
     WHERE p.id = :id AND p.provider_id IS NULL AND p.status = ANY (:allowed) RETURNING 1
    """
)
_GIVE_UP = text(
    f"""
    UPDATE payments.payments p SET status = 'failed', failure_code = 'not_charged', updated_at = {_MOMENT}
     WHERE {_UNTOLD} AND p.status = ANY (:allowed) RETURNING 1
    """
)
_REFUSE = text(
    f"""
    UPDATE payments.payments p
       SET status = 'failed', failure_code = :code, claimed_until = NULL, updated_at = {_MOMENT}
     WHERE p.id = :id AND p.provider_id IS NULL AND p.status = ANY (:allowed) RETURNING 1
    """
)
_SETTLE = text(
    f"""
    WITH moved AS (
        UPDATE payments.payments p
           SET status = cast(:status AS text), captured_minor = :captured,
               captured_late = p.captured_late OR p.status = 'failed',
               provider_id = :provider_id, confirmation_url = :confirmation_url, failure_code = :failure_code,
               failure_message = CASE WHEN cast(:status AS text) = 'failed' THEN p.failure_message END,
               claimed_until = NULL, updated_at = {_MOMENT},
               pending_until = coalesce(p.pending_until, {_MOMENT} + cast(:term AS float8) * interval '1 second')
         WHERE p.id = :id AND p.status = ANY (:allowed) AND p.captured_minor = 0
        RETURNING {_COLUMNS}, {_AROUND}),
    entry AS (
        INSERT INTO payments.ledger (order_id, payment_id, kind, amount_minor, currency, at)
        SELECT order_id, id, 'charge', :captured, currency, {_MOMENT} FROM moved WHERE :captured > 0)
    SELECT * FROM moved
    """
)
