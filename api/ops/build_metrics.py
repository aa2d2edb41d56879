"""Which build this process is of, and whether the database has its schema."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.ops.database_check import DatabaseCheck
from services.settings import Settings


class BuildMetrics(Collector):
    """The build as a label, and the schema as it was at most a second ago."""

    def __init__(self, settings: Settings, check: DatabaseCheck) -> None:
        self._settings = settings
        self._check = check

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        build = GaugeMetricFamily("marketplace_build_info", "1; `build` is WORKER_BUILD_ID", labels=["build"])
        build.add_metric([self._settings.worker_build_id or "none"], 1)
        yield build
        current = self._check.state() == "ready"
        yield GaugeMetricFamily(
            "database_schema_current", "1: the database has the schema of this build", value=current
        )
