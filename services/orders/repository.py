"""Orders in SQL: one statement a step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.orders.status import UNPAID
from services.pg_notify import NOTIFICATIONS, ORDER_EVENTS

#: Events that the buyer is told of; all others are born told.
TOLD = ("created", "paid", "confirmed", "cancelled", "refunded")


def lock_buyer(session: Session, buyer_id: UUID) -> None:
    """Have placing by one buyer take turns until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:buyer, 0))"), {"buyer": str(buyer_id)})


def count_unpaid(session: Session, buyer_id: UUID) -> int:
    """Open orders of the buyer that are not paid."""
    values = {"buyer": buyer_id, "unpaid": [str(status) for status in UNPAID]}
    return int(session.execute(_COUNT_UNPAID, values).scalar_one())


def insert(session: Session, order: Mapping[str, Any], lines: Sequence[tuple[UUID, str, int, int]]) -> None:
    """Write an order, its lines (product, name, price in minor units, quantity), first event and start command."""
    products, names, prices, quantities = zip(*lines, strict=True)
    session.execute(
        _INSERT,
        {
            **order,
            "start_input": json.dumps(order["start_input"]),
            "products": list(products),
            "names": list(names),
            "prices": list(prices),
            "quantities": list(quantities),
        },
    )


def find(session: Session, order_id: UUID, buyer_id: UUID | None, *, lock: bool = False) -> Row[Any] | None:
    """The order's row with its lines as JSON, for its buyer or (None) for anybody; locked if asked."""
    statement = _FIND_LOCKED if lock else _FIND
    return session.execute(statement, {"id": order_id, "buyer": buyer_id}).one_or_none()


def has_method(session: Session, order_id: UUID) -> bool:
    """True while a way to pay is kept, so a payment by it is under way or about to be."""
    return bool(session.execute(_HAS_METHOD, {"id": order_id}).scalar_one())


def count_methods(session: Session, order_id: UUID) -> int:
    """How many ways to pay were given after placing."""
    return int(session.execute(_COUNT_METHODS, {"id": order_id}).scalar_one())


