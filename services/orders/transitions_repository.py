"""SQL of transitions: a guarded update and its timeline entry in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.orders.status import CancelReason, OrderEventType, OrderStatus, sources
from services.pg_notify import NOTIFICATIONS, ORDER_EVENTS

_E = OrderEventType

#: Entries of the timeline that the buyer is notified of.
NOTIFIED = (_E.CREATED, _E.PAID, _E.CONFIRMED, _E.CANCELLED, _E.REFUNDED)


@dataclass(frozen=True)
class Transition:
    """A guarded change of status and the timeline entry that it writes; every effect has a field of its own."""

    target: OrderStatus
    detail: str | None = None
    attempt: int | None = None
    #: minor units, for the timeline
    amount_minor: int | None = None
    #: the first reason and the first note stay
    cancel_reason: CancelReason | None = None
    cancel_note: str | None = None
    #: refuse when another run of the workflow holds the order
    run_id: str | None = None
    paid_by: UUID | None = None
    #: drop the card token or phone number: no charge needs it any more
    forget_method: bool = False


@dataclass(frozen=True)
class TimelineEntry:
    """An entry of the timeline that changes no status; written once a key."""

    type: OrderEventType
    key: str
    detail: str | None = None
    attempt: int | None = None
    #: minor units
    amount_minor: int | None = None


@dataclass(frozen=True)
class StateRow:
    """The part of an order's row that steps decide by."""

    status: OrderStatus
    cancel_reason: CancelReason | None
    claimed_by: str | None
    total_minor: int
    currency: str
    #: sealed; None once it is no longer kept
    payment_method: bytes | None
    paid_by: UUID | None


def find_state(session: Session, order_id: UUID) -> StateRow | None:
    """The state of an order."""
    row = session.execute(_STATE, {"id": order_id}).one_or_none()
    return _state(row) if row else None


def claim(session: Session, order_id: UUID, run_id: str) -> tuple[OrderStatus, Sequence[tuple[str, int]]] | None:
    """Claim the order for a run and mark its start command as delivered; None when another run holds it.

    Returns the status and the order's lines (product id, quantity). Repeatable by the same run.
    """
    row = session.execute(_CLAIM, {"id": order_id, "run": run_id}).one_or_none()
    return (OrderStatus(row.status), row.items) if row else None


def move(session: Session, order_id: UUID, transition: Transition) -> StateRow | None:
    """Make the transition and write its timeline entry; None when the order's status does not allow it."""
    values = {
        "id": order_id,
        "target": transition.target,
        "sources": sources(transition.target),
        "detail": transition.detail,
        "attempt": transition.attempt,
        "amount": transition.amount_minor,
        "reason": transition.cancel_reason,
        "note": transition.cancel_note,
        "run": transition.run_id,
        "paid_by": transition.paid_by,
        "forget": transition.forget_method,
        "notified": list(NOTIFIED),
    }
    row = session.execute(_MOVE, values).one_or_none()
    return _state(row) if row else None


def note(session: Session, order_id: UUID, entry: TimelineEntry) -> None:
    """Write a timeline entry; once a key."""
    values = {
        "id": order_id,
        "key": entry.key,
        "type": entry.type,
        "detail": entry.detail,
        "attempt": entry.attempt,
        "amount": entry.amount_minor,
        "notified": list(NOTIFIED),
    }
    session.execute(_NOTE, values)


def raise_attention(session: Session, order_id: UUID, reason: str) -> None:
    """Add a reason for which a person is needed; once a reason."""
    session.execute(_RAISE_ATTENTION, {"id": order_id, "reason": reason})


def clear_attention(session: Session, order_id: UUID, reason: str) -> None:
    """Remove a reason; the others stay."""
    session.execute(_CLEAR_ATTENTION, {"id": order_id, "reason": reason})


def _state(row: Row[Any]) -> StateRow:
    return StateRow(
        OrderStatus(row.status),
        CancelReason(row.cancel_reason) if row.cancel_reason else None,
        row.claimed_by,
        row.total_minor,
        row.currency,
        row.payment_method,
        row.paid_by,
    )


_STATE_COLUMNS = "status, cancel_reason, claimed_by, total_minor, currency, payment_method, paid_by"

