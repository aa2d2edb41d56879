"""Everything that a worker's process measures, in one registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from temporalio.runtime import Runtime

from services.bootstrap import Services
from workers.metrics.orders import OrderEndMetrics
from workers.metrics.shop import ShopMetrics
from workers.metrics.temporal import TemporalMetrics


class ProcessMetrics:
    """How orders end in this process, its Temporal client and worker, and the figures of the whole shop."""

    def __init__(self, registry: CollectorRegistry, services: Services) -> None:
        """Raises ValueError when the metrics of Temporal's SDK cannot be served."""
        self.ends = OrderEndMetrics(registry)
        registry.register(ShopMetrics(services.database))
        #: for the Temporal client; None where nobody can read the metrics
        self.runtime: Runtime | None = None
        if services.settings.metrics_port or services.settings.development:
            temporal = TemporalMetrics()
            registry.register(temporal)
            self.runtime = temporal.runtime
