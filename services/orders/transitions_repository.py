"""SQL of transitions: a guarded update and its timeline entry in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.orders.event_log import log_event
from services.orders.status import CancelReason, OrderEventType, OrderStatus, sources
from services.orders.views import ClaimedOrder, WorkflowRun
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
    #: refuse when another run of the workflow holds the order; None: not checked
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
    return_url: str | None
    paid_by: UUID | None
    #: seconds since the order was placed
    age: float


def find_state(tx: Executor, order_id: UUID) -> StateRow | None:
    """The state of an order."""
    row = tx.fetch_one(_STATE, {"id": order_id})
    return _state(row) if row else None


def claim(tx: Executor, order_id: UUID, run: WorkflowRun) -> ClaimedOrder | None:
    """Claim the order for a run and mark its start command as delivered; None when a later run holds it.

    Repeatable by the same run.
    """
    row = tx.fetch_one(_CLAIM, _run_values(order_id, run))
    if row is None:
        return None
    items = tuple((UUID(product_id), quantity) for product_id, quantity in row.items)
    return ClaimedOrder(OrderStatus(row.status), items, row.has_method, row.age, row.failed_attempts)


def take_claim(tx: Executor, order_id: UUID, run: WorkflowRun) -> bool:
    """Claim the order for a run that cancels it; False when a later run holds it, or there is no such order."""
    return tx.fetch_one(_TAKE_CLAIM, _run_values(order_id, run)) is not None


def resolutions(tx: Executor, order_id: UUID) -> list[str]:
    """The keys of the timeline's entries about what operators decided."""
    return tx.fetch_column(_RESOLUTIONS, {"id": order_id})


def move(tx: Executor, order_id: UUID, transition: Transition) -> StateRow | None:
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
    row = tx.fetch_one(_MOVE, values)
    if row is None:
        return None
    log_event(tx, order_id, transition.target, reason=row.cancel_reason, attempt=transition.attempt)
    return _state(row)


def note(tx: Executor, order_id: UUID, entry: TimelineEntry) -> None:
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
    if tx.execute(_NOTE, values):
        log_event(tx, order_id, entry.type, attempt=entry.attempt, amount_minor=entry.amount_minor)


def raise_attention(tx: Executor, order_id: UUID, reason: str, detail: str | None) -> None:
    """Add a reason for which a person is needed, and its timeline entry; once a reason."""
    values = {"id": order_id, "reason": reason, "detail": detail, "type": _E.ATTENTION_RAISED}
    if tx.execute(_RAISE_ATTENTION, values):
        log_event(tx, order_id, "attention", reason=reason, detail=detail)


def clear_attention(tx: Executor, order_id: UUID, reason: str) -> None:
    """Remove a reason, and write its timeline entry; the others stay."""
    values = {"id": order_id, "reason": reason, "detail": None, "type": _E.ATTENTION_CLEARED}
    if tx.execute(_CLEAR_ATTENTION, values):
        log_event(tx, order_id, "attention_cleared", reason=reason)


def attention_reasons(tx: Executor, order_id: UUID) -> list[str]:
    """The reasons for which the order needs a person, oldest first."""
    statement = "SELECT unnest(attention_reasons) FROM orders.orders WHERE id = %(id)s AND needs_attention"
    return tx.fetch_column(statement, {"id": order_id})


def _run_values(order_id: UUID, run: WorkflowRun) -> dict[str, object]:
    return {"id": order_id, "run": run.id, "started": run.started}


def _state(row: Any) -> StateRow:
    return StateRow(
        OrderStatus(row.status),
        CancelReason(row.cancel_reason) if row.cancel_reason else None,
        row.claimed_by,
        row.total_minor,
        row.currency,
        row.payment_method,
        row.return_url,
        row.paid_by,
        row.age,
    )


_STATE_COLUMNS = """status, cancel_reason, claimed_by, total_minor, currency, payment_method, return_url, paid_by,
           cast(extract(epoch FROM now() - created_at) AS double precision) AS age"""

_STATE = f"SELECT {_STATE_COLUMNS} FROM orders.orders WHERE id = %(id)s"  # noqa: S608 - a constant of this module

# A run takes the order over from one that started earlier: Temporal has one open run of a workflow id at a time, so the
# earlier one has ended, and what is left of it are steps that are still under way.
_TAKE_CLAIM = """
    UPDATE orders.orders
       SET claimed_by = %(run)s,
           claimed_since = CASE WHEN claimed_by = %(run)s THEN claimed_since ELSE to_timestamp(%(started)s) END
     WHERE id = %(id)s
       AND (claimed_by IS NULL OR claimed_by = %(run)s
            OR coalesce(claimed_since, '-infinity') < to_timestamp(%(started)s))
    RETURNING id, status, payment_method, created_at
    """

_RESOLUTIONS = "SELECT key FROM orders.events WHERE order_id = %(id)s AND type = 'resolved'"

