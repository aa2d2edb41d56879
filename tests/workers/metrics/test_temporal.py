"""The metrics of Temporal's SDK become part of a registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

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
    text = generate_latest(registry).decode()
    assert "# TYPE temporal_request_total counter" in text
    assert 'temporal_request_latency_seconds_bucket{le="+Inf",namespace="market",operation="CountWork' in text
