"""The periodic check of the invariants returns the number of violations and stores them."""

from __future__ import annotations

import pytest
from temporalio.testing import ActivityEnvironment

from activities.reconciling import ReconcileActivities
from services.bootstrap import Services
from services.clock import new_id
from services.errors import Unavailable
from services.reconcile.reconciler import Reconciler
from tests.fakes.workflows import FakeWorkflows


@pytest.fixture
def activities(services: Services) -> ReconcileActivities:
    """The activities of a shop in which one workflow has no order."""
    workflows = FakeWorkflows({f"order-{new_id()}": "running"})
    return ReconcileActivities(Reconciler(services.database, workflows, services.gateway), services.invariant_results)


def test_violations_are_counted_and_stored(services: Services, activities: ReconcileActivities) -> None:
    assert ActivityEnvironment().run(activities.reconcile) == 1
    stored = {result.invariant: result.violations for result in services.invariant_results.latest()}
    assert (stored["I7"], stored["I1"], sum(stored.values())) == (1, 0, 1)


def test_a_worker_that_shuts_down_is_not_kept_waiting(services: Services, activities: ReconcileActivities) -> None:
    worker = ActivityEnvironment()
    worker.worker_shutdown()
    with pytest.raises(Unavailable, match="shuts down"):
        worker.run(activities.reconcile)
    assert services.invariant_results.latest() == []
