"""The metrics of Temporal's SDK, which serves them on a port of its own, added to the process's `/metrics`."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from api.ops.outage_log import OutageLog

_LOOPBACK = "127.0.0.1"
#: Seconds to wait for the SDK's answer.
_TIMEOUT = 2.0
#: Ports that are tried: another process may take one between the moment it is found free and the SDK's use of it.
_ATTEMPTS = 5


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class TemporalMetrics(Collector):
    """`temporal_…`: requests, polls, free slots, tasks and steps with their durations, failures.

    The SDK's own exporter is read, and not its buffer of updates: it adds up outside of Python. While it cannot be
    read, `temporal_sdk_readable` is 0, and the other metrics of the process are served without it.
    """

    def __init__(self, choose_port: Callable[[], int] = _free_port) -> None:
        """Raises ValueError when the SDK cannot listen on any of five ports."""
        #: `runtime`: for the client whose requests and whose worker are measured
        self._port, self.runtime = _listening(choose_port)
        self._outage = OutageLog("temporal_sdk")

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        metrics: Sequence[Metric] = ()
        try:
            metrics = self._read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._outage.failed(error)
            readable = False
        else:
            self._outage.succeeded()
            readable = True
        text = "1: the metrics of Temporal's SDK were read for this scrape"
        yield GaugeMetricFamily("temporal_sdk_readable", text, value=readable)
        yield from metrics

    def _read(self) -> Sequence[Metric]:
        exporter = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=_TIMEOUT)
        try:
            exporter.request("GET", "/metrics")
            answer = exporter.getresponse()
            text = answer.read().decode()
        finally:
            exporter.close()
        if answer.status != 200:
            raise http.client.HTTPException(f"status {answer.status}")
        return list(text_string_to_metric_families(text))


def _listening(choose_port: Callable[[], int]) -> tuple[int, Runtime]:
    """A runtime whose client and worker are measured, and the port of its exporter."""
    for _ in range(_ATTEMPTS - 1):
        port = choose_port()
        try:
            return port, _runtime(port)
        except ValueError:  # taken meanwhile
            continue
    port = choose_port()
    return port, _runtime(port)


def _runtime(port: int) -> Runtime:
    exporter = PrometheusConfig(
        bind_address=f"{_LOOPBACK}:{port}",
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    return Runtime(telemetry=TelemetryConfig(metrics=exporter, attach_service_name=False))
