"""The reconciler's last results as metrics, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.ops.outage_log import OutageLog

if TYPE_CHECKING:
    from services.reconcile.results import InvariantResults


class InvariantMetrics(Collector):
    """A gauge of violations and one of the time of the check, for each invariant that was ever checked."""

    def __init__(self, results: InvariantResults) -> None:
        self._results = results
        self._outage = OutageLog("invariants")

    def collect(self) -> Iterator[Metric]:
        """The metrics; none while they cannot be read, so that the others are still shown."""
        violations = GaugeMetricFamily(
            "marketplace_invariant_violations",
            "Violations of an invariant of the contract when it was last checked",
            labels=["invariant"],
        )
        checked_at = GaugeMetricFamily(
            "marketplace_invariant_checked_timestamp_seconds",
            "When an invariant was last checked in full, as Unix time",
            labels=["invariant"],
        )
        try:
            latest = self._results.latest()
        except Exception as error:
            self._outage.failed(error)
            return
        self._outage.succeeded()
        for result in latest:
            violations.add_metric([result.invariant], result.violations)
            checked_at.add_metric([result.invariant], result.checked_at.timestamp())
        yield from (violations, checked_at)