_STATE = text(f"SELECT {_STATE_COLUMNS} FROM orders.orders WHERE id = :id")  # noqa: S608 - a constant of this module

_CLAIM = text(
    """
    WITH claimed AS (
        UPDATE orders.orders SET claimed_by = :run
         WHERE id = :id AND (claimed_by IS NULL OR claimed_by = :run)
        RETURNING id, status
    ), started AS (
        UPDATE orders.outbox SET done_at = now(), outcome = 'claimed'
         WHERE order_id = (SELECT id FROM claimed) AND name = 'start' AND done_at IS NULL
    )
    SELECT status,
           (SELECT json_agg(json_build_array(product_id, quantity) ORDER BY position)
              FROM orders.lines WHERE order_id = :id) AS items
      FROM claimed
    """
)

_MOVE = text(
    f"""
    WITH moved AS (
        UPDATE orders.orders
           SET status = cast(:target AS text), updated_at = now(),
               cancel_reason = coalesce(cancel_reason, cast(:reason AS text)),
               cancel_note = coalesce(cancel_note, cast(:note AS text)),
               claimed_by = coalesce(claimed_by, :run),
               paid_by = coalesce(cast(:paid_by AS uuid), paid_by),
               payment_method = CASE WHEN cast(:forget AS boolean) THEN NULL ELSE payment_method END
         WHERE id = :id AND status = ANY(:sources)
           AND (cast(:run AS text) IS NULL OR claimed_by IS NULL OR claimed_by = :run)
        RETURNING id, {_STATE_COLUMNS}
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, detail, attempt, amount_minor, notified_at)
        SELECT id, cast(:target AS text), cast(:target AS text), cast(:target AS text),
               cast(:detail AS text), cast(:attempt AS integer),
               cast(:amount AS bigint),
               CASE WHEN cast(:target AS text) = ANY(cast(:notified AS text[])) THEN NULL ELSE now() END
          FROM moved
        ON CONFLICT (order_id, key) DO NOTHING
    )
    SELECT *, pg_notify('{ORDER_EVENTS}', cast(id AS text)),
           CASE WHEN cast(:target AS text) = ANY(cast(:notified AS text[])) THEN pg_notify('{NOTIFICATIONS}', '') END
      FROM moved
    """  # noqa: S608 - constants of this program
)

_NOTE = text(
    f"""
    WITH noted AS (
        INSERT INTO orders.events (order_id, key, type, status, detail, attempt, amount_minor, notified_at)
        SELECT id, cast(:key AS text), cast(:type AS text), status, cast(:detail AS text), cast(:attempt AS integer),
               cast(:amount AS bigint),
               CASE WHEN cast(:type AS text) = ANY(cast(:notified AS text[])) THEN NULL ELSE now() END
          FROM orders.orders WHERE id = :id
        ON CONFLICT (order_id, key) DO NOTHING
        RETURNING order_id
    )
    SELECT pg_notify('{ORDER_EVENTS}', cast(order_id AS text)), pg_notify('{NOTIFICATIONS}', '') FROM noted
    """  # noqa: S608 - constants of this program
)

_SET_ATTENTION = f"""
    WITH kept AS (
        SELECT id, array_remove(attention_reasons, cast(:reason AS text)) AS others, attention_reasons AS before
          FROM orders.orders WHERE id = :id FOR UPDATE
    ), reasoned AS (
        SELECT id, {{reasons}} AS reasons FROM kept
    ), changed AS (
        UPDATE orders.orders o
           SET attention_reasons = r.reasons, needs_attention = cardinality(r.reasons) > 0,
               updated_at = now()
          FROM reasoned r
         WHERE o.id = r.id AND o.attention_reasons <> r.reasons
        RETURNING o.id
    )
    SELECT pg_notify('{ORDER_EVENTS}', cast(id AS text)) FROM changed
    """  # noqa: S608 - a constant of this module
_RAISE_ATTENTION = text(
    _SET_ATTENTION.format(
        reasons="CASE WHEN cast(:reason AS text) = ANY(before) THEN before ELSE before || cast(:reason AS text) END"
    )
)
_CLEAR_ATTENTION = text(_SET_ATTENTION.format(reasons="others"))
