"""The periodic check of the invariants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from temporalio import activity

from services.errors import Unavailable

if TYPE_CHECKING:
    from services.reconcile.reconciler import Reconciler
    from services.reconcile.results import InvariantResults


@dataclass(frozen=True)
class ReconcileActivities:
    """Runs the reconciler; changes nothing but its own results."""

    reconciler: Reconciler
    results: InvariantResults

    @activity.defn(no_thread_cancel_exception=True)
    def reconcile(self) -> int:
        """Check every invariant, store the number of violations of each, and return the number of all.

        When the worker shuts down, the check stops, and the next attempt begins again.
        """
        report = self.reconciler.run(stopped=activity.is_worker_shutdown)
        if activity.is_worker_shutdown():
            raise Unavailable("The worker shuts down.")
        self.results.store(report)
        return report.violated
