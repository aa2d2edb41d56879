"""Figures of the whole shop for metrics: what is open, what waits, and the money of the ledger.

Each statement reads what is open through a partial index, or the newest rows of the ledger by primary key, so that a
million old orders cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.db import Database

#: Seconds after which a row of the ledger is counted. Ids are given before the commit: a row with a smaller id may
#: appear later, but not so much later, because a transaction ends within the time-outs of its statements.
SETTLED = 20.0
#: Kinds of entries of the ledger that metrics show from the beginning.
LEDGER_KINDS = ("charge", "refund", "write_off")
#: Rows of the ledger that are added up at once.
BATCH = 10_000


@dataclass(frozen=True)
class Queue:
    """What waits to be delivered: how many, and how many seconds the oldest one has waited."""

    name: str
    waiting: int
    oldest: float


@dataclass(frozen=True)
class Unanswered:
    """What another system has not taken or answered yet: how many, and how many seconds ago the oldest began."""

    #: `provider_payments`, `provider_refunds`, `email` or `sms`
    name: str
    count: int
    oldest: float


@dataclass(frozen=True)
class Webhooks:
    """Deliveries and endpoints of outgoing webhooks."""

    waiting: int
    #: that have failed or were skipped in the last 30 days
    failed: int
    #: endpoints that were disabled because they answered 410 or failed for three days
    disabled: int
    #: endpoints that are enabled and have not taken a message since their last failure
    failing: int
    #: seconds for which the oldest delivery that is due has not been sent; 0 when none is due
    overdue: float


@dataclass(frozen=True)
class LedgerSum:
    """Minor units of entries of one kind (`charge`, `refund`, `write_off`) and one currency, always positive."""

    kind: str
    currency: str
    minor: int


def open_orders(database: Database) -> Mapping[str, int]:
    """How many orders have each status that is not final."""
    return {row.status: row.orders for row in database.fetch_all(_OPEN_ORDERS)}


def orders_needing_attention(database: Database) -> int:
    """How many orders need a person."""
    return int(database.fetch_value("SELECT count(*) FROM orders.orders WHERE needs_attention"))


def orders_cancelling(database: Database, seconds: float) -> int:
    """How many orders have been cancelling for longer than `seconds`."""
    return int(database.fetch_value(_CANCELLING, {"seconds": seconds}))


def unanswered(database: Database) -> Sequence[Unanswered]:
    """Charges without an answer of the provider, undecided refunds, and queued messages whose last attempt failed."""
    return database.fetch_all(_UNANSWERED, into=Unanswered)


def queues(database: Database) -> Sequence[Queue]:
    """Commands for Temporal, events and account messages without a queued message, and queued e-mails and SMS."""
    return database.fetch_all(_QUEUES, into=Queue)


def webhooks(database: Database) -> Webhooks:
    """Outgoing webhooks that are not delivered, and endpoints that do not take them."""
    [found] = database.fetch_all(_WEBHOOKS, into=Webhooks)
    return found


def suppressed_messages(database: Database) -> Mapping[str, int]:
    """How many messages of each channel were over a budget in the last hour."""
    return {row.channel: row.messages for row in database.fetch_all(_SUPPRESSED)}


def ledger_position(database: Database) -> int:
    """The id of the newest entry of the ledger; 0 without one."""
    return int(database.fetch_value("SELECT coalesce(max(id), 0) FROM payments.ledger"))


def ledger_currencies(database: Database) -> Sequence[str]:
    """The currencies of the newest entries of the ledger."""
    return database.fetch_column(_CURRENCIES)


def ledger_after(database: Database, position: int, settled: float = SETTLED) -> tuple[int, Sequence[LedgerSum]]:
    """The sums of the entries after `position` that are older than `settled` seconds, and the position after them."""
    rows = database.fetch_all(_LEDGER, {"position": position, "settled": settled, "batch": BATCH})
    sums = [LedgerSum(row.kind, row.currency, int(row.minor)) for row in rows]
    return max((row.position for row in rows), default=position), sums


_OPEN_ORDERS = """
    SELECT status, count(*) AS orders FROM orders.orders
     WHERE status NOT IN ('confirmed', 'cancelled') GROUP BY status
    """

# The conditions are those of the partial indexes of open orders, live payments, pending refunds and due messages.
_CANCELLING = """
    SELECT count(*) FROM orders.orders o
      JOIN orders.events e ON e.order_id = o.id AND e.key = 'cancelling'
     WHERE o.status NOT IN ('confirmed', 'cancelled') AND o.status = 'cancelling'
       AND e.at < now() - make_interval(secs => %(seconds)s)
    """

_UNANSWERED = """
    SELECT name, count(since),
           cast(coalesce(extract(epoch FROM now() - min(since)), 0) AS double precision) AS oldest
      FROM (SELECT 'provider_payments' AS name, created_at AS since FROM payments.payments
             WHERE order_id = ANY (ARRAY(SELECT id FROM orders.orders WHERE status NOT IN ('confirmed', 'cancelled')))
               AND status = 'unknown' AND status NOT IN ('failed', 'refunded') AND NOT captured_late
            UNION ALL SELECT 'provider_refunds', created_at FROM payments.refunds WHERE status = 'pending'
            UNION ALL SELECT channel, created_at FROM notifications.notifications
                       WHERE status = 'queued' AND error_message IS NOT NULL
            UNION ALL SELECT unnest(ARRAY['provider_payments', 'provider_refunds', 'email', 'sms']), NULL) AS unanswered
     GROUP BY name ORDER BY name
    """

_QUEUES = """
    SELECT name, count(since) AS waiting,
           cast(coalesce(extract(epoch FROM now() - min(since)), 0) AS double precision) AS oldest
      FROM (SELECT 'commands' AS name, created_at AS since FROM orders.outbox WHERE done_at IS NULL
            UNION ALL SELECT 'events', e.at FROM orders.events e WHERE e.notified_at IS NULL
                         -- A refund waits for the cancellation that it belongs to.
                         AND (e.type <> 'refunded' OR NOT EXISTS (
                              SELECT FROM orders.orders o WHERE o.id = e.order_id AND o.status = 'cancelling'))
            UNION ALL SELECT 'account-messages', created_at FROM identity.messages
            UNION ALL SELECT channel, created_at FROM notifications.notifications WHERE status = 'queued'
            UNION ALL SELECT unnest(ARRAY['commands', 'events', 'account-messages', 'email', 'sms']), NULL) AS waiting
     GROUP BY name
    """

_SUPPRESSED = """
    SELECT channel, count(*) AS messages FROM notifications.notifications
     WHERE status = 'suppressed' AND created_at > now() - interval '1 hour' GROUP BY channel
    """

# The conditions are those of the partial indexes; what an operator disabled is meant.
_WEBHOOKS = """
    SELECT (SELECT count(*) FROM webhooks.deliveries WHERE status = 'waiting') AS waiting,
           (SELECT count(*) FROM webhooks.deliveries WHERE status IN ('failed', 'skipped')) AS failed,
           (SELECT count(*) FROM webhooks.endpoints WHERE disabled_reason IN ('gone', 'failing')) AS disabled,
           (SELECT count(*) FROM webhooks.endpoints
             WHERE disabled_reason IS NULL AND failing_since IS NOT NULL) AS failing,
           (SELECT cast(greatest(coalesce(extract(epoch FROM now() - min(greatest(d.due_at, p.paused_until))), 0), 0)
                        AS double precision)
              FROM webhooks.deliveries d JOIN webhooks.endpoints p ON p.id = d.endpoint_id
             WHERE d.status = 'waiting') AS overdue
    """

_CURRENCIES = """
    SELECT DISTINCT currency
      FROM (SELECT currency FROM payments.ledger ORDER BY id DESC LIMIT 1000) AS newest
     ORDER BY currency
    """

_LEDGER = """
    SELECT kind, currency, sum(abs(amount_minor)) AS minor, max(id) AS position
      FROM (SELECT *, bool_and(at < now() - make_interval(secs => %(settled)s)) OVER (ORDER BY id) AS settled
              FROM (SELECT * FROM payments.ledger WHERE id > %(position)s ORDER BY id LIMIT %(batch)s) AS newest) AS n
     WHERE settled
     GROUP BY kind, currency
    """
