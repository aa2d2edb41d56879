"""The last results of the reconciler as metrics."""

from __future__ import annotations

import httpx2
from prometheus_client import CollectorRegistry, generate_latest

from api.ops.invariants import InvariantMetrics
from services import db
from services.bootstrap import Services
from services.reconcile.findings import Check
from services.reconcile.reconciler import Report
from services.reconcile.results import InvariantResults


async def test_the_violations_of_each_invariant_are_shown(api: httpx2.AsyncClient, services: Services) -> None:
    services.invariant_results.store(Report([Check("I7", "workflows", 9, [], 3), Check("I1", "stock", 5)]))
    shown = (await api.get("/metrics")).text
    assert 'marketplace_invariant_violations{invariant="I7"} 3.0' in shown
    assert 'marketplace_invariant_violations{invariant="I1"} 0.0' in shown
    (checked,) = [result for result in services.invariant_results.latest() if result.invariant == "I7"]
    seconds = next(line for line in shown.splitlines() if line.startswith("marketplace_invariant_checked_timestamp_s"))
    assert seconds.startswith('marketplace_invariant_checked_timestamp_seconds{invariant="I1"} ')
    assert abs(float(seconds.split()[1]) - checked.checked_at.timestamp()) < 1


def test_without_the_database_the_other_metrics_are_shown() -> None:
    registry = CollectorRegistry()
    nowhere = db.connect("postgresql://market@127.0.0.1:1/market", pool_size=1)
    registry.register(InvariantMetrics(InvariantResults(nowhere)))
    assert generate_latest(registry) == b""
    nowhere.close()


def test_F94_results_whose_table_is_not_there_leave_the_other_metrics(database_url: str) -> None:
    registry = CollectorRegistry()
    system = db.connect(database_url.rpartition("/")[0] + "/postgres", pool_size=1)
    registry.register(InvariantMetrics(InvariantResults(system)))
    assert generate_latest(registry) == b""
    system.close()
