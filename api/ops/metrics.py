"""HTTP metrics by operation and status, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from api.access.operations import OPERATIONS
from api.access.rate_limits import LOGIN
from api.identity.login_alarm import LoginAlarm

#: Operations that sign in by password, and the outcome that each status means; other statuses are not counted.
_LOGINS = frozenset(key for key, row in OPERATIONS.items() if row.limits == (LOGIN,))
_OUTCOMES = {200: "succeeded", 401: "failed", 429: "limited", 503: "unavailable"}
#: What every operation may answer when something is broken; alerts watch these.
_ERRORS = (500, 503)
_PROBES = frozenset({"GET /livez", "GET /readyz", "GET /metrics"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class HttpMetrics:
    """Counts requests and durations; labels are path templates and statuses, never what a client sent."""

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
        self._logins = Counter("logins", "Logins by how they ended", ["outcome"], registry=self.registry)
        self._alarms = Counter("login_alarms", "Times that too many logins failed", registry=self.registry)
        self._alarm = LoginAlarm()
        self._begin_at_zero()

    def count(self, operation: str, status: int, seconds: float) -> None:
        """Count a request and its duration in seconds; status 499: the client closed the connection first."""
        operation = operation if operation in OPERATIONS else "other"
        self._requests.labels(operation, status).inc()
        self._seconds.labels(operation).observe(seconds)
        if operation in _LOGINS and status in _OUTCOMES:
            self._count_login(_OUTCOMES[status])

    def _begin_at_zero(self) -> None:
        # A counter that appears with 1 has not increased: rates would miss the first error of each operation.
        for operation, row in OPERATIONS.items():
            for status in () if operation in _PROBES else (row.success[0], *_ERRORS):
                self._requests.labels(operation, status)
        for status in _ERRORS:
            self._requests.labels("other", status)
        for outcome in _OUTCOMES.values():
            self._logins.labels(outcome)

    def _count_login(self, outcome: str) -> None:
        self._logins.labels(outcome).inc()
        if outcome in ("succeeded", "failed") and self._alarm.count(failed=outcome == "failed"):
            self._alarms.inc()

    def text(self) -> bytes:
        """The metrics in Prometheus' text format; collectors that others have added to the registry may block."""
        return generate_latest(self.registry)
