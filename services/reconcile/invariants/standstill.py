"""I14: no open row stays unchanged without a timer in the future or an attention reason."""

from __future__ import annotations

from services.reconcile.invariants.invariant import Invariant

_GRACE = "make_interval(secs => %(grace)s)"


def _setting(name: str) -> str:
    """A duration that an order was placed with."""
    return f"make_interval(secs => cast(o.start_input ->> '{name}' AS float8))"


def stalled_orders(condition: str) -> str:
    """SQL that selects the open orders for which nothing is due, of those that meet a condition on the row `o`.

    The last timer of an order: `reserved` waits until the payment window is over; `payment_pending` until then or until
    the provider's own term is over; `cancelling` until an undo counts as stuck, or while the provider decides a payment
    or has a refund that is still tried. `created` and `paid` wait for nothing. It takes `%(grace)s`, in seconds.
    """
    return f"""
    SELECT order_id, status, cast(extract(epoch FROM now() - updated_at) AS bigint) AS seconds FROM (
        SELECT o.id AS order_id, o.status, o.updated_at,
               CASE o.status
               WHEN 'reserved' THEN o.updated_at + {_setting("payment_window")}
               WHEN 'payment_pending' THEN greatest(o.updated_at + {_setting("payment_window")}, p.term_ends)
               WHEN 'cancelling' THEN greatest(o.updated_at + {_setting("attention_after")}, p.term_ends, r.tried_at)
               ELSE o.updated_at END AS timer
          FROM orders.orders o
          LEFT JOIN LATERAL (SELECT max(pending_until) AS term_ends FROM payments.payments p
                              WHERE p.order_id = o.id AND p.status IN ('pending', 'unknown')) p ON true
          LEFT JOIN LATERAL (SELECT max(updated_at) AS tried_at FROM payments.refunds r
                              WHERE r.order_id = o.id AND r.status = 'pending') r ON true
         WHERE o.status NOT IN ('confirmed', 'cancelled') AND {condition}) AS open
     WHERE timer < now() - {_GRACE}
    """  # noqa: S608 - only constants of the callers


# An undecided payment of an open order is the order's matter.
_PAYMENTS = f"""
    SELECT p.id AS payment_id, p.order_id, p.status, o.status AS order_status,
           cast(extract(epoch FROM now() - p.updated_at) AS bigint) AS seconds
      FROM payments.payments p JOIN orders.orders o ON o.id = p.order_id
     WHERE p.status IN ('pending', 'unknown') AND o.status IN ('confirmed', 'cancelled') AND NOT o.needs_attention
       AND greatest(p.updated_at, p.pending_until) < now() - {_GRACE}
    """  # noqa: S608 - only constants of this module

_REFUNDS = f"""
    SELECT r.id AS refund_id, r.payment_id, r.order_id, r.amount_minor, r.currency,
           cast(extract(epoch FROM now() - r.updated_at) AS bigint) AS seconds
      FROM payments.refunds r
     WHERE r.status = 'pending' AND r.updated_at < now() - {_GRACE}
    """  # noqa: S608 - only constants of this module

_HOLDS = f"""
    SELECT r.id AS reservation_id, r.order_id, cast(extract(epoch FROM now() - r.expires_at) AS bigint) AS seconds
      FROM reservations.reservations r
     WHERE r.status = 'reserved' AND NOT r.pinned AND r.expires_at < now() - {_GRACE}
    """  # noqa: S608 - only constants of this module

STANDSTILL = (
    Invariant(
        "I14",
        "no open order stands still",
        "SELECT count(*) FROM orders.orders WHERE status NOT IN ('confirmed', 'cancelled')",
        stalled_orders("NOT o.needs_attention"),
        "Order {order} has been {status} for {seconds} s, and nothing is due for it.",
    ),
    Invariant(
        "I14",
        "no payment of a closed order stays undecided",
        "SELECT count(*) FROM payments.payments WHERE status IN ('pending', 'unknown')",
        _PAYMENTS,
        "Order {order} is {order_status}, but its payment has been {status} for {seconds} s.",
    ),
    Invariant(
        "I14",
        "every pending refund is tried again",
        "SELECT count(*) FROM payments.refunds WHERE status = 'pending'",
        _REFUNDS,
        "The refund of {amount} for order {order} was last tried {seconds} s ago.",
    ),
    Invariant(
        "I14",
        "no hold outlives its time",
        "SELECT count(*) FROM reservations.reservations WHERE status = 'reserved'",
        _HOLDS,
        "The hold of order {order} ended {seconds} s ago, but its goods are not available.",
    ),
)
