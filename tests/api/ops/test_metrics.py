"""HTTP metrics: labels from the table of operations only, and logins by their outcome."""

from __future__ import annotations

from api.ops.metrics import HttpMetrics

LOGIN = "POST /auth/login/email"


def value(metrics: HttpMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_requests_are_counted_by_operation_and_status() -> None:
    metrics = HttpMetrics()
    metrics.count("GET /products", 200, 0.02)
    metrics.count("GET /products", 200, 0.2)

    assert value(metrics, "http_requests_total", operation="GET /products", status="200") == 2
    assert value(metrics, "http_request_seconds_bucket", operation="GET /products", le="0.025") == 1
    assert value(metrics, "http_request_seconds_count", operation="GET /products") == 2


def test_what_a_client_sent_is_no_label() -> None:
    metrics = HttpMetrics()
    metrics.count("GET /not-known?token=1", 404, 0.01)

    assert value(metrics, "http_requests_total", operation="other", status="404") == 1
    assert b"not-known" not in metrics.text()


def test_logins_are_counted_by_outcome() -> None:
    metrics = HttpMetrics()
    for status in (200, 401, 401, 422, 429, 503):
        metrics.count(LOGIN, status, 0.1)
    metrics.count("POST /auth/refresh", 401, 0.1)

    outcomes = [
        value(metrics, "logins_total", outcome=name) for name in ("succeeded", "failed", "limited", "unavailable")
    ]
    assert outcomes == [1, 2, 1, 1]


def test_T15_an_alarm_is_counted() -> None:
    metrics = HttpMetrics()
    for _ in range(101):
        metrics.count(LOGIN, 401, 0.1)

    assert value(metrics, "login_alarms_total") == 1
