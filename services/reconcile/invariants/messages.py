"""Invariants of messages and commands: I6 and I12."""

from __future__ import annotations

from services.notifications.views import OrderEvent
from services.reconcile.invariants.invariant import Invariant

_NOTIFIED = ", ".join(f"'{event}'" for event in OrderEvent)
_WAITING = "cast(extract(epoch FROM now() - waiting.at) AS bigint) AS seconds"
_LATE = "waiting.at < now() - make_interval(secs => %(lag)s)"

# An order has one e-mail address and two phone numbers at most: the account's and its own. A message over a budget has
# a row too, which is suppressed.
_ONCE = f"""
    WITH sent AS (
        SELECT order_id, template, count(*) FILTER (WHERE channel = 'email') AS emails,
               count(*) FILTER (WHERE channel = 'sms') AS sms
          FROM notifications.notifications
         WHERE order_id IS NOT NULL AND created_at > now() - make_interval(secs => %(since)s)
         GROUP BY order_id, template)
    SELECT e.order_id, e.type,
           CASE WHEN s.order_id IS NULL THEN 'no message was made'
                ELSE s.emails || ' e-mails and ' || s.sms || ' SMS were made' END AS problem
      FROM orders.events e JOIN orders.orders o ON o.id = e.order_id JOIN identity.users u ON u.id = o.buyer_id
      LEFT JOIN sent s ON s.order_id = e.order_id AND s.template = 'order_' || e.type
     WHERE e.type IN ({_NOTIFIED}) AND e.notified_at > now() - make_interval(secs => %(since)s)
       AND (s.order_id IS NULL OR (e.type <> 'refunded' AND (s.emails > 1 OR s.sms > 2)))
    """  # noqa: S608 - only constants of this program

_COMMANDS = f"""
    SELECT order_id, what, {_WAITING} FROM (
        SELECT order_id, 'The command `' || name || '`' AS what, created_at AS at
          FROM orders.outbox WHERE done_at IS NULL
        UNION ALL
        SELECT e.order_id, 'The event `' || e.type || '`', e.at
          FROM orders.events e JOIN orders.orders o ON o.id = e.order_id
         WHERE e.notified_at IS NULL
           AND NOT (e.type = 'refunded' AND o.status = 'cancelling')  -- waits for the cancellation that it belongs to
    ) AS waiting WHERE {_LATE}
    """  # noqa: S608 - only constants of this module

_MESSAGES = f"""
    SELECT message_id, what, {_WAITING} FROM (
        SELECT id AS message_id, 'An ' || channel || ' message `' || template || '`' AS what, created_at AS at
          FROM notifications.notifications WHERE status = 'queued'
        UNION ALL
        SELECT id, 'An account message `' || template || '`', created_at FROM identity.messages
    ) AS waiting WHERE {_LATE}
    """  # noqa: S608 - only constants of this module

MESSAGES = (
    Invariant(
        "I6",
        "every event of an order that its buyer is notified of has its messages, once",
        f"""SELECT count(*) FROM orders.events
             WHERE type IN ({_NOTIFIED}) AND notified_at > now() - make_interval(secs => %(since)s)""",  # noqa: S608 - constants
        _ONCE,
        "For the event `{type}` of order {order} {problem}.",
    ),
    Invariant(
        "I12",
        "no command and no event of an order stays undelivered",
        "SELECT (SELECT count(*) FROM orders.outbox) + (SELECT count(*) FROM orders.events)",
        _COMMANDS,
        "{what} of order {order} has waited for {seconds} s.",
    ),
    Invariant(
        "I12",
        "no message stays unsent",
        "SELECT (SELECT count(*) FROM notifications.notifications) + (SELECT count(*) FROM identity.messages)",
        _MESSAGES,
        "{what} has waited for {seconds} s.",
    ),
)