def page(session: Session, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Summaries, newest first, after a key."""
    return session.execute(_PAGE, dict(values)).all()


def events(session: Session, order_id: UUID, after: int) -> Sequence[Row[Any]]:
    """The timeline after an event's id."""
    return session.execute(_EVENTS, {"id": order_id, "after": after}).all()


def standing(session: Session, order_id: UUID) -> Row[Any] | None:
    """Status, reason, claim and method of an order."""
    return session.execute(_STANDING, {"id": order_id}).one_or_none()


def claim(session: Session, order_id: UUID, run_id: str) -> Row[Any] | None:
    """Take the order for a run (or find it taken by the same run), with what it orders; its start is delivered."""
    return session.execute(_CLAIM, {"id": order_id, "run": run_id}).one_or_none()


def move(session: Session, order_id: UUID, target: str, sources: Sequence[str], **event: Any) -> Row[Any] | None:
    """Guarded update to `target`, with its event; None when the order is not in one of `sources`."""
    values: dict[str, Any] = {
        "id": order_id,
        "key": target,
        "target": target,
        "sources": list(sources),
        "type": target,
        "detail": None,
        "attempt": None,
        "amount": None,
        "reason": None,
        "note": None,
        "run": None,
        "paid_by": None,
        "forget": False,
        "told_types": list(TOLD),
    }
    return session.execute(_MOVE, values | event).one_or_none()


def note(session: Session, order_id: UUID, key: str, **event: Any) -> None:
    """Write an event that changes no status; once a key."""
    values: dict[str, Any] = {"id": order_id, "key": key, "detail": None, "attempt": None, "amount": None}
    session.execute(_NOTE, {**values, "told_types": list(TOLD)} | event)


def give_method(session: Session, order_id: UUID, method: str, sealed: bytes) -> None:
    """Keep another way to pay."""
    session.execute(_GIVE_METHOD, {"id": order_id, "method": method, "sealed": sealed})


def forget_method(session: Session, order_id: UUID) -> None:
    """Drop the token or number, once no charge will need it."""
    session.execute(_FORGET_METHOD, {"id": order_id})


def set_attention(session: Session, order_id: UUID, reason: str | None) -> None:
    """Ask for a person (with a reason), or no longer (None)."""
    session.execute(_ATTENTION, {"id": order_id, "reason": reason})


_COUNT_UNPAID = text("SELECT count(*) FROM orders.orders WHERE buyer_id = :buyer AND status = ANY(:unpaid)")

_INSERT = text(
    f"""
    WITH placed AS (
        INSERT INTO orders.orders (id, buyer_id, status, total_minor, currency, country, region, city, street,
                                   language, method, payment_method, contact, start_input)
        VALUES (:id, :buyer_id, 'created', :total_minor, :currency, :country, :region, :city, :street,
                :language, :method, :payment_method, :contact, cast(:start_input AS jsonb))
    ), lined AS (
        INSERT INTO orders.lines (order_id, product_id, position, name, price_minor, quantity)
        SELECT :id, line.product_id, line.position, line.name, line.price, line.quantity
          FROM unnest(cast(:products AS uuid[]), cast(:names AS text[]), cast(:prices AS bigint[]),
                      cast(:quantities AS integer[]))
               WITH ORDINALITY AS line(product_id, name, price, quantity, position)
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, amount_minor)
        VALUES (:id, 'created', 'created', 'created', :total_minor)
    ), commanded AS (
        -- The api tries the start itself; the relay takes what is left.
        INSERT INTO orders.outbox (order_id, name, key, arguments, due_at)
        VALUES (:id, 'start', 'start', '{{}}', now() + interval '2 seconds')
    )
    SELECT pg_notify('{NOTIFICATIONS}', '')
    """  # noqa: S608 - constants of this program
)

_FIND_SQL = """
    SELECT o.*,
           (SELECT json_agg(json_build_array(l.product_id, l.name, l.price_minor, l.quantity) ORDER BY l.position)
              FROM orders.lines l WHERE l.order_id = o.id) AS lines
      FROM orders.orders o
     WHERE o.id = :id AND (cast(:buyer AS uuid) IS NULL OR o.buyer_id = :buyer)
    """
_FIND = text(_FIND_SQL)
_FIND_LOCKED = text(_FIND_SQL + " FOR UPDATE")
_HAS_METHOD = text("SELECT payment_method IS NOT NULL FROM orders.orders WHERE id = :id")
_COUNT_METHODS = text("SELECT count(*) FROM orders.events WHERE order_id = :id AND type = 'payment_method_given'")

_PAGE = text(
    """
    SELECT id, buyer_id, status, total_minor, currency, created_at, needs_attention
      FROM orders.orders
     WHERE (cast(:buyer AS uuid) IS NULL OR buyer_id = :buyer)
       AND (cast(:status AS text) IS NULL OR status = :status)
       AND (cast(:created_from AS timestamptz) IS NULL OR created_at >= :created_from)
       AND (cast(:created_to AS timestamptz) IS NULL OR created_at < :created_to)
       AND (cast(:attention AS boolean) IS NULL OR needs_attention = :attention)
       AND (cast(:after AS uuid) IS NULL OR id < :after)
     ORDER BY id DESC
     LIMIT :limit
    """
)

_EVENTS = text(
    """
    SELECT e.id, e.at, e.type, e.status, e.detail, e.attempt, e.amount_minor, o.currency
      FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
     WHERE e.order_id = :id AND e.id > :after
     ORDER BY e.id
    """
)

_STANDING = text(
    "SELECT status, cancel_reason, claimed_by, method, payment_method, total_minor, currency, needs_attention, paid_by"
    "  FROM orders.orders WHERE id = :id"
)

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
               payment_method = CASE WHEN cast(:forget AS boolean) THEN NULL ELSE payment_method END,
               needs_attention = needs_attention AND NOT cast(:forget AS boolean)
         WHERE id = :id AND status = ANY(:sources)
           AND (cast(:run AS text) IS NULL OR claimed_by IS NULL OR claimed_by = :run)
        RETURNING id, total_minor, currency, method, payment_method, cancel_reason
    ), noted AS (
        INSERT INTO orders.events (order_id, key, type, status, detail, attempt, amount_minor, notified_at)
        SELECT id, cast(:key AS text), cast(:type AS text), cast(:target AS text),
               cast(:detail AS text), cast(:attempt AS integer),
               cast(:amount AS bigint),
               CASE WHEN cast(:type AS text) = ANY(cast(:told_types AS text[])) THEN NULL ELSE now() END
          FROM moved
        ON CONFLICT (order_id, key) DO NOTHING
    )
    SELECT *, pg_notify('{ORDER_EVENTS}', cast(id AS text)),
           CASE WHEN cast(:type AS text) = ANY(cast(:told_types AS text[])) THEN pg_notify('{NOTIFICATIONS}', '') END
      FROM moved
    """  # noqa: S608 - constants of this program
)

_NOTE = text(
    f"""
    WITH noted AS (
        INSERT INTO orders.events (order_id, key, type, status, detail, attempt, amount_minor, notified_at)
        SELECT id, cast(:key AS text), cast(:type AS text), status, cast(:detail AS text), cast(:attempt AS integer),
               cast(:amount AS bigint),
               CASE WHEN cast(:type AS text) = ANY(cast(:told_types AS text[])) THEN NULL ELSE now() END
          FROM orders.orders WHERE id = :id
        ON CONFLICT (order_id, key) DO NOTHING
        RETURNING order_id
    )
    SELECT pg_notify('{ORDER_EVENTS}', cast(order_id AS text)), pg_notify('{NOTIFICATIONS}', '') FROM noted
    """  # noqa: S608 - constants of this program
)

_GIVE_METHOD = text(
    "UPDATE orders.orders SET method = :method, payment_method = :sealed, updated_at = now() WHERE id = :id"
)
_FORGET_METHOD = text("UPDATE orders.orders SET payment_method = NULL WHERE id = :id AND payment_method IS NOT NULL")
_ATTENTION = text(
    f"""
    WITH changed AS (
        UPDATE orders.orders
           SET needs_attention = cast(:reason AS text) IS NOT NULL, attention_reason = :reason, updated_at = now()
         WHERE id = :id
        RETURNING id
    )
    SELECT pg_notify('{ORDER_EVENTS}', cast(id AS text)) FROM changed
    """  # noqa: S608 - constants of this program
)
