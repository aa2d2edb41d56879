"""SQL of placing and reading orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.orders.status import UNPAID
from services.pg_notify import NOTIFICATIONS


def lock_buyer(session: Session, buyer_id: UUID) -> None:
    """Make the orders of one buyer wait for each other until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:buyer, 0))"), {"buyer": str(buyer_id)})


def count_unpaid(session: Session, buyer_id: UUID) -> int:
    """The number of the buyer's open orders that are not paid."""
    values = {"buyer": buyer_id, "unpaid": [str(status) for status in UNPAID]}
    return int(session.execute(_COUNT_UNPAID, values).scalar_one())


def insert(session: Session, order: Mapping[str, Any], lines: Sequence[tuple[UUID, str, int, int]]) -> None:
    """Write an order, its lines (product, name, price in minor units, quantity), its first event and start command."""
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
    """The order's row with its lines as JSON; `buyer_id` None finds the order of any buyer, `lock` locks the row."""
    statement = _FIND_LOCKED if lock else _FIND
    return session.execute(statement, {"id": order_id, "buyer": buyer_id}).one_or_none()


def has_method(session: Session, order_id: UUID) -> bool:
    """True while a payment method is kept: a payment with it is under way or about to start."""
    return bool(session.execute(_HAS_METHOD, {"id": order_id}).scalar_one())


def count_methods(session: Session, order_id: UUID) -> int:
    """The number of payment methods given after placing."""
    return int(session.execute(_COUNT_METHODS, {"id": order_id}).scalar_one())


def page(session: Session, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Summaries of orders, newest first, after an id."""
    return session.execute(_PAGE, dict(values)).all()


def events(session: Session, order_id: UUID, after: int) -> Sequence[Row[Any]]:
    """The timeline after an event's id."""
    return session.execute(_EVENTS, {"id": order_id, "after": after}).all()


def give_method(session: Session, order_id: UUID, method: str, sealed: bytes) -> None:
    """Keep another payment method."""
    session.execute(_GIVE_METHOD, {"id": order_id, "method": method, "sealed": sealed})


def forget_method(session: Session, order_id: UUID) -> None:
    """Drop the card token or phone number: no charge needs it any more."""
    session.execute(_FORGET_METHOD, {"id": order_id})


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

_GIVE_METHOD = text(
    "UPDATE orders.orders SET method = :method, payment_method = :sealed, updated_at = now() WHERE id = :id"
)
_FORGET_METHOD = text("UPDATE orders.orders SET payment_method = NULL WHERE id = :id AND payment_method IS NOT NULL")
