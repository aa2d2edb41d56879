"""The use of this process's pool of database connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class PoolMetrics(Collector):
    """Connections in use and idle, their limit, and how many callers wait for one."""

    def __init__(self, stats: Callable[[], Mapping[str, int]]) -> None:
        """`stats` returns the statistics of psycopg's pool."""
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        stats = self._stats()
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        connections = GaugeMetricFamily("database_pool_connections", "Connections of the pool", labels=["state"])
        connections.add_metric(["in_use"], size - idle)
        connections.add_metric(["idle"], idle)
        yield connections
        yield GaugeMetricFamily("database_pool_limit", "Most connections of the pool", value=stats.get("pool_max", 0))
        waiting = stats.get("requests_waiting", 0)
        yield GaugeMetricFamily("database_pool_waiting", "Callers that wait for a connection", value=waiting)
