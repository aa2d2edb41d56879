"""What is counted of HTTP, for `/metrics`: by operation and status, in a registry of this app alone."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from api.callers import OPERATIONS

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Measures:
    """Requests and their durations; labels are templates and numbers, never what a client sent."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("http_requests", "Requests answered", ["operation", "status"], registry=self.registry)
        self._seconds = Histogram(
            "http_request_seconds",
            "Seconds until a request was answered",
            ["operation"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def count(self, operation: str, status: int, seconds: float) -> None:
        """One request, answered after so many seconds (499: its client went away first)."""
        operation = operation if operation in OPERATIONS else "other"
        self._requests.labels(operation, status).inc()
        self._seconds.labels(operation).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text form."""
        return generate_latest(self.registry)
