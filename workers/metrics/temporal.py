"""The metrics of Temporal's SDK, which serves them on a port of its own, added to the process's `/metrics`."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

_LOOPBACK = "127.0.0.1"
#: Seconds to wait for the SDK's answer.
_TIMEOUT = 2.0


class TemporalMetrics(Collector):
    """`temporal_…`: requests, polls, free slots, tasks and steps with their durations, failures.

    The SDK's own exporter is read, and not its buffer of updates: it adds up outside of Python.
    """

    def __init__(self) -> None:
        """Raises RuntimeError when the SDK cannot listen."""
        self._port = _free_port()
        exporter = PrometheusConfig(
            bind_address=f"{_LOOPBACK}:{self._port}",
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
        )
        #: for the client whose requests and whose worker are measured
        self.runtime = Runtime(telemetry=TelemetryConfig(metrics=exporter, attach_service_name=False))

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        exporter = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=_TIMEOUT)
        try:
            exporter.request("GET", "/metrics")
            text = exporter.getresponse().read().decode()
        finally:
            exporter.close()
        yield from text_string_to_metric_families(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
