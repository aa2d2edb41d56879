"""Runs every check and returns one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.db import Database
from services.errors import Unavailable
from services.payments.gateway import Gateway
from services.reconcile.archive import check_archive
from services.reconcile.findings import Check, Finding
from services.reconcile.provider_payments import PaymentComparison
from services.reconcile.provider_refunds import RefundComparison
from services.reconcile.scope import Deadline, Progress, Scope
from services.reconcile.tables import check_tables, orders_that_need_attention
from services.reconcile.workflows import OrderWorkflows, check_workflows


@dataclass(frozen=True)
class Report:
    """The results of all checks, and the orders that need a person, which violate nothing."""

    checks: Sequence[Check]
    #: the first orders that need a person
    attention: Sequence[Finding] = ()
    #: the number of all orders that need a person
    need_attention: int = 0

    @property
    def violated(self) -> int:
        """The number of all violations."""
        return sum(check.violated for check in self.checks)

    @property
    def complete(self) -> bool:
        """True when every check ended."""
        return all(check.unchecked is None for check in self.checks)


class Reconciler:
    """Compares what the parts of the system say; changes nothing."""

    def __init__(
        self,
        database: Database,
        workflows: OrderWorkflows | None = None,
        gateway: Gateway | None = None,
        scope: Scope | None = None,
    ) -> None:
        """Without `workflows`, orders are not compared with Temporal; without `gateway`, not with the provider.

        `scope`: the bounds of a run without some of its own.
        """
        self._scope = scope or Scope()
        self._database = database
        self._workflows = workflows
        self._gateway = gateway

    def run(
        self,
        scope: Scope | None = None,
        progress: Progress = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Run every check; what cannot be checked says so in its result.

        `progress` is called with each step; no further step begins once `stopped` returns True.
        """
        scope = scope or self._scope
        deadline = Deadline(scope.timeout, stopped)
        checks = check_tables(self._database, scope, deadline=deadline, progress=progress)
        attention, count = self._attention(deadline)
        if self._workflows:
            checks.append(check_workflows(self._database, self._workflows, scope, deadline, progress))
        if self._gateway:
            for comparison in (PaymentComparison, RefundComparison):
                checks.append(comparison(self._database, self._gateway, deadline, progress).run(scope))
        # Last, because it takes the time that is left.
        checks += check_archive(self._database, scope, deadline=deadline, progress=progress)
        return Report(sorted(checks, key=lambda check: int(check.id[1:])), attention, count)

    def _attention(self, deadline: Deadline) -> tuple[Sequence[Finding], int]:
        try:
            return orders_that_need_attention(self._database, deadline)
        except Unavailable:
            # The checks of the tables say why.
            return [], 0
