"""How orders end, counted by the worker that ends them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.orders.status import CancelReason

_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class OrderEndMetrics:
    """Outcomes, and the time from placing to confirmation; add them up over all workers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter("orders_ended", "Orders that ended", ["outcome"], registry=registry)
        # A counter that appears with 1 has not increased: alerts would miss the first order that ends in a new way.
        for outcome in ("confirmed", *CancelReason):
            self._ended.labels(outcome)
        self._seconds = Histogram(
            "order_confirmation_seconds",
            "Seconds from placing an order to its confirmation",
            buckets=_BUCKETS,
            registry=registry,
        )

    def count(self, outcome: str, seconds: float) -> None:
        """Count an order: `confirmed`, or the reason of its cancellation; `seconds` since it was placed."""
        self._ended.labels(outcome).inc()
        if outcome == "confirmed":
            self._seconds.observe(seconds)
