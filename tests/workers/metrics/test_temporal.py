"""The metrics of Temporal's SDK become part of a registry, and their absence is not that of the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from structlog.testing import capture_logs

from sandbox.ports import LOOPBACK, free_port
from sandbox.temporal import TemporalServer
from services.settings import Settings
from workers.metrics.temporal import TemporalMetrics
from workflows.client import connect


async def test_requests_to_temporal_are_measured(temporal: TemporalServer) -> None:
    metrics, registry = TemporalMetrics(), CollectorRegistry()
    registry.register(metrics)
    settings = Settings(app_env="development", temporal_address=temporal.address)
    client = await connect(settings, runtime=metrics.runtime)
    await client.count_workflows()

    counted = {"namespace": "market", "operation": "CountWorkflowExecutions"}
    assert registry.get_sample_value("temporal_request_total", counted) == 1
    assert registry.get_sample_value("temporal_sdk_readable") == 1
    text = generate_latest(registry).decode()
    assert "# TYPE temporal_request_total counter" in text
    assert 'temporal_request_latency_seconds_bucket{le="+Inf",namespace="market",operation="CountWork' in text


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another process listens, and answers nothing that is HTTP."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield listener.getsockname()[1]


def test_F94_the_other_metrics_are_served_without_those_of_the_sdk() -> None:
    metrics, registry = TemporalMetrics(), CollectorRegistry()
    registry.register(metrics)
    Counter("orders_ended", "Orders that ended", registry=registry).inc()
    works, metrics._port = metrics._port, free_port()  # refuses the connection
    with capture_logs() as logs:
        shown = [generate_latest(registry).decode() for _ in range(3)]
        metrics._port = works
        assert registry.get_sample_value("temporal_sdk_readable") == 1
        metrics._port = free_port()
        assert registry.get_sample_value("temporal_sdk_readable") == 0
    assert all("temporal_sdk_readable 0.0" in text and "orders_ended_total 1.0" in text for text in shown)
    assert [(line["event"], line["log_level"], line["part"]) for line in logs] == [
        ("metrics.unreadable", "error", "temporal_sdk"),
        ("metrics.readable", "info", "temporal_sdk"),
        ("metrics.unreadable", "error", "temporal_sdk"),
    ]


def test_F94_a_port_that_another_process_took_meanwhile_is_not_the_end(taken: int) -> None:
    works = free_port()
    metrics = TemporalMetrics(iter([taken, taken, works]).__next__)
    assert metrics._port == works
    with pytest.raises(ValueError, match="in use"):
        TemporalMetrics(lambda: taken)