_CLAIM = f"""
    WITH claimed AS ({_TAKE_CLAIM}), started AS (
        UPDATE orders.outbox SET done_at = now(), outcome = 'claimed'
         WHERE order_id = (SELECT id FROM claimed) AND name = 'start' AND done_at IS NULL
    )
    SELECT status,
           payment_method IS NOT NULL OR status IN ('paid', 'confirmed') AS has_method,
           extract(epoch FROM {NOW} - created_at)::float8 AS age,
           CASE WHEN status = 'created' THEN 0 ELSE (
               SELECT count(*) FROM orders.events WHERE order_id = %(id)s AND type = 'payment_failed') END
               AS failed_attempts,
           (SELECT json_agg(json_build_array(product_id, quantity) ORDER BY position)
              FROM orders.lines WHERE order_id = %(id)s) AS items
      FROM claimed
    """  # noqa: S608 - constants of this program

_MOVE = f"""
    WITH moved AS (
        UPDATE orders.orders
           SET status = cast(%(target)s AS text), updated_at = now(),
               cancel_reason = coalesce(cancel_reason, cast(%(reason)s AS text)),
               cancel_note = coalesce(cancel_note, cast(%(note)s AS text)),
               paid_by = coalesce(cast(%(paid_by)s AS uuid), paid_by),
               payment_method = CASE WHEN cast(%(forget)s AS boolean) THEN NULL ELSE payment_method END
         WHERE id = %(id)s AND status = ANY(%(sources)s)
           AND (cast(%(run)s AS text) IS NULL OR claimed_by = %(run)s)
        RETURNING id, {_STATE_COLUMNS}
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, detail, attempt, amount_minor, notified_at)
        SELECT id, cast(%(target)s AS text), cast(%(target)s AS text), cast(%(target)s AS text),
               cast(%(detail)s AS text), cast(%(attempt)s AS integer),
               cast(%(amount)s AS bigint),
               CASE WHEN cast(%(target)s AS text) = ANY(cast(%(notified)s AS text[])) THEN NULL ELSE now() END
          FROM moved
        ON CONFLICT (order_id, key) DO NOTHING
    )
    SELECT *, pg_notify('{ORDER_EVENTS}', cast(id AS text) || ' ' || cast(%(target)s AS text)),
           CASE WHEN cast(%(target)s AS text) = ANY(cast(%(notified)s AS text[])) THEN pg_notify('{NOTIFICATIONS}',
               '') END
      FROM moved
    """  # noqa: S608 - constants of this program

# The order is locked before the entry gets its id: who reads the timeline after an id misses no smaller one, which a
# slower transaction would commit later.
_NOTE = f"""
    WITH locked AS (
        SELECT id, status FROM orders.orders WHERE id = %(id)s FOR NO KEY UPDATE
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, detail, attempt, amount_minor, notified_at)
        SELECT id, cast(%(key)s AS text), cast(%(type)s AS text), status, cast(%(detail)s AS text),
               cast(%(attempt)s AS integer),
               cast(%(amount)s AS bigint),
               CASE WHEN cast(%(type)s AS text) = ANY(cast(%(notified)s AS text[])) THEN NULL ELSE now() END
          FROM locked
        ON CONFLICT (order_id, key) DO NOTHING
        RETURNING order_id
    )
    SELECT pg_notify('{ORDER_EVENTS}', cast(order_id AS text) || ' ' || cast(%(type)s AS text)),
           CASE WHEN cast(%(type)s AS text) = ANY(cast(%(notified)s AS text[]))
                THEN pg_notify('{NOTIFICATIONS}', '') END
      FROM noted
    """  # noqa: S608 - constants of this program

_SET_ATTENTION = f"""
    WITH kept AS (
        SELECT id, array_remove(attention_reasons, cast(%(reason)s AS text)) AS others, attention_reasons AS before,
               attention_details AS details
          FROM orders.orders WHERE id = %(id)s FOR UPDATE
    ), reasoned AS (
        SELECT id, {{reasons}} AS reasons, {{details}} AS details FROM kept
    ), changed AS (
        UPDATE orders.orders o
           SET attention_reasons = r.reasons, attention_details = r.details,
               needs_attention = cardinality(r.reasons) > 0
          FROM reasoned r
         WHERE o.id = r.id AND o.attention_reasons <> r.reasons
        RETURNING o.id, o.status
    ), noted AS (
        -- A key of its own: a reason may come, go and come again.
        INSERT INTO orders.events (order_id, key, type, status, detail, notified_at)
        SELECT id, concat_ws(':', cast(%(type)s AS text), gen_random_uuid()),
               cast(%(type)s AS text), status,
               concat_ws(': ', cast(%(reason)s AS text), cast(%(detail)s AS text)), now()
          FROM changed
    )
    SELECT pg_notify('{ORDER_EVENTS}', cast(id AS text) || ' attention') FROM changed
    """  # noqa: S608 - a constant of this module
_RAISE_ATTENTION = _SET_ATTENTION.format(
    reasons="CASE WHEN cast(%(reason)s AS text) = ANY(before) THEN before ELSE before || cast(%(reason)s AS text) END",
    details="details || jsonb_build_object(cast(%(reason)s AS text),"
    " jsonb_build_object('since', now(), 'detail', cast(%(detail)s AS text)))",
)
_CLEAR_ATTENTION = _SET_ATTENTION.format(reasons="others", details="details - cast(%(reason)s AS text)")
